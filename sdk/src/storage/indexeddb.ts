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
 * Opening waits behind tabs that hold an older version, and behind deletions that such tabs hold up. Tabs of ours stand
 * aside as soon as their transactions end; one that is frozen or runs other code never may.
 */
const MAX_OPEN_MS = 10_000
/** A browser that clears a site's data closes the connection, and may close the one opened meanwhile too. */
const MAX_TRIES = 3

/**
 * Storage of one client in the browser. Fails with STORE_UNAVAILABLE, STORE_BLOCKED, STORE_QUOTA or STORE_CORRUPT.
 * Asks the browser not to evict it. Raw IndexedDB: idb's `tx.done` reports a failed request as a bare AbortError.
 */
export async function openIndexedDbStorage({ name }: IndexedDbOptions): Promise<Storage> {
  const connection = new Connection(name)
  try {
    await connection.run(async () => undefined)
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

interface Link {
  readonly database: IDBDatabase
  /** For each operation under way, what makes it fail. */
  readonly abandon: Set<() => void>
}

/** The open database, opened again when the browser closes it. */
class Connection {
  readonly #name: string
  #link: Promise<Link> | undefined
  /** What #link has resolved to, until it is lost. */
  #current: Link | undefined
  #closed = false

  constructor(name: string) {
    this.#name = name
  }

  /** Runs an operation, again on a fresh connection where the one at hand was lost. Fails with a WeftError. */
  async run<T>(operate: Operate<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      let link: Link | undefined
      try {
        link = await this.#open()
        return await attempt(link, operate)
      } catch (error) {
        const lost = lostConnection(error)
        if (lost && link !== undefined) this.#drop(link)
        if (!lost || tries === MAX_TRIES) throw link === undefined ? openFailure(error) : operationFailure(error)
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    const link = await this.#link?.catch(() => undefined)
    link?.database.close()
  }

  #open(): Promise<Link> {
    this.#link ??= this.#request()
    return this.#link
  }

  /**
   * While the database does not answer, operations fail with STORE_BLOCKED after MAX_OPEN_MS; they work again once it
   * has answered, for the request stays queued.
   */
  #request(): Promise<Link> {
    let late = false
    const opened = new Promise<Link>((resolve, reject) => {
      const request = indexedDB.open(this.#name, VERSION)
      const timer = setTimeout(() => {
        late = true
        reject(new WeftError("STORE_BLOCKED", "another tab keeps the store from opening; close this site's other tabs"))
      }, MAX_OPEN_MS)
      request.onupgradeneeded = () => {
        request.result.createObjectStore(ENTRIES)
        request.result.createObjectStore(IDENTITY)
      }
      request.onerror = () => {
        clearTimeout(timer)
        if (late) this.#link = undefined
        reject(request.error ?? new DOMException("the request failed", "UnknownError"))
      }
      request.onsuccess = () => {
        clearTimeout(timer)
        resolve(this.#adopt(request.result))
      }
    })
    return opened.catch((error: unknown) => {
      if (!late) this.#link = undefined
      throw error
    })
  }

  #adopt(database: IDBDatabase): Link {
    const link: Link = { database, abandon: new Set() }
    if (this.#closed) {
      database.close()
      return link
    }
    this.#current = link
    this.#link = Promise.resolve(link)
    // Another tab upgrades or deletes the database: stand aside, and queue behind it at the next operation.
    database.onversionchange = () => this.#drop(link)
    database.onclose = () => {
      this.#drop(link)
      // Chromium 156 fires nothing at transactions that it had not come to when it closed the database.
      for (const abandon of link.abandon) abandon()
    }
    return link
  }

  #drop(link: Link): void {
    link.database.close() // transactions under way still end
    if (this.#current !== link) return
    this.#current = undefined
    this.#link = undefined
  }
}

async function attempt<T>({ database, abandon }: Link, operate: Operate<T>): Promise<T> {
  let fail = (): void => undefined
  const lost = new Promise<never>((_resolve, reject) => {
    fail = () => reject(new DOMException("the browser closed the database", "AbortError"))
  })
  abandon.add(fail)
  try {
    return await Promise.race([operate(database), lost])
  } finally {
    abandon.delete(fail)
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
