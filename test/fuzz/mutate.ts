import * as encoding from "lib0/encoding"
import type { Random } from "../support/seed.ts"

/** Numbers at the edges of what varints, 32-bit and 53-bit integers hold. */
const EDGES = [0, 1, 2, 63, 64, 127, 128, 16_383, 16_384, 2 ** 20, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53 - 1]

/** A varuint as nobody should write it: too long, beyond 2^53, or without an end. */
function oddVaruint(random: Random): Uint8Array {
  switch (random.below(3)) {
    case 0:
      return Uint8Array.of(...new Array<number>(1 + random.below(12)).fill(0x80), 0)
    case 1:
      return Uint8Array.of(...new Array<number>(8 + random.below(120)).fill(0xff), 0x7f)
    default:
      return new Uint8Array(1 + random.below(20)).fill(0xff)
  }
}

function varuint(value: number): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, value)
  return encoding.toUint8Array(encoder)
}

/** Half of a surrogate pair in the UTF-8 that no encoder makes, an overlong slash, and bytes that are no UTF-8. */
const ODD_TEXTS = [
  [0xed, 0xa0, 0x80],
  [0xed, 0xbf, 0xbf],
  [0xc0, 0xaf],
  [0xff, 0xfe],
  [0xf0, 0x9f, 0x98],
].map((bytes) => Uint8Array.from(bytes))

function replace(bytes: Uint8Array, at: number, length: number, by: Uint8Array): Uint8Array {
  const result = new Uint8Array(bytes.length - length + by.length)
  result.set(bytes.subarray(0, at))
  result.set(by, at)
  result.set(bytes.subarray(at + length), at + by.length)
  return result
}

/** Some of another sample, to be put into this one. */
function piece(random: Random, others: readonly Uint8Array[]): Uint8Array {
  const other = random.pick(others)
  const from = random.below(other.length + 1)
  return other.subarray(from, from + random.below(Math.min(512, other.length - from) + 1))
}

function once(bytes: Uint8Array, random: Random, others: readonly Uint8Array[]): Uint8Array {
  const at = random.below(bytes.length + 1)
  const rest = bytes.length - at
  switch (random.below(12)) {
    case 0: {
      const result = bytes.slice()
      if (rest > 0) result[at] = (result[at] ?? 0) ^ (1 << random.below(8))
      return result
    }
    case 1: {
      const result = bytes.slice()
      if (rest > 0) result[at] = random.below(256)
      return result
    }
    case 2:
      return replace(bytes, at, 0, random.bytes(1 + random.below(8)))
    case 3:
      return replace(bytes, at, random.below(Math.min(rest, 40) + 1), new Uint8Array())
    case 4:
      return bytes.slice(0, at)
    case 5:
      return replace(bytes, at, Math.min(rest, 1), varuint(random.pick(EDGES)))
    case 6:
      return replace(bytes, at, Math.min(rest, 1), oddVaruint(random))
    case 7:
      return replace(bytes, at, 0, bytes.subarray(at, at + random.below(Math.min(rest, 200) + 1)))
    case 8:
      return replace(bytes, at, random.below(Math.min(rest, 100) + 1), piece(random, others))
    case 9:
      return replace(bytes, at, Math.min(rest, 3), random.pick(ODD_TEXTS))
    case 10: {
      // Early bytes are counts and lengths: worth more attention than the signatures behind them.
      const early = random.below(Math.min(bytes.length, 24) + 1)
      return replace(bytes, early, Math.min(bytes.length - early, 1), varuint(random.pick(EDGES)))
    }
    default: {
      const result = bytes.slice()
      const end = at + random.below(Math.min(rest, 32) + 1)
      for (let index = at; index < end; index++) result[index] = random.below(256)
      return result
    }
  }
}

/** A sample with one to four faults. */
export function mutate(bytes: Uint8Array, random: Random, others: readonly Uint8Array[]): Uint8Array {
  let result = bytes
  for (let rounds = 1 + random.below(4); rounds > 0; rounds--) result = once(result, random, others)
  return result
}
