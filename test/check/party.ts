import type {
  Contents,
  ControlState,
  DocumentName,
  DocumentSummary,
  EraseRecord,
  LogRun,
  RefusalCode,
  Vector,
} from "@weft/sdk/protocol"

/** Whoever holds checked documents: a device or a server. */
export interface Replica {
  readonly name: string
  readonly state: ControlState
  documents(): Promise<DocumentName[]>
  summary(document: DocumentName): Promise<DocumentSummary>
  contents(document: DocumentName): Promise<Contents>
  missingFrom(document: DocumentName, vector: Vector): Promise<LogRun[]>
  /** Offers an update to the check; returns why parts of it were refused. */
  take(document: DocumentName, update: Uint8Array): Promise<RefusalCode[]>
  takeRecords(document: DocumentName, records: readonly EraseRecord[]): Promise<void>
  /** Everything that it has stored, as bytes: to look for what must be gone. */
  bytes(): Promise<Uint8Array[]>
}
