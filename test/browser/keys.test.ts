import type { Page } from "playwright-core"
import { describe, expect, it } from "vitest"
import { demo, hasFocus, phone } from "../support/browser.js"
import { useDemoStage } from "../support/demo-stage.js"

const stage = useDemoStage("keys")

async function focused(page: Page): Promise<string> {
  return page.evaluate(() => document.activeElement?.textContent ?? "")
}

describe("keys and screen readers", () => {
  it("shortcuts open help, search and a new conversation, and walk through conversations and messages", async () => {
    const alice = await stage.open("alice")
    await demo.create(alice, "First")
    await demo.send(alice, "one")
    await demo.send(alice, "two")
    await demo.message(alice, "two", "sent").waitFor()
    await demo.create(alice, "Second")

    // in a field, letters are letters
    await demo.field(alice).press("?")
    expect(await demo.field(alice).inputValue()).toBe("?")
    await demo.field(alice).fill("")
    await alice.keyboard.press("Alt+ArrowDown")
    await alice.getByRole("heading", { name: "First" }).waitFor()
    await alice.keyboard.press("Control+k")
    await alice.getByRole("dialog", { name: "Search" }).waitFor()
    await alice.keyboard.press("Escape")
    await alice.getByRole("dialog").waitFor({ state: "detached" })

    await alice.getByRole("log", { name: "Messages" }).focus()
    for (const [key, name] of [
      ["?", "Keyboard shortcuts"],
      ["n", "New conversation"],
      ["/", "Search"],
    ] as const) {
      await alice.keyboard.press(key)
      const dialog = alice.getByRole("dialog", { name })
      await dialog.waitFor()
      // a form is ready to be typed into
      if (key === "n") expect(await hasFocus(dialog.getByRole("textbox", { name: "Title" }))).toBe(true)
      await alice.keyboard.press("Escape")
      await alice.getByRole("dialog").waitFor({ state: "detached" })
    }

    await alice.getByRole("log", { name: "Messages" }).focus()
    await alice.keyboard.press("k")
    await expect.poll(() => focused(alice)).toContain("two")
    await alice.keyboard.press("k")
    await expect.poll(() => focused(alice)).toContain("one")
    await alice.keyboard.press("j")
    await expect.poll(() => focused(alice)).toContain("two")
    // from a button of a message too
    await demo.message(alice, "two").getByRole("button", { name: "Actions for your message" }).focus()
    await alice.keyboard.press("k")
    await expect.poll(() => focused(alice)).toContain("one")
    await alice.keyboard.press("j")
    await expect.poll(() => focused(alice)).toContain("two")
    await alice.keyboard.press("Enter")
    await alice.getByRole("menu").waitFor()
    await alice.keyboard.press("Escape")
    await alice.getByRole("log", { name: "Messages" }).focus()
    await alice.keyboard.press("k")
    await expect.poll(() => focused(alice)).toContain("two")
    await alice.keyboard.press("r")
    await alice.getByText("Reply to yourself").waitFor()
    await alice.keyboard.press("Escape")
    await alice.getByText("Reply to yourself").waitFor({ state: "detached" })
    await demo.field(alice).press("ArrowUp")
    const edit = alice.getByRole("textbox", { name: "Edit message" })
    await edit.waitFor()
    expect(await edit.inputValue()).toBe("two")
  })

  it("no key answers or edits what was not accepted; an arrow up edits the last own message that can be", async () => {
    const bob = await stage.device("bob")
    const trip = await bob.createConversation({ title: "Trip", members: ["alice"] })
    await bob.synced()
    const alice = await stage.open("alice", `#/c/${trip.id}`)
    await demo.send(alice, "In time")
    await demo.message(alice, "In time", "sent").waitFor()
    await demo.sync(alice).getByText("Up to date").waitFor()
    await demo.offline(alice).click()
    await demo.send(alice, "Too late")
    await trip.removeMember("alice")
    await bob.synced()
    await demo.offline(alice).click()
    const refused = demo.message(alice, "Too late", "not accepted")
    await refused.waitFor()
    await trip.addMember("alice")
    await demo.field(alice).waitFor()

    const edit = alice.getByRole("textbox", { name: "Edit message" })
    for (const [key, sign] of [
      ["r", alice.getByText("Reply to yourself")],
      ["t", demo.thread(alice)],
      ["e", edit],
    ] as const) {
      await refused.focus()
      await alice.keyboard.press(key)
      expect(await sign.count()).toBe(0)
    }
    await demo.field(alice).press("ArrowUp")
    expect(await edit.inputValue()).toBe("In time")
  })

  it("on a phone writing goes on in the field after an edit, and nothing takes the focus unasked", async () => {
    const alice = await stage.open("alice", "", { viewport: phone, hasTouch: true, isMobile: true })
    await demo.create(alice, "Trip")
    expect(await hasFocus(demo.field(alice))).toBe(false)
    await demo.send(alice, "one")
    await demo.message(alice, "one", "sent").waitFor()
    await demo.field(alice).press("ArrowUp")
    const edit = alice.getByRole("textbox", { name: "Edit message" })
    await edit.fill("two")
    await edit.press("Enter")
    await demo.message(alice, "two").waitFor()
    await expect.poll(() => hasFocus(demo.field(alice))).toBe(true)
  })

  it("a screen reader is told of messages that come in, and not of those that are there already or own", async () => {
    const alice = await stage.open("alice")
    await demo.create(alice, "Trip", ["bob"])
    const bob = await stage.open("bob")
    await demo.conversation(bob, "Trip").click()
    await demo.send(bob, "before")
    await demo.message(alice, "before").waitFor()
    const news = alice.locator("[data-news]")
    expect(await news.getAttribute("aria-live")).toBe("polite")
    await expect.poll(() => news.textContent()).toBe("bob: before")
    await demo.send(alice, "my own")
    await demo.message(bob, "my own").waitFor()
    expect(await news.textContent()).toBe("bob: before")
    await demo.send(bob, "after **that**")
    await expect.poll(() => news.textContent()).toBe("bob: after that")
    await alice.reload()
    await demo.message(alice, "after that").waitFor()
    expect(await news.textContent()).toBe("")
  })
})
