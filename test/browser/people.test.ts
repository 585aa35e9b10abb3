import type { Locator, Page } from "playwright-core"
import { describe, expect, it } from "vitest"
import { demo, hasFocus, seriousFindings } from "../support/browser.js"
import { useDemoStage } from "../support/demo-stage.js"

const stage = useDemoStage("people")

async function openBoth(): Promise<[alice: Page, bob: Page]> {
  const alice = await stage.open("alice")
  await demo.create(alice, "Trip to Lisbon", ["bob"])
  const bob = await stage.open("bob")
  await demo.conversation(bob, "Trip to Lisbon").click()
  await demo.field(bob).waitFor()
  return [alice, bob]
}

async function details(page: Page): Promise<Locator> {
  await page.getByRole("link", { name: /details and members/ }).click()
  return page.getByRole("dialog", { name: "Details" })
}

async function actFor(page: Page, dialog: Locator, name: string, item: string): Promise<void> {
  await dialog.getByRole("button", { name: `Actions for ${name}` }).click()
  await page.getByRole("menuitem", { name: item, exact: true }).click()
}

describe("members", () => {
  it("are added, given a role and removed, and everybody sees it", async () => {
    const [alice, bob] = await openBoth()
    const ofAlice = await details(alice)
    const ofBob = await details(bob)
    await ofAlice.getByRole("textbox", { name: "Add people" }).fill("carol,dave")
    await ofAlice.getByRole("button", { name: "Add 2 people" }).click()
    await ofBob.getByRole("heading", { name: "4 members" }).waitFor()
    await ofAlice.getByRole("combobox", { name: "Role of bob" }).selectOption("moderator")
    await ofBob.getByRole("listitem").filter({ hasText: "bob" }).getByText("Moderator").waitFor()
    await actFor(alice, ofAlice, "carol", "Remove from the conversation")
    await ofAlice.getByRole("button", { name: "Remove carol" }).click()
    await ofBob.getByRole("heading", { name: "3 members" }).waitFor()
    expect(await seriousFindings(alice)).toEqual([])
  })

  it("who is added has nothing unread of what was written before, and then what is written to them", async () => {
    const [alice] = await openBoth()
    for (const text of ["before", "and @everyone again"]) await demo.send(alice, text)
    const carol = await stage.open("carol")
    await demo.create(carol, "Notes")
    const ofAlice = await details(alice)
    await ofAlice.getByRole("textbox", { name: "Add people" }).fill("carol,")
    await ofAlice.getByRole("button", { name: "Add 1 person" }).click()
    await ofAlice.getByRole("heading", { name: "3 members" }).waitFor()
    const line = demo.conversation(carol, "Trip to Lisbon")
    await line.getByText("and @everyone again").waitFor()
    await demo.sync(carol).getByText("Up to date").waitFor()
    expect(await line.textContent()).not.toMatch(/unread|mention/)
    await alice.keyboard.press("Escape")
    await demo.send(alice, "welcome, @everyone")
    await line.getByText(", 1 unread").waitFor({ state: "attached" })
    await line.getByText(", 1 mention of you").waitFor({ state: "attached" })
  })

  it("title and topic are set offline, wait for a server, and reach everybody", async () => {
    const [alice, bob] = await openBoth()
    await demo.sync(alice).getByText("Up to date").waitFor()
    await demo.offline(alice).click()
    const ofAlice = await details(alice)
    await ofAlice.getByRole("textbox", { name: "Title" }).fill("Trip to Porto")
    await ofAlice.getByRole("button", { name: "Rename" }).click()
    await expect.poll(() => hasFocus(ofAlice.getByRole("button", { name: "Rename", disabled: true }))).toBe(true)
    await ofAlice.getByRole("textbox", { name: "Topic" }).fill("By train")
    await ofAlice.getByRole("button", { name: "Set topic" }).click()
    const waiting = ofAlice.getByRole("list", { name: "Changes" })
    await waiting.getByText("Renaming to Trip to Porto").waitFor()
    await waiting.getByText("Waiting for a server").first().waitFor()
    await alice.keyboard.press("Escape")
    await demo.offline(alice).click()
    await bob.getByRole("heading", { name: "Trip to Porto" }).waitFor()
    await bob.getByText("By train").waitFor()
  })

  it("a change that is refused later says why, and is put away", async () => {
    const [alice, bob] = await openBoth()
    const ofAlice = await details(alice)
    await ofAlice.getByRole("combobox", { name: "Role of bob" }).selectOption("admin")
    const ofBob = await details(bob)
    await ofBob.getByRole("textbox", { name: "Title" }).waitFor()
    await bob.keyboard.press("Escape")
    await demo.sync(bob).getByText("Up to date").waitFor()
    await demo.offline(bob).click()
    await actFor(alice, ofAlice, "bob", "Remove from the conversation")
    await ofAlice.getByRole("button", { name: "Remove bob" }).click()
    await ofAlice.getByRole("heading", { name: "1 member" }).waitFor()
    await alice.keyboard.press("Escape")
    await demo.sync(alice).getByText("Up to date").waitFor()
    await details(bob)
    await ofBob.getByRole("textbox", { name: "Title" }).fill("Bob's trip")
    await ofBob.getByRole("button", { name: "Rename" }).click()
    await ofBob.getByText("Renaming to Bob's trip").waitFor()
    await bob.keyboard.press("Escape")
    await demo.offline(bob).click()
    const refused = bob.getByRole("alert").filter({ hasText: "Renaming to Bob's trip" })
    await refused.getByText(/You are no longer a member here/).waitFor()
    expect(await seriousFindings(bob)).toEqual([])
    await refused.getByRole("button", { name: "Dismiss" }).click()
    await refused.waitFor({ state: "detached" })
  })

  it("announcements only: members read along and react, until the switch is off again", async () => {
    const [alice, bob] = await openBoth()
    await demo.send(alice, "Read this")
    const ofAlice = await details(alice)
    await ofAlice.getByRole("switch", { name: "Only moderators write" }).click()
    await demo.field(bob).waitFor({ state: "detached" })
    // to react is everybody's
    await demo.act(bob, demo.message(bob, "Read this"), "React with 👍")
    await demo
      .message(alice, "Read this")
      .getByRole("button", { name: /^👍 1 : bob$/ })
      .waitFor({ state: "attached" })
    await ofAlice.getByRole("switch", { name: "Only moderators write", checked: true }).click()
    await demo.field(bob).waitFor()
  })

  it("who leaves comes back with Undo; the only owner hands over first", async () => {
    const [alice, bob] = await openBoth()
    const ofAlice = await details(alice)
    await ofAlice.getByText("You are the only owner").waitFor()
    const ofBob = await details(bob)
    await ofBob.getByRole("button", { name: "Leave the conversation" }).click()
    await ofBob.getByRole("button", { name: "Leave", exact: true }).click()
    await ofAlice.getByRole("heading", { name: "1 member" }).waitFor()
    // what was said stays, and can be read
    await demo.conversation(bob, "Trip to Lisbon").waitFor()
    await bob.getByText("You left Trip to Lisbon").waitFor()
    await bob.getByRole("button", { name: "Undo" }).click()
    await ofAlice.getByRole("heading", { name: "2 members" }).waitFor()
    await demo.field(bob).waitFor()
  })
})

describe("invite links", () => {
  it("let somebody in by address and by pasting, and count; a revoked one lets nobody in", async () => {
    const alice = await stage.open("alice")
    await demo.create(alice, "Open house")
    await demo.sync(alice).getByText("Up to date").waitFor()
    await details(alice)
    await alice.getByRole("link", { name: "Invite links" }).click()
    const invites = alice.getByRole("dialog", { name: "Invite links" })
    await invites.getByRole("button", { name: "Create a link" }).click()
    await invites.getByRole("img", { name: "QR code of the invite link" }).waitFor()
    // pressed by keys or by ear, it is where one was before
    await expect.poll(() => hasFocus(invites.getByRole("button", { name: "Create a link" }))).toBe(true)
    const link = (await invites.locator("code").textContent()) ?? ""
    expect(link).toContain(`${stage.url()}/#weft-join=`)
    expect(await seriousFindings(alice)).toEqual([])

    const bob = await stage.open("bob")
    await demo.sync(bob).getByText("Up to date").waitFor()
    // as a click on the link elsewhere: the page is there already
    await bob.evaluate((hash) => {
      location.hash = hash
    }, new URL(link).hash)
    const join = bob.getByRole("dialog", { name: "Join by a link" })
    await join.getByText("see you as bob").waitFor()
    expect(await seriousFindings(bob)).toEqual([])
    await join.getByRole("button", { name: "Join" }).click()
    await demo.field(bob).waitFor()
    expect(bob.url()).not.toContain("weft-join")
    await invites.getByText("Used 1 of 10").waitFor()

    const carol = await stage.open("carol")
    await carol.getByRole("link", { name: "Join by a link" }).click()
    const paste = carol.getByRole("dialog", { name: "Join by a link" })
    await paste.getByRole("textbox", { name: "Invite link" }).fill("nonsense")
    await paste.getByRole("button", { name: "Join" }).click()
    await paste.getByRole("alert").getByText("BAD_ARGUMENT").waitFor()
    await paste.getByRole("textbox", { name: "Invite link" }).fill(link)
    await paste.getByRole("button", { name: "Join" }).click()
    await demo.send(carol, "Hello, all")
    await invites.getByText("Used 2 of 10").waitFor()
    // behind a dialog nobody reads
    const unread = demo.conversation(alice, "Open house").getByText(", 1 unread")
    await unread.waitFor({ state: "attached" })

    await invites.getByRole("button", { name: "Revoke" }).click()
    await invites.getByText("Used 2 of 10").waitFor({ state: "detached" })
    await expect.poll(() => hasFocus(invites.getByRole("heading", { name: "Invite links" }))).toBe(true)
    await alice.keyboard.press("Escape")
    await unread.waitFor({ state: "detached" })
    await demo.sync(alice).getByText("Up to date").waitFor({ state: "attached" })
    const dave = await stage.open("dave")
    await demo.sync(dave).getByText("Up to date").waitFor()
    await dave.evaluate((hash) => {
      location.hash = hash
    }, new URL(link).hash)
    await dave.getByRole("dialog", { name: "Join by a link" }).getByRole("button", { name: "Join" }).click()
    await dave
      .getByRole("alert")
      .getByText(/The link is not valid any more/)
      .waitFor()
  })
})

describe("direct conversations and blocks", () => {
  it("one is opened from a member, is the same for both, and shows who is here", async () => {
    const [alice, bob] = await openBoth()
    await actFor(alice, await details(alice), "bob", "Write directly")
    await alice.getByRole("heading", { name: "bob" }).waitFor()
    await demo.send(alice, "Just us")
    await demo.conversation(bob, "alice").click()
    await demo.message(bob, "Just us").waitFor()
    await demo.send(bob, "Indeed")
    await demo.message(alice, "Indeed").waitFor()
    await demo.conversation(alice, "Online, bob").waitFor()
    // nobody erases here what the other wrote
    for (const [text, count] of [
      ["Indeed", 0],
      ["Just us", 1],
    ] as const) {
      await demo
        .message(alice, text)
        .getByRole("button", { name: /^Actions for/ })
        .click()
      await alice.getByRole("menu").getByRole("menuitem", { name: "Copy text" }).waitFor()
      expect(await alice.getByRole("menuitem", { name: "Erase for everyone" }).count()).toBe(count)
      await alice.keyboard.press("Escape")
    }

    // from "New", it is the one that is there already
    await demo.conversation(bob, "Trip to Lisbon").click()
    await bob.keyboard.press("Alt+KeyN")
    const fresh = bob.getByRole("dialog", { name: "New conversation" })
    await fresh.getByRole("textbox", { name: "Members" }).fill("alice")
    await fresh.getByRole("button", { name: "Write to alice directly" }).click()
    await demo.message(bob, "Indeed").waitFor()
    expect(await demo.conversation(bob, "alice").count()).toBe(1)
  })

  it("who is blocked is neither read nor seen, until they are unblocked", async () => {
    const [alice, bob] = await openBoth()
    const ofAlice = await details(alice)
    await ofAlice.getByRole("listitem").filter({ hasText: "bob" }).getByText("Online").waitFor()
    await actFor(alice, ofAlice, "bob", "Block")
    await ofAlice.getByRole("listitem").filter({ hasText: "bob" }).getByText("Blocked").waitFor()
    await alice.keyboard.press("Escape")
    await demo.send(bob, "Can you hear me?")
    await demo.message(bob, "Can you hear me?", "sent").waitFor()
    await demo.send(alice, "All quiet")
    await demo.message(bob, "All quiet").waitFor()
    expect(await demo.message(alice, "Can you hear me?").count()).toBe(0)
    await alice.getByRole("link", { name: /^Account: / }).click()
    const account = alice.getByRole("dialog", { name: "Account" })
    expect(await seriousFindings(alice)).toEqual([])
    await account.getByRole("button", { name: "Unblock bob" }).click()
    await alice.keyboard.press("Escape")
    await demo.message(alice, "Can you hear me?").waitFor()
  })

  it("who shows nobody that they are here is not shown as online, and privacy is the same on all devices", async () => {
    const [alice, bob] = await openBoth()
    const ofAlice = await details(alice)
    const line = ofAlice.getByRole("listitem").filter({ hasText: "bob" })
    await line.getByText("Online").waitFor()
    await bob.getByRole("link", { name: /^Account: / }).click()
    const account = bob.getByRole("dialog", { name: "Account" })
    await account.getByRole("switch", { name: "Show when I am here" }).click()
    await line.getByText("Online").waitFor({ state: "detached" })
    const elsewhere = await stage.open("bob")
    await elsewhere.getByRole("link", { name: /^Account: / }).click()
    await elsewhere.getByRole("switch", { name: "Show when I am here", checked: false }).waitFor()
  })
})

describe("pinned messages", () => {
  it("stand in a list for everybody and lead to their place", async () => {
    const [alice, bob] = await openBoth()
    await demo.send(alice, "Tickets are booked")
    await demo
      .message(alice, "Tickets are booked")
      .getByRole("button", { name: /^Actions/ })
      .click()
    await alice.getByRole("menuitem", { name: "Pin", exact: true }).click()
    await details(bob)
    await bob.getByRole("link", { name: /Pinned messages/ }).click()
    const pins = bob.getByRole("dialog", { name: "Pinned messages" })
    await pins.getByRole("button", { name: /Tickets are booked/ }).click()
    const message = demo.message(bob, "Tickets are booked")
    await expect.poll(() => message.evaluate((element) => element === document.activeElement)).toBe(true)
  })
})
