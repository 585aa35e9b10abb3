import type { Deflate } from "../protocol/packed.js"

interface Options {
  readonly level?: number
  readonly chunkSize: number
  readonly maxOutputLength?: number
  readonly info?: true
}

/** With `info`: what was made, and how many bytes of the input were read for it. */
interface Made {
  readonly buffer: Uint8Array
  readonly engine: { readonly bytesWritten: number }
}

/** The part of Node's zlib that is used. */
interface Zlib {
  deflateRaw(bytes: Uint8Array, options: Options, done: (error: Error | null, made: Uint8Array) => void): void
  inflateRaw(bytes: Uint8Array, options: Options, done: (error: Error | null, made: Uint8Array) => void): void
}

/** Measured: 6 makes it 4 % smaller, in twice the time. */
const LEVEL = 1

/** Raw deflate in Node's threads: each once to a thread and back, where the host's streams go for every 16 KB. */
export function zlibDeflate(zlib: Zlib): Deflate {
  return {
    deflate: (bytes) =>
      new Promise((resolve, reject) => {
        zlib.deflateRaw(bytes, { level: LEVEL, chunkSize: bytes.length }, (error, made) => {
          if (error === null) resolve(bytesOf(made))
          else reject(error)
        })
      }),
    inflate: (bytes, size) =>
      new Promise((resolve, reject) => {
        const options = { chunkSize: size + 1, maxOutputLength: size, info: true } as const
        zlib.inflateRaw(bytes, options, (error, result) => {
          const made = result as unknown as Made
          if (error !== null) reject(error)
          else if (made.buffer.length < size) reject(new RangeError("less than was said"))
          else if (made.engine.bytesWritten < bytes.length) reject(new RangeError("more than a stream"))
          else resolve(bytesOf(made.buffer))
        })
      }),
  }
}

/** zlib gives Buffers, whose `slice` shares memory: who kept a part of a frame would keep all of it. */
function bytesOf({ buffer, byteOffset, length }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length)
}
