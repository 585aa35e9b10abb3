import type { DocumentName, EraseRecord, LogRun, UserId } from "@weft/sdk/protocol"
import type { Confirmations } from "./outcome.js"
import type { Origin } from "./source.js"

/** What the readers of a document are to be told. */
export interface Change {
  readonly document: DocumentName
  readonly runs: readonly LogRun[]
  /** Erase records that came by themselves. */
  readonly records: readonly EraseRecord[]
  /** Bodies that are gone: for carriers that know no records. */
  readonly holes: readonly LogRun[]
  readonly readers: Readers
  readonly origin: Origin
  readonly copies: Confirmations
}

/** Users who may read; peers always may. */
export interface Readers {
  has(user: UserId): boolean
  keys(): Iterable<UserId>
}
