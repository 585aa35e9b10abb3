import type { Browser, BrowserContext, Page } from "playwright-core"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { startTestServer } from "../support/server.js"
import { sharedChromium } from "./chromium.js"
import type {} from "./client-page.js"
import { servePage, type ServedPage } from "./serve.js"

let browser: Browser
let served: ServedPage
let context: BrowserContext

beforeAll(async () => {
  browser = await sharedChromium()
  served = await servePage("client-page.ts")
})

afterAll(async () => {
  await served.close()
})

beforeEach(async () => {
  context = await browser.newContext()
})

afterEach(async () => {
  await context.close()
})

async function openTab(user: string, servers: string[]): Promise<Page> {
  const page = await context.newPage()
  await page.goto(served.url)
  await page.evaluate(([name, urls]) => window.weft.open(name, urls), [user, servers] as const)
  return page
}

describe("two tabs of one device", () => {
  it("[W3] both write without a fork, one of them through the other's socket", async () => {
    const { url } = await startTestServer()
    const first = await openTab("alice", [url])
    await first.evaluate(() => window.weft.writes())
    const id = await first.evaluate(() => window.weft.create("Trip", ["bob"]))
    const second = await openTab("alice", [url])
    expect(await second.evaluate(() => window.weft.status().tab)).toBe("follower")
    const one = await first.evaluate((to) => window.weft.send(to, "from the first"), id)
    const two = await second.evaluate((to) => window.weft.send(to, "from the second"), id)
    for (const page of [first, second]) {
      await page.evaluate((to) => window.weft.shows(to, ["from the first", "from the second"]), id)
      for (const message of [one, two]) {
        await page.evaluate(([to, of]) => window.weft.reached(to, of, "sent"), [id, message] as const)
      }
    }
    const digests = await Promise.all([first, second].map((page) => page.evaluate((to) => window.weft.digest(to), id)))
    expect(new Set(digests).size).toBe(1)
  })

  it("[W3] tabs that are opened in one moment, as when a session is restored, all get to work", async () => {
    const { url } = await startTestServer()
    // What a tab hears of the locks is not so any more when it hears it.
    await context.addInitScript(() => {
      const query = navigator.locks.query.bind(navigator.locks)
      navigator.locks.query = async () => {
        const found = await query()
        await new Promise((resolve) => setTimeout(resolve, 300))
        return found
      }
    })
    const pages = await Promise.all(Array.from({ length: 4 }, () => context.newPage()))
    await Promise.all(pages.map((page) => page.goto(served.url)))
    await Promise.all(pages.map((page) => page.evaluate((server) => window.weft.open("alice", [server]), url)))
    const tabs = await Promise.all(pages.map((page) => page.evaluate(() => window.weft.status().tab)))
    expect(tabs.filter((tab) => tab === "writer")).toHaveLength(1)
    const [first, ...others] = pages
    const id = await first!.evaluate(() => window.weft.create("Trip", ["bob"]))
    for (const page of others) await page.evaluate((conversation) => window.weft.has(conversation), id)
  })

  it("[W1] what either one writes offline before a reload that follows at once is there after it, and is sent", async () => {
    const first = await openTab("alice", [])
    await first.evaluate(() => window.weft.writes())
    const id = await first.evaluate(() => window.weft.create("Trip", []))
    const second = await openTab("alice", [])
    // What is asked of a page that goes away is answered before it begins.
    const burst = (page: Page, texts: readonly string[]): Promise<void> =>
      page.evaluate(
        ([to, each]) => {
          const write = (from: number): void => {
            for (const text of each.slice(from, from + 3)) window.weft.send(to, text)
            if (from + 3 < each.length) setTimeout(() => write(from + 3))
            else location.reload()
          }
          setTimeout(() => write(0))
        },
        [id, texts] as const,
      )
    const all: string[] = []
    for (const [page, name] of [
      [second, "follower"],
      [first, "writer"],
    ] as const) {
      const loaded = page.waitForEvent("load")
      const texts = Array.from({ length: 15 }, (_, index) => `${name} ${index}`)
      await burst(page, texts)
      await loaded
      all.push(...texts)
      await page.evaluate(() => window.weft.open("alice", []))
      await page.evaluate(([to, texts]) => window.weft.shows(to, texts), [id, all] as const)
    }
    const { url } = await startTestServer()
    const third = await openTab("alice", [url])
    await Promise.all([first.close(), second.close()])
    await third.evaluate(([to, texts]) => window.weft.shows(to, texts), [id, all] as const)
    for (const { id: message } of await third.evaluate((to) => window.weft.messages(to), id)) {
      await third.evaluate(([to, of]) => window.weft.reached(to, of, "sent"), [id, message] as const)
    }
  })

  it("[W1] what the browser had not come to when a tab was reloaded or closed is there for all of them", async () => {
    const first = await openTab("alice", [])
    await first.evaluate(() => window.weft.writes())
    const id = await first.evaluate(() => window.weft.create("Trip", []))
    const second = await openTab("alice", [])
    await first.evaluate(() => window.weft.hold())
    const loaded = second.waitForEvent("load")
    await second.evaluate((to) => {
      setTimeout(() => {
        window.weft.send(to, "reloaded")
        window.weft.type(to, "typed")
        location.reload()
      })
    }, id)
    await loaded
    await first.evaluate(() => window.weft.letGo())
    await second.evaluate(() => window.weft.open("alice", []))
    for (const page of [first, second]) {
      await page.evaluate((to) => window.weft.shows(to, ["reloaded"]), id)
      await page.evaluate((to) => window.weft.drafted(to, ["typed"]), id)
    }
    await first.evaluate(() => window.weft.hold())
    await second.evaluate((to) => window.weft.send(to, "closed"), id)
    await second.close()
    await first.evaluate(() => window.weft.letGo())
    const { url } = await startTestServer()
    await first.evaluate((to) => window.weft.addServer(to), url)
    await first.evaluate((to) => window.weft.shows(to, ["closed", "reloaded"]), id)
    for (const { id: message } of await first.evaluate((to) => window.weft.messages(to), id)) {
      await first.evaluate(([to, of]) => window.weft.reached(to, of, "sent"), [id, message] as const)
    }
    // Nothing is left of it.
    expect(await first.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith("weft/left/")))).toEqual(
      [],
    )
  })

  it("[W3] the second takes over when the first is closed", async () => {
    const { url } = await startTestServer()
    const first = await openTab("alice", [url])
    await first.evaluate(() => window.weft.writes())
    const id = await first.evaluate(() => window.weft.create("Trip", []))
    const second = await openTab("alice", [url])
    await first.evaluate((to) => window.weft.send(to, "before"), id)
    await second.evaluate((to) => window.weft.shows(to, ["before"]), id)
    await first.close()
    await second.evaluate(() => window.weft.writes())
    const message = await second.evaluate((to) => window.weft.send(to, "after"), id)
    await second.evaluate(([to, of]) => window.weft.reached(to, of, "sent"), [id, message] as const)
    await second.evaluate((to) => window.weft.shows(to, ["before", "after"]), id)
  })

  it.each(["is closed", "crashes"])(
    "[W3] what a tab stored and did not live to tell is sent when it %s",
    async (end) => {
      const { url } = await startTestServer()
      const first = await openTab("alice", [url])
      await first.evaluate(() => window.weft.writes())
      const id = await first.evaluate(() => window.weft.create("Trip", []))
      const second = await openTab("alice", [url])
      await second.evaluate((to) => window.weft.has(to), id)
      // As if it ended right after the write: it is alive, and tells nothing.
      await second.evaluate(() => {
        const { postMessage } = BroadcastChannel.prototype
        BroadcastChannel.prototype.postMessage = function (data: { readonly kind: string }) {
          if (data.kind !== "message") postMessage.call(this, data)
        }
      })
      const message = await second.evaluate((to) => window.weft.send(to, "late"), id)
      await second.evaluate(([to, of]) => window.weft.reached(to, of, "saved"), [id, message] as const)
      expect(await first.evaluate((to) => window.weft.messages(to).length, id)).toBe(0)
      if (end === "crashes") {
        const crashed = second.waitForEvent("crash")
        second.goto("chrome://crash").catch(() => undefined)
        await crashed
      } else await second.close()
      await first.evaluate((to) => window.weft.shows(to, ["late"]), id)
      await first.evaluate(([to, of]) => window.weft.reached(to, of, "sent"), [id, message] as const)
    },
  )

  it("[W3] takes over from a frozen tab, whose return forks nothing", async () => {
    const { url } = await startTestServer()
    const first = await openTab("alice", [url])
    await first.evaluate(() => window.weft.writes())
    const id = await first.evaluate(() => window.weft.create("Trip", []))
    const before = await first.evaluate((to) => window.weft.send(to, "before"), id)
    await first.evaluate(([to, of]) => window.weft.reached(to, of, "sent"), [id, before] as const)
    const second = await openTab("alice", [url])
    const session = await context.newCDPSession(first)
    // A tab that runs nothing at all: no timers, no answers.
    await session.send("Debugger.enable")
    await session.send("Debugger.pause")
    const frozen = first.evaluate(() => 1).catch(() => 0)
    const paused = new Promise((resolve) => session.once("Debugger.paused", resolve))
    await paused
    const message = await second.evaluate((to) => window.weft.send(to, "meanwhile"), id)
    await second.evaluate(() => window.weft.writes())
    await second.evaluate(([to, of]) => window.weft.reached(to, of, "sent"), [id, message] as const)
    await session.send("Debugger.resume")
    await session.send("Debugger.disable")
    await frozen
    const last = await first.evaluate((to) => window.weft.send(to, "awake again"), id)
    await first.evaluate(([to, of]) => window.weft.reached(to, of, "sent"), [id, last] as const)
    for (const page of [first, second]) {
      await page.evaluate((to) => window.weft.shows(to, ["before", "meanwhile", "awake again"]), id)
    }
    expect(await first.evaluate(() => window.weft.status().tab)).toBe("follower")
  })
})
