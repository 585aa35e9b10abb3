import { DIGESTS_FRAME, encodeFrame, MAX_FRAME_BYTES, type FrameOf } from "./frame.js"
import { MAX_PACKED_RATIO, MIN_PACKED_BYTES } from "./limits.js"

/** What packing has to leave of a frame at most: else the other side would unpack it for nothing. */
const WORTHWHILE = 0.9

/** Raw deflate, as the host has it. */
export interface Deflate {
  /** Rejects where there is no memory for it, say. */
  readonly deflate: (bytes: Uint8Array) => Promise<Uint8Array>
  /** Rejects where the bytes are not one whole stream of `size` bytes; never makes more than about those. */
  readonly inflate: (bytes: Uint8Array, size: number) => Promise<Uint8Array>
}

function isPackableSize(size: number): boolean {
  return size >= MIN_PACKED_BYTES && size <= MAX_FRAME_BYTES
}

/** Whether a frame is to be packed where that helps; digests are chance, of which nothing can be saved. [SPEC S14] */
export function isPackable(frame: Uint8Array): boolean {
  return isPackableSize(frame.length) && frame[0] !== DIGESTS_FRAME
}

/** The frame packed; as it is where that saves little, or can't be. Never rejects. */
export async function packFrame(frame: Uint8Array, { deflate }: Deflate): Promise<Uint8Array> {
  try {
    const size = frame.length
    const bytes = await deflate(frame)
    const isWorthwhile = bytes.length < size * WORTHWHILE && size <= bytes.length * MAX_PACKED_RATIO
    return isWorthwhile ? encodeFrame({ kind: "packed", size, bytes }) : frame
  } catch {
    // No memory for it, for example.
    return frame
  }
}

/** The frame in a packed one: no bytes where there is none. Never rejects. */
export async function unpackFrame({ size, bytes }: FrameOf<"packed">, { inflate }: Deflate): Promise<Uint8Array> {
  try {
    if (isPackableSize(size) && size <= bytes.length * MAX_PACKED_RATIO) return await inflate(bytes, size)
  } catch {
    // It holds something else.
  }
  return new Uint8Array()
}
