import type { LoopDelay } from "./loop-monitor.js"

/** What a finding is about; stable. */
export type FindingCode =
  | "STORE_FAILING"
  | "STORE_NEARLY_FULL"
  | "DOCUMENTS_QUARANTINED"
  | "LOOP_LATE"
  | "READERS_SLOW"
  | "PEER_AWAY"
  | "PEER_LAGS"
  | "PEER_CLOCK_SKEWED"

/** Something that an operator may want to know, or do something about. */
export interface Finding {
  readonly code: FindingCode
  readonly level: "info" | "warning" | "error"
  readonly text: string
}

/** What a server's core says of itself. */
export interface CoreState {
  readonly store: {
    /** Whether it refuses writes. */
    readonly failing: boolean
    /** Undefined where the store can't be read. */
    readonly documents: number | undefined
    readonly documentsInMemory: number
    /** Writes that wait for their fsync. */
    readonly pendingWrites: number
    /** Of the database's files, and of what its disk has left; undefined where it is on none. */
    readonly usedBytes: number | undefined
    readonly freeBytes: number | undefined
  }
  readonly unsentBytes: number
  /** The connections that leave most unread, most first. */
  readonly slowest: readonly SlowConnection[]
}

interface SlowConnection {
  readonly unsentBytes: number
  /** Since its last frame. */
  readonly silentMs: number
}

export interface PeerState {
  /** Host and port, and the path where it is not /sync. */
  readonly peer: string
  readonly connected: boolean
  /** Updates that it has not acknowledged yet. */
  readonly lag: number
  /** Documents that comparisons with it found to differ, since the start. */
  readonly differing: number
  /** By how much its clock was ahead when the link came up; undefined before that. */
  readonly clockAheadMs: number | undefined
}

/** How a server is doing: counts, sizes, times, codes and peers' addresses. No name of a user or document. [SPEC H3] */
export interface DebugReport {
  readonly version: string
  readonly protocol: number
  /** The server's public key, in hex. */
  readonly server: string
  readonly uptimeMs: number
  /** Since the last report. */
  readonly eventLoop: LoopDelay
  readonly memory: { readonly rssBytes: number; readonly heapUsedBytes: number; readonly externalBytes: number }
  readonly store: CoreState["store"] & { readonly quarantined: number; readonly errors: number }
  readonly connections: {
    readonly open: Readonly<Record<string, number>>
    readonly refused: Readonly<Record<string, number>>
    readonly unsentBytes: number
    readonly slowest: readonly SlowConnection[]
  }
  readonly peers: readonly PeerState[]
  /** `time`: milliseconds since 1970. `refused`: updates and registers whose clocks were too far ahead of it, by code. */
  readonly clocks: { readonly time: number; readonly refused: Readonly<Record<string, number>> }
  readonly findings: readonly Finding[]
}
