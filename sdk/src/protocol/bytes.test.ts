import { createHash } from "node:crypto"
import * as fc from "fast-check"
import { expect, it } from "vitest"
import {
  base64url,
  compareBytes,
  compareText,
  concat,
  equalBytes,
  fromBase64url,
  hex,
  sha256,
  utf8,
  utf8Text,
} from "./bytes.js"

const bytes = fc.uint8Array({ maxLength: 60 })
const triples = bytes.map((value) => value.slice(0, value.length - (value.length % 3)))

it("texts and their UTF-8 bytes are each other's; other bytes are no text", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => utf8Text(utf8(text)) === text))
  for (const bad of [[0xc0, 0x80], [0xff], [0xed, 0xa0, 0x80], [0xe2, 0x82]]) {
    expect(utf8Text(Uint8Array.from(bad))).toBeUndefined()
  }
  // A byte order mark is a letter as any other.
  expect(utf8Text(Uint8Array.of(0xef, 0xbb, 0xbf))).toBe("\ufeff")
})

it("base64url and its bytes are each other's, and each has one spelling", () => {
  fc.assert(
    fc.property(triples, (value) => {
      const text = base64url(value)
      expect(text).toBe(Buffer.from(value).toString("base64url"))
      expect(fromBase64url(text)).toEqual(value)
    }),
  )
  expect(() => base64url(new Uint8Array(4))).toThrow(RangeError)
  for (const text of ["AAA", "AA==", "AA+A", "AA/A", "AAA\u0000", "ÄAAA", "AA A"])
    expect(fromBase64url(text)).toBeUndefined()
})

it("hashes are SHA-256 of the parts, one after another", () => {
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 4 }), (parts) => {
      expect(sha256(...parts)).toEqual(new Uint8Array(createHash("sha256").update(concat(parts)).digest()))
    }),
  )
})

it("bytes compare as Node compares them", () => {
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(a, b))
      expect(equalBytes(a, b)).toBe(Buffer.compare(a, b) === 0)
      expect(equalBytes(a, a.slice())).toBe(true)
      expect(hex(a)).toBe(Buffer.from(a).toString("hex"))
    }),
  )
})

it("[E8] texts compare by code units, free of any locale", () => {
  expect(["b", "a", "ä", "B", "a\u0301"].sort(compareText)).toEqual(["B", "a", "a\u0301", "b", "ä"])
  expect(compareText("\ud83d\ude00", "\uffff")).toBe(-1)
  expect(compareText("a", "a")).toBe(0)
})
