import { deflateRawSync, inflateRawSync } from "node:zlib"
import { decodeFrame, type Deflate, type Frame } from "@weft/sdk/protocol"

/** Raw deflate that is done when it is asked for: it waits for no thread, so that what follows is the same at every run. */
export const syncDeflate: Deflate = {
  deflate: async (bytes) => new Uint8Array(deflateRawSync(bytes, { level: 1 })),
  inflate: async (bytes, size) => inflated(bytes, size),
}

/** A frame as its receiver sees it: what a packed one holds, for those who stand beside the wire. */
export function wholeFrame(bytes: Uint8Array): Frame | undefined {
  const frame = decodeFrame(bytes)
  if (frame?.kind !== "packed") return frame
  try {
    return decodeFrame(inflated(frame.bytes, frame.size))
  } catch {
    return undefined
  }
}

function inflated(bytes: Uint8Array, size: number): Uint8Array {
  const made = new Uint8Array(inflateRawSync(bytes, { maxOutputLength: size }))
  if (made.length !== size) throw new RangeError("not what was said")
  return made
}
