import { deflateRawSync } from "node:zlib"
import { encodeFrame, MAX_FRAME_BYTES, MAX_PACKED_RATIO, MIN_PACKED_BYTES, type DocumentName } from "@weft/sdk/protocol"
import type { Random } from "../support/seed.ts"
import { mutate } from "./mutate.ts"

/** A packed frame of these bytes, whatever they are; `size`: what it says to hold. */
export function packed(frame: Uint8Array, size = frame.length): Uint8Array {
  return encodeFrame({ kind: "packed", size, bytes: deflateRawSync(frame, { level: 1 }) })
}

/** A vector that is large enough to be packed: ids that nobody knows, half of them the same. */
export function largeVector(random: Random, document: DocumentName): Uint8Array {
  const same = random.bytes(18)
  const records = Array.from({ length: 300 + random.below(300) }, () => (random.oneIn(2) ? same : random.bytes(18)))
  return encodeFrame({ kind: "vector", document, reply: random.oneIn(2), logs: [], records })
}

/** A large frame in a packed one that is wrong. */
export function oddPacked(random: Random, frame: Uint8Array): Uint8Array {
  const deflated = deflateRawSync(frame, { level: 1 })
  const again = (bytes: Uint8Array, size = frame.length): Uint8Array => encodeFrame({ kind: "packed", size, bytes })
  switch (random.below(7)) {
    case 0:
      return packed(frame, Math.max(0, frame.length + random.below(9) - 4))
    case 1:
      return packed(
        frame,
        random.pick([0, 1, MIN_PACKED_BYTES - 1, MIN_PACKED_BYTES, MAX_FRAME_BYTES, MAX_FRAME_BYTES + 1, 2 ** 53 - 1]),
      )
    case 2:
      return again(mutate(deflated, random, [deflated, frame]))
    case 3:
      return again(deflated.subarray(0, random.below(deflated.length + 1)))
    case 4:
      return again(Buffer.concat([deflated, random.bytes(1 + random.below(20))]))
    case 5: {
      const inner = packed(frame)
      return packed(inner.length < MIN_PACKED_BYTES ? Buffer.concat([inner, frame]) : inner)
    }
    default: {
      // Makes a thousand times its bytes, and says what would be taken of them.
      const bomb = deflateRawSync(new Uint8Array(MIN_PACKED_BYTES << random.below(8)))
      return again(bomb, Math.max(MIN_PACKED_BYTES, bomb.length * MAX_PACKED_RATIO))
    }
  }
}
