import type { Browser, BrowserContext, Page } from "playwright-core"
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest"
import { startTestServer } from "../support/server.js"
import { sharedChromium } from "./chromium.js"
import type {} from "./client-page.js"
import { servePage, type ServedPage } from "./serve.js"

let browser: Browser
let served: ServedPage

beforeAll(async () => {
  browser = await sharedChromium()
  served = await servePage("client-page.ts")
})

afterAll(async () => {
  await served.close()
})

async function newContext(): Promise<BrowserContext> {
  const context = await browser.newContext()
  onTestFinished(() => context.close())
  return context
}

async function openTab(context: BrowserContext, servers: string[]): Promise<Page> {
  const page = await context.newPage()
  await page.goto(served.url)
  await page.evaluate((urls) => window.weft.open("alice", urls), servers)
  return page
}

const drafted = (page: Page, id: string, words: string[]): Promise<string> =>
  page.evaluate(([to, expected]) => window.weft.drafted(to, expected), [id, words] as const)
const type = (page: Page, id: string, text: string): Promise<void> =>
  page.evaluate(([to, typed]) => window.weft.type(to, typed), [id, text] as const)

it("[U8] two tabs show one draft, and either one's typing survives a reload that follows at once", async () => {
  const context = await newContext()
  const first = await openTab(context, [])
  await first.evaluate(() => window.weft.writes())
  const id = await first.evaluate(() => window.weft.create("Trip", []))
  const second = await openTab(context, [])
  expect(await second.evaluate(() => window.weft.status().tab)).toBe("follower")
  await type(first, id, "from the writer ")
  await drafted(second, id, ["from", "the", "writer"])
  await type(second, id, "from the writer and the follower")
  const all = ["from", "the", "writer", "and", "the", "follower"]
  await drafted(first, id, all)
  await second.evaluate((to) => window.weft.archive(to), id)
  await first.evaluate((to) => window.weft.archived(to), id)
  // As a crash: no close, no unload handler of ours.
  for (const page of [second, first]) {
    await page.reload()
    await page.evaluate(() => window.weft.open("alice", []))
    await drafted(page, id, all)
    await page.evaluate((to) => window.weft.archived(to), id)
  }
  // Both type much more than is kept apart in the storage.
  for (const page of [first, second]) {
    await page.evaluate(async (to) => {
      for (let index = 0; index < 100; index++) {
        window.weft.type(to, `text ${String(index)}`)
        await new Promise((resolve) => requestAnimationFrame(resolve))
      }
    }, id)
  }
  const last = await drafted(second, id, ["text", "99"])
  await drafted(first, id, ["text", "99"])
  expect(last).toBe("text 99")
})

it("[U9] two devices in two browsers type one draft offline, and have all words of both", async () => {
  const { url } = await startTestServer()
  const phone = await openTab(await newContext(), [url])
  const laptop = await openTab(await newContext(), [url])
  const id = await phone.evaluate(() => window.weft.create("Trip", []))
  await laptop.evaluate((to) => window.weft.has(to), id)
  for (const page of [phone, laptop]) await page.evaluate(() => window.weft.synced())
  for (const page of [phone, laptop]) await page.evaluate(() => window.weft.offline())
  await type(phone, id, "bread and milk ")
  await type(laptop, id, "eggs please ")
  for (const page of [phone, laptop]) await page.evaluate(() => window.weft.online())
  const all = ["bread", "and", "milk", "eggs", "please"]
  expect(await drafted(phone, id, all)).toBe(await drafted(laptop, id, all))
})
