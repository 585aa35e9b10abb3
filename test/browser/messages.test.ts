import type { Page } from "playwright-core"
import { describe, expect, it } from "vitest"
import { demo, hasFocus, seriousFindings } from "../support/browser.js"
import { useDemoStage } from "../support/demo-stage.js"

const stage = useDemoStage("messages")
const open = (user: string): Promise<Page> => stage.open(user)

async function openBoth(): Promise<[alice: Page, bob: Page]> {
  const alice = await open("alice")
  await demo.create(alice, "Trip to Lisbon", ["bob"])
  const bob = await open("bob")
  await demo.conversation(bob, "Trip to Lisbon").click()
  await demo.field(bob).waitFor()
  return [alice, bob]
}

describe("the list of conversations", () => {
  it("counts what is unread and who was mentioned, until it is shown, on all devices of a user", async () => {
    const [alice, bob] = await openBoth()
    await demo.create(bob, "Notes")
    const elsewhere = await open("bob")
    await demo.send(alice, "one")
    await demo.send(alice, "two for @bob")
    for (const page of [bob, elsewhere]) {
      const line = demo.conversation(page, "Trip to Lisbon")
      await line.getByText(", 2 unread").waitFor({ state: "attached" })
      await line.getByText(", 1 mention of you").waitFor({ state: "attached" })
    }
    expect(await seriousFindings(elsewhere)).toEqual([])
    await demo.conversation(bob, "Trip to Lisbon").click()
    for (const page of [bob, elsewhere]) {
      await demo.conversation(page, "Trip to Lisbon").getByText("unread").waitFor({ state: "detached" })
    }

    await demo.act(bob, demo.message(bob, "two for @bob"), "Mark unread from here")
    for (const page of [bob, elsewhere]) {
      await demo.conversation(page, "Trip to Lisbon").getByText(", 1 unread").waitFor({ state: "attached" })
    }
    await demo.conversation(bob, "Notes").click()
    await demo.conversation(bob, "Trip to Lisbon").click()
    await demo.conversation(elsewhere, "Trip to Lisbon").getByText("unread").waitFor({ state: "detached" })
  })

  it("counts a mention in a thread until the thread is shown, and none that comes while it is", async () => {
    const [alice, bob] = await openBoth()
    await demo.send(alice, "Tickets are booked")
    await demo.create(alice, "Notes")
    await demo.act(bob, demo.message(bob, "Tickets are booked"), "Reply in thread")
    const answer = async (text: string): Promise<void> => {
      await bob.getByRole("textbox", { name: "Reply in thread" }).fill(text)
      await bob.getByRole("button", { name: "Send", exact: true }).last().click()
    }
    await answer("Window seats for @alice")
    const badge = demo.conversation(alice, "Trip to Lisbon").getByText(", 1 mention of you")
    await badge.waitFor({ state: "attached" })
    await demo.conversation(alice, "Trip to Lisbon").click()
    const replies = demo.message(alice, "Tickets are booked").getByRole("button", { name: /^1 reply/ })
    await replies.waitFor()
    expect(await badge.count()).toBe(1)
    await replies.click()
    await badge.waitFor({ state: "detached" })

    await answer("And breakfast for @alice")
    await alice.getByRole("complementary", { name: "Thread" }).getByText("And breakfast").waitFor()
    await badge.waitFor({ state: "detached" })
    // on another device of hers nothing is left to read either
    const elsewhere = await open("alice")
    await demo.conversation(elsewhere, "Trip to Lisbon").waitFor()
    await demo.sync(elsewhere).getByText("Up to date").waitFor()
    await demo.conversation(elsewhere, "Trip to Lisbon").getByText("mention of you").waitFor({ state: "detached" })
  })

  it("a draft, pinning, muting and archiving show on all devices of a user; archiving is undone", async () => {
    const alice = await open("alice")
    await demo.create(alice, "First")
    await demo.create(alice, "Second")
    await demo.field(alice).fill("half a thought")
    await demo.conversation(alice, "First").click()
    const elsewhere = await open("alice")
    await demo.conversation(elsewhere, "Second").getByText("Draft: half a thought").waitFor()
    const set = async (name: string): Promise<void> => {
      await alice.getByRole("button", { name: "Settings of the conversation" }).click()
      await alice.getByRole("menuitem", { name, exact: true }).click()
    }
    await set("Pin to the top")
    await set("Mute")
    const lines = elsewhere.getByRole("navigation", { name: "Conversations" }).getByRole("link")
    await expect.poll(() => lines.first().textContent()).toMatch(/First.*pinned.*muted/)
    await set("Archive")
    await elsewhere.getByText("Archived", { exact: true }).waitFor()
    await alice.getByRole("button", { name: "Undo" }).click()
    await elsewhere.getByText("Archived", { exact: true }).waitFor({ state: "detached" })
    await demo.conversation(elsewhere, "Second").click()
    await expect.poll(() => demo.field(elsewhere).inputValue()).toBe("half a thought")
  })
})

describe("what people do with messages", () => {
  it("an answer quotes a message, follows its edit and its erasure, and leads to it, for both", async () => {
    const [alice, bob] = await openBoth()
    await demo.send(alice, "Which train do we take?")
    await demo.act(bob, demo.message(bob, "Which train do we take?"), "Reply")
    await bob.getByText("Reply to alice").waitFor()
    await bob.keyboard.type("The night train")
    await bob.keyboard.press("Enter")
    for (const page of [alice, bob]) {
      const answer = demo.message(page, "The night train")
      await answer.getByRole("button", { name: "In reply to alice Which train do we take?" }).waitFor()
    }

    await demo.act(alice, demo.message(alice, "Which train do we take?").first(), "Edit")
    await alice.getByRole("textbox", { name: "Edit message" }).fill("Which boat do we take?")
    await alice.keyboard.press("Enter")
    const quote = demo.message(bob, "The night train").getByRole("button", { name: /In reply to/ })
    await quote.getByText("Which boat do we take?").waitFor()
    await quote.click()
    const target = demo.message(bob, "Which boat do we take?").filter({ hasText: "edited" })
    await expect.poll(() => hasFocus(target)).toBe(true)
    await target.getByRole("button", { name: "edited" }).click()
    const history = bob.getByRole("dialog", { name: "Edits" })
    expect(await history.getByRole("listitem").count()).toBe(2)
    await history.getByText("Which train do we take?").waitFor()
    expect(await seriousFindings(bob)).toEqual([])
    await bob.keyboard.press("Escape")

    await demo.act(
      alice,
      demo.message(alice, "Which boat do we take?").filter({ hasText: "edited" }),
      "Erase for everyone",
    )
    await alice.getByRole("dialog", { name: "Erase for everyone?" }).getByRole("button", { name: "Erase" }).click()
    for (const page of [alice, bob]) {
      await demo
        .message(page, "The night train")
        .getByRole("button", { name: /Message erased/ })
        .waitFor()
      expect(await page.getByText("Which boat do we take?").count()).toBe(0)
    }
  })

  it("reactions are counted, say who, and are taken back by a press", async () => {
    const [alice, bob] = await openBoth()
    await demo.send(alice, "We are going!")
    await demo.act(bob, demo.message(bob, "We are going!"), "React with 🎉")
    await demo
      .message(alice, "We are going!")
      .getByRole("button", { name: /🎉.*1.*: bob$/ })
      .click()
    const both = demo.message(bob, "We are going!").getByRole("button", { name: /🎉.*2.*: bob and alice$/ })
    await both.waitFor()
    expect(await both.getAttribute("aria-pressed")).toBe("true")
    expect(await seriousFindings(bob)).toEqual([])
    await both.click()
    await demo
      .message(alice, "We are going!")
      .getByRole("button", { name: /🎉.*1.*: alice$/ })
      .waitFor()
  })

  it("erased for oneself is gone here alone, and comes back with Undo", async () => {
    const [alice, bob] = await openBoth()
    await demo.send(alice, "Not for bob")
    await demo.act(bob, demo.message(bob, "Not for bob"), "Erase for me")
    await demo.message(bob, "Not for bob").waitFor({ state: "detached" })
    await demo.message(alice, "Not for bob", "sent").waitFor()
    await bob.getByRole("button", { name: "Undo" }).click()
    await demo.message(bob, "Not for bob").waitFor()
  })

  it("a message is forwarded, pinned and answered in a thread", async () => {
    const [alice, bob] = await openBoth()
    await demo.send(alice, "Tickets are booked")
    await demo.create(bob, "Notes")
    await demo.conversation(bob, "Trip to Lisbon").click()
    await demo.act(bob, demo.message(bob, "Tickets are booked"), "Forward")
    await bob.getByRole("dialog", { name: "Forward to" }).getByRole("button", { name: "Notes" }).click()
    await bob.getByRole("button", { name: "Show" }).click()
    await demo.message(bob, "Tickets are booked").getByText("Forwarded from alice").waitFor()

    await demo.act(alice, demo.message(alice, "Tickets are booked"), "Pin")
    await demo.message(alice, "Tickets are booked").getByText("pinned").waitFor({ state: "attached" })
    await demo.act(alice, demo.message(alice, "Tickets are booked"), "Reply in thread")
    const thread = alice.getByRole("complementary", { name: "Thread" })
    await thread.getByRole("textbox", { name: "Reply in thread" }).fill("Window seats")
    await alice.keyboard.press("Enter")
    await thread.getByText("Window seats").waitFor()
    expect(await seriousFindings(alice)).toEqual([])
    await alice.keyboard.press("Escape")
    await thread.waitFor({ state: "detached" })
    await demo.conversation(bob, "Trip to Lisbon").click()
    await demo.message(bob, "Tickets are booked").getByRole("button", { name: "1 reply" }).click()
    await bob.getByRole("complementary", { name: "Thread" }).getByText("Window seats").waitFor()
  })

  it("a menu is opened, walked through and left by the keyboard", async () => {
    const [alice] = await openBoth()
    await demo.send(alice, "Keys only")
    const more = demo.message(alice, "Keys only").getByRole("button", { name: /^Actions/ })
    await more.focus()
    await alice.keyboard.press("Enter")
    await alice.getByRole("menu").waitFor()
    expect(await seriousFindings(alice)).toEqual([])
    await alice.keyboard.press("Escape")
    await alice.getByRole("menu").waitFor({ state: "detached" })
    expect(await hasFocus(more)).toBe(true)
    await alice.keyboard.press("Enter")
    await alice.keyboard.press("End")
    await alice.keyboard.press("Enter")
    await alice.getByRole("dialog", { name: "Erase for everyone?" }).waitFor()
  })
})
