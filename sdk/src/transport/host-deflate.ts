import type { Deflate } from "../protocol/packed.js"

/** Bytes that are given to a stream at a time: one of 16 KiB makes 16 MiB at most before it is found out. */
const SLICE_BYTES = 16 * 1024

/** Raw deflate by the host's own streams; undefined where it has none. */
export function hostDeflate(): Deflate | undefined {
  try {
    new DecompressionStream("deflate-raw")
  } catch {
    return undefined
  }
  return {
    deflate: (bytes) => through(bytes, new CompressionStream("deflate-raw"), bytes.length),
    inflate: async (bytes, size) => {
      const made = await through(bytes, new DecompressionStream("deflate-raw"), size)
      if (made.length < size) throw new RangeError("less than was said")
      return made
    },
  }
}

/** Rejects where more than `maxBytes` come out. */
async function through(
  bytes: Uint8Array,
  stream: CompressionStream | DecompressionStream,
  maxBytes: number,
): Promise<Uint8Array> {
  let at = 0
  const source = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      if (at >= bytes.length) controller.close()
      else controller.enqueue(bytes.slice(at, (at += SLICE_BYTES)))
    },
  })
  const reader = source.pipeThrough(stream).getReader()
  const made = new Uint8Array(maxBytes)
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return made.subarray(0, length)
    if (length + value.length > maxBytes) {
      await reader.cancel()
      throw new RangeError("more than was said")
    }
    made.set(value, length)
    length += value.length
  }
}
