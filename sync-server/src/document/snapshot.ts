import {
  documentParts,
  emptySummary,
  wireDigest,
  type DocumentName,
  type Heads,
  type LogRun,
  type RefusalCode,
  type Vector,
} from "@weft/sdk/protocol"
import { digestOf } from "./digest.js"

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

/** What there is for who may not read, and where nothing is: they look the same. */
export function emptySnapshot(document: DocumentName, refusal: RefusalCode): Snapshot {
  const digest = wireDigest(digestOf(emptySummary(document)))
  // Who may not read is asked for nothing, but for a control document: it may open the conversation, or bring it back.
  const asks = documentParts(document).kind === "control"
  return { records: [], runs: [], heads: { logs: [], records: [] }, refusal, digest, asks }
}
