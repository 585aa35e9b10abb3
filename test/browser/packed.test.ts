import { randomBytes } from "node:crypto"
import type { Browser, BrowserContext, Page } from "playwright-core"
import { afterAll, beforeAll, expect, it } from "vitest"
import { PACKED_FRAME } from "../../sdk/src/protocol/frame.js"
import { startTestServer } from "../support/server.js"
import { sharedChromium } from "./chromium.js"
import type {} from "./client-page.js"
import { servePage, type ServedPage } from "./serve.js"

let browser: Browser
let served: ServedPage
const contexts: BrowserContext[] = []

beforeAll(async () => {
  browser = await sharedChromium()
  served = await servePage("client-page.ts")
})

afterAll(async () => {
  await Promise.all(contexts.map((context) => context.close()))
  await served.close()
})

/** A device, and the first bytes of the frames that went each way. */
async function openDevice(user: string, url: string) {
  const context = await browser.newContext()
  contexts.push(context)
  const page = await context.newPage()
  const [sent, received]: [Set<number | undefined>, Set<number | undefined>] = [new Set(), new Set()]
  page.on("websocket", (socket) => {
    socket.on("framesent", ({ payload }) => sent.add(Buffer.from(payload)[0]))
    socket.on("framereceived", ({ payload }) => received.add(Buffer.from(payload)[0]))
  })
  await page.goto(served.url)
  await page.evaluate(([name, server]) => window.weft.open(name, [server]), [user, url] as const)
  return { page, sent, received }
}

const shows = (page: Page, id: string, ...texts: string[]): Promise<void> =>
  page.evaluate(({ id, texts }) => window.weft.shows(id, texts), { id, texts })

it("[S14] a browser packs what is large, and takes what comes packed", async () => {
  const server = await startTestServer()
  const alice = await openDevice("alice", server.url)
  const id = await alice.page.evaluate(() => window.weft.create("Trip", ["bob"]))
  const bob = await openDevice("bob", server.url)
  await bob.page.evaluate((conversation) => window.weft.has(conversation), id)
  const say = (text: string): Promise<string> =>
    alice.page.evaluate(({ id, text }) => window.weft.send(id, text), { id, text })

  const small = randomBytes(100).toString("hex")
  await say(small)
  await shows(bob.page, id, small)
  expect([alice.sent.has(PACKED_FRAME), bob.received.has(PACKED_FRAME)]).toEqual([false, false])

  // Half of it is left when it is packed.
  const large = randomBytes(10_000).toString("hex")
  await say(large)
  await shows(bob.page, id, small, large)
  expect([alice.sent.has(PACKED_FRAME), bob.received.has(PACKED_FRAME)]).toEqual([true, true])
})
