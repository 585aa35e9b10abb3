import {
  BODY_SALT_BYTES,
  decodeHead,
  decodeSeal,
  firstLink,
  KIND_HEAD,
  KIND_SEAL,
  nextLink,
  controlIdOf,
} from "../protocol/entry.js"
import type { ControlId } from "../protocol/entry.js"
import { deviceOf, type DocumentName } from "../protocol/names.js"
import type { Entry } from "./check.js"
import type { Contents } from "./contents.js"
import { decodeRecord, recordIdOf, type EraseRecord } from "./erasure.js"
import { emptySummary, type DocumentSummary, type LogSummary } from "./summary.js"
import { bytesOf, type LogRun } from "./update.js"

/** What the heads before a run had seen; undefined at a log's beginning. */
export interface SeenBefore {
  readonly firstSeen: readonly ControlId[]
  readonly seen: readonly ControlId[]
}

/** The entries of a run that was checked when it came in. Throws RangeError where its bytes are no run. */
export function readRun(run: LogRun, before?: SeenBefore): Entry[] {
  const device = deviceOf(run.log)
  const entries: Entry[] = []
  let firstSeen = before?.firstSeen
  let seen = before?.seen ?? []
  for (let index = 0; index < run.elements.length; index++) {
    const element = run.elements[index]
    if (!element) throw new RangeError("a stored log misses a head or seal")
    if (element[0] === KIND_SEAL) continue
    const head = element[0] === KIND_HEAD ? decodeHead(element) : undefined
    if (head === undefined) throw new RangeError("a stored log holds what is no head")
    if (head.class === "control" || head.seen.length > 0) seen = head.seen
    firstSeen ??= seen
    const control = head.class === "control" ? controlIdOf(device, element) : undefined
    const body = run.elements[index + 1] ?? null
    entries.push({ log: run.log, device, position: run.from + index, head, control, body, seen, firstSeen })
    index++
  }
  return entries
}

/** The entries and the summary of a whole log from a store, whose bytes are trusted. Throws RangeError where they are no log. */
export function readLog(document: DocumentName, run: LogRun): { entries: Entry[]; summary: LogSummary } {
  const entries = readRun(run)
  let link = firstLink(document, run.log)
  let publicKey: Uint8Array | undefined
  for (const element of run.elements) {
    if (element === null || (element[0] !== KIND_HEAD && element[0] !== KIND_SEAL)) continue
    link = nextLink(link, element)
    if (element[0] === KIND_SEAL) publicKey ??= decodeSeal(element)?.publicKey
  }
  const last = entries.at(-1)
  if (publicKey === undefined || last === undefined || run.elements.at(-1)?.[0] !== KIND_SEAL) {
    throw new RangeError("a stored log does not end with a seal")
  }
  const { firstSeen, seen } = last
  return {
    entries,
    summary: { log: run.log, client: run.client, count: run.elements.length, link, publicKey, firstSeen, seen },
  }
}

/** The summary of a document from its contents; its erase records are those of its own erase entries. */
export function summarize(document: DocumentName, contents: Contents): DocumentSummary {
  const summary = emptySummary(document)
  for (const run of contents.values()) {
    const log = readLog(document, run)
    summary.logs.set(run.client, log.summary)
    summary.bytes += bytesOf(run.elements)
    for (const { head } of log.entries) if (head.class === "message") summary.messages++
    for (const record of recordsOf(log.entries)) summary.records.set(recordIdOf(record), record)
  }
  return summary
}

/** The records that erase entries carry. */
export function recordsOf(entries: readonly Entry[]): EraseRecord[] {
  return entries.flatMap(({ head, body }) =>
    head.class === "erase" && body !== null ? (decodeRecord(body.subarray(1 + BODY_SALT_BYTES)) ?? []) : [],
  )
}

/** A log up to a cut, which rounds down to a seal, and what lies beyond it. */
export function cutRun(run: LogRun, limit: number): { kept: LogRun | undefined; beyond: LogRun | undefined } {
  let end = Math.max(0, Math.min(run.elements.length, limit - run.from))
  while (end > 0 && run.elements[end - 1]?.[0] !== KIND_SEAL) end--
  const part = (from: number, to: number): LogRun | undefined =>
    from < to ? { ...run, from: run.from + from, elements: run.elements.slice(from, to) } : undefined
  return { kept: part(0, end), beyond: part(end, run.elements.length) }
}
