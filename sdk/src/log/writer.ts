import { clientIdOf, deviceIdOf, logIdOf, type DocumentName, type LogId } from "../protocol/names.js"
import { encodeHead, encodeSeal, firstLink, nextLink, sealMessage, type ControlId } from "../protocol/entry.js"
import { MAX_RUN_BYTES } from "../protocol/limits.js"
import { draftHead, type Draft } from "./draft.js"
import type { DocumentSummary, LogSummary } from "./summary.js"
import type { LogRun } from "./update.js"

/** Signs with the device's key. */
export interface Signer {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** An Ed25519 signature; 64 bytes. */
  sign(message: Uint8Array): Promise<Uint8Array>
}

/** A fresh log of this device in a document: never one that the document holds already. [SPEC N3] */
export function openLog(summary: DocumentSummary, signer: Signer, randomBytes: (length: number) => Uint8Array): LogId {
  const device = deviceIdOf(signer.publicKey)
  for (;;) {
    const log = logIdOf(device, randomBytes(3))
    if (!summary.logs.has(clientIdOf(summary.document, log))) return log
  }
}

/** How many of the first drafts one seal may cover. */
export function sealable(drafts: readonly Draft[]): number {
  let bytes = 0
  let count = 0
  for (const draft of drafts) {
    // A head with all the ids that it may name has 1,187 bytes.
    bytes += draft.body.length + 1200
    if (count > 0 && bytes > MAX_RUN_BYTES) break
    count++
  }
  return count
}

/** The sealed run that the drafts make at a log's end, and the log after it. Make it durable before it is sent. [SPEC W2] */
export async function sealRun(
  document: DocumentName,
  log: LogId,
  before: LogSummary | undefined,
  drafts: readonly Draft[],
  signer: Signer,
): Promise<{ run: LogRun; next: LogSummary }> {
  const client = clientIdOf(document, log)
  const from = before?.count ?? 0
  let link = before?.link ?? firstLink(document, log)
  let seen = before?.seen
  const elements: Uint8Array[] = []
  for (const draft of drafts) {
    const repeats = draft.class !== "control" && seen !== undefined && sameIds(seen, draft.seen)
    const head = encodeHead({ ...draftHead(draft), seen: repeats ? [] : draft.seen })
    elements.push(head, draft.body)
    link = nextLink(link, head)
    seen = draft.seen
  }
  const signature = await signer.sign(sealMessage(document, log, link))
  const seal = encodeSeal({ signature, publicKey: before === undefined ? signer.publicKey : undefined })
  elements.push(seal)
  link = nextLink(link, seal)
  const next: LogSummary = {
    log,
    client,
    count: from + elements.length,
    link,
    publicKey: signer.publicKey,
    firstSeen: before?.firstSeen ?? drafts[0]?.seen ?? [],
    seen: seen ?? [],
  }
  return { run: { log, client, from, elements }, next }
}

function sameIds(a: readonly ControlId[], b: readonly ControlId[]): boolean {
  return a.length === b.length && a.every((id, index) => id === b[index])
}
