import * as zlib from "node:zlib"
import { zlibDeflate, type Deflate } from "@weft/sdk/protocol"
import { Semaphore } from "../limits/semaphore.js"

/** Streams at a time, each with up to 268 KB: the disk has the other threads of Node's pool, of which there are four. */
const AT_ONCE = 2

/** Raw deflate for all connections of a server. */
export function sharedDeflate(): Deflate {
  const { deflate, inflate } = zlibDeflate(zlib)
  const threads = new Semaphore(AT_ONCE)
  return {
    deflate: (bytes) => threads.run(() => deflate(bytes)),
    inflate: (bytes, size) => threads.run(() => inflate(bytes, size)),
  }
}
