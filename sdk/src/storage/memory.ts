import { deviceKeyPair, generateKeyPair } from "../identity/key-pair.js"
import { compareText } from "../protocol/bytes.js"
import { fenced, guardHolds } from "./batch.js"
import { Lifetime } from "./lifetime.js"
import type { DeviceKeyPair, KeyRange, Storage, StorageEntry } from "./storage.js"

/** A store that lives as long as the process: for tests, simulations, and sessions that must leave no trace. */
export interface MemoryStorage extends Storage {
  /** Another handle on the same data: a second tab, or this device after a restart. */
  share(): MemoryStorage
  /** A copy of the data as it is now, key pair included: what a backup restores, or a cloned disk holds. */
  snapshot(): MemorySnapshot
}

/** What a storage in memory held at some time. */
export interface MemorySnapshot {
  readonly entries: readonly StorageEntry[]
  readonly keyPair: Promise<DeviceKeyPair> | undefined
}

/** What a storage in memory begins with. */
export interface MemoryStorageOptions {
  /** What to start from; nothing by default. */
  readonly snapshot?: MemorySnapshot
  /** Makes the key pair; random by default. A simulation passes its seeded one. */
  readonly makeKeyPair?: () => Promise<DeviceKeyPair>
}

/** A storage with a key pair of its own, or with what a snapshot holds. */
export function createMemoryStorage(options: MemoryStorageOptions = {}): MemoryStorage {
  const { snapshot, makeKeyPair = async () => deviceKeyPair(await generateKeyPair()) } = options
  return openHandle(new MemoryTable(snapshot?.entries ?? []), { pair: snapshot?.keyPair, make: makeKeyPair })
}

interface Identity {
  pair: Promise<DeviceKeyPair> | undefined
  readonly make: () => Promise<DeviceKeyPair>
}

function openHandle(table: MemoryTable, identity: Identity): MemoryStorage {
  const lifetime = new Lifetime()
  return {
    kind: "memory",
    get: (key) => lifetime.run(async () => copied(table.get(key))),
    scan: (range) => lifetime.run(async () => table.scan(range)),
    keys: (range) => lifetime.run(async () => table.keys(range)),
    write: (batch, { guard } = {}) =>
      lifetime.run(async () => {
        if (guard !== undefined && !guardHolds(guard, table.get(guard.key))) throw fenced(guard)
        for (const operation of batch) {
          if (operation.kind === "put") table.put(operation.key, new Uint8Array(operation.value))
          else table.delete(operation.key)
        }
      }),
    keyPair: () => lifetime.run(() => keyPairOf(identity)),
    estimate: () => lifetime.run(async () => ({ usedBytes: table.usedBytes(), persisted: false })),
    close: () => lifetime.end(() => undefined),
    share: () => openHandle(table, identity),
    snapshot: () => ({ entries: table.entries(), keyPair: identity.pair }),
  }
}

async function keyPairOf(identity: Identity): Promise<DeviceKeyPair> {
  const pair = (identity.pair ??= identity.make())
  try {
    return await pair
  } catch (error) {
    if (identity.pair === pair) identity.pair = undefined // so that the next call tries again
    throw error
  }
}

function copied(value: Uint8Array | undefined): Uint8Array | undefined {
  return value === undefined ? undefined : new Uint8Array(value)
}

/** An ordered map. Its values are never changed in place, so snapshots share them. */
class MemoryTable {
  readonly #values: Map<string, Uint8Array>
  /** Ascending. */
  readonly #keys: string[]

  constructor(entries: readonly StorageEntry[]) {
    this.#values = new Map(entries.map(({ key, value }) => [key, value]))
    this.#keys = Array.from(this.#values.keys()).sort(compareText)
  }

  get(key: string): Uint8Array | undefined {
    return this.#values.get(key)
  }

  put(key: string, value: Uint8Array): void {
    if (!this.#values.has(key)) this.#keys.splice(this.#position(key), 0, key)
    this.#values.set(key, value)
  }

  delete(key: string): void {
    if (this.#values.delete(key)) this.#keys.splice(this.#position(key), 1)
  }

  scan(range: KeyRange): StorageEntry[] {
    return this.keys(range).map((key) => ({ key, value: new Uint8Array(this.#valueOf(key)) }))
  }

  keys({ from, to, limit = Infinity, reverse = false }: KeyRange): string[] {
    const start = this.#position(from)
    const end = Math.max(start, this.#position(to))
    return reverse
      ? this.#keys.slice(Math.max(start, end - limit), end).reverse()
      : this.#keys.slice(start, Math.min(end, start + limit))
  }

  entries(): StorageEntry[] {
    return this.#keys.map((key) => ({ key, value: this.#valueOf(key) }))
  }

  usedBytes(): number {
    let bytes = 0
    for (const [key, value] of this.#values) bytes += 2 * key.length + value.length
    return bytes
  }

  #valueOf(key: string): Uint8Array {
    const value = this.#values.get(key)
    if (value === undefined) throw new TypeError("an ordered key has no value")
    return value
  }

  /** Index of the first key that is not below `key`. */
  #position(key: string): number {
    let low = 0
    let high = this.#keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const found = this.#keys[middle]
      if (found !== undefined && found < key) low = middle + 1
      else high = middle
    }
    return low
  }
}
