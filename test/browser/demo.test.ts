import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Browser, Page } from "playwright-core"
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest"
import {
  demo,
  hasFocus,
  sharedChromium,
  newProfile,
  phone,
  type Profile,
  seriousFindings,
  tabTo,
} from "../support/browser.js"
import { buildDemo } from "../support/demo-build.js"
import { type ServerProcess, startServerProcess } from "../support/server-process.js"

let browser: Browser
let pages: string
let data: string
let server: ServerProcess
let profile: Profile
let page: Page

beforeAll(async () => {
  pages = await buildDemo()
  browser = await sharedChromium()
})

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), "weft-demo-"))
  server = await startServerProcess({ data, args: ["--static", pages] })
  profile = await newProfile(browser)
  page = await profile.context.newPage()
})

afterEach(async () => {
  await profile.close()
  await server.stop("SIGKILL")
  await rm(data, { recursive: true, force: true })
})

async function noErrors(): Promise<void> {
  expect(profile.errors).toEqual([])
}

describe("the demo", () => {
  it("a picked user creates a conversation and sends; after a reload it is still there", async () => {
    await page.goto(server.url)
    await page.getByRole("button", { name: "alice" }).click()
    expect(new URL(page.url()).searchParams.get("user")).toBe("alice")
    await demo.create(page, "Trip to Lisbon", ["bob"])
    await demo.send(page, "Which train do we take?")
    await demo.message(page, "Which train do we take?", "sent").waitFor()
    await demo.sync(page).getByText("Up to date").waitFor()
    await page.reload()
    await demo.message(page, "Which train do we take?", "sent").waitFor()
    await demo.conversation(page, "Trip to Lisbon").waitFor()

    // a second visit without a name in the address is the same user's
    await page.goto(server.url)
    await demo.conversation(page, "Trip to Lisbon").waitFor()
    expect(new URL(page.url()).searchParams.get("user")).toBe("alice")
    await noErrors()
  })

  it("what is written while working offline is saved, stays pending over a reload, and is sent afterwards", async () => {
    await page.goto(`${server.url}/?user=alice`)
    await demo.create(page, "Trip to Lisbon")
    await demo.sync(page).getByText("Up to date").waitFor()
    await demo.offline(page).click()
    await demo.send(page, "In a tunnel")
    await demo.message(page, "In a tunnel", "saved on this device").waitFor()
    await demo.sync(page).getByText("1 waiting").waitFor()
    await page.reload()
    await demo.message(page, "In a tunnel", "saved on this device").waitFor()
    expect(await demo.offline(page).getAttribute("aria-checked")).toBe("true")
    await page.getByRole("link", { name: /1 message waiting for a connection/ }).click()
    const dialog = page.getByRole("dialog", { name: "Sync" })
    await dialog.getByText("You chose to work offline").waitFor()
    await dialog.getByRole("switch", { name: "Work offline" }).click()
    await dialog.getByText("Nothing: all that you wrote here is on the server.").waitFor()
    await page.keyboard.press("Escape")
    await demo.message(page, "In a tunnel", "sent").waitFor()
    await noErrors()
  })

  it("opens with the server stopped, takes messages, and sends them when it is back", async () => {
    await page.goto(`${server.url}/?user=alice`)
    await demo.create(page, "Trip to Lisbon")
    await demo.send(page, "Before")
    await demo.message(page, "Before", "sent").waitFor()
    await page.evaluate(async () => {
      await navigator.serviceWorker.ready
    })
    await server.stop()
    await page.reload()
    await demo.message(page, "Before").waitFor()
    await demo.send(page, "Meanwhile")
    await demo.message(page, "Meanwhile", "saved on this device").waitFor()
    await demo
      .sync(page)
      .getByText(/waiting/)
      .waitFor()
    server = await startServerProcess({ data, port: server.port, args: ["--static", pages] })
    await demo.message(page, "Before", "sent").waitFor()
    await demo.message(page, "Meanwhile", "sent").waitFor()
  })

  it("everything is reached by the keyboard alone", async () => {
    await page.goto(server.url)
    await tabTo(page, page.getByRole("button", { name: "bob" }))
    await page.keyboard.press("Enter")
    await demo.sync(page).getByText("Up to date").waitFor()
    await tabTo(page, page.getByRole("link", { name: "New conversation" }))
    await page.keyboard.press("Enter")
    await tabTo(page, page.getByRole("textbox", { name: "Title" }))
    await page.keyboard.type("Keys only")
    await tabTo(page, page.getByRole("textbox", { name: "Members" }))
    await page.keyboard.type("carol,dave")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Backspace")
    await tabTo(page, page.getByRole("button", { name: "Create" }))
    await page.keyboard.press("Enter")
    await page.getByRole("dialog").waitFor({ state: "detached" })

    // the composer takes the focus by itself
    await expect.poll(() => hasFocus(demo.field(page))).toBe(true)
    await page.keyboard.type("one")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("two")
    await page.keyboard.press("Enter")
    await demo.message(page, "one\ntwo", "sent").waitFor()
    expect(await demo.field(page).inputValue()).toBe("")

    await tabTo(page, page.getByRole("link", { name: /details and members/ }))
    await page.keyboard.press("Enter")
    const details = page.getByRole("dialog", { name: "Details" })
    await details.getByText("2 members").waitFor()
    await page.keyboard.press("Escape")
    await details.waitFor({ state: "detached" })
    expect(await hasFocus(page.getByRole("link", { name: /details and members/ }))).toBe(true)
    await tabTo(page, demo.offline(page))
    await page.keyboard.press("Space")
    await demo.sync(page).getByText("Offline").waitFor()
    await noErrors()
  })

  it("on a phone, list and conversation are two screens, and the browser's back leads from one to the other", async () => {
    await page.setViewportSize(phone)
    await page.goto(`${server.url}/?user=alice`)
    await demo.create(page, "Trip to Lisbon")
    const list = demo.conversation(page, "Trip to Lisbon")
    expect(await list.isVisible()).toBe(false)
    await page.goBack()
    await list.waitFor()
    expect(await demo.field(page).isVisible()).toBe(false)
    await list.click()
    await demo.field(page).waitFor()
    await page.getByRole("button", { name: "Back to conversations" }).click()
    await list.waitFor()
    const width = await page.evaluate(() => document.documentElement.scrollWidth)
    expect(width).toBeLessThanOrEqual(phone.width)
  })

  it("text is text: markup, long words, and characters that reorder names do nothing", async () => {
    await page.goto(`${server.url}/?user=alice`)
    await demo.create(page, "in\u202Evoice", ["b\u2066ob"])
    await page.getByRole("heading", { name: "in\uFFFDvoice" }).waitFor()
    const markup = "<img src=x onerror=alert(1)><b>bold</b>"
    await demo.send(page, markup)
    await demo.message(page, markup, "sent").waitFor()
    await demo.send(page, "w".repeat(2_000))
    await demo.message(page, "w".repeat(2_000), "sent").waitFor()
    const log = page.getByRole("log", { name: "Messages" })
    expect(await log.evaluate((element) => element.scrollWidth <= element.clientWidth)).toBe(true)
    await noErrors()
  })

  it("of a long conversation only what is in view is drawn, at its end and further up", async () => {
    await page.goto(`${server.url}/?user=alice`)
    await demo.create(page, "Long")
    await demo.field(page).evaluate(async (field) => {
      const write = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value")?.set
      for (let number = 1; number <= 300; number++) {
        write?.call(field, `message ${number}`)
        field.dispatchEvent(new Event("input", { bubbles: true }))
        await new Promise((wake) => setTimeout(wake))
        ;(field as HTMLTextAreaElement).form?.requestSubmit()
        await new Promise((wake) => setTimeout(wake))
      }
    })
    await demo.message(page, "message 300").locator('.tick:not([data-status="saving"])').waitFor()
    await page.reload()
    await demo.message(page, "message 300").waitFor()
    const log = page.getByRole("log", { name: "Messages" })
    const drawn = (): Promise<number> => log.getByRole("article").count()
    const bottomGap = (): Promise<number> =>
      log.evaluate((element) => element.scrollHeight - element.clientHeight - element.scrollTop)
    await expect.poll(bottomGap).toBeLessThan(2)
    expect(await drawn()).toBeLessThan(60)

    // further up: others are drawn, and as few
    await log.evaluate((element) => {
      element.scrollTop = element.scrollHeight / 3
    })
    await demo.message(page, "message 300").waitFor({ state: "detached" })
    await demo
      .message(page, /message 1\d\d/)
      .first()
      .waitFor()
    expect(await drawn()).toBeLessThan(60)
    expect(await bottomGap()).toBeGreaterThan(1_000)

    await page.getByRole("button", { name: "Newest messages" }).click()
    await expect.poll(bottomGap).toBeLessThan(2)
    await demo.message(page, "message 300").waitFor()
    await noErrors()
  })
})

describe("axe finds nothing serious", () => {
  it.each([
    { colorScheme: "light", size: "phone" },
    { colorScheme: "dark", size: "desktop" },
  ] as const)("on any screen, $colorScheme, $size", async ({ colorScheme, size }) => {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" })
    if (size === "phone") await page.setViewportSize(phone)
    await page.goto(server.url)
    await page.getByRole("button", { name: "alice" }).waitFor()
    const findings = { picker: await seriousFindings(page) }
    await page.getByRole("button", { name: "alice" }).click()
    await page.getByText("No conversations yet").waitFor()
    const check = async (screen: string): Promise<void> => {
      Object.assign(findings, { [screen]: await seriousFindings(page) })
    }
    await check("empty list")
    await page.getByRole("link", { name: "New conversation" }).first().click()
    await page.getByRole("textbox", { name: "Members" }).fill("bob,carol,")
    await check("new conversation")
    await page.keyboard.press("Escape")
    await demo.create(page, "Trip to Lisbon", ["bob", "carol"])
    await check("empty conversation")
    await demo.send(page, "Hello")
    await demo.message(page, "Hello", "sent").waitFor()
    await sayAs("bob", "Hello back", ["Trip to Lisbon"])
    await demo.message(page, "Hello back").waitFor()
    await check("conversation")
    await page.getByRole("link", { name: /details and members/ }).click()
    await page.getByRole("dialog", { name: "Details" }).waitFor()
    await check("details")
    await page.keyboard.press("Escape")
    await page.goto(`${server.url}/?user=alice#/account`)
    await page.getByRole("dialog", { name: "Account" }).waitFor()
    await check("account")
    await page.keyboard.press("Escape")
    await demo.offline(page).click()
    await demo.sync(page).click()
    await page.getByRole("dialog", { name: "Sync" }).getByText("You chose to work offline").waitFor()
    await check("sync")
    await page.keyboard.press("Escape")
    await check("list")
    expect(Object.entries(findings).filter(([, found]) => found.length > 0)).toEqual([])
    await noErrors()
  })

  it("on the screen that says why Weft can't open", async () => {
    await page.addInitScript(() => {
      IDBFactory.prototype.open = () => {
        throw new DOMException("refused", "SecurityError")
      }
    })
    await page.goto(`${server.url}/?user=alice`)
    await page.getByRole("alert").getByText("STORE_UNAVAILABLE").waitFor()
    expect(await seriousFindings(page)).toEqual([])
    await page.getByRole("button", { name: "Choose another user" }).click()
    await page.getByRole("heading", { name: "Welcome to Weft" }).waitFor()
  })

  /** Another person, in a browser of their own, opens the conversation and says something. */
  async function sayAs(user: string, text: string, [title = ""]: readonly string[]): Promise<void> {
    const other = await newProfile(browser)
    try {
      const theirs = await other.context.newPage()
      await theirs.goto(`${server.url}/?user=${user}`)
      await demo.conversation(theirs, title).click()
      await demo.send(theirs, text)
      await demo.message(theirs, text, "sent").waitFor()
    } finally {
      await other.close()
    }
  }
})
