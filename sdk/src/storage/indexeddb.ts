import { WeftError } from "../base/errors.js"
import { deviceKeyPair, generateKeyPair } from "../identity/key-pair.js"
import { copyBatch, copyGuard, fenced, guardHolds, type Guard } from "./batch.js"
import { lostConnection, openFailure, operationFailure } from "./indexeddb-errors.js"
import type { MovePace } from "./indexeddb-move.js"
import {
  ENTRIES,
  IDENTITY,
  KEY_PAIR,
  MOVE_KEY,
  noteKey,
  openInUse,
  withHome,
  type InUse,
  type Move,
} from "./indexeddb-place.js"
import { moved, Reads } from "./indexeddb-reads.js"
import { closedByBrowser, result, transactionFailure } from "./indexeddb-requests.js"
import { leaveBehind, recoverLeft } from "./left-behind.js"
import { Lifetime } from "./lifetime.js"
import type { DeviceKeyPair, KeyRange, Storage, StorageEntry, StorageEstimate, StorageOperation } from "./storage.js"

export interface IndexedDbOptions {
  /** The client's name: what it stores is in databases whose names begin with it. */
  readonly name: string
  /** How a compaction shares the thread; in parts of PART_BYTES if not said. */
  readonly pace?: MovePace
}

/** Values of one part of a compaction: reads and writes of others wait for one part, and the thread has a few milliseconds of work. */
const PART_BYTES = 128 * 1024
/** A compaction costs what the whole store does: about a second for 5 MB, in the background. [SPEC X7] */
const COMPACT_EVERY_MS = 60 * 60_000
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
export async function openIndexedDbStorage({ name, pace = alone }: IndexedDbOptions): Promise<Storage> {
  const connection = new Connection(name)
  try {
    await connection.run(async () => undefined)
  } catch (error) {
    await connection.close() // else a blocked request that succeeds later leaves a connection that nobody owns
    throw error
  }
  const lifetime = new Lifetime()
  const closing = new AbortController()
  const run = <T>(operate: Operate<T>): Promise<T> => lifetime.run(() => connection.run(operate))
  const put: Storage["write"] = (batch, { durability = "strict", guard } = {}) => {
    const own = copyBatch(batch)
    const ownGuard = copyGuard(guard)
    return run(({ database, reads }) => {
      reads.end()
      return write(database, own, durability, ownGuard)
    })
  }
  const recover = (): Promise<void> => recoverLeft(name, put)
  // What can't be written now is for a later look.
  await recover().catch(() => undefined)
  // Not waited for: a browser may ask the person, who may not answer. A failure is as good as a no; `estimate` says so.
  askToPersist().catch(() => undefined)
  return {
    kind: "indexeddb",
    get: (key) => run(({ reads }) => get(reads, key)),
    scan: (range) => run(({ reads }) => scan(reads, range)),
    keys: (range) => run(({ reads }) => keys(reads, range)),
    write: put,
    leaveBehind: (unsaved) => leaveBehind(name, unsaved),
    recover,
    compactEveryMs: COMPACT_EVERY_MS,
    compact: (_ranges, signal) => {
      return lifetime.run(async () => {
        // Most pages never erase anything.
        const { compactEntries } = await import("./indexeddb-compact.js")
        await compactEntries(name, pace, [closing.signal, signal])
      })
    },
    keyPair: () => run(({ keyPair: known }) => pairOf(known, () => withHome(name, keyPair))),
    estimate: () => lifetime.run(estimate),
    close: () => {
      closing.abort(new WeftError("STORE_CLOSED", "this store has been closed"))
      return lifetime.end(() => connection.close())
    },
  }
}

/** IndexedDB answers in tasks of their own, between which others have their turn. */
const alone: MovePace = { partBytes: PART_BYTES, turn: () => Promise.resolve() }

type Operate<T> = (link: Link) => Promise<T>

interface Link extends InUse {
  readonly reads: Reads
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
    let timer: ReturnType<typeof setTimeout> | undefined
    const blocked = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        late = true
        reject(new WeftError("STORE_BLOCKED", "another tab keeps the store from opening; close this site's other tabs"))
      }, MAX_OPEN_MS)
    })
    const answered = openInUse(this.#name)
      .then((inUse) => this.#adopt(inUse))
      .catch((error: unknown) => {
        if (late) this.#link = undefined
        throw error
      })
      .finally(() => {
        clearTimeout(timer)
      })
    const opened = Promise.race([answered, blocked])
    return opened.catch((error: unknown) => {
      if (!late) this.#link = undefined
      throw error
    })
  }

  #adopt(inUse: InUse): Link {
    const link: Link = { ...inUse, reads: new Reads(inUse.database), abandon: new Set() }
    const { database } = link
    if (this.#closed) {
      database.close()
      return link
    }
    this.#current = link
    this.#link = Promise.resolve(link)
    // Somebody upgrades or deletes the database, or has moved all elsewhere: stand aside, and look again at the next operation.
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

async function attempt<T>(link: Link, operate: Operate<T>): Promise<T> {
  const { abandon } = link
  let fail = (): void => undefined
  const lost = new Promise<never>((_resolve, reject) => {
    fail = () => reject(closedByBrowser())
  })
  abandon.add(fail)
  try {
    return await Promise.race([operate(link), lost])
  } finally {
    abandon.delete(fail)
  }
}

async function get(reads: Reads, key: string): Promise<Uint8Array | undefined> {
  const value = await reads.run((store) => result<unknown>(store.get(key)))
  return value === undefined ? undefined : checkedBytes(value)
}

async function scan(reads: Reads, range: KeyRange): Promise<StorageEntry[]> {
  return readRange(reads, range, async (store, bounds, count) => {
    const [keys, values] = await Promise.all([
      result(store.getAllKeys(bounds, count)),
      result<unknown[]>(store.getAll(bounds, count)),
    ])
    return keys.map((key, index) => ({ key: checkedKey(key), value: checkedBytes(values[index]) }))
  })
}

async function keys(reads: Reads, range: KeyRange): Promise<string[]> {
  return readRange(reads, range, async (store, bounds, count) =>
    (await result(store.getAllKeys(bounds, count))).map(checkedKey),
  )
}

async function readRange<T>(
  reads: Reads,
  { from, to, limit, reverse = false }: KeyRange,
  read: (store: IDBObjectStore, bounds: IDBKeyRange, count: number | undefined) => Promise<T[]>,
): Promise<T[]> {
  if (from >= to || limit === 0) return []
  const found = await reads.run(async (store) => {
    const first = reverse && limit !== undefined ? await lastKeys(store, from, to, limit) : from
    return read(store, IDBKeyRange.bound(first, to, false, true), reverse ? undefined : limit)
  })
  return reverse ? found.reverse() : found
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

async function write(
  database: IDBDatabase,
  batch: readonly StorageOperation[],
  durability: "strict" | "relaxed",
  guard: Guard | undefined,
): Promise<void> {
  const isWritten = guard === undefined && (await writeAtOnce(database, batch, durability))
  if (!isWritten) await writeAfterLook(database, batch, durability, guard)
}

/**
 * Asks for all of it, the commit too, before anything is answered: a browser carries that out though the page answers
 * nothing any more. Chromium 156 drops what it has not come to when the page's connection closes. False, and nothing is
 * written, where the entries move or have moved: to add what is there fails, and the transaction with it. [SPEC X8]
 */
function writeAtOnce(
  database: IDBDatabase,
  batch: readonly StorageOperation[],
  durability: "strict" | "relaxed",
): Promise<boolean> {
  const transaction = database.transaction(ENTRIES, "readwrite", { durability })
  const store = transaction.objectStore(ENTRIES)
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(true)
    transaction.onabort = () => {
      if (isThere(transaction.error)) resolve(false)
      else reject(transactionFailure(transaction))
    }
    try {
      store.add(0, MOVE_KEY)
      for (const operation of batch) carryOut(store, operation)
      store.delete(MOVE_KEY)
      transaction.commit()
    } catch (error) {
      reject(operationFailure(error))
      transaction.abort()
    }
  })
}

function isThere(error: DOMException | null): boolean {
  return error?.name === "ConstraintError"
}

function carryOut(store: IDBObjectStore, operation: StorageOperation): void {
  if (operation.kind === "put") store.put(operation.value, operation.key)
  else store.delete(operation.key)
}

/** Looks first: under a guard, or while the entries move. */
function writeAfterLook(
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
    const apply = (move: Move | undefined): void => {
      try {
        for (const operation of batch) carryOut(store, operation)
        if (move !== undefined) note(store, move, batch)
        transaction.commit()
      } catch (error) {
        refuse(operationFailure(error))
      }
    }
    const refuse = (error: Error): void => {
      reject(error)
      transaction.abort()
    }
    const move = store.get(MOVE_KEY) as IDBRequest<Move | undefined>
    const found = guard === undefined ? undefined : (store.get(guard.key) as IDBRequest<Uint8Array | undefined>)
    ;(found ?? move).onsuccess = () => {
      if (move.result?.done === true) refuse(moved())
      else if (guard === undefined || guardHolds(guard, found?.result)) apply(move.result)
      else refuse(fenced(guard))
    }
  })
}

/** While the entries move, whoever writes says what has to be copied again. [SPEC X8] */
function note(store: IDBObjectStore, move: Move, batch: readonly StorageOperation[]): void {
  const writes = move.writes + 1
  store.put({ ...move, writes }, MOVE_KEY)
  store.put(
    batch.map(({ key }) => key),
    noteKey(writes),
  )
}

/** The pair that is known to be stored, else the one that is found or made. */
async function pairOf(known: unknown, find: () => Promise<unknown>): Promise<DeviceKeyPair> {
  const pair = known ?? (await find())
  try {
    return await deviceKeyPair(pair as CryptoKeyPair)
  } catch (cause) {
    if (cause instanceof WeftError) throw cause
    throw new WeftError("STORE_CORRUPT", "the store's key pair is damaged", { cause })
  }
}

/** Made outside a transaction, kept inside one: of two tabs at once, the first wins and the other takes its pair. */
async function keyPair(home: IDBDatabase): Promise<unknown> {
  const kept: unknown = await result(home.transaction(IDENTITY, "readonly").objectStore(IDENTITY).get(KEY_PAIR))
  return kept ?? keepFirst(home, await generateKeyPair())
}

function keepFirst(home: IDBDatabase, made: CryptoKeyPair): Promise<unknown> {
  const transaction = home.transaction(IDENTITY, "readwrite", { durability: "strict" })
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
