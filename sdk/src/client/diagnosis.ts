import type { ErrorCode } from "../base/errors.js"
import type { RefusalCode } from "../protocol/codes.js"
import type { ConnectionStatus, SyncStatus } from "./status.js"

/** What a finding is about; stable. Programs decide by it, the text is for people. */
export type FindingCode =
  | "STORAGE_FAILING"
  | "STORAGE_NEARLY_FULL"
  | "STORAGE_NOT_PERSISTED"
  | "OFFLINE"
  | "REFUSED"
  | "SERVER_LAGS"
  | "CLOCK_SKEWED"
  | "WAITS_LONG"
  | "WRITES_REFUSED"

/** Something that a person may want to know, or do something about. */
export interface Finding {
  readonly code: FindingCode
  /** `info`: as it may be; `warning`: look after it; `error`: something does not work. */
  readonly level: "info" | "warning" | "error"
  readonly text: string
}

/**
 * How a client is doing, to be shown or sent to whoever helps: counts, sizes, times, codes and a server's address. No
 * text, no title, no name of a user or conversation, no token, no key. [SPEC H1]
 */
export interface Diagnosis {
  /** When it was made; milliseconds since 1970 by this device's clock. */
  readonly at: number
  readonly storage: {
    /** The adapter: "indexeddb", "level", "memory". */
    readonly kind: string
    readonly usedBytes: number | undefined
    readonly quotaBytes: number | undefined
    /** Whether the platform promised not to evict it. */
    readonly persisted: boolean
    readonly failing: boolean
    /** The last failure since this client was opened, over or not. */
    readonly lastFailure: { readonly code: ErrorCode; readonly at: number } | undefined
  }
  readonly connection: {
    readonly state: ConnectionStatus["kind"]
    /** Without a path or anything secret. */
    readonly server: string | undefined
    /** Of the last ping, or the greeting, that was answered. Known to the tab that holds the socket. */
    readonly roundTripMs: number | undefined
    /** How often it was made again since this client was opened. */
    readonly reconnects: number
    /** Why a server refused a connection, the last time. */
    readonly lastRefusal: RefusalCode | undefined
  }
  readonly clock: {
    /** By how much this device's clock is ahead of what the server last said; negative: behind. As exact as a round trip. */
    readonly skewMs: number | undefined
  }
  readonly waiting: {
    /** Own messages that no server has yet. */
    readonly messages: number
    readonly changes: number
    /** When the oldest of them was written; milliseconds since 1970. */
    readonly since: number | undefined
    /** What a server refused for good, until the user retries or discards it. */
    readonly refused: number
  }
  readonly documents: {
    readonly conversations: number
    readonly segments: number
    /** Segments in memory. */
    readonly open: number
    /** The largest document in memory. */
    readonly largest: { readonly messages: number; readonly bytes: number }
  }
  /** Whether this tab holds the socket and writes, or another one does. */
  readonly tab: SyncStatus["tab"]
  /** Errors first. */
  readonly findings: readonly Finding[]
}
