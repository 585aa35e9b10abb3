import { openIndexedDbStorage } from "../../sdk/src/storage/indexeddb.js"
import type { Storage, StorageEntry, StorageOperation, WriteOptions } from "../../sdk/src/storage/storage.js"
import { codeOf } from "../contract/check.js"
import { storageCases } from "../contract/storage.js"
import { randomOf } from "../support/seed.js"
import { SteppedMoves } from "./stepped-moves.js"

/**
 * What the tests call in the page. Failures come back as values, since only those cross from page to test: a code where
 * an operation failed, "ok" where it did not.
 */
const storagePage = {
  caseNames: (): string[] => storageCases.map(({ name }) => name),

  /**
   * Runs one case of the contract on databases of its own, `moving` with a move that goes on by a part at each operation;
   * the failure's text, or "ok".
   */
  async runCase(name: string, moving: boolean): Promise<string> {
    const client = `case ${name}`
    const moves = moving ? await SteppedMoves.open(client) : undefined
    const open = async (): Promise<Storage> => {
      const opened = await openIndexedDbStorage({ name: client })
      return moves === undefined ? opened : moves.wrap(opened)
    }
    try {
      await storageCases.find((candidate) => candidate.name === name)?.run({ open, shared: true })
      await moves?.close()
      const ends = moves?.ends.filter((end) => end !== "ok" && end !== "STORE_CLOSED") ?? []
      if (ends.length > 0) return `moves ended with ${ends.join(", ")}`
      for (const each of await storagePage.databases()) {
        if (each.startsWith(client)) await settled(indexedDB.deleteDatabase(each))
      }
      return "ok"
    } catch (error) {
      return error instanceof Error ? (error.stack ?? error.message) : String(error)
    }
  },

  async databases(): Promise<string[]> {
    return (await indexedDB.databases()).map(({ name }) => name ?? "").sort()
  },

  /** Which database has a client's entries, as its home says. */
  async place(name: string): Promise<{ readonly at: string }> {
    const database = await settled(indexedDB.open(`${name}\n`))
    const found: unknown = await settled(database.transaction("place").objectStore("place").get("place"))
    database.close()
    return found as { readonly at: string }
  },

  /** How many records a database has, whatever they say. */
  async rawCount(name: string): Promise<number> {
    const database = await settled(indexedDB.open(name))
    const count = await settled(database.transaction("entries").objectStore("entries").count())
    database.close()
    return count
  },

  /** Begins to move a client's entries, by hand from then on. */
  async openMoves(name: string): Promise<void> {
    moves = await SteppedMoves.open(name)
  },

  async stepMove(steps = 1): Promise<boolean> {
    for (let step = 0; step < steps; step++) await moves?.step()
    return moves?.isUnderWay ?? false
  },

  finishMove: (): Promise<string> => moves?.finish() ?? Promise.resolve("no moves"),

  async closeMoves(): Promise<string | undefined> {
    await moves?.close()
    return moves?.ends.at(-1)
  },

  /** Moves all at once, in parts of usual size, at the call; "ok" or a code. */
  compact: (): Promise<string> => outcome(() => atHand().compact?.([]) ?? Promise.resolve()),

  /** In a later turn begins writes, and in the one after it stops answering until a request to `until` is answered. */
  writeAndHang(count: number, until: string): void {
    setTimeout(() => {
      for (let key = 0; key < count; key++) {
        storagePage.write({ [`key ${key}`]: key }).catch(() => undefined)
      }
      setTimeout(() => {
        const request = new XMLHttpRequest()
        request.open("GET", until, false)
        request.send()
      })
    })
  },

  /** Reads and writes at random through two handles while entries move; "ok", or what differs from a plain map. */
  async runRandom(name: string, seed: number, rounds: number): Promise<string> {
    const random = randomOf(seed)
    const stepped = await SteppedMoves.open(name)
    const handles = [await openIndexedDbStorage({ name }), await openIndexedDbStorage({ name })]
    const model = new Map<string, number>()
    const key = (): string => `k/${String(random.below(200)).padStart(3, "0")}`
    const values = (entries: readonly StorageEntry[]): string =>
      JSON.stringify(entries.map((entry) => [entry.key, ...entry.value]))
    const expected = (from: string, to: string, limit: number, reverse: boolean): string => {
      const found = Array.from(model)
        .filter(([each]) => from <= each && each < to)
        .sort(([a], [b]) => (a < b ? -1 : 1))
      return JSON.stringify((reverse ? found.reverse() : found).slice(0, limit))
    }
    for (let round = 0; round < rounds; round++) {
      const storage = random.pick(handles)
      const stepping = random.oneIn(3) ? stepped.step() : undefined
      if (random.oneIn(2)) {
        const batch = Array.from({ length: random.below(13) }, (): StorageOperation => {
          const at = key()
          return random.oneIn(3) ? { kind: "delete", key: at } : { kind: "put", key: at, value: random.bytes(1) }
        })
        const guarded = key()
        const held = model.get(guarded)
        const isRight = !random.oneIn(4)
        const value = isRight === (held !== undefined) ? Uint8Array.of(held ?? 1) : undefined
        const end = await outcome(() => storage.write(batch, { guard: { key: guarded, value } }))
        if (end !== (isRight ? "ok" : "STORE_FENCED")) return `round ${round}: a write ended with ${end}`
        if (isRight) {
          for (const operation of batch) {
            if (operation.kind === "put") model.set(operation.key, operation.value[0] ?? 0)
            else model.delete(operation.key)
          }
        }
      } else {
        const [from = "", to = ""] = [key(), key()].sort()
        const [limit, reverse] = [1 + random.below(60), random.oneIn(2)]
        const found = values(await storage.scan({ from, to, limit, reverse }))
        const wanted = expected(from, to, limit, reverse)
        if (found !== wanted) return `round ${round}: ${from} to ${to} is ${found} instead of ${wanted}`
        const one = key()
        const [got] = (await storage.get(one)) ?? []
        if (got !== model.get(one)) return `round ${round}: ${one} is ${got} instead of ${model.get(one)}`
      }
      await stepping
    }
    await stepped.finish()
    const moved = stepped.ends.filter((end) => end === "ok").length
    for (const storage of handles) await storage.close()
    await stepped.close()
    const again = await openIndexedDbStorage({ name })
    const left = values(await again.scan({ from: "", to: "\uffff" }))
    await again.close()
    if (left !== expected("", "\uffff", Infinity, false)) return `in the end: ${left}`
    return moved > 2 && moved === stepped.ends.length ? "ok" : `moves ended with ${stepped.ends.join(", ")}`
  },

  /** What version 1 of this adapter stored: entries of these lengths, and a key pair; its public key. */
  async makeFormer(name: string, lengths: Record<string, number>): Promise<string> {
    const request = indexedDB.open(name, 1)
    request.onupgradeneeded = () => {
      request.result.createObjectStore("entries")
      request.result.createObjectStore("identity")
    }
    const database = await settled(request)
    const pair = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"])
    const transaction = database.transaction(["entries", "identity"], "readwrite")
    for (const [key, length] of Object.entries(lengths)) transaction.objectStore("entries").put(noise(length), key)
    await settled(transaction.objectStore("identity").put(pair, "key-pair"))
    held = database
    held.onversionchange = () => database.close()
    return new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)).join(" ")
  },

  /** As if the browser had ended behind the last transaction of a move, and before anything else: the copy counts. */
  async endAfterMove(name: string, lengths: Record<string, number>): Promise<void> {
    const copy = `${name}\n1`
    const opening = indexedDB.open(copy, 2)
    opening.onupgradeneeded = () => opening.result.createObjectStore("entries")
    const database = await settled(opening)
    const transaction = database.transaction("entries", "readwrite")
    for (const [key, length] of Object.entries(lengths)) transaction.objectStore("entries").put(noise(length), key)
    await settled(transaction.objectStore("entries").count())
    database.close()
    await put(name, "entries", 0, { to: copy, writes: 0, done: true })
    await put(`${name}\n`, "place", "place", { at: name, made: 1, left: [copy] })
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
    const database = await settled(indexedDB.open(`${name}\n`))
    const request = database
      .transaction("identity")
      .objectStore("identity")
      .get("key-pair") as IDBRequest<CryptoKeyPair>
    const { privateKey } = await settled(request)
    database.close()
    return { extractable: privateKey.extractable, usages: [...privateKey.usages] }
  },

  /** Puts what Weft never would. */
  damage: (name: string, store: string, key: string): Promise<void> => put(name, store, key, "junk"),

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
let moves: SteppedMoves | undefined
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

async function put(name: string, store: string, key: IDBValidKey, value: unknown): Promise<void> {
  const database = await settled(indexedDB.open(name))
  await settled(database.transaction(store, "readwrite").objectStore(store).put(value, key))
  database.close()
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
