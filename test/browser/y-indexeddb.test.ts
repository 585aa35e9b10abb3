import type { Browser } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
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

describe("y-indexeddb", () => {
  it("a database that it wrote is adopted by a device that knows nothing else", async () => {
    const { url } = await startTestServer()
    const context = await browser.newContext()
    const page = await context.newPage()
    await page.goto(served.url)
    await page.evaluate((server) => window.weft.open("alice", [server]), url)
    const id = await page.evaluate(() => window.weft.create("Trip", ["bob"]))
    for (const text of ["one", "two"]) {
      const message = await page.evaluate(([to, what]) => window.weft.send(to, what), [id, text] as const)
      await page.evaluate(([to, of]) => window.weft.reached(to, of, "sent"), [id, message] as const)
    }
    await page.evaluate(() => window.weft.synced())
    const digest = await page.evaluate((of) => window.weft.digest(of), id)
    await page.evaluate((of) => window.weft.carry(of, 2), id)
    await page.evaluate(() => window.weft.close())
    // Another device, without a server, in the same browser: only what y-indexeddb holds can fill it.
    await page.goto(served.url)
    await page.evaluate(() => window.weft.openNamed("alice", "another device"))
    await page.evaluate((of) => window.weft.carry(of, 2), id)
    await page.evaluate((of) => window.weft.has(of), id)
    await page.evaluate((of) => window.weft.shows(of, ["one", "two"]), id)
    expect(await page.evaluate((of) => window.weft.digest(of), id)).toBe(digest)
    await context.close()
  })
})
