import * as zlib from "node:zlib"
import {
  decodeFrame,
  encodeFrame,
  helloMessage,
  PROTOCOL_VERSION,
  zlibDeflate,
  type ConversationId,
  type Frame,
} from "@weft/sdk/protocol"
import { expect, it, onTestFinished, vi } from "vitest"
import { makeDevice } from "../../test/support/device.js"
import { temporaryDirectory } from "../../test/support/temporary.js"
import { authenticateDev } from "./auth/dev.js"
import { createVerifier } from "./auth/verifier.js"
import type { Channel, ChannelEvents } from "./connection/channel.js"
import { openCore } from "./core.js"
import { systemServerEnv } from "./env.js"
import { defaultLimits, type Limits } from "./limits/limits.js"
import { createLog } from "./observe/log.js"
import { createMetrics } from "./observe/metrics.js"
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

async function open(limits: Partial<Limits>, dialed = new UnreadChannel()) {
  const core = await openCore(
    { dev: true, limits: { ...defaultLimits, ...limits } },
    {
      env: systemServerEnv,
      database: await LevelDatabase.open(await temporaryDirectory()),
      dial: (_url, { opened }) => {
        systemServerEnv.defer(() => {
          opened(dialed)
        })
        return { abandon: () => undefined }
      },
      deflate: zlibDeflate(zlib),
      authenticate: authenticateDev,
      verifier: createVerifier(),
      log: createLog("silent"),
      metrics: createMetrics({ process: false }),
    },
  )
  onTestFinished(() => core.close())
  return { core, dialed }
}

const device = await makeDevice()
const anyConversation = "testtesttesttesttesttest" as ConversationId

it("[S9] a stop ends whoever does not read its answers in time", async () => {
  const { core } = await open({ unsentBytes: 1_000, drainMs: 20 })
  const channel = new UnreadChannel()
  core.accept(channel, () => undefined)
  const challenge = await channel.heard("challenge")
  if (challenge.kind !== "challenge") throw new TypeError("not a challenge")
  const { nonce, serverKey } = challenge
  const signature = await device.sign(helloMessage(nonce, serverKey))
  const { publicKey } = device
  channel.say({ kind: "hello", version: PROTOCOL_VERSION, role: 0, token: "ann", publicKey, signature, packs: false })
  await channel.heard("welcome")
  // The answer waits for room behind what was not read.
  channel.say({ kind: "digests", last: true, items: [{ conversation: anyConversation, digest: new Uint8Array(12) }] })
  await channel.heard("documents")
  await core.drain()
  expect(channel.closedWith).toBe("SHUTTING_DOWN")
})

it("[S11] a stop ends the link to a peer that does not read its answers in time", async () => {
  const { core, dialed } = await open({ unsentBytes: 1_000, drainMs: 20 })
  core.connect("ws://peer")
  await vi.waitUntil(() => dialed.events)
  const serverKey = device.publicKey
  dialed.say({ kind: "challenge", version: PROTOCOL_VERSION, nonce: new Uint8Array(16), serverKey })
  await dialed.heard("hello")
  dialed.bufferedAmount = 500
  const nothing = { certificate: new Uint8Array(), trust: [], incarnation: new Uint8Array(16) }
  dialed.say({ kind: "welcome", user: "", serverTime: 0, frameBytes: 1_000_000, ...nothing })
  await dialed.heard("accounts")
  await core.drain()
  expect(dialed.closedWith).toBe("SHUTTING_DOWN")
})
