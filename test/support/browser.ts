import { readFile } from "node:fs/promises"
import { createRequire } from "node:module"
import type { AxeResults, Result, RunOptions } from "axe-core"
import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from "playwright-core"

export { sharedChromium } from "../browser/chromium.js"

/** A fresh profile; what its pages log as errors, or throw, is collected. */
export interface Profile {
  readonly context: BrowserContext
  readonly errors: string[]
  close(): Promise<void>
}

/** Sizes that the demo is made for. */
export const phone = { width: 390, height: 844 }
export const desktop = { width: 1280, height: 800 }

export async function newProfile(browser: Browser, options: BrowserContextOptions = {}): Promise<Profile> {
  const context = await browser.newContext({ viewport: desktop, reducedMotion: "reduce", ...options })
  const errors: string[] = []
  context.on("page", (page) => {
    page.on("pageerror", (error) => errors.push(String(error)))
    page.on("console", (message) => {
      // a server that is down is told as failed requests; tests bring servers down on purpose
      if (message.type() === "error" && !/ERR_CONNECTION|WebSocket connection/.test(message.text()))
        errors.push(message.text())
    })
  })
  return { context, errors, close: () => context.close() }
}

/** What tests say about the demo's page, by its accessible names. */
export const demo = {
  sync: (page: Page): Locator => page.getByRole("link", { name: /^Sync: / }).first(),
  offline: (page: Page): Locator => page.getByRole("switch", { name: "Work offline" }).first(),
  conversation: (page: Page, title: string): Locator =>
    page.getByRole("navigation", { name: "Conversations" }).getByRole("link", { name: title }),
  field: (page: Page): Locator => page.getByRole("textbox", { name: "Message", exact: true }),
  /** A message by its text and, for an own one, how far it has come: what its readers have was sent. */
  message: (
    page: Page,
    text: string | RegExp,
    status?: "saving" | "saved on this device" | "sent" | "not accepted",
  ): Locator =>
    page
      .getByRole("log", { name: "Messages", exact: true })
      .getByRole(
        "article",
        status === undefined ? {} : { name: new RegExp(`, ${status === "sent" ? "(sent|delivered|read)" : status}$`) },
      )
      .filter({ hasText: text }),

  async create(page: Page, title: string, members: readonly string[] = []): Promise<void> {
    await page.getByRole("link", { name: "New conversation" }).first().click()
    const dialog = page.getByRole("dialog", { name: "New conversation" })
    await dialog.getByRole("textbox", { name: "Title" }).fill(title)
    for (const member of members) {
      await dialog.getByRole("textbox", { name: "Members" }).fill(member)
      await page.keyboard.press("Enter")
    }
    await dialog.getByRole("button", { name: "Create" }).click()
    // until then the field is that of the conversation before
    await dialog.waitFor({ state: "detached" })
    await demo.field(page).waitFor()
  },

  /** The panel of a thread. */
  thread: (page: Page): Locator => page.getByRole("complementary", { name: "Thread" }),

  /** Something of a message's menu. */
  async act(page: Page, message: Locator, name: string): Promise<void> {
    await message.getByRole("button", { name: /^Actions for/ }).click()
    await page.getByRole("menuitem", { name, exact: true }).click()
  },

  async send(page: Page, text: string): Promise<void> {
    await demo.field(page).fill(text)
    await page.getByRole("button", { name: "Send", exact: true }).click()
  },
}

export function hasFocus(target: Locator): Promise<boolean> {
  return target.evaluate((element) => element === document.activeElement)
}

/** Whether all of a message is in view in its list. */
export async function isInView(message: Locator): Promise<boolean> {
  return message.first().evaluate((element) => {
    const [box, own] = [element.closest("[role=log]")?.getBoundingClientRect(), element.getBoundingClientRect()]
    return box !== undefined && own.top >= box.top - 1 && own.bottom <= box.bottom + 1
  })
}

/** Presses Tab until the element has the focus; fails where it can't be reached. */
export async function tabTo(page: Page, target: Locator, most = 40): Promise<void> {
  for (let press = 0; press < most; press++) {
    if ((await target.count()) > 0 && (await hasFocus(target.first()))) return
    await page.keyboard.press("Tab")
  }
  throw new Error(`the keyboard does not reach ${target.toString()}`)
}

const axeSource = createRequire(import.meta.url).resolve("axe-core/axe.min.js")

/** What axe finds on the page that is serious or critical, one line each. */
export async function seriousFindings(page: Page): Promise<string[]> {
  const violations = await runAxe(page)
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical").flatMap(describeViolation)
}

/** All that axe finds on the page, also what is of little weight, and targets smaller than 24 pixels. */
export async function allFindings(page: Page): Promise<string[]> {
  const violations = await runAxe(page, { rules: { "target-size": { enabled: true } } })
  return violations.flatMap(describeViolation)
}

async function runAxe(page: Page, options: RunOptions = {}): Promise<Result[]> {
  // by the debugger, since the page's own policy lets no foreign script in
  await page.evaluate(await readFile(axeSource, "utf8"))
  const given = JSON.stringify({ ...options, resultTypes: ["violations"] })
  const { violations } = await page.evaluate<AxeResults>(`axe.run(${given})`)
  return violations
}

function describeViolation({ id, nodes }: Result): string[] {
  return nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary ?? ""}`)
}
