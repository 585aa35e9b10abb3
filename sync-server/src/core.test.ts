import * as zlib from "node:zlib"
import {
  decodeFrame,
  encodeControl,
  encodeFrame,
  encodeUpdate,
  helloMessage,
  parseUserId,
  PROTOCOL_VERSION,
  zlibDeflate,
  type ConversationId,
  type Deflate,
  type Frame,
  WeftError,
} from "@weft/sdk/protocol"
import { expect, it, onTestFinished, vi } from "vitest"
import { makeConversation, makeDevice } from "../../test/support/device.js"
import { clockNow } from "../../test/support/raw-client.js"
import { temporaryDirectory } from "../../test/support/temporary.js"
import { authenticateDev } from "./auth/dev.js"
import { createVerifier } from "./auth/verifier.js"
import type { Channel, ChannelEvents, Dial } from "./connection/channel.js"
import { openCore, type ServerCore } from "./core.js"
import { systemServerEnv } from "./env.js"
import { defaultLimits, type Limits } from "./limits/limits.js"
import { createLog } from "./observe/log.js"
import { createMetrics } from "./observe/metrics.js"
import type { Database } from "./store/database.js"
import { LevelDatabase } from "./store/level-database.js"

/** A channel whose other side reads nothing; what was sent on it is here. */
class UnreadChannel implements Channel {
  readonly frames: Frame[] = []
  bufferedAmount = 0
  closedWith: string | undefined
  events: ChannelEvents | undefined
  readonly guardBytes = () => () => undefined
  readonly pause = () => undefined
  readonly resume = () => undefined
  readonly ping = () => undefined
  readonly cork = () => undefined
  readonly uncork = () => undefined

  listen(events: ChannelEvents): void {
    this.events = events
  }

  send(bytes: Uint8Array): void {
    this.bufferedAmount += bytes.length
    const frame = decodeFrame(bytes)
    if (frame !== undefined) this.frames.push(frame)
  }

  close(_code: number, reason: string): void {
    this.closedWith = reason
    this.events?.closed()
  }

  terminate(): void {
    this.events?.closed()
  }

  say(frame: Frame): void {
    this.events?.message(encodeFrame(frame), true)
  }

  async heard(kind: Frame["kind"]): Promise<Frame> {
    return vi.waitUntil(() => this.frames.find((frame) => frame.kind === kind), { timeout: 10_000 })
  }
}

/** One end of a line that holds nothing: what the other end does not read is unsent. */
class LineEnd implements Channel {
  readonly closedWith: string[] = []
  bufferedAmount = 0
  other: LineEnd | undefined
  events: ChannelEvents | undefined
  isPaused = false
  isClosed = false
  readonly #unread: { readonly bytes: Uint8Array; readonly sent: () => void }[] = []
  readonly guardBytes = () => () => undefined
  readonly ping = () => undefined
  readonly cork = () => undefined
  readonly uncork = () => undefined

  static line(): [LineEnd, LineEnd] {
    const [one, other] = [new LineEnd(), new LineEnd()]
    one.other = other
    other.other = one
    return [one, other]
  }

  listen(events: ChannelEvents): void {
    this.events = events
  }

  send(bytes: Uint8Array, sent: () => void): void {
    this.bufferedAmount += bytes.length
    this.#unread.push({ bytes, sent })
    systemServerEnv.defer(() => {
      this.deliver()
    })
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
    systemServerEnv.defer(() => this.other?.deliver())
  }

  close(_code: number, reason: string): void {
    this.closedWith.push(reason)
    this.terminate()
  }

  terminate(): void {
    for (const end of [this, this.other]) {
      if (end === undefined || end.isClosed) continue
      end.isClosed = true
      systemServerEnv.defer(() => end.events?.closed())
    }
  }

  deliver(): void {
    while (this.other?.isPaused === false && !this.isClosed) {
      const next = this.#unread.shift()
      if (next === undefined) return
      this.bufferedAmount -= next.bytes.length
      this.other.events?.message(next.bytes, true)
      next.sent()
    }
  }
}

/**
 * `calls`: the channels to peers, in the order in which they were called; `dial` answers them in another way. `through`:
 * what stands between the server and its database.
 */
async function open(
  limits: Partial<Limits>,
  env = systemServerEnv,
  authenticate = authenticateDev,
  {
    dial,
    deflate = zlibDeflate(zlib),
    through = (real) => real,
  }: { readonly dial?: Dial; readonly deflate?: Deflate; readonly through?: (real: Database) => Database } = {},
) {
  const calls: UnreadChannel[] = []
  const core = await openCore(
    { dev: true, limits: { ...defaultLimits, ...limits } },
    {
      env,
      database: through(await LevelDatabase.open(await temporaryDirectory())),
      dial:
        dial ??
        ((_url, { opened }) => {
          systemServerEnv.defer(() => {
            const channel = new UnreadChannel()
            opened(channel)
            calls.push(channel)
          })
          return { abandon: () => undefined }
        }),
      deflate,
      authenticate,
      verifier: createVerifier(),
      log: createLog("silent"),
      metrics: createMetrics({ process: false }),
    },
  )
  onTestFinished(() => core.close())
  return { core, calls }
}

/** Calls a server, as a device of ann. */
async function greet(core: ServerCore, onClosed = (): void => undefined): Promise<UnreadChannel> {
  const channel = new UnreadChannel()
  core.accept(channel, onClosed)
  const challenge = await channel.heard("challenge")
  if (challenge.kind !== "challenge") throw new TypeError("not a challenge")
  const { nonce, serverKey } = challenge
  const signature = await device.sign(helloMessage(nonce, serverKey))
  const { publicKey } = device
  channel.say({ kind: "hello", version: PROTOCOL_VERSION, role: 0, token: "ann", publicKey, signature, packs: false })
  await channel.heard("welcome")
  return channel
}

/** Answers a server that called, as a peer. */
async function welcome(channel: UnreadChannel): Promise<void> {
  const serverKey = device.publicKey
  channel.say({ kind: "challenge", version: PROTOCOL_VERSION, nonce: new Uint8Array(16), serverKey })
  await channel.heard("hello")
  const nothing = { certificate: new Uint8Array(), trust: [], incarnation: new Uint8Array(16) }
  channel.say({ kind: "welcome", user: "", serverTime: 0, frameBytes: 1_000_000, ...nothing })
}

const device = await makeDevice()
const ann = parseUserId("ann")!
const anyConversation = "testtesttesttesttesttest" as ConversationId

it("[S9] a stop ends whoever does not read its answers in time", async () => {
  const { core } = await open({ unsentBytes: 1_000, drainMs: 20 })
  const channel = await greet(core)
  // The answer waits for room behind what was not read.
  channel.say({ kind: "digests", last: true, items: [{ conversation: anyConversation, digest: new Uint8Array(12) }] })
  await channel.heard("documents")
  await core.drain()
  expect(channel.closedWith).toBe("SHUTTING_DOWN")
})

it("[S9] a stop answers what came in, also where another connection ends meanwhile", async () => {
  const unpack: (() => void)[] = []
  const { deflate, inflate } = zlibDeflate(zlib)
  const { core } = await open({}, systemServerEnv, authenticateDev, {
    deflate: {
      deflate,
      inflate: async (bytes, size) => {
        await new Promise<void>((resolve) => unpack.push(resolve))
        return inflate(bytes, size)
      },
    },
  })
  let onGone = (): void => undefined
  const isGone = new Promise<void>((resolve) => (onGone = resolve))
  const [gone, staying] = [await greet(core, onGone), await greet(core)]
  const items = Array.from({ length: 200 }, () => ({
    conversation: anyConversation,
    digest: crypto.getRandomValues(new Uint8Array(12)),
  }))
  const frame = encodeFrame({ kind: "digests", last: true, items })
  const packed: Frame = { kind: "packed", size: frame.length, bytes: await deflate(frame) }
  for (const channel of [gone, staying]) channel.say(packed)
  await vi.waitUntil(() => unpack.length === 2)
  gone.terminate()
  const stopped = core.drain()
  unpack[0]?.()
  await isGone
  unpack[1]?.()
  await stopped
  expect(staying.frames.map(({ kind }) => kind).slice(-2)).toEqual(["compared", "refusal"])
})

it("[P6] a server that can't read registers says so, and not that it has none", async () => {
  let fails = false
  const { core } = await open({}, systemServerEnv, authenticateDev, {
    through: (real) =>
      new Proxy(real, {
        get(target, name) {
          if (fails && name === "read") return () => Promise.reject(new WeftError("STORE_FAILED", "the disk is gone"))
          const value: unknown = Reflect.get(target, name)
          return typeof value === "function" ? (value.bind(target) as unknown) : value
        },
      }),
  })
  const channel = await greet(core)
  const ask = (): void => {
    channel.say({ kind: "clocks", conversation: anyConversation, reply: true, items: [] })
  }
  fails = true
  ask()
  const declined = { conversation: anyConversation, device: [], code: "STORAGE_FAILED" }
  expect(await channel.heard("declined")).toMatchObject(declined)
  fails = false
  ask()
  await channel.heard("clocks")
  expect(channel.frames.filter(({ kind }) => kind === "clocks" || kind === "declined")).toHaveLength(2)
})

it("[S8] of two tokens the one sent last counts, whichever was checked first", async () => {
  const now = systemServerEnv.now()
  const waits = new Map<unknown, number>()
  const checks = new Map<string, (expiresAt: number) => void>()
  const { core } = await open(
    {},
    {
      ...systemServerEnv,
      now: () => now,
      setTimer(ms, call) {
        const timer = systemServerEnv.setTimer(ms, call)
        waits.set(timer, ms)
        return timer
      },
      clearTimer(timer) {
        waits.delete(timer)
        systemServerEnv.clearTimer(timer)
      },
    },
    async (token) => {
      if (token === "ann") return authenticateDev(token)
      const expiresAt = await new Promise<number>((resolve) => checks.set(token, resolve))
      return { kind: "accepted", user: ann, expiresAt }
    },
  )
  const channel = await greet(core)
  const [hours, minutes] = [7_654_321, 123_456]
  channel.say({ kind: "token", token: "minutes" })
  channel.say({ kind: "token", token: "hours" })
  checks.get("hours")?.(now + hours)
  checks.get("minutes")?.(now + minutes)
  await vi.waitUntil(() => channel.frames.filter(({ kind }) => kind === "renewed").length === 2)
  expect([...waits.values()].filter((ms) => ms === hours || ms === minutes)).toEqual([hours])
})

it("[S11] a stop ends the link to a peer that does not read its answers in time", async () => {
  const { core, calls } = await open({ unsentBytes: 1_000, drainMs: 20 })
  core.connect("ws://peer")
  const dialed = await vi.waitUntil(() => calls[0])
  dialed.bufferedAmount = 500
  await welcome(dialed)
  await dialed.heard("accounts")
  await core.drain()
  expect(dialed.closedWith).toBe("SHUTTING_DOWN")
})

it("[S11] a peer that lets this server in and ends it at once is called more and more seldom", async () => {
  const waits: number[] = []
  let ending = false
  const { core, calls } = await open(
    {},
    {
      ...systemServerEnv,
      randomBytes: (length) => new Uint8Array(length).fill(255),
      setTimer(ms, call) {
        if (ending) waits.push(ms)
        return systemServerEnv.setTimer(ending ? 0 : ms, call)
      },
    },
  )
  core.connect("ws://peer")
  for (let call = 0; call < 8; call++) {
    const channel = await vi.waitUntil(() => calls[call])
    await welcome(channel)
    await channel.heard("accounts")
    ending = true
    channel.terminate()
    ending = false
  }
  expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000])
})

it("[S11] two servers that each hold much that the other lacks converge on one link, whatever they leave unread", async () => {
  const limits = { unsentBytes: 8_000, inFlightBytes: 8_000 }
  const line = LineEnd.line()
  const called = await open(limits)
  const dial: Dial = (_url, { opened }) => {
    systemServerEnv.defer(() => {
      opened(line[0])
      called.core.accept(line[1], () => undefined)
    })
    return { abandon: () => undefined }
  }
  const caller = await open(limits, systemServerEnv, authenticateDev, { dial })
  await Promise.all([called, caller].map(({ core }) => seed(core, 40)))
  caller.core.connect("ws://called")
  await expect
    .poll(() => Promise.all([called, caller].map(({ core }) => conversationsOn(core))), { timeout: 10_000 })
    .toEqual([80, 80])
  expect(line.map(({ closedWith }) => closedWith)).toEqual([[], []])
})

/** Creates so many conversations. */
async function seed(core: ServerCore, count: number): Promise<void> {
  const channel = await greet(core)
  for (let id = 1; id <= count; id++) {
    const action = { kind: "create", user: ann, title: "", trust: [], members: [] } as const
    const body = encodeControl(action, crypto.getRandomValues(new Uint8Array(12)))
    const { control, run } = await makeConversation(device, { class: "control", clock: clockNow(), body, seen: [] })
    channel.bufferedAmount = 0
    channel.say({ kind: "update", id, document: control, update: encodeUpdate([run]) })
  }
  await vi.waitUntil(() => channel.frames.filter(({ kind }) => kind === "ack").length === count, { timeout: 10_000 })
}

async function conversationsOn(core: ServerCore): Promise<number> {
  let count = 0
  for await (const { root } of core.digests.all()) if (root !== undefined) count++
  return count
}
