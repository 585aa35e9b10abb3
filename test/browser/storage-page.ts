import { openIndexedDbStorage } from "../../sdk/src/storage/indexeddb.js"
import type { Storage, WriteOptions } from "../../sdk/src/storage/storage.js"
import { codeOf } from "../contract/check.js"
import { storageCases } from "../contract/storage.js"

/**
 * What the tests call in the page. Failures come back as values, since only those cross from page to test: a code where
 * an operation failed, "ok" where it did not.
 */
const storagePage = {
  caseNames: (): string[] => storageCases.map(({ name }) => name),

  /** Runs one case of the contract on a database of its own; the failure's text, or "ok". */
  async runCase(name: string): Promise<string> {
    const database = `case ${name}`
    try {
      await storageCases
        .find((candidate) => candidate.name === name)
        ?.run({
          open: () => openIndexedDbStorage({ name: database }),
          shared: true,
        })
      await settled(indexedDB.deleteDatabase(database))
      return "ok"
    } catch (error) {
      return error instanceof Error ? (error.stack ?? error.message) : String(error)
    }
  },

  open: (name: string): Promise<string> =>
    outcome(async () => {
      storage = await openIndexedDbStorage({ name })
    }),

  close: (): Promise<string> => outcome(() => atHand().close()),

  /** Writes one batch of values of the given lengths, all of bytes that do not compress. */
  write: (lengths: Record<string, number>, options?: WriteOptions): Promise<string> =>
    outcome(() =>
      atHand().write(
        Object.entries(lengths).map(([key, length]) => ({ kind: "put", key, value: noise(length) })),
        options,
      ),
    ),

  /** The lengths of all values, by key; or the code of a failure. */
  async lengths(): Promise<Record<string, number> | string> {
    const found = await atHand()
      .scan({ from: "", to: "\uffff" })
      .catch((error: unknown) => String(codeOf(error)))
    return typeof found === "string"
      ? found
      : Object.fromEntries(found.map(({ key, value }) => [key, value.length] as const))
  },

  async publicKey(): Promise<string> {
    try {
      return (await atHand().keyPair()).publicKey.join(" ")
    } catch (error) {
      return String(codeOf(error))
    }
  },

  estimate: () => atHand().estimate(),

  /** Opens the database as foreign code would: it ignores `versionchange`. */
  async holdOpen(name: string, version?: number): Promise<void> {
    held = await settled(indexedDB.open(name, version))
  },

  release: (): void => held?.close(),

  /** What the adapter keeps under a key of an object store, as far as it can be sent. */
  async rawIdentity(name: string): Promise<{ extractable: boolean; usages: string[] }> {
    const database = await settled(indexedDB.open(name))
    const request = database
      .transaction("identity")
      .objectStore("identity")
      .get("key-pair") as IDBRequest<CryptoKeyPair>
    const { privateKey } = await settled(request)
    database.close()
    return { extractable: privateKey.extractable, usages: [...privateKey.usages] }
  },

  /** Puts what Weft never would. */
  async damage(name: string, store: string, key: string): Promise<void> {
    const database = await settled(indexedDB.open(name))
    await settled(database.transaction(store, "readwrite").objectStore(store).put("junk", key))
    database.close()
  },

  async deleteDatabase(name: string): Promise<void> {
    await settled(indexedDB.deleteDatabase(name))
  },

  /** Asks for the deletion of a database that a tab holds open; resolves when the deletion hangs. */
  deleteHeldDatabase: (name: string): Promise<void> =>
    new Promise((resolve) => {
      indexedDB.deleteDatabase(name).onblocked = () => resolve()
    }),

  /** Writes again and again, 20 batches at a time, until `stopWriting`, which tells how each write ended. */
  startWriting(): void {
    writing = { stopped: false, ends: [] }
    const run = writing
    const writeOn = async (lane: number): Promise<void> => {
      for (let round = 0; !run.stopped; round++)
        run.ends.push(await storagePage.write({ [`${lane}/${round}`]: 50_000 }))
    }
    run.done = Promise.all(Array.from({ length: 20 }, (_, lane) => writeOn(lane)))
  },

  async stopWriting(): Promise<string[]> {
    if (writing === undefined) return []
    writing.stopped = true
    await writing.done
    return writing.ends
  },

  writesEnded: (): number => writing?.ends.length ?? 0,
}

export type StoragePage = typeof storagePage

let storage: Storage | undefined
let held: IDBDatabase | undefined
let writing: { stopped: boolean; ends: string[]; done?: Promise<unknown> } | undefined
Object.assign(globalThis, { storagePage })

function atHand(): Storage {
  if (storage === undefined) throw new TypeError("no store is open")
  return storage
}

async function outcome(operation: () => Promise<void>): Promise<string> {
  try {
    await operation()
    return "ok"
  } catch (error) {
    return codeOf(error) ?? String(error)
  }
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error ?? new Error("the request failed"))
  })
}

function noise(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536))
  return bytes
}
