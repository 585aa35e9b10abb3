import * as decoding from "lib0/decoding"
import * as encoding from "lib0/encoding"
import { encodeBytes, writeBytes } from "../protocol/encode.js"
import { compareText, fromBase64url, sha256, utf8 } from "../protocol/bytes.js"
import type { Clock, ControlId } from "../protocol/entry.js"
import { MAX_VECTOR_RECORDS, type FrameOf } from "../protocol/frame.js"
import { conversationIdFromBytes, idBytes, logIdBytes, logIdFromBytes } from "../protocol/names.js"
import type { ConversationId, DocumentName, LogId } from "../protocol/names.js"
import { readByte } from "../protocol/uint.js"
import { decodeRecord, encodeRecord, recordIdOf, type EraseRecord, type RecordId } from "./erasure.js"

/** What a replica must know of a log to check what follows. */
export interface LogSummary {
  readonly log: LogId
  readonly client: number
  /** Elements accepted; the last one is a seal. */
  readonly count: number
  /** The link after the last of them; 32 bytes. */
  readonly link: Uint8Array
  /** The device's Ed25519 public key, from the log's first seal. */
  readonly publicKey: Uint8Array
  /** Control entries that the log's first head saw: when its session was opened. */
  readonly firstSeen: readonly ControlId[]
  /** Control entries that the latest head saw. */
  readonly seen: readonly ControlId[]
}

/** What a replica knows of a document without its contents. It grows in place, by `advance` only. */
export interface DocumentSummary {
  readonly document: DocumentName
  /** By Yjs client id. */
  readonly logs: Map<number, LogSummary>
  readonly records: Map<RecordId, EraseRecord>
  /** Messages accepted; decides when a segment is full. */
  messages: number
  /** Bytes of their elements, before erasure. */
  bytes: number
  /** No message, nor an edit of one, has a greater clock; 0: none is known. */
  lastClock: Clock
}

/** Of a document of which nothing is held. */
export function emptySummary(document: DocumentName): DocumentSummary {
  return { document, logs: new Map(), records: new Map(), messages: 0, bytes: 0, lastClock: 0 as Clock }
}

/** How many elements of each log a replica holds: what to send is beyond it. Serves to fetch, never to prove. */
export type Vector = ReadonlyMap<LogId, number>

/** How many elements of each log a summary says are held. */
export function vectorOf(summary: DocumentSummary): Vector {
  const vector = new Map<LogId, number>()
  for (const log of summary.logs.values()) vector.set(log.log, log.count)
  return vector
}

/** What a vector says to be held: as many records as it takes, the others are sent again. [SPEC S5] */
export type Heads = Pick<FrameOf<"vector">, "logs" | "records">

/** The heads of what a summary covers. */
export function headsOf({ logs, records }: DocumentSummary): Heads {
  const named = Array.from(records.keys()).slice(0, MAX_VECTOR_RECORDS)
  return {
    logs: Array.from(logs.values(), ({ log, count }) => ({ log, count })),
    records: named.map((id) => fromBase64url(id) ?? new Uint8Array(18)),
  }
}

/** Clients of logs and the bytes of their names, in the order of the names. */
interface LogOrder {
  readonly clients: readonly number[]
  readonly names: Uint8Array
}

const LOG_NAME_BYTES = 21
/** Of summaries that a digest was made of: to put names in order costs more than to hash them, and with each entry one log of many changes. */
const orders = new WeakMap<DocumentSummary["logs"], LogOrder>()

function orderOf(logs: DocumentSummary["logs"]): LogOrder {
  const known = orders.get(logs)
  // None is ever taken out: as many are the same ones.
  if (known?.clients.length === logs.size) return known
  const sorted = Array.from(logs.values()).sort((a, b) => compareText(a.log, b.log))
  const names = new Uint8Array(LOG_NAME_BYTES * sorted.length)
  for (const [index, { log }] of sorted.entries()) names.set(logIdBytes(log), LOG_NAME_BYTES * index)
  const order = { clients: sorted.map(({ client }) => client), names }
  orders.set(logs, order)
  return order
}

/** SHA-256 over logs with count and link, and erase records, both sorted; 32 bytes. Equal means equal contents. [SPEC D1] */
export function digestOf(summary: DocumentSummary, hash: (bytes: Uint8Array) => Uint8Array = sha256): Uint8Array {
  const { clients, names } = orderOf(summary.logs)
  const start = utf8(`weft/1/digest\0${summary.document}\0`)
  const encoded = encodeBytes((encoder) => {
    writeBytes(encoder, start)
    encoding.writeVarUint(encoder, clients.length)
    for (const [index, client] of clients.entries()) {
      const log = summary.logs.get(client)
      if (log === undefined) throw new TypeError("a log was taken out of a summary")
      writeBytes(encoder, names.subarray(LOG_NAME_BYTES * index, LOG_NAME_BYTES * (index + 1)))
      encoding.writeVarUint(encoder, log.count)
      writeBytes(encoder, log.link)
    }
    for (const id of Array.from(summary.records.keys()).sort()) encoding.writeVarString(encoder, id)
  })
  return hash(encoded)
}

/**
 * The digest of a conversation: over its documents' digests, sorted by name, and that of its registers; empty documents
 * count for nothing. [SPEC D2]
 */
export function rootDigestOf(
  conversation: ConversationId,
  documents: Iterable<{ readonly name: DocumentName; readonly digest: Uint8Array }>,
  registers?: Uint8Array,
): Uint8Array {
  const encoded = encodeBytes((encoder) => {
    writeBytes(encoder, utf8(`weft/1/root\0${conversation}\0`))
    for (const { name, digest } of Array.from(documents).sort((a, b) => compareText(a.name, b.name))) {
      encoding.writeVarString(encoder, name)
      writeBytes(encoder, digest)
    }
    if (registers !== undefined) writeBytes(encoder, registers)
  })
  return sha256(encoded)
}

const FORMAT = 2
/** Without the last clock. */
const FIRST_FORMAT = 1

/** For stores; what is not derived from the accepted elements. */
export function encodeSummary(summary: DocumentSummary): Uint8Array {
  return encodeBytes((encoder) => {
    encoding.writeUint8(encoder, FORMAT)
    encoding.writeVarUint(encoder, summary.messages)
    encoding.writeVarUint(encoder, summary.bytes)
    encoding.writeVarUint(encoder, summary.lastClock)
    // Most logs saw the same: each list is written once.
    const lists = new Map<string, number>()
    const listIndex = (ids: readonly ControlId[]): number => {
      const key = ids.join()
      const index = lists.get(key) ?? lists.size
      lists.set(key, index)
      return index
    }
    const logs = Array.from(
      summary.logs.values(),
      (log) => [log, listIndex(log.firstSeen), listIndex(log.seen)] as const,
    )
    encoding.writeVarUint(encoder, lists.size)
    for (const key of lists.keys()) writeControlIds(encoder, key === "" ? [] : (key.split(",") as ControlId[]))
    encoding.writeVarUint(encoder, logs.length)
    for (const [log, firstSeen, seen] of logs) {
      writeBytes(encoder, logIdBytes(log.log))
      encoding.writeVarUint(encoder, log.client)
      encoding.writeVarUint(encoder, log.count)
      writeBytes(encoder, log.link)
      writeBytes(encoder, log.publicKey)
      encoding.writeVarUint(encoder, firstSeen)
      encoding.writeVarUint(encoder, seen)
    }
    encoding.writeVarUint(encoder, summary.records.size)
    for (const record of summary.records.values()) encoding.writeVarUint8Array(encoder, encodeRecord(record))
  })
}

/** Throws where the bytes are not a summary: the store that holds them is damaged. */
export function decodeSummary(document: DocumentName, bytes: Uint8Array): DocumentSummary {
  const decoder = decoding.createDecoder(bytes)
  const format = decoding.readUint8(decoder)
  if (format !== FORMAT && format !== FIRST_FORMAT) throw new RangeError("unknown format of a summary")
  const summary = emptySummary(document)
  summary.messages = decoding.readVarUint(decoder)
  summary.bytes = decoding.readVarUint(decoder)
  if (format === FORMAT) summary.lastClock = decoding.readVarUint(decoder) as Clock
  const lists: ControlId[][] = []
  for (let rest = decoding.readVarUint(decoder); rest > 0; rest--) lists.push(readControlIds(decoder))
  const readList = (): readonly ControlId[] => {
    const list = lists[decoding.readVarUint(decoder)]
    if (list === undefined) throw new RangeError("a summary names a list that is not there")
    return list
  }
  const logs = decoding.readVarUint(decoder)
  for (let index = 0; index < logs; index++) {
    const log = logIdFromBytes(decoding.readUint8Array(decoder, 21))
    const client = decoding.readVarUint(decoder)
    summary.logs.set(client, {
      log,
      client,
      count: decoding.readVarUint(decoder),
      link: decoding.readUint8Array(decoder, 32).slice(),
      publicKey: decoding.readUint8Array(decoder, 32).slice(),
      firstSeen: readList(),
      seen: readList(),
    })
  }
  const records = decoding.readVarUint(decoder)
  for (let index = 0; index < records; index++) {
    const record = decodeRecord(decoding.readVarUint8Array(decoder).slice())
    if (record === undefined) throw new RangeError("a damaged erase record")
    summary.records.set(recordIdOf(record), record)
  }
  if (decoding.hasContent(decoder)) throw new RangeError("bytes behind a summary")
  return summary
}

/** A count (1 byte), then 18 bytes for each. */
export function writeControlIds(encoder: encoding.Encoder, ids: readonly ControlId[]): void {
  encoding.writeUint8(encoder, ids.length)
  for (const id of ids) writeBytes(encoder, idBytes(id as unknown as ConversationId))
}

/** Reads what `writeControlIds` writes. */
export function readControlIds(decoder: decoding.Decoder): ControlId[] {
  const ids: ControlId[] = []
  const count = readByte(decoder)
  for (let index = 0; index < count; index++) {
    ids.push(conversationIdFromBytes(decoding.readUint8Array(decoder, 18)) as unknown as ControlId)
  }
  return ids
}
