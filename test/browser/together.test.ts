/* What two people, or two devices of one, do at once with one conversation, as the demo shows it. */
import type { Locator, Page } from "playwright-core"
import { describe, expect, it } from "vitest"
import { demo } from "../support/browser.js"
import { useDemoStage } from "../support/demo-stage.js"

const stage = useDemoStage("together")

async function enter(user: string): Promise<Page> {
  const page = await stage.open(user)
  await demo.conversation(page, "Trip to Lisbon").click()
  await demo.field(page).waitFor()
  return page
}

async function openBoth(): Promise<[alice: Page, bob: Page]> {
  const alice = await stage.open("alice")
  await demo.create(alice, "Trip to Lisbon", ["bob"])
  return [alice, await enter("bob")]
}

/** A message is said by alice, and here on all pages. */
async function say(text: string, alice: Page, ...others: Page[]): Promise<Locator[]> {
  await demo.send(alice, text)
  await demo.message(alice, text, "sent").waitFor()
  const all = [alice, ...others].map((page) => demo.message(page, text))
  for (const message of all) await message.waitFor()
  return all
}

/** Both work offline while they do something, and meet again then. */
async function atOnce(pages: readonly Page[], act: (page: Page, index: number) => Promise<void>): Promise<void> {
  for (const page of pages) await demo.sync(page).getByText("Up to date").waitFor()
  for (const page of pages) await demo.offline(page).click()
  for (const [index, page] of pages.entries()) await act(page, index)
  for (const page of pages) await demo.offline(page).click()
}

async function edit(page: Page, message: Locator, text: string): Promise<void> {
  await demo.act(page, message, "Edit")
  await page.getByRole("textbox", { name: "Edit message" }).fill(text)
  await page.keyboard.press("Enter")
}

const article = (page: Page): Locator => page.getByRole("log", { name: "Messages" }).getByRole("article")

describe("two people at once", () => {
  it("their reactions are both there; one that is given and one that is taken back offline do not touch each other", async () => {
    const pages = await openBoth()
    const messages = await say("We are going!", ...pages)
    await demo.act(pages[0], messages[0]!, "React with 👍")
    await messages[1]!.getByRole("button", { name: /👍.*: alice$/ }).waitFor()
    await atOnce(pages, async (page, index) => {
      if (index === 0) await messages[0]!.getByRole("button", { name: /👍/ }).click()
      else await demo.act(page, messages[1]!, "React with 👍")
      await demo.act(page, messages[index]!, "React with 🎉")
    })
    for (const message of messages) {
      await message.getByRole("button", { name: /👍.*1.*: bob$/ }).waitFor()
      await message.getByRole("button", { name: /🎉.*2.*: (alice and bob|bob and alice)$/ }).waitFor()
    }
  })

  it("a message is answered by one while the other erases it: the answer stays, its quote says so", async () => {
    const pages = await openBoth()
    const messages = await say("The seven o'clock train?", ...pages)
    await atOnce(pages, async (page, index) => {
      if (index === 0) {
        await demo.act(page, messages[0]!, "Erase for everyone")
        await page.getByRole("button", { name: "Erase", exact: true }).click()
        await page.getByRole("dialog").waitFor({ state: "detached" })
        return
      }
      await demo.act(page, messages[1]!, "Reply")
      await demo.send(page, "Too early for me")
    })
    for (const page of pages) {
      const quote = demo.message(page, "Too early for me").getByRole("button", { name: /^In reply to/ })
      await quote.getByText("Message erased").waitFor()
      await expect.poll(() => page.getByText("The seven o'clock train?").count()).toBe(0)
    }
  })

  it("a thread has its own count of what is unread, which ends when it is shown, on both devices", async () => {
    const [alice, bob] = await openBoth()
    const elsewhere = await enter("alice")
    const [message, ofBob, other] = await say("Who sits where?", alice, bob, elsewhere)
    await demo.act(bob, ofBob!, "Reply in thread")
    const thread = bob.getByRole("complementary", { name: "Thread" })
    await thread.getByRole("textbox", { name: "Reply in thread" }).fill("By the window")
    await bob.keyboard.press("Enter")
    await other!.getByRole("button", { name: /^1 reply .*, 1 unread$/ }).waitFor()
    await message!.getByRole("button", { name: /^1 reply .*, 1 unread$/ }).click()
    await alice.getByRole("complementary", { name: "Thread" }).getByText("By the window").waitFor()
    for (const one of [message!, other!]) await one.getByRole("button", { name: /^1 reply (?!.*unread)/ }).waitFor()
  })

  it("who types is shown to the other, and no longer once it is sent", async () => {
    const [alice, bob] = await openBoth()
    await demo.field(bob).pressSequentially("On my way")
    await alice.getByText("bob is typing…").waitFor()
    await bob.keyboard.press("Enter")
    await demo.message(alice, "On my way").waitFor()
    await alice.getByText("bob is typing…").waitFor({ state: "detached" })
  })
})

describe("how far a message has come", () => {
  it("its tick climbs from saved to read before one's eyes, and says who has it; not who keeps that to themselves", async () => {
    const [alice, bob] = await openBoth()
    await demo.sync(alice).getByText("Up to date").waitFor()
    await demo.create(bob, "Notes")
    const hasCome = (status: string): Locator =>
      article(alice)
        .filter({ hasText: "Hello" })
        .and(alice.getByRole("article", { name: new RegExp(`, ${status}$`) }))
    await demo.offline(alice).click()
    await demo.send(alice, "Hello")
    await hasCome("saved on this device").waitFor()
    await demo.offline(bob).click()
    await demo.offline(alice).click()
    await hasCome("sent").waitFor()
    await demo.offline(bob).click()
    await hasCome("delivered").waitFor()
    await demo.conversation(bob, "Trip to Lisbon").click()
    await hasCome("read").waitFor()
    await hasCome("read").getByRole("button", { name: "read: show who has it" }).click()
    const dialog = alice.getByRole("dialog", { name: "Who has it" })
    await dialog.getByRole("heading", { name: "Read by" }).waitFor()
    await dialog.getByRole("listitem").filter({ hasText: "bob" }).waitFor()
    await alice.keyboard.press("Escape")

    await bob.getByRole("link", { name: /^Account: / }).click()
    await bob.getByRole("switch", { name: "Tell others what I have read" }).click()
    await bob.keyboard.press("Escape")
    await demo.send(alice, "And now?")
    await demo.message(bob, "And now?").waitFor()
    await demo.conversation(bob, "Trip to Lisbon").getByText("unread").waitFor({ state: "detached" })
    await demo.send(bob, "Seen")
    await demo.message(alice, "Seen").waitFor()
    await article(alice)
      .filter({ hasText: "And now?" })
      .and(alice.getByRole("article", { name: /, delivered$/ }))
      .waitFor()
  })
})

describe("two devices of one person", () => {
  it("edit a message offline: both changes are in it, and every text is kept", async () => {
    const [alice] = await openBoth()
    const pages = [alice, await enter("alice")]
    await say("the train leaves at six from gate four", ...(pages as [Page, Page]))
    const texts = ["the train leaves at seven from gate four", "the train leaves at six from gate nine"]
    await atOnce(pages, (page, index) => edit(page, article(page).last(), texts[index]!))
    for (const page of pages) {
      await demo.message(page, "the train leaves at seven from gate nine").waitFor()
      await article(page).last().getByRole("button", { name: "edited" }).click()
      const history = page.getByRole("dialog", { name: "Edits" })
      for (const text of texts) await history.getByText(text).waitFor()
    }
  })

  it("what is erased for oneself goes and comes back on both, and stays with others", async () => {
    const [alice, bob] = await openBoth()
    const elsewhere = await enter("bob")
    const [ofAlice, ofBob, other] = await say("Not for bob", alice, bob, elsewhere)
    await demo.act(bob, ofBob!, "Erase for me")
    await other!.waitFor({ state: "detached" })
    expect(await ofAlice!.count()).toBe(1)
    await bob.getByRole("button", { name: "Undo" }).click()
    for (const one of [ofBob!, other!]) await one.waitFor()
  })

  it("write one draft offline: no word of it is lost, and sending it anywhere ends it", async () => {
    const [alice] = await openBoth()
    const pages = [alice, await enter("alice")]
    await demo.field(alice).fill("milk")
    await expect.poll(() => demo.field(pages[1]!).inputValue()).toBe("milk")
    await atOnce(pages, async (page, index) => {
      await demo.field(page).press("End")
      await demo.field(page).pressSequentially(index === 0 ? " bread" : " eggs")
    })
    for (const page of pages) {
      await expect
        .poll(async () => (await demo.field(page).inputValue()).split(/\s+/).sort())
        .toEqual(["bread", "eggs", "milk"])
    }
    await pages[1]!.getByRole("button", { name: "Send", exact: true }).click()
    await expect.poll(() => demo.field(alice).inputValue()).toBe("")
    await demo.message(alice, "milk").waitFor()
  })
})
