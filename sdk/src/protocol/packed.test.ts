import { randomBytes } from "node:crypto"
import * as zlib from "node:zlib"
import { describe, expect, it } from "vitest"
import { hostDeflate } from "../transport/host-deflate.js"
import { zlibDeflate } from "../transport/zlib-deflate.js"
import { equalBytes } from "./bytes.js"
import { decodeFrame, MAX_FRAME_BYTES } from "./frame.js"
import { MAX_PACKED_RATIO, MIN_PACKED_BYTES } from "./limits.js"
import { packFrame, unpackFrame, type Deflate } from "./packed.js"

const none = new Uint8Array()
const chance = (length: number): Uint8Array => new Uint8Array(randomBytes(length))

/** Deflates to a bit more than half. */
function compressible(length: number): Uint8Array {
  return Uint8Array.from(chance(length), (byte) => byte & 15)
}

function deflated(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(zlib.deflateRawSync(bytes))
}

describe.each([
  ["the host's streams", hostDeflate()!],
  ["Node's zlib", zlibDeflate(zlib)],
])("[S14] by %s a packed frame", (_, host) => {
  async function unpacked(size: number, bytes: Uint8Array): Promise<Uint8Array> {
    return unpackFrame({ kind: "packed", size, bytes }, host)
  }

  it.each([MIN_PACKED_BYTES, 70_001, MAX_FRAME_BYTES])("of %i bytes comes back as it was", async (size) => {
    const frame = compressible(size)
    const packed = decodeFrame(await packFrame(frame, host))
    if (packed?.kind !== "packed") throw new TypeError("it was not packed")
    expect(packed.size).toBe(size)
    expect(packed.bytes.length).toBeLessThan(0.6 * size)
    expect(zlib.inflateRawSync(packed.bytes).equals(frame)).toBe(true)
    expect(equalBytes(await unpackFrame(packed, host), frame)).toBe(true)
  })

  it("is none where that would save little, or the host can't", async () => {
    const frame = chance(10_000)
    expect(await packFrame(frame, host)).toBe(frame)
    const cannot: Deflate = { deflate: () => Promise.reject(new Error("no memory")), inflate: host.inflate }
    const other = compressible(10_000)
    expect(await packFrame(other, cannot)).toBe(other)
  })

  it("holds no more than so many times its bytes; what would be more is sent as it is", async () => {
    const zeros = new Uint8Array(100_000)
    expect(await packFrame(zeros, host)).toBe(zeros)
    expect(await unpacked(zeros.length, deflated(zeros))).toEqual(none)
    const edge = deflated(zeros)
    expect(await unpacked(edge.length * MAX_PACKED_RATIO + 1, edge)).toEqual(none)
  })

  it.each([0, 1, MIN_PACKED_BYTES - 1, MAX_FRAME_BYTES + 1])("of %i bytes is none", async (size) => {
    expect(await unpacked(size, deflated(compressible(size)))).toEqual(none)
  })

  it("is none of more or fewer bytes than it says, cut, empty, or of other bytes", async () => {
    const frame = compressible(20_000)
    const bytes = deflated(frame)
    expect(equalBytes(await unpacked(20_000, bytes), frame)).toBe(true)
    expect(await unpacked(19_999, bytes)).toEqual(none)
    expect(await unpacked(20_001, bytes)).toEqual(none)
    expect(await unpacked(20_000, bytes.subarray(0, -1))).toEqual(none)
    expect(await unpacked(20_000, none)).toEqual(none)
    expect(await unpacked(20_000, chance(20_000))).toEqual(none)
  })

  it("that makes a thousand times what it says is given up soon", async () => {
    // 512 KiB that would be 500 MiB, and says to be what a frame may have.
    const part = zlib.deflateRawSync(new Uint8Array(MAX_FRAME_BYTES * 64))
    const bytes = new Uint8Array(MAX_FRAME_BYTES / 8)
    bytes.set(part.subarray(0, bytes.length))
    expect(await unpacked(MAX_FRAME_BYTES, bytes)).toEqual(none)
  })
})

it("[S14] Node's zlib takes nothing behind the end of a stream", async () => {
  const frame = compressible(20_000)
  const bytes = new Uint8Array([...deflated(frame), 7])
  expect(await unpackFrame({ kind: "packed", size: 20_000, bytes }, zlibDeflate(zlib))).toEqual(none)
})
