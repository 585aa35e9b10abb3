import {
  digestOf,
  documentParts,
  emptySummary,
  fromBase64url,
  MAX_VECTOR_RECORDS,
  wireDigest,
  type DocumentName,
  type DocumentSummary,
  type LogId,
  type LogRun,
  type RefusalCode,
  type Vector,
} from "@weft/sdk/protocol"

/** What a replica lacks of a document, as of one moment. */
export interface Snapshot {
  readonly records: readonly Uint8Array[]
  readonly runs: readonly LogRun[]
  readonly digest: Uint8Array
  readonly heads: Heads
  /** FORBIDDEN and what can't be read look like what does not exist. */
  readonly refusal: RefusalCode | undefined
  /** Whether the reader is asked for what is not here. */
  readonly asks: boolean
}

/** What a replica holds, as its vector says. */
export interface Held {
  readonly logs: Vector
  readonly records: ReadonlySet<string>
}

/** The same as frames carry it. */
export interface Heads {
  readonly logs: readonly { readonly log: LogId; readonly count: number }[]
  readonly records: readonly Uint8Array[]
}

/** What there is for who may not read, and where nothing is: they look the same. */
export function emptySnapshot(document: DocumentName, refusal: RefusalCode): Snapshot {
  const digest = wireDigest(digestOf(emptySummary(document)))
  // Who may not read is asked for nothing, but for a control document: it may open the conversation, or bring it back.
  const asks = documentParts(document).kind === "control"
  return { records: [], runs: [], heads: { logs: [], records: [] }, refusal, digest, asks }
}

export function headsOf(summary: DocumentSummary): Heads {
  return {
    logs: Array.from(summary.logs.values(), ({ log, count }) => ({ log, count })),
    records: Array.from(summary.records.keys(), (id) => fromBase64url(id) ?? new Uint8Array(18)).slice(
      0,
      MAX_VECTOR_RECORDS,
    ),
  }
}
