import { fileURLToPath } from "node:url"
import type { Browser, BrowserContext, Page } from "playwright-core"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { sharedChromium } from "./chromium.js"
import type {} from "./search-page.js"
import { serveModules, type ServedPage } from "./serve.js"

const MESSAGES = 8_000

let browser: Browser
let served: ServedPage
let context: BrowserContext
let page: Page

beforeAll(async () => {
  browser = await sharedChromium()
  served = await serveModules({
    page: fileURLToPath(new URL("search-page.ts", import.meta.url)),
    "search-worker": fileURLToPath(new URL("../../sdk/src/search-worker.ts", import.meta.url)),
  })
})

afterAll(async () => {
  await served.close()
})

beforeEach(async () => {
  context = await browser.newContext()
  page = await context.newPage()
})

afterEach(() => context.close())

describe("search in Chromium", () => {
  it("[Q4] a worker indexes 8,000 messages, and finds them again after a reload", async () => {
    await page.goto(served.url)
    await page.evaluate(() => window.search.open("alice"))
    await page.evaluate((count) => window.search.fill(count), MESSAGES)
    await page.evaluate(() => window.search.close())
    // the index is thrown away, as if there never was one: what follows is indexing alone
    await page.evaluate(
      () =>
        new Promise<void>((resolve, reject) => {
          const open = indexedDB.open("weft/alice")
          open.onerror = () => reject(open.error ?? new Error("not opened"))
          open.onsuccess = () => {
            const transaction = open.result.transaction("entries", "readwrite")
            transaction.objectStore("entries").delete(IDBKeyRange.bound("i/", "i0", false, true))
            transaction.oncomplete = () => {
              open.result.close()
              resolve()
            }
          }
        }),
    )
    await page.goto(served.url)
    const began = performance.now()
    await page.evaluate(() => window.search.open("alice"))
    const opened = performance.now()
    await page.evaluate(() => (window.search.longTasks.length = 0))
    const found = await page.evaluate(() => window.search.find("platform 17 late", 1))
    const indexed = performance.now()
    const expected = Array.from({ length: MESSAGES }, (_, index) => index).filter(
      (index) => index % 3 === 0 && (index % 40 === 17 || String(index).startsWith("17")),
    )
    const numbers = found.hits.map(({ text }) => Number(/\d+/.exec(text)?.[0])).sort((a, b) => a - b)
    expect(numbers).toEqual(expected)
    expect(page.workers().map((worker) => worker.url())).toEqual([`${served.url}/search-worker.js`])
    expect(await page.evaluate(() => window.search.given)).toBeGreaterThanOrEqual(Math.floor(MESSAGES / 1024))
    const longTasks = await page.evaluate(() => window.search.longTasks)
    console.log({
      openMs: Math.round(opened - began),
      indexAndFindMs: Math.round(indexed - opened),
      longTasksMs: longTasks,
    })
    await page.reload()
    await page.evaluate(() => window.search.open("alice"))
    const again = await page.evaluate(() => window.search.find("platform 17 late", 1))
    expect(again.hits.map(({ id }) => id)).toEqual(found.hits.map(({ id }) => id))
    expect(await page.evaluate(() => window.search.given)).toBe(0)
  })

  it("[Q4] without a worker the page searches by itself", async () => {
    await page.route("**/search-worker.js", (route) => route.abort())
    await page.goto(served.url)
    await page.evaluate(() => window.search.open("bob"))
    await page.evaluate(() => window.search.fill(100))
    expect((await page.evaluate(() => window.search.find("platform 7", 1))).hits.length).toBeGreaterThan(0)
    expect(page.workers()).toEqual([])
  })
})
