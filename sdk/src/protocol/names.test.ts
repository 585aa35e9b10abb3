import * as fc from "fast-check"
import { expect, it } from "vitest"
import { base64url } from "./bytes.js"
import {
  clientIdOf,
  controlDocument,
  conversationIdOf,
  conversationOf,
  deviceIdFromBytes,
  deviceOf,
  documentParts,
  idBytes,
  isWellFormed,
  logIdBytes,
  logIdFromBytes,
  logIdOf,
  parseConversationId,
  parseDeviceId,
  parseDocumentName,
  parseLogId,
  parseUserId,
  segmentDocument,
  type ConversationId,
} from "./names.js"

const id = fc.uint8Array({ minLength: 18, maxLength: 18 }).map((bytes) => base64url(bytes) as ConversationId)
const conversation = base64url(new Uint8Array(18).fill(255)) as ConversationId

it("[N1] documents are control and segments from 1 to 2^31 - 1", () => {
  fc.assert(
    fc.property(id, fc.integer({ min: 1, max: 2 ** 31 - 1 }), (name, segment) => {
      expect(parseDocumentName(segmentDocument(name, segment))?.parsed).toEqual({
        kind: "segment",
        conversation: name,
        segment,
      })
      expect(documentParts(controlDocument(name))).toEqual({ kind: "control", conversation: name })
      expect(conversationOf(segmentDocument(name, segment))).toBe(name)
    }),
  )
  const bad = [
    "0",
    "01",
    "-1",
    "1.0",
    "1e3",
    "2147483648",
    "9999999999",
    "",
    "Control",
    "control/",
    "1\n",
    " 1",
    "__proto__",
  ]
  for (const last of bad) expect(parseDocumentName(`c/${conversation}/${last}`), last).toBeUndefined()
  for (const name of [
    "",
    "__proto__",
    "c//1",
    `d/${conversation}/1`,
    `c/${conversation.slice(1)}/1`,
    `c/${conversation}=/1`,
  ]) {
    expect(parseDocumentName(name)).toBeUndefined()
  }
  fc.assert(fc.property(fc.string(), (text) => parseDocumentName(text) === undefined))
  expect(() => documentParts("x" as never)).toThrow(RangeError)
})

it("[N2] a conversation is named by its creator and its create entry", () => {
  const [ann, bob] = [deviceIdFromBytes(new Uint8Array(18)), deviceIdFromBytes(new Uint8Array(18).fill(1))]
  const body = Uint8Array.of(2, 1)
  expect(parseConversationId(conversationIdOf(ann, body))).toBeDefined()
  expect(conversationIdOf(ann, body)).not.toBe(conversationIdOf(bob, body))
  expect(conversationIdOf(ann, body)).not.toBe(conversationIdOf(ann, Uint8Array.of(2, 2)))
})

it("[N3] logs and their 21 bytes are each other's", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 21, maxLength: 21 }), (bytes) => {
      const log = logIdFromBytes(bytes)
      expect(logIdBytes(log)).toEqual(bytes)
      expect(parseLogId(log)).toEqual({ log, device: deviceOf(log) })
      expect(logIdOf(deviceOf(log), bytes.subarray(18))).toBe(log)
    }),
  )
  for (const text of [
    "__proto__",
    "",
    "/",
    "x".repeat(29),
    `${conversation}/AAA`,
    `${conversation}/AA=A`,
    `${conversation}-AAAA`,
  ]) {
    expect(parseLogId(text)).toBeUndefined()
  }
  expect(() => logIdOf(deviceIdFromBytes(new Uint8Array(18)), new Uint8Array(4))).toThrow(RangeError)
})

it("[N3] client ids are safe integers, and differ by document and log", () => {
  const device = deviceIdFromBytes(new Uint8Array(18))
  const ids = new Set<number>()
  for (let session = 0; session < 100; session++) {
    for (const segment of [1, 2]) {
      const client = clientIdOf(segmentDocument(conversation, segment), logIdOf(device, Uint8Array.of(0, 0, session)))
      expect(Number.isSafeInteger(client) && client >= 0).toBe(true)
      ids.add(client)
    }
  }
  expect(ids.size).toBe(200)
  expect(Math.max(...ids)).toBeGreaterThan(2 ** 32)
})

it("[N4] users are 1 to 128 bytes of UTF-8 without control characters", () => {
  for (const user of ["a", "ann@example.com", "ä".repeat(64), "__proto__", "😀"]) expect(parseUserId(user)).toBe(user)
  for (const user of [
    "",
    "a".repeat(129),
    "ä".repeat(65),
    "a\u0000",
    "a\n",
    "\u007f",
    "\ud800",
    7,
    null,
    undefined,
    {},
  ]) {
    expect(parseUserId(user)).toBeUndefined()
  }
})

it("ids are 24 letters of base64url", () => {
  expect(idBytes(conversation as never)).toEqual(new Uint8Array(18).fill(255))
  for (const text of [1, null, "", "A".repeat(23), "A".repeat(25), "A".repeat(23) + "="]) {
    expect(parseDeviceId(text)).toBeUndefined()
    expect(parseConversationId(text)).toBeUndefined()
  }
})

it("halves of surrogate pairs are no text", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => isWellFormed(text) === !/\p{Surrogate}/u.test(text)))
})
