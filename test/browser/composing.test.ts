/* What is being written: names in it, an edit that is half done, and an edit that is taken back. */
import type { Locator, Page } from "playwright-core"
import { describe, expect, it } from "vitest"
import { demo, phone, seriousFindings } from "../support/browser.js"
import { useDemoStage } from "../support/demo-stage.js"

const stage = useDemoStage("composing")

const edit = (page: Page): Locator => page.getByRole("textbox", { name: "Edit message" })
const names = (page: Page): Locator => page.getByRole("listbox", { name: "Who is meant" })
/** What is drawn as a mention in a message. */
const mentions = (page: Page, text: string): Promise<string[]> =>
  demo.message(page, text).locator(".mention").allTextContents()

async function openTrip(members: readonly string[], options = {}): Promise<Page> {
  const alice = await stage.open("alice", "", options)
  await demo.create(alice, "Trip", members)
  return alice
}

describe("a mention", () => {
  it("is the range that was picked, carried through what is typed before and behind it", async () => {
    const alice = await openTrip(["bob", "bob smith", "carol"])
    const bob = await stage.open("bob smith")
    await demo.conversation(bob, "Trip").click()
    const field = demo.field(alice)
    await field.pressSequentially("Ask @bo")
    await expect.poll(() => names(alice).getByRole("option").allTextContents()).toEqual(["bob", "bob smith"])
    expect(await seriousFindings(alice)).toEqual([])
    await field.press("ArrowDown")
    const chosen = names(alice).getByRole("option", { selected: true })
    expect(await chosen.textContent()).toBe("bob smith")
    expect(await field.getAttribute("aria-activedescendant")).toBe(await chosen.getAttribute("id"))
    await field.press("Enter")
    await names(alice).waitFor({ state: "detached" })
    expect(await field.inputValue()).toBe("Ask @bob smith ")
    await field.pressSequentially("or @bob smith")
    await field.press("Escape")
    await field.pressSequentially(" too")
    await field.press("Home")
    await field.pressSequentially("@everyone: ")
    await alice.reload()
    await expect.poll(() => field.inputValue()).toBe("@everyone: Ask @bob smith or @bob smith too")
    await field.press("Enter")
    // the first of the two was picked, the second one's list was put away
    await expect.poll(() => mentions(bob, "Ask @bob smith")).toEqual(["@everyone", "@bob smith"])
  })

  it("goes with its letters, and can be picked by touch; an edit keeps those it has", async () => {
    const alice = await openTrip(["bob", "carol"], { viewport: phone, hasTouch: true, isMobile: true })
    const field = demo.field(alice)
    await field.pressSequentially("@")
    await expect.poll(() => names(alice).getByRole("option").allTextContents()).toEqual(["bob", "carol", "everyone"])
    await names(alice).getByRole("option", { name: "carol" }).tap()
    await field.pressSequentially("and @bob, hi")
    expect(await field.inputValue()).toBe("@carol and @bob, hi")
    await alice.getByRole("button", { name: "Send", exact: true }).tap()
    await expect.poll(() => mentions(alice, "and @bob, hi")).toEqual(["@carol", "@bob"])

    await demo.act(alice, demo.message(alice, "and @bob, hi"), "Edit")
    await edit(alice).press("Home")
    await edit(alice).press("Delete")
    await edit(alice).pressSequentially("Dear ")
    await alice.getByRole("button", { name: "Save the edit" }).tap()
    await expect.poll(() => mentions(alice, "Dear carol and @bob, hi")).toEqual(["@bob"])
  })
})

describe("a mention in a draft", () => {
  it("[U9] is one on the user's other device too, which sends it", async () => {
    const alice = await openTrip(["bob", "carol"])
    await demo.field(alice).pressSequentially("Ask @car")
    await names(alice).getByRole("option", { name: "carol" }).click()
    const laptop = await stage.open("alice")
    await demo.conversation(laptop, "Trip").click()
    const field = demo.field(laptop)
    await expect.poll(() => field.inputValue()).toBe("Ask @carol ")
    await expect.poll(() => laptop.locator(".mention-mirror mark").allTextContents()).toEqual(["@carol"])
    await field.press("Home")
    await field.pressSequentially("Do ")
    await expect.poll(() => alice.locator(".mention-mirror mark").allTextContents()).toEqual(["@carol"])
    await expect.poll(() => demo.field(alice).inputValue()).toBe("Do Ask @carol ")
    await field.press("Enter")
    await expect.poll(() => mentions(alice, "Do Ask")).toEqual(["@carol"])
    await expect.poll(() => demo.field(alice).inputValue()).toBe("")
  })
})

describe("an edit", () => {
  it("that is half typed is there again after another conversation and a reload, and so is what a reply answers", async () => {
    const alice = await openTrip(["bob"])
    await demo.send(alice, "The seven o'clock train")
    await demo.message(alice, "The seven o'clock train", "sent").waitFor()
    await demo.act(alice, demo.message(alice, "The seven o'clock train"), "Edit")
    await edit(alice).fill("The eight o'clock tr")
    await demo.create(alice, "Notes")
    await demo.send(alice, "Bread")
    await demo.message(alice, "Bread", "sent").waitFor()
    await demo.act(alice, demo.message(alice, "Bread"), "Reply")
    await demo.field(alice).fill("and wine")
    await demo.conversation(alice, "Trip").click()
    await expect.poll(() => edit(alice).inputValue()).toBe("The eight o'clock tr")
    await alice.reload()
    await expect.poll(() => edit(alice).inputValue()).toBe("The eight o'clock tr")
    await edit(alice).press("End")
    await edit(alice).pressSequentially("ain")
    await edit(alice).press("Enter")
    await demo.message(alice, "The eight o'clock train").getByText("edited").waitFor()
    await demo.field(alice).waitFor()

    await demo.conversation(alice, "Notes").click()
    await alice.getByText("Reply to yourself").waitFor()
    expect(await demo.field(alice).inputValue()).toBe("and wine")
    await demo.field(alice).press("Enter")
    await demo.message(alice, "and wine").getByRole("button", { name: "In reply to alice Bread" }).waitFor()
  })

  it("is taken back where that is offered, by its button and by the keyboard", async () => {
    const alice = await openTrip(["bob"])
    const bob = await stage.open("bob")
    await demo.conversation(bob, "Trip").click()
    await demo.send(alice, "At six")
    await demo.message(bob, "At six").waitFor()
    const change = async (from: string, to: string): Promise<void> => {
      await demo.act(alice, demo.message(alice, from), "Edit")
      await edit(alice).fill(to)
      await edit(alice).press("Enter")
      await demo.message(bob, to).waitFor()
      await alice.getByText("Edit saved").waitFor()
    }
    await change("At six", "At seven")
    await alice.getByRole("button", { name: "Undo" }).click()
    for (const page of [alice, bob]) await demo.message(page, "At six").waitFor()

    await change("At six", "At eight")
    await alice.keyboard.press("Control+KeyZ")
    for (const page of [alice, bob]) await demo.message(page, "At six").waitFor()
    await alice.getByText("Edit saved").waitFor({ state: "detached" })
    // nothing is offered any more: the keys do nothing
    await alice.keyboard.press("Control+KeyZ")
    await demo.send(alice, "On time, please")
    await demo.message(bob, "On time, please").waitFor()
    expect(await demo.message(bob, "At six").count()).toBe(1)
  })
})
