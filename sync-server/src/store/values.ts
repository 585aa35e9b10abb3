import { crc32 } from "node:zlib"
import {
  decodeUpdate,
  encodeBytes,
  encodeNativeVector,
  parseAccountName,
  readNativeContents,
  summarizeNative,
  type LogRun,
} from "@weft/sdk/protocol"
import * as decoding from "lib0/decoding"
import * as encoding from "lib0/encoding"
import type { Standing } from "./store.js"

/** What the store keeps with a document's summary. */
export interface SummaryRecord {
  /** Clock of the last update that the summary covers. */
  readonly covers: number
  /** Bytes of all updates up to that one. */
  readonly bytes: number
  readonly summary: Uint8Array
}

const FORMAT = 1
/** lib0's `any` of bytes: what y-leveldb expects of meta values. */
const ANY_BYTES = 116

export function encodeSummaryRecord(record: SummaryRecord): Uint8Array {
  const body = encodeBytes((encoder) => {
    encoding.writeUint8(encoder, FORMAT)
    encoding.writeVarUint(encoder, record.covers)
    encoding.writeVarUint(encoder, record.bytes)
    encoding.writeVarUint8Array(encoder, record.summary)
  })
  return encodeBytes((encoder) => {
    encoding.writeUint8(encoder, ANY_BYTES)
    encoding.writeVarUint(encoder, body.length + 4)
    encoding.writeUint8Array(encoder, body)
    // LevelDB doesn't verify its own checksums when it reads; a wrong summary would let anything pass the check.
    encoding.writeUint32BigEndian(encoder, crc32(body))
  })
}

/** Throws RangeError or lib0's end-of-input error where the bytes are no such record. */
export function decodeSummaryRecord(value: Uint8Array): SummaryRecord {
  const outer = decoding.createDecoder(value)
  if (decoding.readUint8(outer) !== ANY_BYTES) throw new RangeError("not a summary")
  const whole = decoding.readVarUint8Array(outer)
  if (decoding.hasContent(outer) || whole.length < 4) throw new RangeError("not a summary")
  const body = whole.subarray(0, -4)
  const decoder = decoding.createDecoder(whole)
  decoder.pos = body.length
  if (decoding.readUint32BigEndian(decoder) !== crc32(body)) throw new RangeError("a summary's checksum is wrong")
  decoder.pos = 0
  if (decoding.readUint8(decoder) !== FORMAT) throw new RangeError("unknown format of a summary record")
  const covers = decoding.readVarUint(decoder)
  const bytes = decoding.readVarUint(decoder)
  return { covers, bytes, summary: decoding.readVarUint8Array(decoder).slice() }
}

/** The value of y-leveldb's `v1_sv` keys: a state vector and the clock of the update after which it held. */
/** Milliseconds since 1970. */
export function encodeTime(time: number): Uint8Array {
  return encodeBytes((encoder) => {
    encoding.writeVarUint(encoder, Math.ceil(time))
  })
}

/** 0 where it can't be read: whatever is due then is due now. */
export function decodeTime(value: Uint8Array): number {
  try {
    return decoding.readVarUint(decoding.createDecoder(value))
  } catch {
    return 0
  }
}

export function encodeStanding(standing: Standing): Uint8Array {
  return Uint8Array.of(standing === "member" ? 1 : 0)
}

export function decodeStanding(value: Uint8Array): Standing {
  return value[0] === 1 ? "member" : "former"
}

export function encodeStateVectorRecord(clock: number, stateVector: Uint8Array): Uint8Array {
  return encodeBytes((encoder) => {
    encoding.writeVarUint(encoder, clock)
    encoding.writeVarUint8Array(encoder, stateVector)
  })
}

/** Yjs' state vector of whole logs. */
export function stateVectorOf(runs: Iterable<LogRun>): Uint8Array {
  return encodeNativeVector(new Map(Array.from(runs, (run) => [run.client, run.from + run.elements.length] as const)))
}

/** The state vector that updates of a store add up to. */
export function stateVectorOfUpdates(document: string, updates: readonly Uint8Array[]): Uint8Array {
  if (parseAccountName(document) !== undefined)
    return encodeNativeVector(summarizeNative(readNativeContents(updates)).vector)
  const clocks = new Map<number, number>()
  for (const update of updates) {
    for (const { client, from, elements } of decodeUpdate(update) ?? []) {
      clocks.set(client, Math.max(clocks.get(client) ?? 0, from + elements.length))
    }
  }
  return encodeNativeVector(clocks)
}
