import type { AccountName, ConversationId, DeviceId, DocumentName, UserId } from "@weft/sdk/protocol"
import type { Space } from "./database.js"

/** What a store holds: logs of a conversation, or native types of a user. */
export type StoredName = DocumentName | AccountName

/**
 * The store port: append-only updates of documents, each document with a summary that says what they add up to. One
 * process owns a store. Small on purpose: a replicated log could stand behind it.
 */
export interface Store {
  /** 16 random bytes, drawn when the data folder was made: memory of acknowledgements is bound to it. */
  readonly incarnation: Uint8Array
  /**
   * Adds an update. Resolves once it is fsynced, in one commit with those that wait beside it; the caller may append to
   * other documents, or again to this one, meanwhile: appends of one document become durable in the order of their calls.
   * Rejects with STORE_* when nothing of it is kept, nor of what was called behind it; then the store refuses all writes
   * until it has recovered by itself or is reopened. STORE_CORRUPT concerns this document alone. After a rejection what
   * the caller holds of the document is ahead of the store: load it again. The bytes must not change meanwhile.
   */
  append(append: Append): Promise<void>
  /** The stored state of a document, or undefined where it was never written. Rejects with STORE_CORRUPT to be quarantined. */
  load(document: StoredName): Promise<StoredDocument | undefined>
  /**
   * All updates of a document in order of writing; canonical, may overlap. `readContents` puts them together, and throws
   * where they are damaged. To replace them, load() first: what these hold is then at least what its clock covers.
   */
  updates(document: StoredName): Promise<Uint8Array[]>
  /**
   * Puts one update in the place of all up to `covers` (a clock), with its summary: overwrites the highest clock of the
   * range and deletes the lower ones in one synced batch. What was appended after `covers` stays, and so do a summary and
   * a digest that came with it. The summary may say more than the update, if that was appended before. Rejects with
   * STORE_FENCED where another replacement came first, so that nothing comes back that it took out.
   */
  replace(replace: Replace): Promise<void>
  /**
   * Puts one update in the place of all that is stored of a document, readable or not; undefined: nothing stays of it.
   * Nothing else may use the document meanwhile.
   */
  mend(document: StoredName, whole: Mended | undefined): Promise<void>
  /** Names of all documents of conversations with a first append, sorted as texts; of one conversation where given. */
  documents(conversation?: ConversationId): Promise<DocumentName[]>
  /** Those in which something is to be destroyed at a time, in milliseconds since 1970. [SPEC X3] */
  erasing(now: number): Promise<DocumentName[]>
  /**
   * Digests of a conversation's documents whose last append or replacement brought one, and of its registers: what comparing
   * needs without opening any. Others, such as those that y-leveldb wrote, must be loaded.
   */
  digests(conversation: ConversationId): Promise<ConversationDigests>
  /** The same of conversations in their order, those behind `after`: some of them at once, none where there are no more. */
  digestsAfter(after: ConversationId | undefined): Promise<readonly ConversationDigests[]>
  /** The digest of an account. */
  accountDigest(account: AccountName): Promise<Uint8Array | undefined>
  /** Of all accounts that have one. */
  accountDigests(): Promise<{ account: AccountName; digest: Uint8Array }[]>
  /** Number of documents of conversations that have a digest. Reads the names of all. */
  countDocuments(): Promise<number>
  /** The conversations that a user is, or was, in. */
  standings(user: UserId): Promise<Map<ConversationId, Standing>>
  /** Those that a user opened here. */
  opened(user: UserId): Promise<Set<ConversationId>>
  /** What users are in a conversation from now on, and who opens it here. Synced, in one batch. */
  putStandings(
    conversation: ConversationId,
    changes: Iterable<readonly [UserId, Standing]>,
    opener?: UserId,
  ): Promise<void>
  /** Small named values of the server itself: its signing key, what it trusts. Synced. */
  getSetting(key: string): Promise<Uint8Array | undefined>
  putSetting(key: string, value: Uint8Array): Promise<void>
  /** Receipt registers of a conversation. */
  registers(conversation: ConversationId): Promise<Uint8Array[]>
  /** Puts registers, or deletes them, with the digest of all that there are then (undefined: none). Synced, in one batch. */
  putRegisters(
    conversation: ConversationId,
    changes: ReadonlyMap<DeviceId, Uint8Array | undefined>,
    digest: Uint8Array | undefined,
  ): Promise<void>
  /** Set-aside runs of a document (past a cut), by name; not part of the document until authority changes. */
  putAside(document: DocumentName, name: string, update: Uint8Array | undefined): Promise<void>
  asides(document: DocumentName): Promise<{ name: string; update: Uint8Array }[]>
  /** True while writes are refused: acknowledgements stop, and readiness says so. */
  readonly failed: boolean
  /** Writes that are not durable yet. */
  readonly pendingWrites: number
  /** Bytes that it takes, and that are left where it is; undefined where it is on no disk. */
  space(): Promise<Space | undefined>
  /** Waits for what is under way; what comes later rejects with STORE_CLOSED. */
  close(): Promise<void>
}

/** A former member still reads the control document: it says that, and why, it is one no more. */
export type Standing = "member" | "former"

/** What a conversation's digest is made of. [SPEC D2] */
export interface ConversationDigests {
  readonly conversation: ConversationId
  readonly documents: readonly { readonly document: DocumentName; readonly digest: Uint8Array }[]
  /** Of its receipt registers; undefined where there are none. */
  readonly registers: Uint8Array | undefined
}

export interface Append {
  readonly document: StoredName
  readonly update: Uint8Array
  /** Encoded summary after this update, written in the same batch with the clock that it covers. May be left out; then load() replays. */
  readonly summary?: Uint8Array
  /** Digest after this update. Without one the document has none in digests(). */
  readonly digest?: Uint8Array
  /** It brings erasures, of which nothing is carried out yet. That is written in the same batch. [SPEC X7] */
  readonly erases?: boolean
  /** Yjs state vector after this update; written with the first append, so that y-leveldb lists the document. Else derived. */
  readonly stateVector?: Uint8Array
}

export interface StoredDocument {
  readonly summary: Uint8Array | undefined
  /** Updates that the summary does not cover, in order. */
  readonly later: readonly Uint8Array[]
  /** Number of stored updates: decides when to merge. */
  readonly updates: number
  /** Highest clock in use. */
  readonly clock: number
  /** Of all stored updates; a merge that raced appends leaves it inexact until the next summary. */
  readonly bytes: number
  /** Changes with each replacement; means something to this open store only. */
  readonly generation: number
}

export interface Mended {
  readonly update: Uint8Array
  readonly summary: Uint8Array
  readonly digest: Uint8Array
  readonly stateVector: Uint8Array
}

export interface Replace {
  readonly document: StoredName
  readonly update: Uint8Array
  readonly summary: Uint8Array
  readonly digest: Uint8Array
  readonly stateVector: Uint8Array
  /** `clock` of the load() before the updates were read. */
  readonly covers: number
  /**
   * Texts went with it: their bytes are taken out of the store's files too, in the background. That this is to be done is
   * written in the same batch, and made good at the next start after a crash. [SPEC X7]
   */
  readonly erased?: boolean
  /** All erasures are carried out but those of this time and later, in milliseconds since 1970; Infinity: there are none. */
  readonly nextErasure?: number
  /** `generation` of that load(). Without it the caller vouches that nothing else replaces. */
  readonly generation?: number
}
