import { equalBytes } from "../protocol/bytes.js"
import {
  BODY_SALT_BYTES,
  decodeHead,
  decodeSeal,
  firstLink,
  hashBody,
  KIND_HEAD,
  KIND_SEAL,
  nextLink,
  controlIdOf,
  messageIdOf,
} from "../protocol/entry.js"
import type { ControlId, MessageId } from "../protocol/entry.js"
import { clientIdOf, deviceOf, parseLogId, type DocumentName } from "../protocol/names.js"
import { advanceSummary, type Entry, type LogVerdict } from "./check.js"
import type { Contents } from "./contents.js"
import { decodeRecord, type EraseRecord } from "./erasure.js"
import { emptySummary, type DocumentSummary, type LogSummary } from "./summary.js"
import { decodeUpdate, type LogRun } from "./update.js"

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

/** What the check said of a run when it came in: it continues what the summary holds. Throws RangeError where it is no run. */
export function acceptedRun(summary: DocumentSummary, run: LogRun): LogVerdict {
  const { log, client } = run
  const held = summary.logs.get(client)
  const entries = readRun(run, held)
  let link = held?.link ?? firstLink(summary.document, log)
  let publicKey = held?.publicKey
  for (const element of run.elements) {
    if (element === null || (element[0] !== KIND_HEAD && element[0] !== KIND_SEAL)) continue
    link = nextLink(link, element)
    if (element[0] === KIND_SEAL) publicKey ??= decodeSeal(element)?.publicKey
  }
  const last = entries.at(-1)
  if (publicKey === undefined || last === undefined || run.elements.at(-1)?.[0] !== KIND_SEAL) {
    throw new RangeError("a stored run does not end with a seal")
  }
  const { firstSeen, seen } = last
  const next = { log, client, count: run.from + run.elements.length, link, publicKey, firstSeen, seen }
  return { client, log, run, entries, records: recordsOf(entries), next, refusal: undefined }
}

/** The summary of a document from its contents; its erase records are those of its own erase entries. */
export function summarize(document: DocumentName, contents: Contents): DocumentSummary {
  const summary = emptySummary(document)
  for (const run of contents.values()) advanceSummary(summary, [acceptedRun(summary, run)])
  return summary
}

/**
 * Takes stored updates into a summary that does not cover them yet, whole or in part. They passed the check when they
 * came in. Throws RangeError where they do not continue it: the store is damaged.
 */
export function replayUpdates(summary: DocumentSummary, updates: readonly Uint8Array[]): void {
  for (const update of updates) {
    const blocks = decodeUpdate(update)
    if (blocks === undefined) throw new RangeError("a stored update can't be read")
    for (const { client, root, from, elements, refusal } of blocks) {
      if (refusal !== undefined) throw new RangeError("a stored update holds what no log does")
      const held = summary.logs.get(client)
      const log = held?.log ?? parseLogId(root ?? "")?.log
      if (log === undefined || clientIdOf(summary.document, log) !== client) throw new RangeError("a block of no log")
      const count = held?.count ?? 0
      if (from > count) throw new RangeError("a stored log has a gap")
      const run: LogRun = { log, client, from: count, elements: elements.slice(count - from) }
      if (run.elements.length > 0) advanceSummary(summary, [acceptedRun(summary, run)])
    }
  }
}

/** The records that erase entries carry. */
export function recordsOf(entries: readonly Entry[]): EraseRecord[] {
  return entries.flatMap(({ head, body }) =>
    head.class === "erase" && body !== null ? (decodeRecord(body.subarray(1 + BODY_SALT_BYTES)) ?? []) : [],
  )
}

/**
 * Whether these elements are the ones that a log had, from its first on: as many, heads and seals by the link after them,
 * bodies by the hashes in their heads. A body may be missing where it was erased. [SPEC E6, U15]
 */
export function isSameLog(
  document: DocumentName,
  held: LogSummary,
  { elements }: Pick<LogRun, "elements">,
  isErased: (message: MessageId) => boolean,
): boolean {
  if (elements.length !== held.count) return false
  let link = firstLink(document, held.log)
  for (let at = 0; at < elements.length; at++) {
    const element = elements[at]
    if (!element) return false
    link = nextLink(link, element)
    if (element[0] === KIND_SEAL) continue
    const head = decodeHead(element)
    if (head === undefined) return false
    const body = elements[++at]
    if (body === undefined) return false
    if (body === null) {
      if (head.class !== "message" || !isErased(messageIdOf(deviceOf(held.log), head.bodyHash))) return false
    } else if (!equalBytes(hashBody(body), head.bodyHash)) return false
  }
  return equalBytes(link, held.link)
}

/** A log up to a cut, which rounds down to a seal, and what lies beyond it. */
export function cutRun(run: LogRun, limit: number): { kept: LogRun | undefined; beyond: LogRun | undefined } {
  let end = Math.max(0, Math.min(run.elements.length, limit - run.from))
  while (end > 0 && run.elements[end - 1]?.[0] !== KIND_SEAL) end--
  const part = (from: number, to: number): LogRun | undefined =>
    from < to ? { ...run, from: run.from + from, elements: run.elements.slice(from, to) } : undefined
  return { kept: part(0, end), beyond: part(end, run.elements.length) }
}
