import * as encoding from "lib0/encoding"
import { describe, expect, it } from "vitest"
import { equalBytes } from "./bytes.js"
import { encodeBytes, writeBytes } from "./encode.js"

describe("encoding", () => {
  it("gives arrays of their own, whose bytes stay", () => {
    const first = encodeBytes((encoder) => {
      encoding.writeVarUint(encoder, 7)
    })
    const second = encodeBytes((encoder) => {
      encoding.writeVarUint(encoder, 8)
    })
    expect([first, second]).toEqual([Uint8Array.of(7), Uint8Array.of(8)])
    expect(first.buffer).not.toBe(second.buffer)
    expect(first.buffer.byteLength).toBe(1)
  })

  it.each([10, 65_535, 65_536, 65_537, 1_000_000])("takes %d bytes at once, and the next ones after", (length) => {
    const large = Uint8Array.from({ length }, (_, index) => index % 251)
    for (const ways of [writeBytes, encoding.writeUint8Array]) {
      const write = (encoder: encoding.Encoder): void => {
        encoding.writeUint8(encoder, 1)
        ways(encoder, large)
        encoding.writeUint8(encoder, 2)
      }
      const expected = encoding.encode(write)
      // Not by `toEqual`, which takes seconds for a million.
      expect(equalBytes(encodeBytes(write), expected)).toBe(true)
      expect(equalBytes(encodeBytes(write), expected)).toBe(true)
    }
  })

  it("may encode on the way, and goes on after what threw", () => {
    const inner = (): Uint8Array =>
      encodeBytes((encoder) => {
        encoding.writeVarString(encoder, "inner")
      })
    expect(
      encodeBytes((encoder) => {
        encoding.writeUint8(encoder, 1)
        writeBytes(encoder, inner())
        writeBytes(encoder, inner())
      }),
    ).toEqual(Uint8Array.of(1, ...inner(), ...inner()))
    expect(() =>
      encodeBytes((encoder) => {
        encoding.writeVarString(encoder, "half")
        throw new RangeError("beyond a bound")
      }),
    ).toThrow(RangeError)
    expect(inner()).toEqual(inner())
  })
})
