import * as decoding from "lib0/decoding"
import * as encoding from "lib0/encoding"
import { encodeBytes } from "../protocol/encode.js"
import type { Brand } from "../base/brand.js"
import { base64url, concat, sha256, utf8 } from "../protocol/bytes.js"
import { messageIdOf, type Clock, type ControlId, type MessageId } from "../protocol/entry.js"
import { MAX_SEEN } from "../protocol/limits.js"
import { readUint } from "../protocol/uint.js"
import { deviceIdFromBytes, deviceIdOf, idBytes, type DeviceId, type DocumentName } from "../protocol/names.js"

/**
 * The body of an erase entry: a statement that proves itself, so that it outlives the log that carried it. [SPEC X1]
 */
export interface EraseRecord {
  readonly target: DeviceId
  /** 24 bytes: which body of that device. */
  readonly bodyHash: Uint8Array
  /** What that body is: with the body gone, nothing else says whether a message stood there or an edit of one. */
  readonly kind: ErasedKind
  /** The eraser's Ed25519 public key; its hash is the eraser's device id. */
  readonly publicKey: Uint8Array
  readonly clock: Clock
  /** Control entries that the eraser had seen: where its right comes from. */
  readonly seen: readonly ControlId[]
  readonly signature: Uint8Array
}

/** What stood where something was erased. */
export type ErasedKind = "message" | "edit"
const kinds: readonly ErasedKind[] = ["message", "edit"]

/** 24 base64url letters: names an erase record by the hash of its bytes. */
export type RecordId = Brand<string, "RecordId">

/** Each update asks again for all records of its document: what is hashed for that is kept as long as the record. */
const erasers = new WeakMap<EraseRecord, DeviceId>()
const targets = new WeakMap<EraseRecord, MessageId>()

/** The device that signed the record. */
export function eraserOf(record: EraseRecord): DeviceId {
  return remembered(erasers, record, () => deviceIdOf(record.publicKey))
}

/** The message, or the edit, that the record erases. */
export function targetOf(record: EraseRecord): MessageId {
  return remembered(targets, record, () => messageIdOf(record.target, record.bodyHash))
}

function remembered<T>(known: WeakMap<EraseRecord, T>, record: EraseRecord, derive: () => T): T {
  let value = known.get(record)
  if (value === undefined) known.set(record, (value = derive()))
  return value
}

/** The id of a record: from all its bytes, signature included. */
export function recordIdOf(record: EraseRecord): RecordId {
  return base64url(sha256(encodeRecord(record)).subarray(0, 18)) as RecordId
}

/** What the eraser signs. */
export function recordMessage(document: DocumentName, record: Omit<EraseRecord, "signature">): Uint8Array {
  return concat([utf8(`weft/1/erase\0${document}\0`), encodeFields(record)])
}

/** The record as an erase entry's body carries it. [SPEC X1] */
export function encodeRecord(record: EraseRecord): Uint8Array {
  return concat([encodeFields(record), record.signature])
}

function encodeFields(record: Omit<EraseRecord, "signature">): Uint8Array {
  return encodeBytes((encoder) => {
    encoding.writeUint8Array(encoder, idBytes(record.target))
    encoding.writeUint8Array(encoder, record.bodyHash)
    encoding.writeUint8(encoder, kinds.indexOf(record.kind))
    encoding.writeUint8Array(encoder, record.publicKey)
    encoding.writeVarUint(encoder, record.clock)
    encoding.writeUint8(encoder, record.seen.length)
    for (const id of record.seen) encoding.writeUint8Array(encoder, idBytes(id as unknown as DeviceId))
  })
}

/** The record, or undefined where the bytes are not exactly one. */
export function decodeRecord(bytes: Uint8Array): EraseRecord | undefined {
  try {
    const decoder = decoding.createDecoder(bytes)
    const target = deviceIdFromBytes(decoding.readUint8Array(decoder, 18))
    const bodyHash = decoding.readUint8Array(decoder, 24).slice()
    const kind = kinds[decoding.readUint8(decoder)]
    const publicKey = decoding.readUint8Array(decoder, 32).slice()
    const clock = readUint(decoder) as Clock
    const count = decoding.readUint8(decoder)
    if (kind === undefined || count === 0 || count > MAX_SEEN) return undefined
    const seen: ControlId[] = []
    for (let index = 0; index < count; index++) {
      seen.push(base64url(decoding.readUint8Array(decoder, 18)) as ControlId)
    }
    const signature = decoding.readUint8Array(decoder, 64).slice()
    if (decoding.hasContent(decoder)) return undefined
    return { target, bodyHash, kind, publicKey, clock, seen, signature }
  } catch {
    return undefined
  }
}
