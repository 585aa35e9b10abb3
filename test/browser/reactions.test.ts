/* Reactions: any emoji, and who gave them. */
import type { Locator, Page } from "playwright-core"
import { describe, expect, it } from "vitest"
import { allFindings, demo, hasFocus, phone } from "../support/browser.js"
import { useDemoStage } from "../support/demo-stage.js"

const stage = useDemoStage("reactions")

async function openBoth(options = {}): Promise<[alice: Page, bob: Page]> {
  const alice = await stage.open("alice")
  await demo.create(alice, "Trip", ["bob"])
  await demo.send(alice, "We are going!")
  const bob = await stage.open("bob", "", options)
  await demo.conversation(bob, "Trip").click()
  await demo.message(bob, "We are going!").waitFor()
  return [alice, bob]
}

const reaction = (page: Page, name: RegExp): Locator =>
  demo.message(page, "We are going!").getByRole("button", { name })

async function openPicker(page: Page): Promise<Locator> {
  await demo.act(page, demo.message(page, "We are going!"), "React with another emoji")
  const dialog = page.getByRole("dialog", { name: "React" })
  await dialog.getByRole("textbox", { name: "Search emoji" }).waitFor()
  return dialog
}

describe("a reaction", () => {
  it("is any emoji: found by a word, walked to by the keyboard, with a tone, the recent ones first", async () => {
    const [alice, bob] = await openBoth()
    const picker = await openPicker(bob)
    const search = picker.getByRole("textbox", { name: "Search emoji" })
    await expect.poll(() => hasFocus(search)).toBe(true)
    expect(await allFindings(bob)).toEqual([])
    await search.fill("octo")
    await picker.getByRole("button", { name: "octopus" }).waitFor()
    await search.press("Enter")
    await picker.waitFor({ state: "detached" })
    await reaction(alice, /^🐙 1 : bob$/).waitFor()

    await openPicker(bob)
    expect(await picker.locator("section").first().getByRole("button").allTextContents()).toEqual(["🐙"])
    await picker.getByRole("combobox", { name: "Skin tone" }).selectOption({ label: "✋🏽" })
    await search.fill("waving h")
    await picker.getByRole("button", { name: "waving hand" }).waitFor()
    await search.press("ArrowDown")
    await bob.keyboard.press("Enter")
    await reaction(alice, /^👋🏽 1 : bob$/).waitFor()

    await openPicker(bob)
    await picker.getByRole("button", { name: "Flags", exact: true }).click()
    await expect.poll(() => hasFocus(picker.getByRole("button", { name: "chequered flag" }))).toBe(true)
    await bob.keyboard.press("ArrowRight")
    await bob.keyboard.press("ArrowLeft")
    await bob.keyboard.press("ArrowDown")
    await bob.keyboard.press("ArrowUp")
    await bob.keyboard.press("Enter")
    await reaction(alice, /^🏁 1 : bob$/).waitFor()
  })

  it("says who gave it, by touch and by the keyboard", async () => {
    const [alice, bob] = await openBoth({ viewport: phone, hasTouch: true, isMobile: true })
    await demo.act(bob, demo.message(bob, "We are going!"), "React with 🎉")
    await reaction(alice, /^🎉/).click()
    await reaction(bob, /^🎉 2/).waitFor()
    await reaction(bob, /^Who reacted$/).tap()
    const dialog = bob.getByRole("dialog", { name: "Who reacted" })
    expect(await dialog.getByRole("listitem").allTextContents()).toEqual(["bob", "alice"])
    expect(await allFindings(bob)).toEqual([])

    await reaction(alice, /^Who reacted$/).focus()
    await alice.keyboard.press("Enter")
    await alice.getByRole("dialog", { name: "Who reacted" }).getByText("bob").waitFor()
    await alice.keyboard.press("Escape")
    await expect.poll(() => hasFocus(reaction(alice, /^Who reacted$/))).toBe(true)
  })
})
