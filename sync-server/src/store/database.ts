import type { KeyRange } from "./keys.js"

export type StoredEntry = readonly [key: Uint8Array, value: Uint8Array]

/** Puts the value, or deletes the key where there is none. */
export interface Operation {
  readonly key: Uint8Array
  readonly value: Uint8Array | undefined
}

/** Bytes of a database's files, and those that its disk has left. */
export interface Space {
  readonly usedBytes: number
  readonly freeBytes: number
}

/** Reads of one moment. */
export interface Reader {
  get(key: Uint8Array): Promise<Uint8Array | undefined>
  /** The first `limit` of them, or all. */
  entries(range: KeyRange, limit?: number): Promise<StoredEntry[]>
  firstKey(range: KeyRange): Promise<Uint8Array | undefined>
  lastKey(range: KeyRange): Promise<Uint8Array | undefined>
}

/** The database port below the store: bytes by ordered keys, written in synced batches. Failures are WeftErrors (STORE_*). */
export interface Database {
  /** Where it is, for people. */
  readonly location: string
  get(key: Uint8Array): Promise<Uint8Array | undefined>
  /** Whether there are values. */
  hasMany(keys: readonly Uint8Array[]): Promise<boolean[]>
  /** Reads that all see the same moment. */
  read<T>(operate: (reader: Reader) => Promise<T>): Promise<T>
  /** What `take` makes of each entry of a range that may be long. */
  scan<T>(range: KeyRange, take: (key: Uint8Array, value: Uint8Array) => T | undefined): Promise<T[]>
  /** Writes all or nothing, and syncs. After a failure nothing else may be written before `recover` has succeeded. */
  write(batch: readonly Operation[]): Promise<void>
  /** Makes the database writable again after a failure, without what that write had tried, and proves it by a synced `probe`. */
  recover(probe: Operation): Promise<void>
  /**
   * Rewrites the tables that hold a range without what they have of deleted and overwritten values. Not there where nothing
   * of those is kept, as in memory.
   */
  compact?(range: KeyRange): Promise<void>
  /** Not there where it is on no disk. */
  space?(): Promise<Space>
  close(): Promise<void>
}
