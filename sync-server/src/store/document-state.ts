import type { Reader } from "./database.js"
import { storeFailure } from "./failure.js"
import { metaKey, parseKey, updateRange } from "./keys.js"
import { decodeSummaryRecord, type SummaryRecord } from "./values.js"
import { WeftError } from "@weft/sdk/protocol"

/** Name of the meta value with the summary. */
export const SUMMARY = "weft-summary"

/** What the writer must know of a document to write its next update. */
export interface DocumentState {
  /** Clocks in use: all from the first to the last; undefined before the first update. */
  clocks: { first: number; last: number } | undefined
  /** Clock that the stored summary covers; -1 without one. */
  covers: number
  /** Of all stored updates. */
  bytes: number
  /** Ordinal of the last replacement, or of a later one of another document. */
  generation: number
}

export interface StoredState {
  readonly state: Omit<DocumentState, "generation">
  readonly record: SummaryRecord | undefined
  /** Updates that the summary does not cover. */
  readonly later: readonly Uint8Array[]
}

/** Reads a document's summary and what it doesn't cover. Rejects with STORE_CORRUPT where they contradict each other. */
export async function readState(reader: Reader, document: string): Promise<StoredState> {
  const all = updateRange(document)
  const [value, lastKey] = await Promise.all([reader.get(metaKey(document, SUMMARY)), reader.lastKey(all)])
  const record = value === undefined ? undefined : readSummary(document, value)
  const firstKey = lastKey === undefined ? undefined : await reader.firstKey(all)
  if (firstKey === undefined || lastKey === undefined) {
    if (record !== undefined) throw damaged(document, "a summary without updates")
    return { state: { clocks: undefined, covers: -1, bytes: 0 }, record, later: [] }
  }
  const clocks = { first: clockOfKey(firstKey), last: clockOfKey(lastKey) }
  if (record !== undefined && (record.covers < clocks.first || record.covers > clocks.last)) {
    throw damaged(document, "a summary of updates that are not there")
  }
  const covers = record?.covers ?? -1
  const entries = covers === clocks.last ? [] : await reader.entries(updateRange(document, covers + 1))
  const later = entries.map(([, update]) => update)
  const bytes = later.reduce((sum, update) => sum + update.length, record?.bytes ?? 0)
  return { state: { clocks, covers, bytes }, record, later }
}

export function damaged(document: string, what: string, cause?: unknown): WeftError {
  return new WeftError("STORE_CORRUPT", `the store is damaged at ${document}: ${what}`, { cause })
}

function readSummary(document: string, value: Uint8Array): SummaryRecord {
  try {
    return decodeSummaryRecord(value)
  } catch (error) {
    throw damaged(document, "its summary can't be read", storeFailure(error))
  }
}

function clockOfKey(bytes: Uint8Array): number {
  const key = parseKey(bytes)
  if (key?.kind !== "update") throw new WeftError("STORE_CORRUPT", "the store is damaged: not the key of an update")
  return key.clock
}
