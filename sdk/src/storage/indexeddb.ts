import { WeftError } from "../base/errors.js"
import { deviceKeyPair, generateKeyPair } from "../identity/key-pair.js"
import { copyBatch, copyGuard, fenced, guardHolds, type Guard } from "./batch.js"
import { lostConnection, openFailure, operationFailure } from "./indexeddb-errors.js"
import { Lifetime } from "./lifetime.js"
import type { DeviceKeyPair, KeyRange, Storage, StorageEntry, StorageEstimate, StorageOperation } from "./storage.js"

export interface IndexedDbOptions {
  /** The database's name: one database holds one client. */
  readonly name: string
}

const VERSION = 1
/** Text key -> Uint8Array. IndexedDB orders strings by UTF-16 code units, as the port asks. */
const ENTRIES = "entries"
/** KEY_PAIR -> CryptoKeyPair, which structured clone keeps without ever showing the private half. */
const IDENTITY = "identity"
const KEY_PAIR = "key-pair"

/**
 * Storage of one client in the browser. Fails with STORE_UNAVAILABLE, STORE_BLOCKED, STORE_QUOTA or STORE_CORRUPT.
 * Asks the browser not to evict it. Raw IndexedDB: idb's `tx.done` reports a failed request as a bare AbortError.
 */
export async function openIndexedDbStorage({ name }: IndexedDbOptions): Promise<Storage> {
  const connection = new Connection(name)
  try {
    await connection.database()
  } catch (error) {
    await connection.close() // else a blocked request that succeeds later leaves a connection that nobody owns
    throw error
  }
  const lifetime = new Lifetime()
  const run = <T>(operate: Operate<T>): Promise<T> => lifetime.run(() => connection.run(operate))
  // Not waited for: a browser may ask the person, who may not answer. A failure is as good as a no; `estimate` says so.
  askToPersist().catch(() => undefined)
  return {
    kind: "indexeddb",
    get: (key) => run((database) => get(database, key)),
    scan: (range) => run((database) => scan(database, range)),
    write: (batch, { durability = "strict", guard } = {}) => {
      const own = copyBatch(batch)
      const ownGuard = copyGuard(guard)
      return run((database) => write(database, own, durability, ownGuard))
    },
    keyPair: () => run(keyPair),
    estimate: () => lifetime.run(estimate),
    close: () => lifetime.end(() => connection.close()),
  }
}

type Operate<T> = (database: IDBDatabase) => Promise<T>

/** The open database, opened again when the browser closes it. */
class Connection {
  readonly #name: string
  #database: Promise<IDBDatabase> | undefined
  /** What #database has resolved to, until it is lost. */
  #current: IDBDatabase | undefined
  #closed = false

  constructor(name: string) {
    this.#name = name
  }

  /** Runs an operation, once more on a fresh connection where the one at hand was lost. Fails with a WeftError. */
  async run<T>(operate: Operate<T>): Promise<T> {
    const database = await this.database()
    try {
      return await operate(database)
    } catch (error) {
      if (!lostConnection(error)) throw operationFailure(error)
      this.#drop(database)
    }
    const fresh = await this.database()
    try {
      return await operate(fresh)
    } catch (error) {
      throw operationFailure(error)
    }
  }

  database(): Promise<IDBDatabase> {
    this.#database ??= this.#open()
    return this.#database
  }

  async close(): Promise<void> {
    this.#closed = true
    const database = await this.#database?.catch(() => undefined)
    database?.close()
  }

  /**
   * While another tab blocks the upgrade, all operations fail at once with STORE_BLOCKED; they work again when that tab
   * has gone, for the request stays queued.
   */
  #open(): Promise<IDBDatabase> {
    let blocked = false
    const opened = new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open(this.#name, VERSION)
      request.onupgradeneeded = () => {
        request.result.createObjectStore(ENTRIES)
        request.result.createObjectStore(IDENTITY)
      }
      request.onblocked = () => {
        blocked = true
        reject(new WeftError("STORE_BLOCKED", "another tab holds an older version of the store open; close it"))
      }
      request.onerror = () => {
        if (blocked) this.#database = undefined
        reject(openFailure(request.error))
      }
      request.onsuccess = () => {
        this.#adopt(request.result)
        resolve(request.result)
      }
    })
    return opened.catch((error: unknown) => {
      if (!blocked) this.#database = undefined
      throw openFailure(error)
    })
  }

  #adopt(database: IDBDatabase): void {
    if (this.#closed) {
      database.close()
      return
    }
    this.#database = Promise.resolve(database)
    this.#current = database
    database.onclose = () => this.#drop(database)
    // Another tab upgrades or deletes the database: stand aside, and queue behind it at the next operation.
    database.onversionchange = () => this.#drop(database)
  }

  #drop(database: IDBDatabase): void {
    database.close()
    if (this.#current !== database) return
    this.#current = undefined
    this.#database = undefined
  }
}

async function get(database: IDBDatabase, key: string): Promise<Uint8Array | undefined> {
  const value: unknown = await result(database.transaction(ENTRIES, "readonly").objectStore(ENTRIES).get(key))
  return value === undefined ? undefined : checkedBytes(value)
}

async function scan(database: IDBDatabase, { from, to, limit, reverse }: KeyRange): Promise<StorageEntry[]> {
  if (from >= to || limit === 0) return []
  const store = database.transaction(ENTRIES, "readonly").objectStore(ENTRIES)
  const first = reverse === true && limit !== undefined ? await lastKeys(store, from, to, limit) : from
  const range = IDBKeyRange.bound(first, to, false, true)
  const count = reverse === true ? undefined : limit
  const [keys, values] = await Promise.all([result(store.getAllKeys(range, count)), result(store.getAll(range, count))])
  const entries = keys.map((key, index) => ({ key: checkedKey(key), value: checkedBytes(values[index]) }))
  return reverse === true ? entries.reverse() : entries
}

/** The lower end of the last `count` keys of the range: `getAll` counts from the front only. */
async function lastKeys(store: IDBObjectStore, from: string, to: string, count: number): Promise<string> {
  const request = store.openKeyCursor(IDBKeyRange.bound(from, to, false, true), "prev")
  const cursor = await result(request)
  if (cursor === null || count === 1) return cursor === null ? from : checkedKey(cursor.key)
  cursor.advance(count - 1)
  const last = await result(request)
  return last === null ? from : checkedKey(last.key)
}

function write(
  database: IDBDatabase,
  batch: readonly StorageOperation[],
  durability: "strict" | "relaxed",
  guard: Guard | undefined,
): Promise<void> {
  const transaction = database.transaction(ENTRIES, "readwrite", { durability })
  const store = transaction.objectStore(ENTRIES)
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onabort = () => reject(transactionFailure(transaction))
    const apply = (): void => {
      try {
        for (const operation of batch) {
          if (operation.kind === "put") store.put(operation.value, operation.key)
          else store.delete(operation.key)
        }
        transaction.commit()
      } catch (error) {
        reject(operationFailure(error))
        transaction.abort()
      }
    }
    if (guard === undefined) return apply()
    const found = store.get(guard.key)
    found.onsuccess = () => {
      if (guardHolds(guard, found.result as Uint8Array | undefined)) return apply()
      reject(fenced(guard))
      transaction.abort()
    }
  })
}

/** Made outside a transaction, kept inside one: of two tabs at once, the first wins and the other takes its pair. */
async function keyPair(database: IDBDatabase): Promise<DeviceKeyPair> {
  const kept: unknown = await result(database.transaction(IDENTITY, "readonly").objectStore(IDENTITY).get(KEY_PAIR))
  const pair = kept ?? (await keepFirst(database, await generateKeyPair()))
  try {
    return await deviceKeyPair(pair as CryptoKeyPair)
  } catch (cause) {
    if (cause instanceof WeftError) throw cause
    throw new WeftError("STORE_CORRUPT", "the store's key pair is damaged", { cause })
  }
}

function keepFirst(database: IDBDatabase, made: CryptoKeyPair): Promise<unknown> {
  const transaction = database.transaction(IDENTITY, "readwrite", { durability: "strict" })
  const store = transaction.objectStore(IDENTITY)
  const found = store.get(KEY_PAIR)
  return new Promise((resolve, reject) => {
    let kept: unknown
    found.onsuccess = () => {
      kept = found.result ?? made
      if (kept !== made) return
      try {
        store.put(made, KEY_PAIR)
      } catch (error) {
        reject(operationFailure(error))
        transaction.abort()
      }
    }
    transaction.oncomplete = () => resolve(kept)
    transaction.onabort = () => reject(transactionFailure(transaction))
  })
}

/** The request's error where one failed, the commit's (quota) where that failed, none where the connection was lost. */
function transactionFailure(transaction: IDBTransaction): DOMException {
  return transaction.error ?? new DOMException("the transaction was aborted", "AbortError")
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error ?? new DOMException("the request failed", "UnknownError"))
  })
}

function checkedKey(key: IDBValidKey): string {
  if (typeof key === "string") return key
  throw new WeftError("STORE_CORRUPT", "the store holds a key that Weft did not write")
}

function checkedBytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value
  throw new WeftError("STORE_CORRUPT", "the store holds a value that Weft did not write")
}

/** `navigator.storage` is missing in insecure contexts, its `persist` in workers. */
type StorageManagerAtHand = Partial<Pick<StorageManager, "persist" | "persisted" | "estimate">> | undefined

function manager(): StorageManagerAtHand {
  return (globalThis as { readonly navigator?: { readonly storage?: StorageManagerAtHand } }).navigator?.storage
}

async function askToPersist(): Promise<void> {
  if ((await manager()?.persisted?.()) === false) await manager()?.persist?.()
}

async function estimate(): Promise<StorageEstimate> {
  try {
    const { usage, quota } = (await manager()?.estimate?.()) ?? {}
    const persisted = (await manager()?.persisted?.()) ?? false
    return {
      ...(usage === undefined ? {} : { usedBytes: usage }),
      ...(quota === undefined ? {} : { quotaBytes: quota }),
      persisted,
    }
  } catch (error) {
    throw operationFailure(error)
  }
}
