import { describe, expect, it } from "vitest"
import { demo, phone, seriousFindings } from "../support/browser.js"
import { useDemoStage } from "../support/demo-stage.js"

const stage = useDemoStage("find")

describe("search", () => {
  it("finds what others wrote, also offline, marks it, limits it, and leads to it by the keyboard alone", async () => {
    const alice = await stage.open("alice")
    await demo.create(alice, "Trip to Lisbon", ["bob"])
    await demo.send(alice, "The night train leaves at nine")
    const bob = await stage.open("bob")
    await demo.conversation(bob, "Trip to Lisbon").click()
    await demo.send(bob, "我们坐火车去里斯本")
    await demo.message(alice, "我们坐火车去里斯本").waitFor()
    await demo.create(alice, "Notes")
    await demo.send(alice, "Look for trains again")
    await demo.message(alice, "Look for trains again", "sent").waitFor()
    await demo.offline(alice).click()

    await alice.keyboard.press("Control+KeyK")
    const search = alice.getByRole("dialog", { name: "Search" })
    const field = search.getByRole("combobox", { name: "Search messages" })
    await field.fill("train")
    const hits = search.getByRole("listbox", { name: "Results" }).getByRole("option")
    await expect.poll(() => hits.count()).toBe(2)
    expect(await hits.locator("mark").allTextContents()).toEqual(expect.arrayContaining(["train"]))
    expect(await seriousFindings(alice)).toEqual([])

    await search.getByRole("combobox", { name: "In", exact: true }).selectOption({ label: "Trip to Lisbon" })
    await expect.poll(() => hits.count()).toBe(1)
    await search.getByLabel("Until").fill("2001-01-01")
    await search.getByText("Nothing found").waitFor()
    await search.getByLabel("Until").fill("")
    await field.fill("火车")
    await search.getByRole("combobox", { name: "From", exact: true }).selectOption("bob")
    await expect.poll(() => hits.count()).toBe(1)
    expect(await hits.locator("mark").allTextContents()).toEqual(["火车"])
    await search.getByRole("combobox", { name: "In", exact: true }).selectOption("")

    await field.focus()
    await alice.keyboard.press("Enter")
    await search.waitFor({ state: "detached" })
    await alice.getByRole("heading", { name: "Trip to Lisbon" }).waitFor()
    const message = demo.message(alice, "我们坐火车去里斯本")
    await expect.poll(() => message.evaluate((element) => element === document.activeElement)).toBe(true)
  })
})

describe("the keyboard", () => {
  it("opens the help sheet, searches, starts a conversation, and walks through the list", async () => {
    const alice = await stage.open("alice")
    await demo.create(alice, "First")
    await demo.create(alice, "Second")
    await alice.getByRole("heading", { name: "Second" }).waitFor()
    await alice.keyboard.press("Alt+ArrowDown")
    await alice.getByRole("heading", { name: "First" }).waitFor()
    await alice.keyboard.press("Alt+ArrowUp")
    await alice.getByRole("heading", { name: "Second" }).waitFor()
    await demo.field(alice).fill("what")
    await demo.field(alice).press("End")
    await alice.keyboard.press("?")
    expect(await demo.field(alice).inputValue()).toBe("what?")
    await demo.offline(alice).focus()
    await alice.keyboard.press("?")
    const keys = alice.getByRole("dialog", { name: "Keyboard shortcuts" })
    await keys.getByText("Next conversation").waitFor()
    expect(await seriousFindings(alice)).toEqual([])
    await alice.keyboard.press("Control+KeyK")
    await alice.getByRole("dialog", { name: "Search" }).waitFor()
    await keys.waitFor({ state: "detached" })
    await alice.keyboard.press("Escape")
    await alice.getByRole("dialog").waitFor({ state: "detached" })
    await alice.keyboard.press("Alt+KeyN")
    await alice.getByRole("dialog", { name: "New conversation" }).waitFor()
  })
})

describe("in Chinese", () => {
  it("the page speaks the browser's language, switches at once, and remembers", async () => {
    const alice = await stage.open("alice", "", { locale: "zh-CN" })
    await alice.getByRole("heading", { name: "还没有对话" }).waitFor()
    expect(await alice.evaluate(() => document.documentElement.lang)).toBe("zh-CN")
    await alice.getByRole("link", { name: "新对话" }).first().click()
    const fresh = alice.getByRole("dialog", { name: "新对话" })
    await fresh.getByRole("textbox", { name: "标题" }).fill("里斯本之旅")
    await fresh.getByRole("textbox", { name: "成员" }).fill("bob")
    await fresh.getByRole("button", { name: "创建" }).click()
    await alice.getByRole("heading", { name: "里斯本之旅" }).waitFor()
    expect(await seriousFindings(alice)).toEqual([])
    await alice.keyboard.press("Control+KeyK")
    await alice.getByRole("dialog", { name: "搜索" }).getByText("搜索这台设备上的所有内容，离线也可用。").waitFor()
    await alice.keyboard.press("Escape")

    await alice.getByRole("link", { name: /^账户：/ }).click()
    await alice.getByRole("radio", { name: "English" }).click()
    await alice.getByRole("dialog", { name: "Account" }).waitFor()
    await alice.reload()
    await alice.getByRole("dialog", { name: "Account" }).waitFor()
    expect(await alice.evaluate(() => document.documentElement.lang)).toMatch(/^en/)
    await alice.getByRole("radio", { name: "中文" }).click()
    await alice.getByRole("dialog", { name: "账户" }).waitFor()
  })

  it("fits a phone", async () => {
    const alice = await stage.open("alice", "", { locale: "zh-CN", viewport: phone })
    await alice.getByRole("heading", { name: "还没有对话" }).waitFor()
    for (const panel of ["account", "new", "keys", "search", "sync", "join"]) {
      await alice.evaluate((name) => {
        location.hash = `#/${name}`
      }, panel)
      await alice.getByRole("dialog").waitFor()
      expect(await alice.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(phone.width)
      await alice.keyboard.press("Escape")
      await alice.getByRole("dialog").waitFor({ state: "detached" })
    }
  })
})
