import * as decoding from "lib0/decoding"
import * as encoding from "lib0/encoding"
import { encodeBytes } from "./encode.js"
import { MAX_ACCOUNT_NAME_BYTES, parseAccountName, type AccountName } from "./account-name.js"
import { base64url, concat, utf8 } from "./bytes.js"
import { refusalCode, refusalNumber, type RefusalCode } from "./codes.js"
import {
  conversationIdFromBytes,
  deviceIdFromBytes,
  idBytes,
  logIdBytes,
  logIdFromBytes,
  parseDocumentName,
  parseUserId,
  type ConversationId,
  type DeviceId,
  type DocumentName,
  type LogId,
  type UserId,
} from "./names.js"
import { MAX_HIDDEN, MAX_REGISTER_BYTES, MAX_SIGNALS } from "./limits.js"
import { blob, fixed, flag, list, mapped, record, text, uint, type Field, type RecordOf } from "./schema.js"

/** Bytes of one frame that every side takes; the server's limit may be lower or higher, and its welcome says so. */
export const MAX_FRAME_BYTES = 512 * 1024
/** Bytes of updates that a sender puts into one frame, so that it fits with room for names. */
export const MAX_FRAME_UPDATE_BYTES = 384 * 1024
/** Leading bytes of a digest on the wire: enough that no accident makes two equal. */
export const WIRE_DIGEST_BYTES = 12
/** Conversations in one page of digests. */
export const DIGEST_PAGE = 4096
/** Accounts in one page of digests: their names are longer. */
export const ACCOUNT_PAGE = 1024
/** Erase records that a vector names; those that it leaves out are sent again. [SPEC S5] */
export const MAX_VECTOR_RECORDS = 10_000
/** Registers of which `clocks` says what is held; those that it leaves out are sent again. */
export const MAX_CLOCKS = 10_000
/** Erase records of one frame. */
export const RECORDS_PER_FRAME = 100
/** Number of a page of digests: its first byte. */
export const DIGESTS_FRAME = 9
/** Number of a packed frame: its first byte. */
export const PACKED_FRAME = 26
/** States of a signal: gone, here, typing, here and no longer typing. */
export const SIGNAL_OFFLINE = 0
/** See SIGNAL_OFFLINE. */
export const SIGNAL_ONLINE = 1
/** See SIGNAL_OFFLINE. */
export const SIGNAL_TYPING = 2
/** See SIGNAL_OFFLINE. */
export const SIGNAL_STOPPED = 3
/** Leading bytes of a register's hash, where two have one clock. */
export const REGISTER_MARK_BYTES = 6

const document: Field<DocumentName> = mapped(
  text(64),
  (name) => name,
  (name) => parseDocumentName(name)?.name,
)
const account: Field<AccountName> = mapped(
  text(MAX_ACCOUNT_NAME_BYTES),
  (name) => name,
  (name) => parseAccountName(name)?.name,
)
const conversation: Field<ConversationId> = mapped(fixed(18), idBytes, conversationIdFromBytes)
const device: Field<DeviceId> = mapped(fixed(18), idBytes, deviceIdFromBytes)
const user: Field<UserId> = mapped(text(128), (name) => name, parseUserId)
const log: Field<LogId> = mapped(fixed(21), logIdBytes, logIdFromBytes)
const digest = fixed(WIRE_DIGEST_BYTES)
const mark = fixed(REGISTER_MARK_BYTES)
/** A code of a newer version reads as INTERNAL: unknown reasons are retried, never shown as final. */
const code: Field<RefusalCode> = mapped(uint, refusalNumber, (number) => refusalCode(number) ?? "INTERNAL")
const heads = list(record({ log, count: uint }), 20_000)

/** Every frame: its number on the wire and its fields. [SPEC S2] */
const schema = {
  /** Server, at once: what the device is to sign. */
  challenge: [1, { version: uint, nonce: fixed(16), serverKey: fixed(32) }],
  /** Who asks. `role` is 0 for a device, 1 for a server that wants to be a peer; `packs`: it takes packed frames. */
  hello: [2, { version: uint, role: uint, token: text(8192), publicKey: fixed(32), signature: fixed(64), packs: flag }],
  /** `certificate` says that the device belongs to `user`; empty for a peer. `serverTime` in ms since 1970. */
  welcome: [
    3,
    {
      user: text(128),
      serverTime: uint,
      incarnation: fixed(16),
      certificate: blob(1024),
      trust: list(fixed(32), 256),
      frameBytes: uint,
    },
  ],
  /** The server keys that count changed, as when a peer was met. */
  trust: [18, { keys: list(fixed(32), 256) }],
  /** The connection ends; the WebSocket's close code says the same. */
  refusal: [4, { code, retryAfterMs: uint, message: text(512) }],
  /** A fresh token, before the old one ends; `renewed` answers. */
  token: [5, { token: text(8192) }],
  renewed: [6, { expiresAt: uint }],
  ping: [7, { id: uint }],
  pong: [8, { id: uint, serverTime: uint }],
  /** What the sender holds: all its conversations, page by page. Digests are the first 12 bytes. */
  digests: [DIGESTS_FRAME, { last: flag, items: list(record({ conversation, digest }), DIGEST_PAGE) }],
  /** What the sender holds of a conversation whose digest differs, or that the receiver was just let into. `registers` is zero where there are none. */
  documents: [10, { conversation, registers: digest, items: list(record({ document, digest }), 10_000) }],
  /** All pages of digests were compared; what no `documents` named is equal. */
  compared: [11, {}],
  /** What the sender holds of a document. The receiver sends what it lacks; with `reply`, its own vector too. */
  vector: [12, { document, reply: flag, logs: heads, records: list(fixed(18), MAX_VECTOR_RECORDS) }],
  /** The answer to a vector is complete; the digest of what the sender held then. */
  served: [13, { document, digest }],
  /** Erase records, before the logs that need them. */
  records: [14, { id: uint, document, records: list(blob(4096), RECORDS_PER_FRAME) }],
  /** A canonical Yjs update. Answered by `ack` or `reject`; id 0 asks for no answer. */
  update: [15, { id: uint, document, update: blob(8 * 1024 * 1024) }],
  /** A further update of the document that this connection's last one was of: from devices alone. */
  next: [25, { id: uint, update: blob(8 * 1024 * 1024) }],
  /** Everything in that update is durable here; `copies` counts the servers where it is. */
  ack: [16, { id: uint, copies: uint }],
  /** Of that update these logs were refused from position `at` on; with GAP, `at` is what is expected. The rest is durable. */
  reject: [
    17,
    {
      id: uint,
      document,
      copies: uint,
      retryAfterMs: uint,
      items: list(record({ log: blob(21), code, at: uint }), 20_000),
    },
  ],
  /** Between servers: the accounts that the sender holds, page by page. [SPEC U7] */
  accounts: [30, { last: flag, items: list(record({ account, digest }), ACCOUNT_PAGE) }],
  /** What the sender holds of an account. The receiver sends what it lacks; with `reply`, its own `account` too. */
  account: [31, { account, reply: flag, digest, vector: blob(256 * 1024) }],
  /** A Yjs update V1. Answered by `ack` or `accountRefused`; id 0 asks for no answer. */
  accountUpdate: [32, { id: uint, account, update: blob(8 * 1024 * 1024) }],
  /** The answer to an `account` is complete; the digest of what the sender held then. */
  accountServed: [33, { account, digest }],
  /** Nothing of that update was kept; id 0: the account can't be read. */
  accountRefused: [34, { id: uint, account, code, retryAfterMs: uint }],
  /** Receipt registers, new ones or those that `clocks` showed to be lacking. Answered only where they are refused. [SPEC P6] */
  registers: [19, { conversation, items: list(blob(MAX_REGISTER_BYTES), 10_000) }],
  /** The registers that the sender holds. The receiver sends the rest; with `reply`, its own clocks too. */
  clocks: [20, { conversation, reply: flag, items: list(record({ device, clock: uint, mark }), MAX_CLOCKS) }],
  /** Registers or signals that were refused: of this device, or all that came. */
  declined: [21, { conversation, device: list(device, 1), code, retryAfterMs: uint }],
  /** What the sender shows, and whom it lets see its user: replaces what it said before. Of a server: what its devices show. [SPEC P9, P12] */
  watch: [22, { conversations: list(conversation, 4096), visible: flag, hidden: list(user, MAX_HIDDEN) }],
  /** This device's user types, or stopped. */
  typing: [23, { conversation, on: flag }],
  /** Who types, comes and goes. `at`: of one who is gone when that was, ms since 1970, or 0; else 1 where the user lets it be seen that they are here. `hidden`: of a peer, whom not to tell. [SPEC P10] */
  signals: [
    24,
    { items: list(record({ conversation, user, state: uint, at: uint, hidden: list(user, MAX_HIDDEN) }), MAX_SIGNALS) },
  ],
  /** Another frame of `size` bytes, deflated; after `welcome` alone. [SPEC S14] */
  packed: [PACKED_FRAME, { size: uint, bytes: blob(MAX_FRAME_BYTES) }],
} as const

/** Of each frame its number and its fields. */
export type Schema = typeof schema
/** Names of all frames. */
export type FrameKind = keyof Schema
/** One frame with its fields. */
export type FrameOf<K extends FrameKind> = { readonly kind: K } & RecordOf<Schema[K][1]>
/** Any frame; `kind` says which. */
export type Frame = { [K in FrameKind]: FrameOf<K> }[FrameKind]

const kinds = Object.keys(schema) as FrameKind[]
const byNumber = new Map<number, { kind: FrameKind; field: Field<unknown> }>()
const fields = {} as Record<FrameKind, { number: number; field: Field<unknown> }>
for (const kind of kinds) {
  const [number, shape] = schema[kind]
  const field = record(shape) as unknown as Field<unknown>
  fields[kind] = { number, field }
  byNumber.set(number, { kind, field })
}

/** The text whose hash is tied to the protocol version. */
export const frameSchemaText = kinds
  .map((kind) => `${kind}=${String(fields[kind].number)}${fields[kind].field.shape}`)
  .join("\n")

/** The bytes of a frame. Throws RangeError where a field is beyond its bounds. */
export function encodeFrame(frame: Frame): Uint8Array {
  return encodeBytes((encoder) => {
    encoding.writeUint8(encoder, fields[frame.kind].number)
    fields[frame.kind].field.write(encoder, frame)
  })
}

/** The frame, or undefined where the bytes are not exactly one within its bounds. */
export function decodeFrame(bytes: Uint8Array): Frame | undefined {
  try {
    const decoder = decoding.createDecoder(bytes)
    const known = byNumber.get(decoding.readUint8(decoder))
    if (known === undefined) return undefined
    const value = known.field.read(decoder) as object
    return decoding.hasContent(decoder) ? undefined : ({ kind: known.kind, ...value } as Frame)
  } catch {
    return undefined
  }
}

/** A digest as frames carry it: its first 12 bytes. */
export function wireDigest(digest: Uint8Array): Uint8Array {
  return digest.slice(0, WIRE_DIGEST_BYTES)
}

/** What a device signs to prove that it holds its key, to this server and none other. [SPEC S3] */
export function helloMessage(nonce: Uint8Array, serverKey: Uint8Array): Uint8Array {
  return concat([utf8("weft/1/hello\0"), nonce, serverKey])
}

/** A refused log as its frame carries it: 21 bytes, or none where the update named no log. */
export function refusedLog(bytes: Uint8Array): LogId | undefined {
  return bytes.length === 21 ? logIdFromBytes(bytes) : undefined
}

/** A short name of a server or incarnation for logs and status pages. */
export function shortName(bytes: Uint8Array): string {
  return base64url(bytes.subarray(0, 6))
}
