import type { Brand } from "../base/brand.js"
import { base64url, fromBase64url, sha256, utf8 } from "./bytes.js"
import { MAX_SEGMENT, MAX_USER_BYTES } from "./limits.js"

/** Name of a user, as the operator's tokens say it: 1 to 128 bytes of UTF-8, no control characters. */
export type UserId = Brand<string, "UserId">
/** 24 base64url letters: the first 18 bytes of SHA-256 of the device's Ed25519 public key. */
export type DeviceId = Brand<string, "DeviceId">
/** 24 base64url letters: derived from its create entry, so that it can't be taken over. [SPEC N2] */
export type ConversationId = Brand<string, "ConversationId">
/** `c/<conversation>/control` or `c/<conversation>/<n>`. [SPEC N1] */
export type DocumentName = Brand<string, "DocumentName">
/** `<device>/<session>`: the name of the Yjs root array. [SPEC N3] */
export type LogId = Brand<string, "LogId">

const ID_BYTES = 18
const ID_LETTERS = 24
const SESSION_BYTES = 3

function isId(text: string): boolean {
  return text.length === 24 && fromBase64url(text) !== undefined
}

/** The user id, where a value from outside is one. */
export function parseUserId(text: unknown): UserId | undefined {
  if (typeof text !== "string" || text.length === 0 || text.length > MAX_USER_BYTES) return undefined
  // eslint-disable-next-line no-control-regex -- control characters are exactly what is refused
  if (/[\u0000-\u001f\u007f]/.test(text) || !isWellFormed(text)) return undefined
  return utf8(text).length <= MAX_USER_BYTES ? (text as UserId) : undefined
}

/** No lone surrogates: such a text has no UTF-8 form of its own. */
export function isWellFormed(text: string): boolean {
  return !/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text)
}

/** The device id, where a value from outside is one. */
export function parseDeviceId(text: unknown): DeviceId | undefined {
  return typeof text === "string" && isId(text) ? (text as DeviceId) : undefined
}

/** The id of the device with this Ed25519 public key (32 bytes). */
export function deviceIdOf(publicKey: Uint8Array): DeviceId {
  return base64url(sha256(publicKey).subarray(0, ID_BYTES)) as DeviceId
}

/** The 18 bytes that a device id or conversation id stands for. */
export function idBytes(id: DeviceId | ConversationId): Uint8Array {
  return fromBase64url(id) ?? new Uint8Array(ID_BYTES)
}

/** The device id of its 18 bytes. */
export function deviceIdFromBytes(bytes: Uint8Array): DeviceId {
  return base64url(bytes) as DeviceId
}

/** The conversation id of its 18 bytes. */
export function conversationIdFromBytes(bytes: Uint8Array): ConversationId {
  return base64url(bytes) as ConversationId
}

/** The conversation id, where a value from outside is one. */
export function parseConversationId(text: unknown): ConversationId | undefined {
  return typeof text === "string" && isId(text) ? (text as ConversationId) : undefined
}

/** The conversation that a device opens with this create body (the whole body element). [SPEC N2] */
export function conversationIdOf(device: DeviceId, createBody: Uint8Array): ConversationId {
  return base64url(
    sha256(utf8("weft/1/conversation\0"), idBytes(device), createBody).subarray(0, ID_BYTES),
  ) as ConversationId
}

/** What a document's name says. */
export type ParsedDocument =
  | { readonly kind: "control"; readonly conversation: ConversationId }
  | { readonly kind: "segment"; readonly conversation: ConversationId; readonly segment: number }

/** The name of the document that says who may do what. */
export function controlDocument(conversation: ConversationId): DocumentName {
  return `c/${conversation}/control` as DocumentName
}

/** Segments count from 1. */
export function segmentDocument(conversation: ConversationId, segment: number): DocumentName {
  return `c/${conversation}/${String(segment)}` as DocumentName
}

/** The name and what it says; undefined where the text is none. [SPEC N1] */
export function parseDocumentName(text: string): { name: DocumentName; parsed: ParsedDocument } | undefined {
  const match = /^c\/([A-Za-z0-9_-]{24})\/(control|[1-9][0-9]{0,9})$/.exec(text)
  const conversation = parseConversationId(match?.[1])
  const last = match?.[2]
  if (conversation === undefined || last === undefined) return undefined
  const name = text as DocumentName
  if (last === "control") return { name, parsed: { kind: "control", conversation } }
  const segment = Number(last)
  return segment <= MAX_SEGMENT ? { name, parsed: { kind: "segment", conversation, segment } } : undefined
}

/** What a name that passed the parser stands for. */
export function documentParts(name: DocumentName): ParsedDocument {
  const parsed = parseDocumentName(name)
  if (parsed === undefined) throw new RangeError(`not a document name: ${name}`)
  return parsed.parsed
}

/** The conversation that a document belongs to. */
export function conversationOf(name: DocumentName): ConversationId {
  return documentParts(name).conversation
}

/** The name of a device's log. Throws RangeError for a session that is not 3 bytes. */
export function logIdOf(device: DeviceId, session: Uint8Array): LogId {
  if (session.length !== SESSION_BYTES) throw new RangeError("a session has 24 bits")
  return `${device}/${base64url(session)}` as LogId
}

/** A log's name and its device; undefined where the text is no log name (`__proto__` among them). */
export function parseLogId(text: string): { log: LogId; device: DeviceId } | undefined {
  if (text.length !== 29 || text.charAt(24) !== "/") return undefined
  const device = parseDeviceId(text.slice(0, 24))
  if (device === undefined || fromBase64url(text.slice(25)) === undefined) return undefined
  return { log: text as LogId, device }
}

/** The 21 bytes that a log's name stands for: device, then session. */
export function logIdBytes(log: LogId): Uint8Array {
  const bytes = new Uint8Array(ID_BYTES + SESSION_BYTES)
  bytes.set(fromBase64url(log.slice(0, 24)) ?? [])
  bytes.set(fromBase64url(log.slice(25)) ?? [], ID_BYTES)
  return bytes
}

/** The log name of its 21 bytes. */
export function logIdFromBytes(bytes: Uint8Array): LogId {
  const letters = base64url(bytes)
  return `${letters.slice(0, ID_LETTERS)}/${letters.slice(ID_LETTERS)}` as LogId
}

/** The device that writes a log. */
export function deviceOf(log: LogId): DeviceId {
  return log.slice(0, 24) as DeviceId
}

/** The Yjs client id of a log: 53 bits of SHA-256, so that anyone can check it. [SPEC N3] */
export function clientIdOf(document: DocumentName, log: LogId): number {
  const hash = sha256(utf8(`weft/1/client\0${document}\0${log}`))
  const view = new DataView(hash.buffer, hash.byteOffset)
  return (view.getUint32(0) & 0x1fffff) * 2 ** 32 + view.getUint32(4)
}
