import * as fc from "fast-check"
import * as decoding from "lib0/decoding"
import * as encoding from "lib0/encoding"
import { expect, it } from "vitest"
import { readBytes, readUint } from "./uint.js"

const read = (bytes: readonly number[]): number => readUint(decoding.createDecoder(Uint8Array.from(bytes)))

it("reads what lib0 writes", () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (value) => {
      const bytes = encoding.encode((encoder) => {
        encoding.writeVarUint(encoder, value)
      })
      const decoder = decoding.createDecoder(bytes)
      expect(readUint(decoder)).toBe(value)
      expect(decoder.pos).toBe(bytes.length)
    }),
  )
})

it("each number has one spelling, an end and a bound", () => {
  for (const bytes of [
    [],
    [0x80],
    [0x80, 0],
    [0x81, 0x80, 0],
    [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x10],
    new Array<number>(200).fill(0x80),
    [...new Array<number>(200).fill(0x80), 0],
  ]) {
    expect(() => read(bytes)).toThrow(RangeError)
  }
  expect(read([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f])).toBe(Number.MAX_SAFE_INTEGER)
})

it("bytes never reach beyond their view", () => {
  const buffer = Uint8Array.of(2, 7, 8, 9)
  expect(() => readBytes(decoding.createDecoder(buffer.subarray(0, 2)))).toThrow(RangeError)
  expect(readBytes(decoding.createDecoder(buffer))).toEqual(Uint8Array.of(7, 8))
})
