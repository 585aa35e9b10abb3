/* Older segments leave IndexedDB where the application says so, and come back when somebody wants them. [SPEC U15] */
import type { Client } from "@weft/sdk/node"
import type { Browser, BrowserContext, Page } from "playwright-core"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest"
import { openClient } from "../support/client.js"
import { FrameRelay } from "../support/frame-relay.js"
import { startTestServer } from "../support/server.js"
import { sharedChromium } from "./chromium.js"
import type {} from "./client-page.js"
import { servePage, type ServedPage } from "./serve.js"

/** As many as authors put into a segment. */
const SEGMENT = 1024
/** The newest segment holds less than a screen: a list begins with the one before. */
const KEPT = SEGMENT + 30
const MESSAGES = 2 * SEGMENT + KEPT
const limits = { entriesPerSecond: 100_000, entryBurst: 100_000 }

const textOf = (number: number): string => `number${number} of what was written on this trip`
const last = textOf(MESSAGES - 1)
const whole = { count: MESSAGES, first: textOf(0), last, complete: true, unread: 0 }
const recent = { count: KEPT, first: textOf(MESSAGES - KEPT), last, complete: false, unread: 0 }

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

interface Stage {
  readonly relay: FrameRelay
  readonly bob: Client
  readonly id: string
  /** Of a message, by its number. */
  idOf(number: number): string
}

/** Bob, who keeps all, on a server; he wrote four segments of messages to alice. */
async function setStage(): Promise<Stage> {
  const { url } = await startTestServer({ limits })
  const relay = await FrameRelay.start(url)
  onTestFinished(() => relay.close())
  const bob = await openClient("bob", { servers: [url] })
  const trip = await bob.createConversation({ title: "Trip", members: ["alice"] })
  const sent = Array.from({ length: MESSAGES }, (_, number) => trip.send(textOf(number)))
  await sent.at(-1)?.reached("sent")
  await bob.synced()
  return { relay, bob, id: trip.id, idOf: (number) => sent[number]?.id ?? "" }
}

/** A tab of alice, who keeps few. */
async function openTab({ relay }: Stage): Promise<Page> {
  const page = await context.newPage()
  await enter(page, relay)
  return page
}

async function enter(page: Page, relay: FrameRelay): Promise<void> {
  await page.goto(served.url)
  await page.evaluate(([url, keep]) => window.weft.openKeeping("alice", [url], keep), [relay.url, KEPT] as const)
}

/** The same, where all was read and the two older segments have left. */
async function openFew(stage: Stage): Promise<Page> {
  const page = await openTab(stage)
  const { id } = stage
  await page.evaluate((of) => window.weft.has(of), id)
  await page.evaluate(() => window.weft.synced())
  await page.evaluate(([of, all]) => window.weft.unread(of, all), [id, MESSAGES] as const)
  await page.evaluate((of) => {
    window.weft.markRead(of)
  }, id)
  await page.evaluate((of) => window.weft.away(of, [1, 2]), id)
  return page
}

const digestOf = ({ bob, id }: Stage): Promise<string | undefined> | undefined => bob.conversation(id)?.digest()

describe("a browser that keeps few messages", () => {
  it("[U15] older segments leave IndexedDB, and come back from the server for who reads back, jumps or finds", async () => {
    const stage = await setStage()
    const { id, idOf } = stage
    const page = await openTab(stage)
    await page.evaluate((of) => window.weft.has(of), id)
    await page.evaluate(() => window.weft.synced())
    await page.evaluate(([of, all]) => window.weft.unread(of, all), [id, MESSAGES] as const)
    const before = await page.evaluate((of) => window.weft.held(of), id)
    for (const segment of [1, 2, 3]) expect(before[segment]).toBeGreaterThan(SEGMENT * last.length)
    // What is unread stays.
    await page.evaluate((of) => {
      window.weft.markRead(of)
    }, id)
    await page.evaluate((of) => window.weft.away(of, [1, 2]), id)
    const after = await page.evaluate((of) => window.weft.held(of), id)
    expect(after).toEqual({ ...before, 1: 0, 2: 0 })
    expect(await page.evaluate((of) => window.weft.list(of), id)).toEqual(recent)
    expect(await page.evaluate((of) => window.weft.row(of), id)).toEqual({ last, unread: 0 })
    expect(await page.evaluate((of) => window.weft.digest(of), id)).toBe(await digestOf(stage))

    await enter(page, stage.relay)
    expect(await page.evaluate((of) => window.weft.list(of), id)).toEqual(recent)
    expect(await page.evaluate((of) => window.weft.row(of), id)).toEqual({ last, unread: 0 })
    await page.evaluate(() => window.weft.synced())
    expect(await page.evaluate((of) => window.weft.held(of), id)).toEqual(after)
    expect(await page.evaluate((of) => window.weft.digest(of), id)).toBe(await digestOf(stage))

    expect(await page.evaluate((of) => window.weft.loadOlder(of), id)).toBe("")
    expect(await page.evaluate((of) => window.weft.list(of), id)).toEqual({
      ...recent,
      count: KEPT + SEGMENT,
      first: textOf(SEGMENT),
    })
    expect(await page.evaluate(() => window.weft.finds("number7 of what was written on this trip"))).toBe(1)
    expect(await page.evaluate(([of, to]) => window.weft.loadTo(of, to, 1), [id, idOf(7)] as const)).toBe("")
    expect(await page.evaluate((of) => window.weft.list(of), id)).toEqual(whole)
    await page.evaluate((of) => window.weft.away(of, []), id)
    expect(await page.evaluate((of) => window.weft.digest(of), id)).toBe(await digestOf(stage))
    // Nobody looks any more.
    await page.evaluate((of) => window.weft.releaseOlder(of), id)
    await page.evaluate((of) => window.weft.away(of, [1, 2]), id)
    expect(await page.evaluate((of) => window.weft.list(of), id)).toEqual(recent)
  })

  it("[U15] without a server it says so, loses nothing, and goes on by itself when there is one", async () => {
    const stage = await setStage()
    const { id, idOf } = stage
    const page = await openFew(stage)
    await page.evaluate(() => {
      window.weft.offline()
    })
    const ask = async (): Promise<void> => {
      expect(await page.evaluate((of) => window.weft.list(of), id)).toEqual(recent)
      expect(await page.evaluate((of) => window.weft.loadOlder(of), id)).toBe("SEGMENT_AWAY")
      expect(await page.evaluate(([of, to]) => window.weft.loadTo(of, to, 1), [id, idOf(7)] as const)).toBe(
        "SEGMENT_AWAY",
      )
      expect(await page.evaluate((of) => window.weft.list(of), id)).toEqual(recent)
      expect(await page.evaluate((of) => window.weft.digest(of), id)).toBe(await digestOf(stage))
      expect(await page.evaluate(() => window.weft.status().storage.kind)).toBe("ok")
    }
    await ask()
    // The page begins anew, and no server answers it.
    await page.goto(served.url)
    await page.evaluate(([keep]) => window.weft.openKeeping("alice", [], keep), [KEPT] as const)
    await ask()
    const own = await page.evaluate((of) => window.weft.send(of, "written without a server"), id)
    await page.evaluate(([of, what]) => window.weft.reached(of, what, "saved"), [id, own] as const)
    // While something is marked as unread nothing leaves.
    await page.evaluate(([of, from]) => window.weft.markUnread(of, from), [id, idOf(MESSAGES - 1)] as const)
    await page.evaluate(
      ([to]) => {
        window.weft.addServer(to)
      },
      [stage.relay.url] as const,
    )
    // What was asked for comes without another word; the next one back is the first that nobody got to.
    await page.evaluate((of) => window.weft.away(of, [1]), id)
    await page.evaluate(([of, what]) => window.weft.reached(of, what, "sent"), [id, own] as const)
    expect(await page.evaluate(([of, to]) => window.weft.loadTo(of, to, 1), [id, idOf(7)] as const)).toBe("")
    expect(await page.evaluate((of) => window.weft.list(of), id)).toEqual({
      ...whole,
      count: MESSAGES + 1,
      last: "written without a server",
      unread: 1,
    })
    await stage.bob.synced()
    expect(await page.evaluate((of) => window.weft.digest(of), id)).toBe(await digestOf(stage))
  })

  it("[U15] a second tab sees the same, and asks through the first", async () => {
    const stage = await setStage()
    const { id } = stage
    const first = await openFew(stage)
    const second = await openTab(stage)
    expect(await second.evaluate(() => window.weft.status().tab)).toBe("follower")
    expect(await second.evaluate((of) => window.weft.list(of), id)).toEqual(recent)
    expect(await second.evaluate((of) => window.weft.row(of), id)).toEqual({ last, unread: 0 })
    await second.evaluate(() => window.weft.connected())
    expect(await second.evaluate((of) => window.weft.loadOlder(of), id)).toBe("")
    expect(await second.evaluate((of) => window.weft.loadOlder(of), id)).toBe("")
    expect(await second.evaluate((of) => window.weft.list(of), id)).toEqual(whole)
    expect(await first.evaluate((of) => window.weft.list(of), id)).toEqual(recent)
    // What the second shows the first lets go of: it is read again where it is asked for.
    await second.evaluate((of) => window.weft.releaseOlder(of), id)
    await first.evaluate((of) => window.weft.away(of, [1, 2]), id)
    expect(await second.evaluate((of) => window.weft.list(of), id)).toEqual(recent)
    // The second takes over in the middle of a return.
    const stopped = stage.relay.stopBefore(({ kind }) => kind === "served")
    const asked = second.evaluate((of) => window.weft.loadOlder(of), id)
    await stopped
    await first.close()
    stage.relay.pass()
    expect(["", "SEGMENT_AWAY"]).toContain(await asked)
    await second.evaluate(() => window.weft.writes())
    await second.evaluate(() => window.weft.synced())
    expect(await second.evaluate((of) => window.weft.loadOlder(of), id)).toBe("")
    expect(await second.evaluate((of) => window.weft.digest(of), id)).toBe(await digestOf(stage))
  })

  it("[U15] a page that is left in the middle of a return leaves all of it or nothing", async () => {
    const stage = await setStage()
    const { id, relay } = stage
    const page = await openFew(stage)
    let held = await page.evaluate((of) => window.weft.held(of), id)
    for (const kind of ["update", "served"] as const) {
      const stopped = relay.stopBefore((frame) => frame.kind === kind)
      // It never answers: the page is gone.
      page.evaluate((of) => window.weft.loadOlder(of), id).catch(() => undefined)
      await stopped
      await page.goto(served.url)
      relay.pass()
      await enter(page, relay)
      expect(await page.evaluate((of) => window.weft.held(of), id)).toEqual(held)
      expect(await page.evaluate((of) => window.weft.list(of), id)).toEqual(recent)
      await page.evaluate(() => window.weft.synced())
    }
    // All was said: the page goes while it is written, or before, or after.
    for (let round = 0; round < 4; round++) {
      const heard = relay.heard(({ kind }) => kind === "served")
      page.evaluate((of) => window.weft.loadOlder(of), id).catch(() => undefined)
      await heard
      await enter(page, relay)
      held = await page.evaluate((of) => window.weft.held(of), id)
      expect(held[2] === 0 || (held[2] ?? 0) > SEGMENT * last.length).toBe(true)
      expect(await page.evaluate((of) => window.weft.list(of), id)).toMatchObject({ last, unread: 0 })
      await page.evaluate((of) => window.weft.releaseOlder(of), id)
      await page.evaluate((of) => window.weft.away(of, [1, 2]), id)
      await page.evaluate(() => window.weft.synced())
    }
    expect(await page.evaluate((of) => window.weft.loadOlder(of), id)).toBe("")
    expect(await page.evaluate((of) => window.weft.loadOlder(of), id)).toBe("")
    expect(await page.evaluate((of) => window.weft.list(of), id)).toEqual(whole)
    expect(await page.evaluate((of) => window.weft.digest(of), id)).toBe(await digestOf(stage))
  })
})
