/**
 * The storage port: an ordered map from text keys to bytes, with atomic batches. Documents, queues and settings are laid
 * out on it by `log/` and `client/`, once for all adapters; `test/contract/storage.ts` runs on each adapter.
 */
export interface Storage {
  /** What the adapter is, for status pages: "indexeddb", "memory", "level". */
  readonly kind: string
  /** The value, or undefined where there is none. The bytes are the caller's own copy. */
  get(key: string): Promise<Uint8Array | undefined>
  /** Entries with `from <= key < to`, in order of the keys' UTF-16 code units, at most `limit`. A consistent snapshot. */
  scan(range: KeyRange): Promise<StorageEntry[]>
  /** The keys alone of what `scan` finds: a value costs a browser more than its key. */
  keys(range: KeyRange): Promise<string[]>
  /**
   * All operations or none. Resolves when durable: `strict` survives a power cut (fsync), `relaxed` survives a crash of
   * the process. With a guard, fails with STORE_FENCED and writes nothing unless `guard.key` holds `guard.value`
   * (undefined: holds nothing) in the same transaction.
   */
  write(batch: readonly StorageOperation[], options?: WriteOptions): Promise<void>
  /**
   * What `unsaved` gives when the page goes is carried out though nobody waits for it: by `recover`, or who opens the storage
   * next. Of keys that are put once, and deleted for good or made again by who misses them. Ends with what it returns. Not
   * there where no page can go.
   */
  leaveBehind?(unsaved: () => readonly StorageOperation[]): () => void
  /** Carries out what pages left behind. Rejects with STORE_*; what could not be written stays. */
  recover?(): Promise<void>
  /**
   * Rewrites the files that hold these ranges, so that the bytes of what was deleted or overwritten in them before the
   * call are gone from them. Others read and write on meanwhile. Not there where an adapter can't: its platform does that
   * when it likes. No end of a range may be a key in use. May reject early with the signal's reason: nothing is done then.
   */
  compact?(ranges: readonly Pick<KeyRange, "from" | "to">[], signal?: AbortSignal): Promise<void>
  /** There where a compaction rewrites all that is stored, whatever the ranges: how often is reasonable. */
  readonly compactEveryMs?: number
  /**
   * This device's Ed25519 key pair, made at the first call and kept: non-extractable in browsers. Two callers at once,
   * also in two tabs, get one pair.
   */
  keyPair(): Promise<DeviceKeyPair>
  /** How full it is, where the adapter can tell, and whether the platform promised not to evict it. */
  estimate(): Promise<StorageEstimate>
  /** Waits for writes under way; later calls fail with STORE_CLOSED. May be called twice. */
  close(): Promise<void>
}

/** Keys from `from` up to, without, `to`, in order; at most `limit` of them. */
export interface KeyRange {
  readonly from: string
  readonly to: string
  readonly limit?: number
  /** Greatest key first. */
  readonly reverse?: boolean
}

/** A key and its value. */
export interface StorageEntry {
  readonly key: string
  readonly value: Uint8Array
}

/** One part of a batch. */
export type StorageOperation =
  | { readonly kind: "put"; readonly key: string; readonly value: Uint8Array }
  | { readonly kind: "delete"; readonly key: string }

/** How a batch is written; `strict` and without a guard if not said. */
export interface WriteOptions {
  readonly durability?: "strict" | "relaxed"
  readonly guard?: { readonly key: string; readonly value: Uint8Array | undefined }
}

/** How full a storage is; what is not known is not there. */
export interface StorageEstimate {
  readonly usedBytes?: number
  readonly quotaBytes?: number
  readonly persisted: boolean
}

/** An Ed25519 pair that signs, wherever the private half lives. */
export interface DeviceKeyPair {
  /** 32 bytes, raw. */
  readonly publicKey: Uint8Array
  /** 64 bytes, RFC 8032. */
  sign(message: Uint8Array): Promise<Uint8Array>
}

/** All keys that start with `prefix`. `prefix` must not end in U+FFFF. */
export function prefixRange(prefix: string): KeyRange {
  const last = prefix.length - 1
  return { from: prefix, to: prefix.slice(0, last) + String.fromCharCode(prefix.charCodeAt(last) + 1) }
}
