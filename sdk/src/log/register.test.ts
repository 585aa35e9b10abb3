import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { deviceKeyPair, generateKeyPair } from "../identity/key-pair.js"
import { webCryptoVerify } from "../identity/verify.js"
import { messageIdOf, type Clock } from "../protocol/entry.js"
import { MAX_REGISTER_BYTES, MAX_REGISTER_LOGS, MAX_REGISTER_THREAD_LOGS } from "../protocol/limits.js"
import {
  clientIdOf,
  logIdFromBytes,
  segmentDocument,
  type ConversationId,
  type DeviceId,
  type LogId,
} from "../protocol/names.js"
import { claimInThreads, claimOf, describeHeld, restHash, type Segments } from "./register-vector.js"
import {
  decodeRegister,
  encodeRegisterSaid,
  isNewer,
  nothingHeld,
  registersDigest,
  signRegister,
  verifyRegister,
  type HeldLog,
  type ReadThread,
  type RegisterSaid,
  type RegisterVector,
} from "./register.js"
import { emptySummary, type DocumentSummary, type LogSummary } from "./summary.js"
import { compareThreadNames, threadName } from "./thread-name.js"

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
    logs: logs.sort(byPlace),
  }))
const byPlace = (a: HeldLog, b: HeldLog): number => a.segment - b.segment || a.client - b.client
/** The thread below some message. */
const nameOf = (number: number) => threadName(messageIdOf(reader, new Uint8Array(24).fill(number)))
const threads: fc.Arbitrary<readonly ReadThread[]> = fc
  .array(
    fc.uniqueArray(
      heldLog.filter(({ count }) => count > 0),
      { minLength: 1, maxLength: 5, selector: ({ segment, client }) => `${segment}/${client}` },
    ),
    { maxLength: 5 },
  )
  .map((all) => {
    const listed = all.map((logs, number) => ({ thread: nameOf(number), logs: logs.sort(byPlace) }))
    return listed.sort((a, b) => compareThreadNames(a.thread, b.thread))
  })
const clock = fc.maxSafeNat().map((ticks) => ticks as Clock)
const said = fc.oneof(
  fc.record({ clock, delivered: vector, read: fc.constant(undefined), threads: fc.constant([]) }),
  fc.record({ clock, delivered: vector, read: vector, threads }),
)
const nobody: Omit<RegisterSaid, "delivered"> = { read: undefined, threads: [] }

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
    const delivered = { through: 2, rest: new Uint8Array(16), logs: [] }
    const thread = { thread: nameOf(1), logs: [{ segment: 1, client: 2, count: 3 }] }
    const register = await signRegister(
      conversation,
      { clock: 5 as Clock, delivered, read: nothingHeld, threads: [thread] },
      signer,
    )
    const again = (bytes: Uint8Array): void => {
      const read = decodeRegister(bytes)
      if (read === undefined) return
      const between = bytes.subarray(1 + 32 + 7, bytes.length - 64)
      expect(Buffer.compare(encodeRegisterSaid(read), between)).toBe(0)
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
    const register = await signRegister(
      conversation,
      { clock: 1 as Clock, delivered: full, read: full, threads: [] },
      signer,
    )
    expect(register.bytes.length).toBeLessThan(MAX_REGISTER_BYTES)
    const more = { ...full, logs: [...logs, { segment: 2, client: 1, count: 1 }] }
    await expect(signRegister(conversation, { clock: 1 as Clock, delivered: more, ...nobody }, signer)).rejects.toThrow(
      RangeError,
    )
  })

  it("[P4] the higher clock counts, of equal ones the greater bytes", async () => {
    const make = (clock: number, through: number) =>
      signRegister(
        conversation,
        { clock: clock as Clock, delivered: { through, rest: new Uint8Array(16), logs: [] }, ...nobody },
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

describe("[P2] threads of a register", () => {
  const log = (client: number, count = 1): HeldLog => ({ segment: 1, client, count })
  const [first, second] = [nameOf(1), nameOf(2)].sort(compareThreadNames) as [
    ReadThread["thread"],
    ReadThread["thread"],
  ]
  const vectors = { delivered: nothingHeld, read: nothingHeld }
  const sign = (listed: readonly ReadThread[]) =>
    signRegister(conversation, { clock: 1 as Clock, ...vectors, threads: listed }, signer)

  it("are of one form: by name, each once, with logs in their order, of which something was read", async () => {
    const good = await sign([
      { thread: first, logs: [log(1), log(2)] },
      { thread: second, logs: [log(1)] },
    ])
    expect(decodeRegister(good.bytes)).toEqual(good)
    const hostile: readonly (readonly ReadThread[])[] = [
      [
        { thread: second, logs: [log(1)] },
        { thread: first, logs: [log(1)] },
      ],
      [
        { thread: first, logs: [log(1)] },
        { thread: first, logs: [log(2)] },
      ],
      [{ thread: first, logs: [] }],
      [{ thread: first, logs: [log(1, 0)] }],
      [{ thread: first, logs: [log(2), log(1)] }],
      [{ thread: first, logs: [log(1), log(1)] }],
    ]
    for (const listed of hostile) expect(decodeRegister((await sign(listed)).bytes)).toBeUndefined()
  })

  it("are not there without a read vector, and never an empty list", async () => {
    const { bytes } = await sign([{ thread: first, logs: [log(1)] }])
    const flags = 1 + 32 + 7
    const vector = 2
    expect(bytes[flags]).toBe(3)
    // The flag of threads alone, with one vector and with two.
    const alone = bytes.slice()
    alone[flags] = 2
    expect(decodeRegister(alone)).toBeUndefined()
    expect(decodeRegister(without(alone, flags + 1, vector))).toBeUndefined()
    // No threads behind the flag that says that there are some; and another flag.
    const end = flags + 1 + 2 * vector
    const none = without(bytes, end, bytes.length - 64 - end)
    expect(decodeRegister(none)).toBeUndefined()
    expect(decodeRegister(new Uint8Array([...none.subarray(0, end), 0, ...none.subarray(end)]))).toBeUndefined()
    none[flags] = 1
    expect(decodeRegister(none)?.threads).toEqual([])
    none[flags] = 5
    expect(decodeRegister(none)).toBeUndefined()
    await expect(
      signRegister(
        conversation,
        { clock: 1 as Clock, ...nobody, delivered: nothingHeld, threads: decodeRegister(bytes)!.threads },
        signer,
      ),
    ).rejects.toThrow(RangeError)
  })

  it("list a bounded number of logs, all of them together", async () => {
    const logs = Array.from({ length: MAX_REGISTER_THREAD_LOGS }, (_, client) => log(client))
    expect(decodeRegister((await sign([{ thread: first, logs }])).bytes)?.threads).toEqual([{ thread: first, logs }])
    await expect(
      sign([
        { thread: first, logs },
        { thread: second, logs: [log(1)] },
      ]),
    ).rejects.toThrow(RangeError)
    // The same written by somebody who does not count: one more in the second thread, and one more in the first.
    const both = await sign([
      { thread: first, logs: logs.slice(1) },
      { thread: second, logs: [log(1)] },
    ])
    expect(decodeRegister(both.bytes)?.threads).toHaveLength(2)
    const more = Uint8Array.of(...new Uint8Array(6), 2, 1)
    const end = both.bytes.length - 64
    const longer = new Uint8Array([...both.bytes.subarray(0, end), ...more, ...both.bytes.subarray(end)])
    // Segment 1, one log: behind the second name.
    longer[end - 9] = 2
    expect(decodeRegister(longer)).toBeUndefined()
  })

  it("say of a log what was read in each of them", () => {
    const claim = claimInThreads([
      { thread: first, logs: [log(1, 3), { segment: 2, client: 1, count: 9 }] },
      { thread: second, logs: [log(1, 6)] },
    ])
    expect(claim(1, 1)).toEqual(new Map([[first, 3], [second, 6]])) // prettier-ignore
    expect(claim(2, 1)).toEqual(new Map([[first, 9]]))
    expect(claim(1, 2).size).toBe(0)
  })
})

function without(bytes: Uint8Array, at: number, length: number): Uint8Array {
  return new Uint8Array([...bytes.subarray(0, at), ...bytes.subarray(at + length)])
}

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
    expect(encodeRegisterSaid({ delivered: said, ...nobody }).length).toBeLessThan(MAX_REGISTER_BYTES / 2)
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
