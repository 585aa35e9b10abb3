import { BODY_SALT_BYTES, decodeHead, decodeSeal, firstLink, KIND_HEAD, KIND_SEAL, nextLink, controlIdOf } from "../protocol/entry.js"
import type { ControlId } from "../protocol/entry.js"
import { deviceOf, type DocumentName } from "../protocol/names.js"
import type { Entry } from "./check.js"
import type { Contents } from "./contents.js"
import { decodeRecord, recordIdOf } from "./erasure.js"
import { emptySummary, type DocumentSummary, type LogSummary } from "./summary.js"
import { bytesOf, type LogRun } from "./update.js"

/**
 * The entries and the summary of a log that was checked when it came in: from a store, whose bytes are trusted. Throws
 * RangeError where they are no log.
 */
export function readLog(document: DocumentName, run: LogRun): { entries: Entry[]; summary: LogSummary; messages: number } {
  const device = deviceOf(run.log)
  const entries: Entry[] = []
  let link = firstLink(document, run.log)
  let publicKey: Uint8Array | undefined
  let firstSeen: readonly ControlId[] | undefined
  let seen: readonly ControlId[] = []
  let messages = 0
  for (let position = 0; position < run.elements.length; position++) {
    const element = run.elements[position]
    if (!element) throw new RangeError("a stored log misses a head or seal")
    link = nextLink(link, element)
    if (element[0] === KIND_SEAL) {
      publicKey ??= decodeSeal(element)?.publicKey
      continue
    }
    const head = element[0] === KIND_HEAD ? decodeHead(element) : undefined
    if (head === undefined) throw new RangeError("a stored log holds what is no head")
    if (head.class === "control" || head.seen.length > 0) seen = head.seen
    firstSeen ??= seen
    const control = head.class === "control" ? controlIdOf(device, element) : undefined
    const body = run.elements[position + 1] ?? null
    entries.push({ log: run.log, device, position, head, control, body, seen, firstSeen })
    if (head.class === "message") messages++
    position++
  }
  if (publicKey === undefined || firstSeen === undefined || run.elements.at(-1)?.[0] !== KIND_SEAL) {
    throw new RangeError("a stored log does not end with a seal")
  }
  const summary = { log: run.log, client: run.client, count: run.elements.length, link, publicKey, firstSeen, seen }
  return { entries, summary, messages }
}

/** The summary of a document from its contents; its erase records are those of its own erase entries. */
export function summarize(document: DocumentName, contents: Contents): DocumentSummary {
  const summary = emptySummary(document)
  for (const run of contents.values()) {
    const log = readLog(document, run)
    summary.logs.set(run.client, log.summary)
    summary.messages += log.messages
    summary.bytes += bytesOf(run.elements)
    for (const { head, body } of log.entries) {
      const record = head.class === "erase" && body ? decodeRecord(body.subarray(1 + BODY_SALT_BYTES)) : undefined
      if (record !== undefined) summary.records.set(recordIdOf(record), record)
    }
  }
  return summary
}

/** A log up to a cut, which rounds down to a seal, and what lies beyond it. */
export function cutRun(run: LogRun, limit: number): { kept: LogRun | undefined; beyond: LogRun | undefined } {
  let end = Math.max(0, Math.min(run.elements.length, limit - run.from))
  while (end > 0 && run.elements[end - 1]?.[0] !== KIND_SEAL) end--
  const part = (from: number, to: number): LogRun | undefined =>
    from < to ? { ...run, from: run.from + from, elements: run.elements.slice(from, to) } : undefined
  return { kept: part(0, end), beyond: part(end, run.elements.length) }
}
