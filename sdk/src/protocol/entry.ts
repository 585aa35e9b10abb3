import * as decoding from "lib0/decoding"
import * as encoding from "lib0/encoding"
import { unreachable, type Brand } from "../base/brand.js"
import { base64url, concat, sha256, utf8 } from "./bytes.js"
import { readContent, writeContent, type Content, type ContentLimits } from "./content.js"
import { encodeBytes } from "./encode.js"
import { MAX_BODY_BYTES, MAX_SEEN } from "./limits.js"
import { type DeviceId, type DocumentName, idBytes, type LogId } from "./names.js"
import { PROTOCOL_VERSION } from "./version.js"

/**
 * The elements of a log, byte by byte. [SPEC E]
 *
 * - head: `01`, version * 16 + class, clock (7 bytes), body hash (24), count of entries seen, 18 bytes for each
 * - body: `02`, salt (12 bytes), content
 * - seal: `03`, Ed25519 signature (64 bytes), and in a log's first seal the public key (32)
 */
export const KIND_HEAD = 1
/** First byte of a body element. */
export const KIND_BODY = 2
/** First byte of a seal element. */
export const KIND_SEAL = 3

/** What an entry is: decides in which documents it may stand. [SPEC C10] */
export type EntryClass = "message" | "erase" | "control" | "reaction"

/** Hybrid clock: milliseconds since 1970 * 1024 + counter; a safe integer until the year 2248. [SPEC E2] */
export type Clock = Brand<number, "Clock">
/** 24 bytes as 32 base64url letters: the hash of a body element. */
export type BodyHash = Brand<string, "BodyHash">
/** 18 bytes as 24 base64url letters: names a control entry. [SPEC A1] */
export type ControlId = Brand<string, "ControlId">

/** What is said of an entry without its body: it stays when the body is erased. [SPEC E1] */
export interface Head {
  readonly class: EntryClass
  readonly clock: Clock
  /** 24 bytes. */
  readonly bodyHash: Uint8Array
  /** Control entries seen; empty in a message or erase that saw what the log's previous head saw. */
  readonly seen: readonly ControlId[]
}

/** A signature over everything in the log before it. [SPEC E7] */
export interface Seal {
  readonly signature: Uint8Array
  readonly publicKey: Uint8Array | undefined
}

/** Steps of a hybrid clock in one millisecond: so many entries may be written in it. */
export const CLOCK_UNITS_PER_MS = 1024
const CLOCK_BYTES = 7
const HASH_BYTES = 24
const SALT_BYTES = 12
const CONTROL_ID_BYTES = 18
const SIGNATURE_BYTES = 64
const KEY_BYTES = 32
const HEAD_BYTES = 2 + CLOCK_BYTES + HASH_BYTES + 1

const classNumbers: Record<EntryClass, number> = { message: 1, erase: 2, control: 3, reaction: 4 }
const classes: readonly (EntryClass | undefined)[] = [undefined, "message", "erase", "control", "reaction"]

/** The lowest clock of a time in milliseconds since 1970. */
export function clockOf(ms: number): Clock {
  return Math.max(0, Math.floor(ms) * CLOCK_UNITS_PER_MS) as Clock
}

/** Milliseconds since 1970. */
export function clockMs(clock: Clock): number {
  return Math.floor(clock / CLOCK_UNITS_PER_MS)
}

/** The head element. Throws RangeError beyond 64 entries seen. */
export function encodeHead(head: Head): Uint8Array {
  if (head.seen.length > MAX_SEEN) throw new RangeError("a head names too many control entries")
  const bytes = new Uint8Array(HEAD_BYTES + head.seen.length * CONTROL_ID_BYTES)
  bytes[0] = KIND_HEAD
  bytes[1] = PROTOCOL_VERSION * 16 + classNumbers[head.class]
  let rest: number = head.clock
  for (let at = 1 + CLOCK_BYTES; at > 1; at--) {
    bytes[at] = rest % 256
    rest = Math.floor(rest / 256)
  }
  bytes.set(head.bodyHash, 2 + CLOCK_BYTES)
  bytes[HEAD_BYTES - 1] = head.seen.length
  head.seen.forEach((id, index) => {
    bytes.set(idBytes(id as unknown as DeviceId), HEAD_BYTES + index * CONTROL_ID_BYTES)
  })
  return bytes
}

/** The head, or undefined where the bytes are not exactly one. */
export function decodeHead(bytes: Uint8Array): Head | undefined {
  const classAndVersion = bytes[1] ?? 0
  const entryClass = classes[classAndVersion & 15]
  const count = bytes[HEAD_BYTES - 1] ?? 0
  if (bytes[0] !== KIND_HEAD || classAndVersion >> 4 !== PROTOCOL_VERSION || entryClass === undefined) return undefined
  if (count > MAX_SEEN || bytes.length !== HEAD_BYTES + count * CONTROL_ID_BYTES) return undefined
  let clock = 0
  for (let at = 2; at < 2 + CLOCK_BYTES; at++) clock = clock * 256 + (bytes[at] ?? 0)
  if (!Number.isSafeInteger(clock)) return undefined
  const seen: ControlId[] = []
  for (let at = HEAD_BYTES; at < bytes.length; at += CONTROL_ID_BYTES) {
    seen.push(base64url(bytes.subarray(at, at + CONTROL_ID_BYTES)) as ControlId)
  }
  const bodyHash = bytes.slice(2 + CLOCK_BYTES, 2 + CLOCK_BYTES + HASH_BYTES)
  return { class: entryClass, clock: clock as Clock, bodyHash, seen }
}

/** A body element around the content. Throws RangeError beyond the limits. */
export function encodeBody(salt: Uint8Array, content: Content, limits?: ContentLimits): Uint8Array {
  if (salt.length !== SALT_BYTES) throw new RangeError("a salt has 96 bits")
  const bytes = encodeBytes((encoder) => {
    encoding.writeUint8(encoder, KIND_BODY)
    encoding.writeUint8Array(encoder, salt)
    writeContent(encoder, content, limits)
  })
  if (bytes.length > MAX_BODY_BYTES) throw new RangeError("a body has at most 64 KiB")
  return bytes
}

/** The content of a body element, or undefined where it is not readable content. */
export function decodeBody(body: Uint8Array, limits?: ContentLimits): Content | undefined {
  try {
    const decoder = decoding.createDecoder(body)
    decoder.pos = 1 + SALT_BYTES
    const content = readContent(decoder, limits)
    return decoding.hasContent(decoder) ? undefined : content
  } catch {
    return undefined
  }
}

/** Bytes of a body's salt: without it, equal texts would have equal hashes. */
export const BODY_SALT_BYTES = SALT_BYTES

/** The form that the check asks of a body: its kind, a salt, and at most 64 KiB. */
export function isBody(bytes: Uint8Array): boolean {
  return bytes[0] === KIND_BODY && bytes.length > SALT_BYTES + 1
}

/** The hash of a whole body element; 24 bytes. [SPEC E4] */
export function hashBody(body: Uint8Array): Uint8Array {
  return sha256(body).slice(0, HASH_BYTES)
}

/** A body hash (24 bytes) as text. */
export function bodyHashText(hash: Uint8Array): BodyHash {
  return base64url(hash) as BodyHash
}

/** The seal element: 65 bytes, or 97 with the public key. */
export function encodeSeal(seal: Seal): Uint8Array {
  return concat([Uint8Array.of(KIND_SEAL), seal.signature, seal.publicKey ?? new Uint8Array(0)])
}

/** The seal, or undefined where the bytes are not exactly one. Its signature was not looked at. */
export function decodeSeal(bytes: Uint8Array): Seal | undefined {
  if (bytes[0] !== KIND_SEAL) return undefined
  const signature = bytes.slice(1, 1 + SIGNATURE_BYTES)
  if (bytes.length === 1 + SIGNATURE_BYTES) return { signature, publicKey: undefined }
  if (bytes.length !== 1 + SIGNATURE_BYTES + KEY_BYTES) return undefined
  return { signature, publicKey: bytes.slice(1 + SIGNATURE_BYTES) }
}

/** The link before a log's first element; 32 bytes. [SPEC E6] */
export function firstLink(document: DocumentName, log: LogId): Uint8Array {
  return sha256(utf8(`weft/1/log\0${document}\0${log}`))
}

/** The link after a head or seal. Bodies are outside the chain, so erasing one leaves it whole. */
export function nextLink(link: Uint8Array, element: Uint8Array): Uint8Array {
  return sha256(link, element)
}

/** What a seal signs: domain, document, log and the link before it. [SPEC E7] */
export function sealMessage(document: DocumentName, log: LogId, link: Uint8Array): Uint8Array {
  return concat([utf8(`weft/1/seal\0${document}\0${log}\0`), link])
}

/** The name of a control entry: of its device and its head, so that a re-issued one keeps it. [SPEC A1] */
export function controlIdOf(device: DeviceId, head: Uint8Array): ControlId {
  return base64url(sha256(utf8("weft/1/control\0"), idBytes(device), head).subarray(0, CONTROL_ID_BYTES)) as ControlId
}

/** A message's name: (device, body hash), never a position. [SPEC E4] */
export type MessageId = Brand<string, "MessageId">

/** The id, where a value from outside is one. */
export function parseMessageId(text: unknown): MessageId | undefined {
  return typeof text === "string" && /^[A-Za-z0-9_-]{24}\.[A-Za-z0-9_-]{32}$/.test(text)
    ? (text as MessageId)
    : undefined
}

/** The id of the message whose body has this hash (24 bytes). */
export function messageIdOf(device: DeviceId, bodyHash: Uint8Array): MessageId {
  return `${device}.${bodyHashText(bodyHash)}` as MessageId
}

/** Whether entries of a class have a place in a document. [SPEC C10] */
export function mayStand(entryClass: EntryClass, document: "control" | "segment"): boolean {
  switch (entryClass) {
    case "message":
    case "reaction":
    case "erase":
      return document === "segment"
    case "control":
      return document === "control"
    default:
      return unreachable(entryClass)
  }
}
