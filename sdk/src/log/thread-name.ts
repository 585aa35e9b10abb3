import * as decoding from "lib0/decoding"
import * as encoding from "lib0/encoding"
import type { Brand } from "../base/brand.js"
import { base64url, compareBytes, fromBase64url, sha256, utf8 } from "../protocol/bytes.js"
import type { MessageId } from "../protocol/entry.js"

/** Stands for a thread in registers: 12 bytes as 16 letters, where its root's id has 42 bytes. [SPEC P2] */
export type ThreadName = Brand<string, "ThreadName">

const BYTES = 12
const DOMAIN = utf8("weft/1/thread\0")

/** The name of the thread below a message. */
export function threadName(root: MessageId): ThreadName {
  const [device = "", hash = ""] = root.split(".")
  return base64url(sha256(DOMAIN, bytesOf(device), bytesOf(hash)).slice(0, BYTES)) as ThreadName
}

/** Writes the bytes of a name. */
export function writeThreadName(encoder: encoding.Encoder, name: ThreadName): void {
  encoding.writeUint8Array(encoder, bytesOf(name))
}

/** Throws RangeError at the end of the bytes. */
export function readThreadName(decoder: decoding.Decoder): { readonly name: ThreadName; readonly bytes: Uint8Array } {
  const bytes = decoding.readUint8Array(decoder, BYTES)
  return { name: base64url(bytes) as ThreadName, bytes }
}

/** Their order in a register: by their bytes. */
export function compareThreadNames(a: ThreadName, b: ThreadName): number {
  return compareBytes(bytesOf(a), bytesOf(b))
}

function bytesOf(text: string): Uint8Array {
  const bytes = fromBase64url(text)
  if (bytes === undefined) throw new RangeError("not a name")
  return bytes
}
