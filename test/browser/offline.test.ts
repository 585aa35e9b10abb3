import type { Browser, BrowserContext, Page } from "playwright-core"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { startServerProcess, type ServerProcess } from "../support/server-process.js"
import { startTestServer } from "../support/server.js"
import { temporaryDirectory } from "../support/temporary.js"
import { sharedChromium } from "./chromium.js"
import type {} from "./client-page.js"
import { servePage, type ServedPage } from "./serve.js"

let browser: Browser
let served: ServedPage
let contexts: BrowserContext[]
let processes: ServerProcess[]

beforeAll(async () => {
  browser = await sharedChromium()
  served = await servePage("client-page.ts")
})

afterAll(async () => {
  await served.close()
})

beforeEach(() => {
  contexts = []
  processes = []
})

afterEach(async () => {
  await Promise.all(contexts.map((context) => context.close()))
  await Promise.all(processes.map((process) => process.stop("SIGKILL")))
})

async function openDevice(): Promise<Page> {
  const context = await browser.newContext()
  contexts.push(context)
  return context.newPage()
}

async function openClient(page: Page, user: string, servers: string[]): Promise<Page> {
  await page.goto(served.url)
  await page.evaluate(([name, urls]) => window.weft.open(name, urls), [user, servers] as const)
  return page
}

async function serverProcess(data: string, port?: number): Promise<ServerProcess> {
  const process = await startServerProcess({ data, ...(port === undefined ? {} : { port }) })
  processes.push(process)
  return process
}

function webSocketUrl({ port }: { readonly port: number }): string {
  return `ws://localhost:${port}`
}

describe("a browser without its server", () => {
  it("[W1, I3] what was sent offline is there after a reload, pending, and is sent once the server is up", async () => {
    const data = await temporaryDirectory()
    const first = await serverProcess(data)
    const url = webSocketUrl(first)
    const page = await openClient(await openDevice(), "alice", [url])
    const id = await page.evaluate(() => window.weft.create("Trip", ["bob"]))
    await page.evaluate(() => window.weft.synced())
    await first.stop("SIGKILL")
    const message = await page.evaluate((to) => window.weft.send(to, "into the void"), id)
    await page.evaluate(([to, of]) => window.weft.reached(to, of, "saved"), [id, message] as const)
    await openClient(page, "alice", [url])
    expect(await page.evaluate((of) => window.weft.messages(of), id)).toEqual([
      { text: "into the void", status: "saved", id: message },
    ])
    const { pending, connection } = await page.evaluate(() => window.weft.status())
    expect(pending).toMatchObject([{ conversation: id, messages: 1, reason: "connection" }])
    expect(connection.kind).not.toBe("online")
    await serverProcess(data, first.port)
    await page.evaluate(([to, of]) => window.weft.reached(to, of, "sent"), [id, message] as const)
    await page.evaluate(() => window.weft.synced())
    const bob = await openClient(await openDevice(), "bob", [url])
    await bob.evaluate((of) => window.weft.has(of), id)
    await bob.evaluate((of) => window.weft.shows(of, ["into the void"]), id)
  })

  it("[I6] two users who wrote offline converge", async () => {
    const { url } = await startTestServer()
    const alice = await openClient(await openDevice(), "alice", [url])
    const bob = await openClient(await openDevice(), "bob", [url])
    const id = await alice.evaluate(() => window.weft.create("Trip", ["bob"]))
    await bob.evaluate((of) => window.weft.has(of), id)
    for (const page of [alice, bob]) {
      await page.evaluate(() => window.weft.synced())
      await page.evaluate(() => {
        window.weft.offline()
      })
    }
    for (const text of ["a1", "a2"])
      await alice.evaluate(([to, what]) => window.weft.send(to, what), [id, text] as const)
    for (const text of ["b1", "b2"]) await bob.evaluate(([to, what]) => window.weft.send(to, what), [id, text] as const)
    for (const page of [alice, bob]) {
      await page.evaluate(() => {
        window.weft.online()
      })
    }
    const texts = ["a1", "a2", "b1", "b2"]
    for (const page of [alice, bob])
      await page.evaluate(([to, all]) => window.weft.shows(to, all), [id, texts] as const)
    for (const page of [alice, bob]) await page.evaluate(() => window.weft.synced())
    const ids = await Promise.all(
      [alice, bob].map((page) => page.evaluate((of) => window.weft.messages(of).map(({ id: message }) => message), id)),
    )
    expect(ids[0]).toEqual(ids[1])
    const digests = await Promise.all([alice, bob].map((page) => page.evaluate((of) => window.weft.digest(of), id)))
    expect(digests[0]).toBe(digests[1])
  })

  it("[I1] a server killed in mid-stream loses nothing that it acknowledged", async () => {
    const data = await temporaryDirectory()
    const first = await serverProcess(data)
    const url = webSocketUrl(first)
    const page = await openClient(await openDevice(), "alice", [url])
    const id = await page.evaluate(() => window.weft.create("Stream", []))
    await page.evaluate(() => window.weft.synced())
    const last = await page.evaluate((to) => {
      let message = ""
      for (let index = 0; index < 150; index++) message = window.weft.send(to, `m${index}`)
      return message
    }, id)
    const early = await page.evaluate((of) => window.weft.messages(of)[0]?.id ?? "", id)
    await page.evaluate(([to, of]) => window.weft.reached(to, of, "sent"), [id, early] as const)
    await first.stop("SIGKILL")
    const acknowledged = (await page.evaluate((of) => window.weft.messages(of), id)).filter(
      ({ status }) => status === "sent",
    )
    // A new device reads from the restarted server alone: the writer is gone.
    await contexts[0]?.close()
    await serverProcess(data, first.port)
    const reader = await openClient(await openDevice(), "alice", [url])
    await reader.evaluate((of) => window.weft.has(of), id)
    await reader.evaluate(() => window.weft.synced())
    const held = new Set(
      (await reader.evaluate((of) => window.weft.messages(of), id)).map(({ id: message }) => message),
    )
    expect(acknowledged.filter(({ id: message }) => !held.has(message))).toEqual([])
    expect(acknowledged.length).toBeGreaterThan(0)
    expect(last).not.toBe("")
  })

  it("says STORE_QUOTA while there is no room, reports nothing as saved, and saves it when there is", async () => {
    const page = await openDevice()
    // Before the first write: Chromium remembers for seconds how much room there is.
    const session = await page.context().newCDPSession(page)
    await session.send("Storage.overrideQuotaForOrigin", { origin: served.url, quotaSize: 150_000 })
    await openClient(page, "alice", [])
    const id = await page.evaluate(() => window.weft.create("Full", []))
    const small = await page.evaluate((to) => window.weft.send(to, "small"), id)
    await page.evaluate(([to, of]) => window.weft.reached(to, of, "saved"), [id, small] as const)
    // One write takes the first, the next one those that wait: together more than there is room for.
    await page.evaluate((to) => {
      for (let index = 0; index < 4; index++) window.weft.send(to, "x".repeat(60_000))
    }, id)
    expect(await page.evaluate(() => window.weft.failing())).toBe("STORE_QUOTA")
    const shown = await page.evaluate((of) => window.weft.messages(of), id)
    expect(shown).toHaveLength(5)
    expect(shown.map(({ status }) => status)).toContain("saving")
    // What was reported as saved is there after a reload.
    await openClient(page, "alice", [])
    const held = new Set((await page.evaluate((of) => window.weft.messages(of), id)).map((message) => message.id))
    expect(shown.filter((message) => message.status === "saved" && !held.has(message.id))).toEqual([])
    await session.send("Storage.overrideQuotaForOrigin", { origin: served.url })
    const late = await page.evaluate((to) => window.weft.send(to, "there is room again"), id)
    await page.evaluate(([to, of]) => window.weft.reached(to, of, "saved"), [id, late] as const)
  })
})
