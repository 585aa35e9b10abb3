import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { deviceKeyPair, generateKeyPair } from "../identity/key-pair.js"
import { webCryptoVerify } from "../identity/verify.js"
import type { Clock } from "../protocol/entry.js"
import { MAX_REGISTER_BYTES, MAX_REGISTER_LOGS } from "../protocol/limits.js"
import {
  clientIdOf,
  logIdFromBytes,
  segmentDocument,
  type ConversationId,
  type DeviceId,
  type LogId,
} from "../protocol/names.js"
import { claimOf, describeHeld, restHash, type Segments } from "./register-vector.js"
import {
  decodeRegister,
  encodeVector,
  isNewer,
  nothingHeld,
  registersDigest,
  signRegister,
  verifyRegister,
  type HeldLog,
  type RegisterVector,
} from "./register.js"
import { emptySummary, type DocumentSummary, type LogSummary } from "./summary.js"

const conversation = "cccccccccccccccccccccccc" as ConversationId
const other = "dddddddddddddddddddddddd" as ConversationId
const keys = { verify: webCryptoVerify(crypto.subtle), refusesKey: () => false }
const signer = await deviceKeyPair(await generateKeyPair())
const reader = "rrrrrrrrrrrrrrrrrrrrrrrr" as DeviceId

const heldLog = fc.record({
  segment: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  client: fc.maxSafeNat(),
  count: fc.maxSafeNat(),
})
const vector: fc.Arbitrary<RegisterVector> = fc
  .record({
    through: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    rest: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    logs: fc.uniqueArray(heldLog, { maxLength: 20, selector: ({ segment, client }) => `${segment}/${client}` }),
  })
  .map(({ through, rest, logs }) => ({
    through,
    rest: through === 0 ? new Uint8Array() : rest,
    logs: logs.sort((a, b) => a.segment - b.segment || a.client - b.client),
  }))
const said = fc.record({
  clock: fc.maxSafeNat().map((clock) => clock as Clock),
  delivered: vector,
  read: fc.option(vector, { nil: undefined }),
})

describe("[P1] registers", () => {
  it("come back as they were, and prove themselves in their conversation only", async () => {
    await fc.assert(
      fc.asyncProperty(said, async (fields) => {
        const register = await signRegister(conversation, fields, signer)
        expect(decodeRegister(register.bytes)).toEqual(register)
        expect(await verifyRegister(conversation, register, keys)).toBeUndefined()
        expect(await verifyRegister(other, register, keys)).toBe("BAD_SIGNATURE")
      }),
      { numRuns: 50 },
    )
  })

  it("no bytes make the reader throw; what it reads has one form", async () => {
    const register = await signRegister(
      conversation,
      { clock: 5 as Clock, delivered: { through: 2, rest: new Uint8Array(16), logs: [] }, read: nothingHeld },
      signer,
    )
    const again = (bytes: Uint8Array): void => {
      const read = decodeRegister(bytes)
      if (read === undefined) return
      const length = encodeVector(read.delivered).length + (read.read ? encodeVector(read.read).length : 0)
      expect(1 + 32 + 7 + 1 + length + 64).toBe(bytes.length)
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), again), { numRuns: 2000 })
    fc.assert(
      fc.property(fc.nat(register.bytes.length - 1), fc.nat(255), (at, byte) => {
        const bytes = register.bytes.slice()
        bytes[at] = byte
        again(bytes)
      }),
      { numRuns: 2000 },
    )
  })

  it("[P2] two full vectors fit into a register; one log more does not fit into a vector", async () => {
    const logs = Array.from({ length: MAX_REGISTER_LOGS }, (_, client): HeldLog => ({
      segment: 1,
      client,
      count: 2 ** 20,
    }))
    const full = { through: 1000, rest: new Uint8Array(16), logs }
    const register = await signRegister(conversation, { clock: 1 as Clock, delivered: full, read: full }, signer)
    expect(register.bytes.length).toBeLessThan(MAX_REGISTER_BYTES)
    const more = { ...full, logs: [...logs, { segment: 2, client: 1, count: 1 }] }
    await expect(
      signRegister(conversation, { clock: 1 as Clock, delivered: more, read: undefined }, signer),
    ).rejects.toThrow(RangeError)
  })

  it("[P4] the higher clock counts, of equal ones the greater bytes", async () => {
    const make = (clock: number, through: number) =>
      signRegister(
        conversation,
        { clock: clock as Clock, delivered: { through, rest: new Uint8Array(16), logs: [] }, read: undefined },
        signer,
      )
    const [a, b, c] = await Promise.all([make(1, 9), make(2, 1), make(2, 2)])
    expect(isNewer(b, a)).toBe(true)
    expect(isNewer(a, b)).toBe(false)
    expect(isNewer(c, b)).toBe(true)
    expect(isNewer(b, c)).toBe(false)
    expect(isNewer(c, c)).toBe(false)
    expect(registersDigest(conversation, [])).toBeUndefined()
    expect(registersDigest(conversation, [c])).not.toEqual(registersDigest(conversation, [b]))
  })
})

/** Segments with logs of these sizes, each log of a device of its own. */
function segmentsOf(counts: readonly (readonly number[])[]): Map<number, DocumentSummary> {
  return new Map(
    counts.map((logs, index) => {
      const summary = emptySummary(segmentDocument(conversation, index + 1))
      for (const [number, count] of logs.entries()) {
        const log = logOf(index + 1, number, count)
        summary.logs.set(log.client, log)
      }
      return [index + 1, summary]
    }),
  )
}

function logOf(segment: number, number: number, count: number): LogSummary {
  const bytes = new Uint8Array(21)
  bytes[0] = number
  bytes[1] = number >> 8
  bytes[20] = 1
  const log: LogId = logIdFromBytes(bytes)
  const link = new Uint8Array(32)
  new DataView(link.buffer).setUint32(0, count)
  const client = clientIdOf(segmentDocument(conversation, segment), log)
  return { log, client, count, link, publicKey: new Uint8Array(32), firstSeen: [], seen: [] }
}

const asTheyCome = (): number => 0

function understood(said: RegisterVector, here: Segments): Segments | undefined {
  if (said.through === 0) return undefined
  const hash = restHash(conversation, reader, here, said.through, said.logs)
  return Buffer.compare(hash, said.rest) === 0 ? here : undefined
}

describe("[P2] vectors", () => {
  it("say all that is held, in a bounded size, to whoever holds the same", () => {
    const segments = segmentsOf(
      Array.from({ length: 200 }, (_, n) => Array.from({ length: 50 }, (_, log) => 3 + n + log)),
    )
    const said = describeHeld(conversation, reader, segments, asTheyCome)
    expect(said.logs).toHaveLength(MAX_REGISTER_LOGS)
    expect(encodeVector(said).length).toBeLessThan(MAX_REGISTER_BYTES / 2)
    const claim = claimOf(said, understood(said, segments))
    for (const [segment, { logs }] of segments) {
      for (const { client, count } of logs.values()) expect(claim(segment, client)).toBe(count)
    }
  })

  it("never claim what is not held or read, to whoever holds more", () => {
    const counts = fc.array(fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 30 }), {
      minLength: 1,
      maxLength: 30,
    })
    fc.assert(
      fc.property(counts, counts, fc.nat(6), fc.nat(), (mine, growth, limit, salt) => {
        const here = segmentsOf(mine)
        const readOf = (segment: number, { client }: LogSummary): number => (client + segment + salt) % (limit + 1)
        // The other side holds at least as much of each log, and more logs.
        const there = segmentsOf(
          Array.from({ length: Math.max(mine.length, growth.length) }, (_, n) =>
            Array.from(
              { length: Math.max(mine[n]?.length ?? 0, growth[n]?.length ?? 0) },
              (_, log) => (mine[n]?.[log] ?? 0) + (growth[n]?.[log] ?? 0),
            ),
          ),
        )
        const recent = (_: number, client: number): number => client % 7
        for (const replica of [here, there]) {
          const delivered = describeHeld(conversation, reader, here, recent)
          const held = claimOf(delivered, understood(delivered, replica))
          const read = describeHeld(conversation, reader, here, recent, readOf)
          const seen = claimOf(read, understood(read, replica))
          for (const [segment, { logs }] of replica) {
            for (const log of logs.values()) {
              const count = here.get(segment)?.logs.get(log.client)?.count ?? 0
              expect(held(segment, log.client) ?? 0).toBeLessThanOrEqual(count)
              expect(seen(segment, log.client) ?? 0).toBeLessThanOrEqual(Math.min(count, readOf(segment, log)))
            }
          }
        }
      }),
      { numRuns: 300 },
    )
  })

  it("a history of which little was read says what was, and claims no more", () => {
    const segments = segmentsOf(Array.from({ length: 60 }, () => Array.from({ length: 10 }, () => 4)))
    const readOf = (segment: number): number => (segment <= 20 || segment === 60 ? 4 : 0)
    const said = describeHeld(conversation, reader, segments, asTheyCome, readOf)
    const claim = claimOf(said, understood(said, segments))
    expect(said.through).toBe(20)
    for (const [segment, { logs }] of segments) {
      for (const { client } of logs.values()) expect(claim(segment, client) ?? 0).toBe(readOf(segment))
    }
  })

  it("one's own logs are left out", () => {
    const segments = segmentsOf([[3, 4]])
    const [first] = Array.from(segments.get(1)?.logs.values() ?? [])
    const own = (first?.log ?? "").slice(0, 24) as DeviceId
    const said = describeHeld(conversation, own, segments, asTheyCome)
    expect(said.logs.map(({ count }) => count)).toEqual([4])
    expect(describeHeld(conversation, own, segmentsOf([[3]]), asTheyCome)).toEqual(nothingHeld)
  })
})
