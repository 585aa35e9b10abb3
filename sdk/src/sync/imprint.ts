import * as decoding from "lib0/decoding"
import * as encoding from "lib0/encoding"
import { encodeBytes } from "../protocol/encode.js"
import { base64url, fromBase64url } from "../protocol/bytes.js"
import { controlDocument, documentParts, segmentDocument } from "../protocol/names.js"
import type { ConversationId, DocumentName } from "../protocol/names.js"
import type { Clock } from "../protocol/entry.js"
import { readUint } from "../protocol/uint.js"

/** What is stored of a conversation so that it can be compared with others' without reading it. [SPEC S13] */
export interface Imprint {
  /** Of the list's row that shows just this. */
  readonly stamp: string
  /** Of the conversation, registers and all; 32 bytes. [SPEC D2] */
  readonly digest: Uint8Array
  /** Names what this device's register may tell, and of whom: 8 bytes. [SPEC P7, P12] */
  readonly tells: Uint8Array
  /** Those that hold anything. */
  readonly documents: ReadonlyMap<DocumentName, DocumentImprint>
}

export interface DocumentImprint {
  /** 32 bytes. [SPEC D1] */
  readonly digest: Uint8Array
  /** Of what the segment's texts follow from: 8 bytes. [SPEC Q2] */
  readonly version: Uint8Array
  /** When something in it is to be destroyed, milliseconds since 1970; Infinity: nothing waits for that. [SPEC X3] */
  readonly due: number
  /** No message in it has a greater one. [SPEC M9] */
  readonly lastClock: Clock
}

const FORMAT = 2
export const STAMP_BYTES = 9
export const VERSION_BYTES = 8
const DIGEST_BYTES = 32

export function encodeImprint({ stamp, digest, tells, documents }: Imprint): Uint8Array {
  return encodeBytes((encoder) => {
    encoding.writeUint8(encoder, FORMAT)
    encoding.writeUint8Array(encoder, fromBase64url(stamp) ?? new Uint8Array(STAMP_BYTES))
    encoding.writeUint8Array(encoder, digest)
    encoding.writeUint8Array(encoder, tells)
    encoding.writeVarUint(encoder, documents.size)
    for (const [name, document] of documents) {
      const parts = documentParts(name)
      encoding.writeVarUint(encoder, parts.kind === "segment" ? parts.segment : 0)
      encoding.writeUint8Array(encoder, document.digest)
      encoding.writeUint8Array(encoder, document.version)
      encoding.writeVarUint(encoder, document.due === Infinity ? 0 : document.due)
      encoding.writeVarUint(encoder, document.lastClock)
    }
  })
}

/** Undefined where the bytes are none of this format: then the conversation is read. */
export function decodeImprint(conversation: ConversationId, bytes: Uint8Array): Imprint | undefined {
  try {
    const decoder = decoding.createDecoder(bytes)
    if (decoding.readUint8(decoder) !== FORMAT) return undefined
    const stamp = base64url(decoding.readUint8Array(decoder, STAMP_BYTES))
    const digest = decoding.readUint8Array(decoder, DIGEST_BYTES).slice()
    const tells = decoding.readUint8Array(decoder, VERSION_BYTES).slice()
    const documents = new Map<DocumentName, DocumentImprint>()
    for (let rest = readUint(decoder); rest > 0; rest--) {
      const segment = readUint(decoder)
      const name = segment === 0 ? controlDocument(conversation) : segmentDocument(conversation, segment)
      documents.set(name, {
        digest: decoding.readUint8Array(decoder, DIGEST_BYTES).slice(),
        version: decoding.readUint8Array(decoder, VERSION_BYTES).slice(),
        due: readUint(decoder) || Infinity,
        lastClock: readUint(decoder) as Clock,
      })
    }
    return decoding.hasContent(decoder) ? undefined : { stamp, digest, tells, documents }
  } catch {
    return undefined
  }
}

/** When the first of its erasures is due; Infinity where none waits. */
export function firstDue({ documents }: Imprint): number {
  let due = Infinity
  for (const document of documents.values()) due = Math.min(due, document.due)
  return due
}
