import * as fc from "fast-check"
import { expect, it } from "vitest"
import { base64url } from "./bytes.js"
import {
  BODY_SALT_BYTES,
  bodyHashText,
  clockMs,
  clockOf,
  controlIdOf,
  decodeBody,
  decodeHead,
  decodeSeal,
  encodeBody,
  encodeHead,
  encodeSeal,
  firstLink,
  hashBody,
  isBody,
  mayStand,
  messageIdOf,
  nextLink,
  sealMessage,
  type Clock,
  type ControlId,
  type EntryClass,
  type Head,
} from "./entry.js"
import { MAX_BODY_BYTES, MAX_SEEN } from "./limits.js"
import { deviceIdFromBytes, logIdOf, segmentDocument, type ConversationId } from "./names.js"

const fixed = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })
const head: fc.Arbitrary<Head> = fc.record({
  class: fc.constantFrom<EntryClass>("message", "erase", "control"),
  clock: fc.maxSafeNat().map((value) => value as Clock),
  bodyHash: fixed(24),
  seen: fc.array(
    fixed(18).map((id) => base64url(id) as ControlId),
    { maxLength: MAX_SEEN },
  ),
})

it("[E1] heads and their bytes are each other's, and each has one spelling", () => {
  fc.assert(
    fc.property(head, (value) => {
      const bytes = encodeHead(value)
      expect(bytes.length).toBe(34 + 18 * value.seen.length)
      expect(decodeHead(bytes)).toEqual(value)
    }),
  )
  fc.assert(
    fc.property(head, fc.nat(), fc.nat(255), (value, at, byte) => {
      const bytes = encodeHead(value)
      bytes[at % bytes.length] = byte
      const read = decodeHead(bytes)
      if (read !== undefined) expect(encodeHead(read)).toEqual(bytes)
    }),
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const read = decodeHead(bytes)
      if (read !== undefined) expect(encodeHead(read)).toEqual(bytes)
    }),
  )
})

it("[E1] a head that names too much is not written", () => {
  const seen = new Array<ControlId>(MAX_SEEN + 1).fill(base64url(new Uint8Array(18)) as ControlId)
  expect(() => encodeHead({ class: "message", clock: 0 as Clock, bodyHash: new Uint8Array(24), seen })).toThrow(
    RangeError,
  )
})

it("[E2] a clock is milliseconds and a counter", () => {
  expect(clockOf(1_700_000_000_000.9)).toBe(1_700_000_000_000 * 1024)
  expect(clockMs((1_700_000_000_000 * 1024 + 1023) as Clock)).toBe(1_700_000_000_000)
  expect(clockOf(-5)).toBe(0)
  expect(Number.isSafeInteger(clockOf(Date.UTC(2247, 0)))).toBe(true)
})

it("[E4] a body is its kind, a salt and content", () => {
  const salt = new Uint8Array(BODY_SALT_BYTES).fill(9)
  const body = encodeBody(salt, new Map([["t", "hello"]]))
  expect(body.subarray(0, 13)).toEqual(Uint8Array.of(2, ...salt))
  expect(decodeBody(body)).toEqual(new Map([["t", "hello"]]))
  expect(isBody(body)).toBe(true)
  expect(isBody(body.subarray(0, 13))).toBe(false)
  expect(hashBody(body).length).toBe(24)
  expect(bodyHashText(hashBody(body))).toHaveLength(32)
  expect(() => encodeBody(salt.subarray(1), null)).toThrow(RangeError)
  expect(() => encodeBody(salt, new Uint8Array(MAX_BODY_BYTES))).toThrow(RangeError)
})

it("[E5] a body that can't be read is none, whatever it is", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      const content = decodeBody(bytes)
      if (content !== undefined && bytes[0] === 2) expect(encodeBody(bytes.subarray(1, 13), content)).toEqual(bytes)
    }),
    { numRuns: 2000 },
  )
})

it("[E7] a seal is a signature, in a log's first with the key, and nothing else", () => {
  const signature = new Uint8Array(64).fill(1)
  const publicKey = new Uint8Array(32).fill(2)
  expect(decodeSeal(encodeSeal({ signature, publicKey }))).toEqual({ signature, publicKey })
  expect(decodeSeal(encodeSeal({ signature, publicKey: undefined }))).toEqual({ signature, publicKey: undefined })
  for (const length of [0, 1, 64, 66, 96, 98]) expect(decodeSeal(new Uint8Array(length).fill(3))).toBeUndefined()
})

it("[E6, E7] links and seals are of one document, one log and one past", () => {
  const device = deviceIdFromBytes(new Uint8Array(18))
  const conversation = base64url(new Uint8Array(18)) as ConversationId
  const names = [1, 2].flatMap((segment) =>
    [1, 2].map(
      (session) => [segmentDocument(conversation, segment), logIdOf(device, Uint8Array.of(0, 0, session))] as const,
    ),
  )
  const links = names.map((name) => firstLink(...name).join())
  expect(new Set(links).size).toBe(4)
  const link = firstLink(...names[0]!)
  expect(new Set(names.map((name) => sealMessage(...name, link).join())).size).toBe(4)
  expect(nextLink(link, Uint8Array.of(1, 2))).not.toEqual(nextLink(nextLink(link, Uint8Array.of(1)), Uint8Array.of(2)))
})

it("[E4, A1] names depend on their device", () => {
  const [one, other] = [deviceIdFromBytes(new Uint8Array(18)), deviceIdFromBytes(new Uint8Array(18).fill(1))]
  const bytes = new Uint8Array(34)
  expect(messageIdOf(one, new Uint8Array(24))).not.toBe(messageIdOf(other, new Uint8Array(24)))
  expect(controlIdOf(one, bytes)).not.toBe(controlIdOf(other, bytes))
})

it("[C10] where each class may stand", () => {
  const table = { message: ["segment"], erase: ["segment"], control: ["control"] } as const
  for (const entryClass of ["message", "erase", "control"] as const) {
    for (const place of ["segment", "control"] as const) {
      expect(mayStand(entryClass, place)).toBe((table[entryClass] as readonly string[]).includes(place))
    }
  }
})
