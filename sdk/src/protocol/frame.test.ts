import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { accountOf } from "./account-name.js"
import { base64url, concat } from "./bytes.js"
import { refusals, type RefusalCode } from "./codes.js"
import {
  decodeFrame,
  encodeFrame,
  frameSchemaText,
  helloMessage,
  refusedLog,
  shortName,
  wireDigest,
  type Frame,
} from "./frame.js"
import {
  controlDocument,
  logIdBytes,
  logIdFromBytes,
  segmentDocument,
  type ConversationId,
  type DeviceId,
} from "./names.js"
import { isWellFormed, parseUserId, type UserId } from "./names.js"

const fixed = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })
const blob = fc.uint8Array({ maxLength: 50 })
const text = fc.string({ unit: "binary", maxLength: 30 }).filter(isWellFormed)
const uint = fc.maxSafeNat()
const id = fixed(18).map((bytes) => base64url(bytes) as ConversationId)
const deviceId = fixed(18).map((bytes) => base64url(bytes) as DeviceId)
const user = fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 20 }).map((name) => name as UserId)
const document = fc.oneof(
  id.map(controlDocument),
  fc.tuple(id, fc.integer({ min: 1, max: 2 ** 31 - 1 })).map(([name, segment]) => segmentDocument(name, segment)),
)
const account = text.filter((name) => parseUserId(name) !== undefined).map((name) => accountOf(name as UserId))
const log = fixed(21).map(logIdFromBytes)
const code = fc.constantFrom(...(Object.keys(refusals) as RefusalCode[]))
const list = <T>(item: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(item, { maxLength: 4 })

/** One for each kind: a new frame without its arbitrary does not compile. */
const frames: { readonly [K in Frame["kind"]]: fc.Arbitrary<Omit<Extract<Frame, { kind: K }>, "kind">> } = {
  challenge: fc.record({ version: uint, nonce: fixed(16), serverKey: fixed(32) }),
  hello: fc.record({
    version: uint,
    role: uint,
    token: text,
    publicKey: fixed(32),
    signature: fixed(64),
    packs: fc.boolean(),
  }),
  welcome: fc.record({
    user: text,
    serverTime: uint,
    incarnation: fixed(16),
    certificate: blob,
    trust: list(fixed(32)),
    frameBytes: uint,
  }),
  trust: fc.record({ keys: list(fixed(32)) }),
  refusal: fc.record({ code, retryAfterMs: uint, message: text }),
  token: fc.record({ token: text }),
  renewed: fc.record({ expiresAt: uint }),
  ping: fc.record({ id: uint }),
  pong: fc.record({ id: uint, serverTime: uint }),
  digests: fc.record({ last: fc.boolean(), items: list(fc.record({ conversation: id, digest: fixed(12) })) }),
  documents: fc.record({
    conversation: id,
    registers: fixed(12),
    items: list(fc.record({ document, digest: fixed(12) })),
  }),
  compared: fc.record({}),
  vector: fc.record({
    document,
    reply: fc.boolean(),
    logs: list(fc.record({ log, count: uint })),
    records: list(fixed(18)),
  }),
  served: fc.record({ document, digest: fixed(12) }),
  records: fc.record({ id: uint, document, records: list(blob) }),
  update: fc.record({ id: uint, document, update: blob }),
  next: fc.record({ id: uint, update: blob }),
  ack: fc.record({ id: uint, copies: uint }),
  reject: fc.record({
    id: uint,
    document,
    copies: uint,
    retryAfterMs: uint,
    items: list(fc.record({ log: fc.oneof(fixed(21), fixed(0)), code, at: uint })),
  }),
  accounts: fc.record({ last: fc.boolean(), items: list(fc.record({ account, digest: fixed(12) })) }),
  account: fc.record({ account, reply: fc.boolean(), digest: fixed(12), vector: blob }),
  accountUpdate: fc.record({ id: uint, account, update: blob }),
  accountServed: fc.record({ account, digest: fixed(12) }),
  accountRefused: fc.record({ id: uint, account, code, retryAfterMs: uint }),
  registers: fc.record({ conversation: id, items: list(blob) }),
  clocks: fc.record({
    conversation: id,
    reply: fc.boolean(),
    items: list(fc.record({ device: deviceId, clock: uint, mark: fixed(6) })),
  }),
  declined: fc.record({ conversation: id, device: fc.array(deviceId, { maxLength: 1 }), code, retryAfterMs: uint }),
  watch: fc.record({ conversations: list(id), visible: fc.boolean(), hidden: list(user) }),
  typing: fc.record({ conversation: id, on: fc.boolean() }),
  packed: fc.record({ size: uint, bytes: blob }),
  signals: fc.record({
    items: list(fc.record({ conversation: id, user, state: uint, at: uint, hidden: list(user) })),
  }),
}

const anyFrame = fc.oneof(
  ...(Object.keys(frames) as Frame["kind"][]).map((kind) =>
    (frames[kind] as fc.Arbitrary<object>).map((fields) => ({ kind, ...fields }) as Frame),
  ),
)

describe("[S2] frames", () => {
  it.each(Object.keys(frames) as Frame["kind"][])("%s comes back as it was", (kind) => {
    fc.assert(
      fc.property(frames[kind] as fc.Arbitrary<object>, (fields) => {
        const frame = { kind, ...fields } as Frame
        expect(decodeFrame(encodeFrame(frame))).toEqual(frame)
      }),
      { numRuns: 50 },
    )
  })

  it("no bytes make the reader throw; what it reads would be written as it was", () => {
    const readable = (bytes: Uint8Array): void => {
      const frame = decodeFrame(bytes)
      if (frame === undefined) return
      const again = encodeFrame(frame)
      // Codes of newer versions read as INTERNAL, and nothing else changes.
      const coded = ["refusal", "reject", "accountRefused", "declined"].includes(frame.kind)
      if (!coded) expect(again).toEqual(bytes)
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), readable), { numRuns: 2000 })
    fc.assert(
      fc.property(anyFrame, fc.nat(), fc.nat(255), (frame, at, byte) => {
        const bytes = encodeFrame(frame)
        bytes[at % bytes.length] = byte
        readable(bytes)
      }),
      { numRuns: 2000 },
    )
  })

  it("a frame that is cut or followed by more is none", () => {
    fc.assert(
      fc.property(anyFrame, (frame) => {
        const bytes = encodeFrame(frame)
        expect(decodeFrame(concat([bytes, Uint8Array.of(0)]))).toBeUndefined()
        for (let end = 0; end < bytes.length; end++) expect(decodeFrame(bytes.subarray(0, end))).toBeUndefined()
      }),
      { numRuns: 100 },
    )
  })

  it("bytes behind a frame's view are out of its reach", () => {
    const bytes = encodeFrame({ kind: "token", token: "secret" })
    expect(decodeFrame(bytes.subarray(0, 4))).toBeUndefined()
  })

  it("bounds hold on both sides", () => {
    const digest = new Uint8Array(12)
    const name = base64url(new Uint8Array(18)) as ConversationId
    const items = Array.from({ length: 4097 }, () => ({ conversation: name, digest }))
    expect(() => encodeFrame({ kind: "digests", last: true, items })).toThrow(RangeError)
    expect(() => encodeFrame({ kind: "token", token: "a".repeat(8193) })).toThrow(RangeError)
    expect(() =>
      encodeFrame({ kind: "served", document: segmentDocument(name, 1), digest: new Uint8Array(11) }),
    ).toThrow(RangeError)
    // 2^40 items announced in a few bytes
    expect(decodeFrame(Uint8Array.of(9, 1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20))).toBeUndefined()
    // a count so long that lib0 reads NaN
    expect(decodeFrame(concat([Uint8Array.of(9, 1), new Uint8Array(200).fill(0x80), Uint8Array.of(0)]))).toBeUndefined()
  })

  it("[N1] names that are none are refused in a frame too", () => {
    const name = base64url(new Uint8Array(18)) as ConversationId
    const bytes = encodeFrame({ kind: "update", id: 1, document: segmentDocument(name, 7), update: new Uint8Array(2) })
    const at = bytes.lastIndexOf("7".charCodeAt(0))
    bytes[at] = "0".charCodeAt(0)
    expect(decodeFrame(bytes)).toBeUndefined()
  })
})

it("[S3] what a device signs is of this nonce and this server", () => {
  expect(helloMessage(new Uint8Array(16), new Uint8Array(32)).length).toBe(13 + 48)
})

it("small forms", () => {
  const bytes = new Uint8Array(21).fill(7)
  expect(logIdBytes(refusedLog(bytes)!)).toEqual(bytes)
  expect(refusedLog(new Uint8Array(0))).toBeUndefined()
  expect(wireDigest(new Uint8Array(32)).length).toBe(12)
  expect(shortName(new Uint8Array(32))).toHaveLength(8)
  expect(frameSchemaText).toContain("update=15{id:uint,document:text(64),update:blob(")
})
