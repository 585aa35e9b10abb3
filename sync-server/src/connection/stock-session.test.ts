import * as encoding from "lib0/encoding"
import { systemEnv, WeftError, type Env, type LogRun, type RefusalCode, type UserId } from "@weft/sdk/protocol"
import { expect, it, vi } from "vitest"
import { anyDocument, makeDevice, makeLog } from "../../../test/support/device.js"
import { manualEnv } from "../../../test/support/manual-env.js"
import type { Conversation } from "../document/conversation.js"
import { Confirmations, type Outcome } from "../document/outcome.js"
import { emptySnapshot } from "../document/snapshot.js"
import { defaultLimits } from "../limits/limits.js"
import { createLog } from "../observe/log.js"
import { createMetrics } from "../observe/metrics.js"
import { AwarenessRoom } from "./awareness.js"
import { Batch } from "./batch.js"
import type { Shared } from "./session-ports.js"
import { StockSession } from "./stock-session.js"

const device = await makeDevice()
const document = anyDocument()

/** A session on a conversation that answers so, and on a wire that nobody reads unless `drained` resolves. */
function open(
  conversation: Partial<Conversation>,
  room = new AwarenessRoom(defaultLimits.awarenessBytes),
  drained = () => new Promise<void>(() => undefined),
  env: Env = systemEnv,
) {
  const sent: Uint8Array[] = []
  const refused: RefusalCode[] = []
  const told: Uint8Array[] = []
  const shared = {
    limits: { ...defaultLimits, unsentBytes: 120_000 },
    registry: { conversation: () => conversation },
    env,
    ack: { kind: "local" },
    metrics: createMetrics({ process: false }),
    log: createLog("silent"),
  } as unknown as Shared
  const wire = {
    send: (bytes: Uint8Array) => void sent.push(bytes),
    drained,
    pause: () => undefined,
    resume: () => undefined,
    refuse: (code: RefusalCode) => void refused.push(code),
  }
  const who = { user: "ann" as UserId, document }
  const session = new StockSession(who, shared, wire, room, (awareness) => void told.push(awareness))
  return { session, sent, refused, told }
}

function batchOf(run: LogRun): Batch {
  const readers = new Set<UserId>()
  return new Batch(document, [
    { document, runs: [run], records: [], holes: [], readers, origin: {}, copies: new Confirmations() },
  ])
}

it("[S10] what is written while a document is served to a client that does not read is held up to the bound", async () => {
  const text = "text ".repeat(10_000)
  const served = await Promise.all(
    Array.from({ length: 3 }, () => makeLog(device, document).seal(text, text, text, text)),
  )
  const { session, sent, refused } = open({
    read: async (_user, name, _held, onSnapshot) => {
      onSnapshot()
      return { ...emptySnapshot(name, "FORBIDDEN"), runs: served, refusal: undefined }
    },
  })
  session.take({ kind: "step1", stateVector: new Map() }, 0)
  await vi.waitUntil(() => sent.length > 0)
  const log = makeLog(device, document)
  for (let count = 0; count < 2; count++) session.relay(batchOf(await log.seal(text)))
  expect(refused).toEqual([])
  session.relay(batchOf(await log.seal(text)))
  expect(refused).toEqual(["SLOW_READER"])
})

it("[S12] a client hears of a store that fails by its code", async () => {
  const { session, refused } = open({
    submit: async (): Promise<Outcome> => {
      const durable = Promise.reject(new WeftError("STORE_QUOTA", "the disk is full"))
      durable.catch(() => undefined)
      return { refused: [], retryAfterMs: 0, durable, copies: new Confirmations() }
    },
  })
  session.take({ kind: "update", update: Uint8Array.of(0, 0) }, 0)
  await session.idle()
  expect(refused).toEqual(["STORAGE_FAILED"])
})

const connection = (user: string): { user: UserId } => ({ user: user as UserId })

/** What y-protocols writes for one client. */
function awarenessOf(client: number, state = "{}", clock = 1): Uint8Array {
  return encoding.encode((encoder) => {
    for (const number of [1, client, clock]) encoding.writeVarUint(encoder, number)
    encoding.writeVarString(encoder, state)
  })
}

it.each([
  ["a member", ["ann", "bob"], 1],
  ["one who was removed, or never was a member,", ["bob"], 0],
])("[S12] %s hears and tells who is here: %j", async (_who, members, count) => {
  const room = new AwarenessRoom(1_000)
  room.take(connection("bob"), awarenessOf(1))
  const { session, sent, told } = open({ members: async () => new Set(members as UserId[]) }, room, async () => {})
  session.take({ kind: "queryAwareness" }, 0)
  session.take({ kind: "awareness", awareness: awarenessOf(2) }, 0)
  await session.idle()
  expect([sent.length, told.length]).toEqual([count, count])
  // Who left in the meantime is here no more.
  session.take({ kind: "awareness", awareness: awarenessOf(3) }, 0)
  session.end()
  await session.idle()
  expect(room.leave(session)).toEqual([])
  expect(told.length).toBe(2 * count)
})

it("[S10, S12] whoever joins is told of everybody in parts, each when there is room for it", async () => {
  const room = new AwarenessRoom(1_000)
  for (let client = 0; client < 5; client++) {
    room.take(connection(`user${client}`), awarenessOf(client, JSON.stringify("x".repeat(900))))
  }
  const waiting: (() => void)[] = []
  const { session, sent } = open({ members: async () => new Set(["ann" as UserId]) }, room, () => {
    return new Promise((resolve) => waiting.push(resolve))
  })
  session.take({ kind: "queryAwareness" }, 0)
  for (let parts = 0; parts < 5; parts++) {
    await vi.waitUntil(() => waiting.length > 0)
    expect(sent.length).toBe(parts)
    waiting.pop()?.()
  }
  await session.idle()
  expect(sent.length).toBe(5)
  for (const part of sent) expect(part.length).toBeLessThan(1_000)
})

it("[P10, S12] presence that comes faster than signals may waits, and then the latest is told; echoes cost nothing", async () => {
  const room = new AwarenessRoom(1_000)
  const env = manualEnv()
  let members = new Set(["ann" as UserId])
  const { session, refused, told } = open({ members: async () => members }, room, async () => {}, env)
  room.take(connection("bob"), awarenessOf(2))
  let clock = 0
  const say = async (count: number): Promise<void> => {
    for (let left = count; left > 0; left--) {
      session.take({ kind: "awareness", awareness: awarenessOf(1, `"${++clock}"`, clock) }, 0)
      session.take({ kind: "awareness", awareness: awarenessOf(2) }, 0)
    }
    await session.idle()
  }
  const pass = async (ms: number): Promise<void> => {
    env.advance(ms)
    await session.idle()
  }
  const { signalBurst, signalsPerSecond } = defaultLimits
  const latest = () => awarenessOf(1, `"${clock}"`, clock)
  await say(1_000)
  expect(told.length).toBe(signalBurst)
  await pass(1_000 / signalsPerSecond)
  expect([told.length, told.at(-1)]).toEqual([signalBurst + 1, latest()])
  // One each time, whatever came meanwhile, and none where nothing did.
  for (let tick = 2; tick < 12; tick++) {
    await say(100)
    await pass(1_000 / signalsPerSecond)
    expect([told.length, told.at(-1)]).toEqual([signalBurst + tick, latest()])
  }
  await pass(60_000)
  expect(told.length).toBe(signalBurst + 11)
  // Who was removed while it waited is not heard, and is gone with its connection.
  await say(1_000)
  members = new Set(["bob" as UserId])
  const before = told.length
  await pass(1_000)
  expect(told.length).toBe(before)
  session.end()
  await session.idle()
  expect(told.slice(before)).toEqual([awarenessOf(1, "null", clock + 1)])
  expect(refused).toEqual([])
  await pass(60_000)
  expect(told.length).toBe(before + 1)
})
