import type { Browser, BrowserContext, Page } from "playwright-core"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest"
import { storageCases } from "../contract/storage.js"
import { seededRandom } from "../support/seed.js"
import { launchChromium } from "./chromium.js"
import { servePage, type ServedPage } from "./serve.js"
import type { StoragePage } from "./storage-page.js"

declare const storagePage: StoragePage

let browser: Browser
let served: ServedPage

beforeAll(async () => {
  // a name that is no secure context
  browser = await launchChromium(["--host-resolver-rules=MAP insecure.test 127.0.0.1"])
  served = await servePage("./storage-page.ts")
})

afterAll(async () => {
  await browser.close()
  await served.close()
})

describe("IndexedDB storage", () => {
  let context: BrowserContext
  let page: Page

  beforeAll(async () => {
    context = await browser.newContext()
    page = await tab(context)
  })

  afterAll(() => context.close())

  for (const { name } of storageCases) {
    it(name, async () => {
      expect(await page.evaluate((chosen) => storagePage.runCase(chosen, false), name)).toBe("ok")
    })

    it(`[X8] while entries move: ${name}`, async () => {
      expect(await page.evaluate((chosen) => storagePage.runCase(chosen, true), name)).toBe("ok")
    })
  }
})

describe("IndexedDB storage and its browser", () => {
  let context: BrowserContext
  let page: Page

  beforeEach(async () => {
    context = await browser.newContext()
    page = await tab(context)
  })

  afterEach(() => context.close())

  it("data and key pair are there after a reload", async () => {
    expect(await open(page, "db")).toBe("ok")
    const key = await page.evaluate(() => storagePage.publicKey())
    expect(await write(page, { a: 10, b: 20 })).toBe("ok")
    await page.reload()
    expect(await open(page, "db")).toBe("ok")
    expect(await lengths(page)).toEqual({ a: 10, b: 20 })
    expect(await page.evaluate(() => storagePage.publicKey())).toBe(key)
  })

  it("[X8] writes without a guard are carried out though their page answers nothing any more", async () => {
    const other = await tab(context)
    await Promise.all([open(page, "db"), open(other, "db")])
    let answer = (): void => undefined
    const held = new Promise<void>((resolve) => {
      answer = resolve
    })
    await page.route("**/until", async (route) => {
      await held
      await route.fulfill()
    })
    const hangs = page.waitForRequest("**/until")
    await page.evaluate(() => {
      storagePage.writeAndHang(12, "/until")
    })
    await hangs
    const written = Array.from({ length: 12 }, (_, key) => [`key ${key}`, key])
    await vi.waitFor(async () => expect(await lengths(other)).toEqual(Object.fromEntries(written)), { timeout: 30_000 })
    answer()
  })

  it("databases of different names are apart", async () => {
    await open(page, "one")
    await write(page, { a: 1 })
    await open(page, "two")
    expect(await lengths(page)).toEqual({})
  })

  it("the private key can't be taken out", async () => {
    await open(page, "db")
    await page.evaluate(() => storagePage.publicKey())
    const found = await page.evaluate(() => storagePage.rawIdentity("db"))
    expect(found).toEqual({ extractable: false, usages: ["sign"] })
  })

  it("two tabs that ask for the key pair at once get the same", async () => {
    const other = await tab(context)
    for (let round = 0; round < 8; round++) {
      const name = `race ${round}`
      await Promise.all([open(page, name), open(other, name)])
      const [one, two] = await Promise.all([page, other].map((each) => each.evaluate(() => storagePage.publicKey())))
      expect(one).toMatch(/^(\d+ ){31}\d+$/)
      expect(two).toBe(one)
    }
  })

  it("after the browser cleared the data it goes on with an empty store, and a guard notices", async () => {
    await open(page, "db")
    await write(page, { owner: 0, a: 10 })
    const session = await context.newCDPSession(page)
    await session.send("Storage.clearDataForOrigin", { origin: served.url, storageTypes: "indexeddb" })
    const guarded = await page.evaluate(() =>
      storagePage.write({ b: 1 }, { guard: { key: "owner", value: new Uint8Array(0) } }),
    )
    expect(guarded).toBe("STORE_FENCED")
    expect(await lengths(page)).toEqual({})
    expect(await write(page, { c: 3 })).toBe("ok")
    expect(await lengths(page)).toEqual({ c: 3 })
  })

  it("writes under way while the data is cleared all end, and go on", async () => {
    await open(page, "db")
    const session = await context.newCDPSession(page)
    await page.evaluate(() => storagePage.startWriting())
    for (let round = 0; round < 5; round++) {
      await session.send("Storage.clearDataForOrigin", { origin: served.url, storageTypes: "indexeddb" })
      const ended = await page.evaluate(() => storagePage.writesEnded())
      await page.waitForFunction((before) => storagePage.writesEnded() > before + 40, ended)
    }
    const ends = await page.evaluate(() => storagePage.stopWriting())
    expect(new Set(ends)).toEqual(new Set(["ok"]))
  })

  it("it stands aside when another tab deletes the database, and makes it anew", async () => {
    const other = await tab(context)
    await open(page, "db")
    await write(page, { a: 10 })
    await other.evaluate(() => storagePage.deleteDatabase("db"))
    expect(await write(page, { b: 20 })).toBe("ok")
    expect(await lengths(page)).toEqual({ b: 20 })
  })

  it("it stands aside when another tab brings a newer version, and then says STORE_BLOCKED", async () => {
    const other = await tab(context)
    await open(page, "db")
    await other.evaluate(() => storagePage.holdOpen("db", 3))
    expect(await write(page, { a: 1 })).toBe("STORE_BLOCKED")
    expect(await lengths(page)).toBe("STORE_BLOCKED")
    expect(await open(other, "db")).toBe("STORE_BLOCKED")
  })

  it("while another tab keeps it from opening it says STORE_BLOCKED, and works once that tab lets go", async () => {
    const other = await tab(context)
    await page.clock.install()
    await open(page, "db")
    await other.evaluate(() => storagePage.holdOpen("db"))
    await page.evaluate(() => storagePage.deleteHeldDatabase("db"))
    const blocked = write(page, { a: 1 })
    const opening = page.evaluate(() => storagePage.open("db"))
    await page.clock.fastForward(9_000)
    await page.clock.fastForward(2_000)
    expect(await blocked).toBe("STORE_BLOCKED")
    expect(await opening).toBe("STORE_BLOCKED")
    expect(await write(page, { a: 2 })).toBe("STORE_BLOCKED")
    await other.evaluate(() => storagePage.release())
    expect(await open(page, "db")).toBe("ok")
    expect(await write(page, { a: 3 })).toBe("ok")
    expect(await lengths(page)).toEqual({ a: 3 })
  })

  it("a full quota says STORE_QUOTA and writes nothing of the batch; with room again it works", async () => {
    // before the first write: Chromium remembers for seconds how much room there is
    const session = await context.newCDPSession(page)
    await session.send("Storage.overrideQuotaForOrigin", { origin: served.url, quotaSize: 1_000_000 })
    await open(page, "db")
    await write(page, { before: 10 })
    for (const durability of ["strict", "relaxed"] as const) {
      const options = { durability }
      const end = await page.evaluate((chosen) => storagePage.write({ small: 1, big: 3_000_000 }, chosen), options)
      expect(end).toBe("STORE_QUOTA")
    }
    expect(await lengths(page)).toEqual({ before: 10 })
    await session.send("Storage.overrideQuotaForOrigin", { origin: served.url })
    expect(await write(page, { small: 1, big: 3_000_000 })).toBe("ok")
    expect(await lengths(page)).toEqual({ before: 10, small: 1, big: 3_000_000 })
  })

  it("a foreign value says STORE_CORRUPT, and so does a damaged key pair", async () => {
    await open(page, "db")
    await write(page, { a: 1 })
    await page.evaluate(() => storagePage.damage("db", "entries", "b"))
    expect(await lengths(page)).toBe("STORE_CORRUPT")
    await page.evaluate(() => storagePage.damage("db\n", "identity", "key-pair"))
    expect(await page.evaluate(() => storagePage.publicKey())).toBe("STORE_CORRUPT")
  })

  it("it asks once to be kept, and its estimate has the browser's numbers", async () => {
    await page.addInitScript(() => {
      const asked = { persist: 0 }
      Object.assign(globalThis, { asked })
      navigator.storage.persist = () => Promise.resolve(++asked.persist > 0)
    })
    await page.reload()
    await open(page, "db")
    await write(page, { a: 300_000 })
    const { usedBytes = 0, quotaBytes = 0 } = await page.evaluate(() => storagePage.estimate())
    expect(usedBytes).toBeGreaterThan(0)
    expect(quotaBytes).toBeGreaterThan(usedBytes)
    expect(await page.evaluate(() => (globalThis as unknown as { asked: { persist: number } }).asked.persist)).toBe(1)
  })

  it("where the browser refuses databases it says STORE_UNAVAILABLE", async () => {
    await page.evaluate(
      (source) =>
        new Promise<void>((resolve) => {
          const frame = document.createElement("iframe")
          frame.setAttribute("sandbox", "allow-scripts") // an origin of its own, which may keep nothing
          frame.onload = () => resolve()
          frame.src = source
          document.body.append(frame)
        }),
      `${served.url}/framed`,
    )
    const frame = page.frames().find((each) => each.url().endsWith("/framed"))
    expect(await frame?.evaluate(() => storagePage.open("db"))).toBe("STORE_UNAVAILABLE")
  })

  it("where there is no indexedDB at all it says STORE_UNAVAILABLE", async () => {
    await page.addInitScript(() => Object.defineProperty(globalThis, "indexedDB", { value: undefined }))
    await page.reload()
    expect(await open(page, "db")).toBe("STORE_UNAVAILABLE")
  })

  it("on a page that is no secure context the key pair says CRYPTO_UNAVAILABLE", async () => {
    await page.goto(`http://insecure.test:${served.port}`)
    expect(await open(page, "db")).toBe("ok")
    expect(await page.evaluate(() => storagePage.publicKey())).toBe("CRYPTO_UNAVAILABLE")
  })
})

describe("[X8] IndexedDB storage whose entries move", () => {
  const entries = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`k${index}`, index]))
  let context: BrowserContext
  let page: Page

  beforeEach(async () => {
    context = await browser.newContext()
    page = await tab(context)
  })

  afterEach(() => context.close())

  it("two tabs read and write at random, and find what a plain map holds", async () => {
    const { seed } = seededRandom("moves of IndexedDB's entries")
    const end = await page.evaluate((chosen) => storagePage.runRandom("db", chosen, 600), seed)
    expect(end, `seed ${seed}`).toBe("ok")
  })

  it("all is in a new database in the end, the key pair too, and the one before is gone", async () => {
    await open(page, "db")
    await write(page, entries)
    const key = await page.evaluate(() => storagePage.publicKey())
    for (const number of [1, 2]) {
      expect(await page.evaluate(() => storagePage.compact())).toBe("ok")
      expect(await lengths(page)).toEqual(entries)
      // the one of the client's name stays, and holds nothing, so that version 1 finds it
      expect(await databases(page)).toEqual(["db", "db\n", `db\n${number}`])
    }
    await page.reload()
    await open(page, "db")
    expect(await lengths(page)).toEqual(entries)
    expect(await page.evaluate(() => storagePage.publicKey())).toBe(key)
  })

  it("another tab writes in the middle, at both ends, and has nothing to wait for", async () => {
    const other = await tab(context)
    await Promise.all([open(page, "db"), open(other, "db")])
    await write(page, entries)
    await page.evaluate(() => storagePage.openMoves("db"))
    expect(await page.evaluate(() => storagePage.stepMove(4))).toBe(true)
    expect(await write(other, { a: 1, k0: 1000, z: 2 })).toBe("ok")
    expect(await lengths(page)).toEqual({ ...entries, a: 1, k0: 1000, z: 2 })
    expect(await page.evaluate(() => storagePage.finishMove())).toBe("ok")
    expect(await write(other, { b: 3 })).toBe("ok")
    for (const each of [page, other]) expect(await lengths(each)).toEqual({ ...entries, a: 1, b: 3, k0: 1000, z: 2 })
  })

  it("tabs that sleep through a move find where all has gone when they wake up, and only keep the old database", async () => {
    await context.addInitScript(() => {
      if (location.pathname === "/asleep") Object.defineProperty(IDBDatabase.prototype, "onversionchange", { set() {} })
    })
    await open(page, "db")
    await write(page, entries)
    const [reader, writer] = [await tab(context, "/asleep"), await tab(context, "/asleep")]
    for (const each of [reader, writer]) {
      await open(each, "db")
      expect(await lengths(each)).toEqual(entries)
    }
    const compacting = page.evaluate(() => storagePage.compact())
    await vi.waitUntil(async () => (await place(page)).at === "db\n1")
    expect(await write(page, { a: 1 })).toBe("ok")
    expect(await lengths(reader)).toEqual({ ...entries, a: 1 })
    expect(await write(writer, { b: 2 })).toBe("ok")
    expect(await compacting).toBe("ok")
    for (const each of [page, reader, writer]) expect(await lengths(each)).toEqual({ ...entries, a: 1, b: 2 })
    expect(await databases(page)).toEqual(["db", "db\n", "db\n1"])
  })

  it("a compaction that waits for a tab that sleeps ends when the store closes, and the next one tidies up", async () => {
    const asleep = await tab(context)
    await open(page, "db")
    await write(page, entries)
    await asleep.evaluate(() => storagePage.holdOpen("db"))
    const compacting = page.evaluate(() => storagePage.compact())
    await vi.waitUntil(async () => (await place(page)).at === "db\n1")
    expect(await page.evaluate(() => storagePage.close())).toBe("ok")
    expect(await compacting).toBe("STORE_CLOSED")
    await page.close()
    await asleep.evaluate(() => storagePage.release())
    await open(asleep, "db")
    expect(await lengths(asleep)).toEqual(entries)
    expect(await asleep.evaluate(() => storagePage.compact())).toBe("ok")
    expect(await lengths(asleep)).toEqual(entries)
    expect(await databases(asleep)).toEqual(["db", "db\n", "db\n2"])
    // Where they are.
    expect(await asleep.evaluate(() => storagePage.rawCount("db"))).toBe(1)
  })

  it("closed in the middle, and killed in the middle, it has changed nothing, and begins anew", async () => {
    const other = await tab(context)
    await open(page, "db")
    await write(page, entries)
    await page.evaluate(() => storagePage.openMoves("db"))
    expect(await page.evaluate(() => storagePage.stepMove(4))).toBe(true)
    expect(await page.evaluate(() => storagePage.closeMoves())).toBe("STORE_CLOSED")
    expect(await databases(page)).toEqual(["db", "db\n"])
    await page.evaluate(() => storagePage.openMoves("db"))
    expect(await page.evaluate(() => storagePage.stepMove(4))).toBe(true)
    expect(await write(page, { late: 1 })).toBe("ok")
    await page.close()
    await open(other, "db")
    expect(await lengths(other)).toEqual({ ...entries, late: 1 })
    expect(await databases(other)).toEqual(["db", "db\n", "db\n2"])
    expect(await write(other, { later: 2 })).toBe("ok")
    expect(await other.evaluate(() => storagePage.compact())).toBe("ok")
    expect(await lengths(other)).toEqual({ ...entries, late: 1, later: 2 })
    expect(await databases(other)).toEqual(["db", "db\n", "db\n3"])
  })

  it("ended behind its last transaction, it counts, and the next one tidies up", async () => {
    await open(page, "db")
    await write(page, { before: 1 })
    await page.evaluate(() => storagePage.close())
    await page.evaluate((all) => storagePage.endAfterMove("db", all), entries)
    for (let round = 0; round < 2; round++) {
      await open(page, "db")
      expect(await lengths(page)).toEqual(entries)
    }
    expect(await page.evaluate(() => storagePage.compact())).toBe("ok")
    expect(await lengths(page)).toEqual(entries)
    expect(await databases(page)).toEqual(["db", "db\n", "db\n2"])
    // Where they are.
    expect(await page.evaluate(() => storagePage.rawCount("db"))).toBe(1)
  })

  it("without room for a second copy it says STORE_QUOTA, and gives back what it took; with room again it works", async () => {
    const session = await context.newCDPSession(page)
    await session.send("Storage.overrideQuotaForOrigin", { origin: served.url, quotaSize: 5_000_000 })
    await open(page, "db")
    const large = { a: 1_000_000, b: 1_000_000, c: 1_000_000 }
    await write(page, large)
    expect(await page.evaluate(() => storagePage.compact())).toBe("STORE_QUOTA")
    expect(await databases(page)).toEqual(["db", "db\n"])
    expect(await lengths(page)).toEqual(large)
    expect(await write(page, { d: 1 })).toBe("ok")
    await session.send("Storage.overrideQuotaForOrigin", { origin: served.url })
    expect(await page.evaluate(() => storagePage.compact())).toBe("ok")
    expect(await lengths(page)).toEqual({ ...large, d: 1 })
  })

  it("what version 1 stored is taken over with its key pair, and that version finds a newer one before and after a move", async () => {
    const key = await page.evaluate((all) => storagePage.makeFormer("db", all), entries)
    const version1 = (): Promise<string> =>
      page.evaluate(() =>
        storagePage.holdOpen("db", 1).then(
          () => "opened",
          (error: unknown) => (error as Error).name,
        ),
      )
    expect(await open(page, "db")).toBe("ok")
    expect(await version1()).toBe("VersionError")
    expect(await lengths(page)).toEqual(entries)
    expect(await page.evaluate(() => storagePage.publicKey())).toBe(key)
    expect(await page.evaluate(() => storagePage.compact())).toBe("ok")
    expect(await version1()).toBe("VersionError")
    expect(await lengths(page)).toEqual(entries)
    expect(await page.evaluate(() => storagePage.publicKey())).toBe(key)
  })

  it("two tabs that compact at once do so one after the other", async () => {
    const other = await tab(context)
    await Promise.all([open(page, "db"), open(other, "db")])
    await write(page, entries)
    const ends = await Promise.all([page, other].map((each) => each.evaluate(() => storagePage.compact())))
    expect(ends).toEqual(["ok", "ok"])
    for (const each of [page, other]) expect(await lengths(each)).toEqual(entries)
    expect(await databases(page)).toEqual(["db", "db\n", "db\n2"])
  })
})

function databases(page: Page): Promise<string[]> {
  return page.evaluate(() => storagePage.databases())
}

function place(page: Page): Promise<{ readonly at: string }> {
  return page.evaluate(() => storagePage.place("db"))
}

async function tab(context: BrowserContext, path = ""): Promise<Page> {
  const page = await context.newPage()
  await page.goto(served.url + path)
  return page
}

function open(page: Page, name: string): Promise<string> {
  return page.evaluate((chosen) => storagePage.open(chosen), name)
}

function write(page: Page, lengths: Record<string, number>): Promise<string> {
  return page.evaluate((chosen) => storagePage.write(chosen), lengths)
}

function lengths(page: Page): Promise<Record<string, number> | string> {
  return page.evaluate(() => storagePage.lengths())
}
