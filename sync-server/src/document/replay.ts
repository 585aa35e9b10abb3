import {
  advanceSummary,
  BODY_SALT_BYTES,
  clientIdOf,
  decodeRecord,
  decodeSeal,
  decodeUpdate,
  firstLink,
  KIND_HEAD,
  KIND_SEAL,
  nextLink,
  parseLogId,
  readRun,
  type DocumentSummary,
  type LogRun,
  type LogVerdict,
} from "@weft/sdk/protocol"

/**
 * Takes stored updates into a summary that does not cover them yet. They passed the check when they came in. Throws
 * RangeError where they do not continue it: the store is damaged.
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
      if (run.elements.length > 0) advanceSummary(summary, [readVerdict(summary, run)])
    }
  }
}

/** What the check said of a run when it came in. */
function readVerdict(summary: DocumentSummary, run: LogRun): LogVerdict {
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
  if (publicKey === undefined || last === undefined) throw new RangeError("a stored run without entries or key")
  const records = entries.flatMap(({ head, body }) => {
    const record =
      head.class === "erase" && body !== null ? decodeRecord(body.subarray(1 + BODY_SALT_BYTES)) : undefined
    return record ?? []
  })
  const { firstSeen, seen } = last
  const next = { log, client, count: run.from + run.elements.length, link, publicKey, firstSeen, seen }
  return { client, log, run, entries, records, next, refusal: undefined }
}
