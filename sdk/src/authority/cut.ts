import * as decoding from "lib0/decoding"
import * as encoding from "lib0/encoding"
import { encodeBytes } from "../protocol/encode.js"
import { compareText, equalBytes } from "../protocol/bytes.js"
import { MAX_SEGMENT } from "../protocol/limits.js"
import { type LogId, logIdBytes, logIdFromBytes } from "../protocol/names.js"

/**
 * What stays of a removed member: segment -> log -> number of elements kept, rounded down to a seal. A log that is not
 * named keeps nothing. [SPEC A12]
 */
export type Cut = ReadonlyMap<number, ReadonlyMap<LogId, number>>

const LOG_BYTES = 21

/**
 * For each segment, ascending: its number, its count of logs (both varuint), the logs (21 bytes each, ascending by
 * name), and the number of elements kept of each (varuint, at least 1). Throws RangeError for what is no cut.
 */
export function encodeCut(cut: Cut): Uint8Array {
  return encodeBytes((encoder) => {
    for (const [segment, logs] of Array.from(cut).sort(([a], [b]) => a - b)) {
      if (!Number.isSafeInteger(segment) || segment < 1 || segment > MAX_SEGMENT)
        throw new RangeError("no such segment")
      if (logs.size === 0) throw new RangeError("a segment of a cut names its logs")
      const sorted = Array.from(logs).sort(([a], [b]) => compareText(a, b))
      encoding.writeVarUint(encoder, segment)
      encoding.writeVarUint(encoder, sorted.length)
      for (const [log] of sorted) encoding.writeUint8Array(encoder, logIdBytes(log))
      for (const [, kept] of sorted) {
        if (!Number.isSafeInteger(kept) || kept < 1) throw new RangeError("a log of a cut keeps elements")
        encoding.writeVarUint(encoder, kept)
      }
    }
  })
}

/** The cut, or undefined where the bytes are not exactly what `encodeCut` writes. */
export function decodeCut(bytes: Uint8Array): Cut | undefined {
  try {
    const decoder = decoding.createDecoder(bytes)
    const cut = new Map<number, Map<LogId, number>>()
    while (decoding.hasContent(decoder)) {
      const segment = decoding.readVarUint(decoder)
      const count = decoding.readVarUint(decoder)
      // Checked before anything is made for them: the count is a stranger's.
      if (count * (LOG_BYTES + 1) > bytes.length) return undefined
      const names: LogId[] = []
      for (let index = 0; index < count; index++) {
        names.push(logIdFromBytes(decoding.readUint8Array(decoder, LOG_BYTES)))
      }
      const logs = new Map<LogId, number>()
      for (const log of names) logs.set(log, decoding.readVarUint(decoder))
      cut.set(segment, logs)
    }
    // Order, repetition and longer forms of numbers show here.
    return equalBytes(encodeCut(cut), bytes) ? cut : undefined
  } catch {
    return undefined
  }
}
