/* What was erased for everyone is in no file of a browser's profile, either. [SPEC X7, X8] */
import { randomBytes } from "node:crypto"
import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import type { BrowserContext, Page } from "playwright-core"
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from "vitest"
import { openClient } from "../support/client.js"
import { startTestServer } from "../support/server.js"
import { temporaryDirectory } from "../support/temporary.js"
import { conversationOf, until } from "../support/until.js"
import { launchProfile } from "./chromium.js"
import type {} from "./client-page.js"
import { servePage, type ServedPage } from "./serve.js"

let served: ServedPage

beforeAll(async () => {
  served = await servePage("client-page.ts")
})

afterAll(() => served.close())

/**
 * Which files of IndexedDB hold the text or any eight letters of it, by their kind: tables are compressed, and may
 * break it up. UTF-8, which is how V8 writes Latin-1 too, and UTF-16.
 */
async function filesWith(profile: string, text: string): Promise<string[]> {
  const parts = Array.from({ length: text.length - 7 }, (_, at) => text.slice(at, at + 8))
  const forms = parts.flatMap((part) => [Buffer.from(part), Buffer.from(part, "utf16le")])
  const found = new Set<string>()
  const folder = join(profile, "Default", "IndexedDB")
  for (const file of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue
    // Chromium drops files at any moment.
    const bytes = await readFile(join(file.parentPath, file.name)).catch(() => Buffer.alloc(0))
    if (forms.some((form) => bytes.includes(form))) found.add(/[.](ldb|log)$/.exec(file.name)?.[1] ?? "blob")
  }
  return Array.from(found)
}

function secret(): string {
  return randomBytes(24).toString("base64url")
}

async function openProfile(profile: string, server: string): Promise<{ context: BrowserContext; page: Page }> {
  const context = await launchProfile(profile)
  onTestFinished(() => context.close())
  const page = await context.newPage()
  await page.clock.install()
  await page.goto(served.url)
  await page.evaluate((url) => window.weft.open("alice", [url]), server)
  return { context, page }
}

/** So much is written that Chromium brings its log, with all that came before, into tables. */
function intoTables(page: Page): Promise<void> {
  return page.evaluate(async () => {
    const request = indexedDB.open("filling")
    request.onupgradeneeded = () => request.result.createObjectStore("filling", { autoIncrement: true })
    await new Promise((resolve) => (request.onsuccess = resolve))
    for (let part = 0; part < 10; part++) {
      const transaction = request.result.transaction("filling", "readwrite")
      // What is larger is kept in files of its own.
      const bytes = crypto.getRandomValues(new Uint8Array(16_384))
      for (let row = 0; row < 64; row++) transaction.objectStore("filling").add(bytes)
      await new Promise((resolve) => (transaction.oncomplete = resolve))
    }
    request.result.close()
  })
}

it("[X7, X8] an erased text is in no file of the profile, its edit neither, whoever wrote it; the others are", async () => {
  const server = await startTestServer()
  const profile = await temporaryDirectory()
  const { context, page } = await openProfile(profile, server.url)
  const bob = await openClient("bob", { servers: [server.url], directory: await temporaryDirectory() })
  const id = await page.evaluate(() => window.weft.create("Trip", ["bob"]))
  const trip = await conversationOf(bob, id)
  const [kept, own, foreign, edited] = [secret(), secret(), secret(), secret()]
  // Together too much for a record: Chromium keeps values of more than 64 KiB in files of their own.
  const [keptText, ownText] = [kept, own].map((text) => text + randomBytes(35_000).toString("base64url"))
  const message = await page.evaluate(
    ([to, first, second]) => {
      window.weft.send(to, first)
      return window.weft.send(to, second)
    },
    [id, keptText ?? "", ownText ?? ""] as const,
  )
  await page.evaluate(([to, of]) => window.weft.reached(to, of, "sent"), [id, message] as const)
  const other = trip.send(foreign)
  await other.reached("sent")
  await page.evaluate(([to, texts]) => window.weft.shows(to, texts), [id, [keptText, ownText, foreign]] as [
    string,
    string[],
  ])
  trip.edit(other.id, edited)
  await page.evaluate(([to, texts]) => window.weft.shows(to, texts), [id, [keptText, ownText, edited]] as [
    string,
    string[],
  ])
  await page.evaluate(() => window.weft.synced())
  await intoTables(page)
  for (const [text, kind] of [
    [kept, "blob"],
    [own, "blob"],
    [foreign, "ldb"],
    [edited, "ldb"],
  ] as const) {
    await vi.waitUntil(async () => (await filesWith(profile, text)).includes(kind), { timeout: 20_000 })
  }

  await page.evaluate(([to, of]) => window.weft.erase(to, of), [id, message] as const)
  await trip.erase(other.id)
  await until(trip.messages, ({ items }) => items.filter(({ form }) => form === "erased").length === 2)
  await page.evaluate((to) => window.weft.gone(to, 2), id)
  await page.evaluate(() => window.weft.synced())
  await page.clock.fastForward(11_000)
  // The list's row is stored anew meanwhile, and its bytes wait for the next time, an hour later.
  await vi.waitUntil(
    async () => {
      await page.clock.fastForward(61 * 60_000)
      return page.evaluate(() => window.weft.isCompacted())
    },
    { timeout: 20_000, interval: 200 },
  )
  for (const text of [own, foreign, edited]) {
    await vi.waitUntil(async () => (await filesWith(profile, text)).length === 0, { timeout: 20_000, interval: 100 })
  }
  await context.close()
  for (const text of [own, foreign, edited]) expect(await filesWith(profile, text)).toEqual([])
  expect(await filesWith(profile, kept)).not.toEqual([])

  // The same device, with what was not erased.
  const again = await openProfile(profile, server.url)
  await again.page.evaluate((of) => window.weft.has(of), id)
  await again.page.evaluate((of) => window.weft.gone(of, 2), id)
  const shown = await again.page.evaluate((of) => window.weft.messages(of).map(({ text }) => text ?? ""), id)
  expect(shown.sort()).toEqual(["", "", keptText].sort())
})
