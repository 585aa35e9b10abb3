import type * as decoding from "lib0/decoding"

const UNSAFE = Number.MAX_SAFE_INTEGER + 1

/**
 * A varuint as lib0 writes it, and only so: throws RangeError at the end of the bytes, beyond 2^53 - 1, and for a longer
 * spelling of the same number. lib0's reader takes those, and reads NaN where the spelling is long enough.
 */
export function readUint(decoder: decoding.Decoder): number {
  const { arr } = decoder
  let value = 0
  for (let unit = 1; ; unit *= 128) {
    const byte = arr[decoder.pos++]
    if (byte === undefined) throw new RangeError("a number ends too early")
    if (byte === 0 && unit > 1) throw new RangeError("a number is spelled too long")
    value += (byte & 127) * unit
    if (value >= UNSAFE) throw new RangeError("a number is too large")
    if (byte < 128) return value
  }
}

/** One byte. lib0's reader gives undefined at the end, and a count that is undefined ends no loop. */
export function readByte(decoder: decoding.Decoder): number {
  const byte = decoder.arr[decoder.pos++]
  if (byte === undefined) throw new RangeError("a byte is missing")
  return byte
}

/** The bytes behind their length, as a view. */
export function readBytes(decoder: decoding.Decoder): Uint8Array {
  const length = readUint(decoder)
  const end = decoder.pos + length
  if (end > decoder.arr.length) throw new RangeError("bytes end too early")
  const bytes = decoder.arr.subarray(decoder.pos, end)
  decoder.pos = end
  return bytes
}
