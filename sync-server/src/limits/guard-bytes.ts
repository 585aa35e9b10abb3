import type { Duplex } from "node:stream"

/** Calls when more than so many bytes came in on a stream, however few messages they make; returns what ends the watch. */
export function guardBytes(stream: Duplex, maxBytes: number, call: () => void): () => void {
  let bytes = 0
  const count = (chunk: Buffer): void => {
    bytes += chunk.length
    if (bytes > maxBytes) {
      end()
      call()
    }
  }
  const end = (): void => {
    stream.off("data", count)
  }
  stream.on("data", count)
  return end
}
