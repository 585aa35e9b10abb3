import { mkdir, readdir, stat, statfs } from "node:fs/promises"
import { dirname, join } from "node:path"
import { ClassicLevel } from "classic-level"
import { WeftError } from "../base/errors.js"
import { copyBatch, copyGuard, fenced, guardHolds, type Guard } from "./batch.js"
import { levelFailure, levelOpenFailure } from "./level-errors.js"
import { decodeKey, encodeKey, FORMAT_KEY } from "./level-keys.js"
import { loadKeyPair, syncDirectory } from "./level-key-file.js"
import { Lifetime } from "./lifetime.js"
import type { DeviceKeyPair, KeyRange, Storage, StorageEntry, StorageEstimate, StorageOperation } from "./storage.js"

/** Where LevelDB keeps a client's data. */
export interface LevelStorageOptions {
  /** Made where there is none. One process owns it; it holds the device's private key. */
  readonly directory: string
}

const FORMAT = 1
/** Writes that wait while one is synced share the next sync, up to this many bytes of values. */
const MAX_GROUP_BYTES = 4 * 1024 * 1024
/** Opening a database again rewrites its log (4 MiB) as a table, and its manifest. */
const REOPEN_BYTES = 16 * 1024 * 1024

/** Storage of one client in Node, on LevelDB. Fails with STORE_LOCKED, STORE_UNAVAILABLE, STORE_QUOTA or STORE_CORRUPT. */
export async function openLevelStorage({ directory }: LevelStorageOptions): Promise<Storage> {
  const store = await LevelStore.open(directory)
  const lifetime = new Lifetime()
  let pair: Promise<DeviceKeyPair> | undefined
  const keyPair = async (): Promise<DeviceKeyPair> => {
    pair ??= loadKeyPair(directory)
    try {
      return await pair
    } catch (error) {
      pair = undefined // so that the next call tries again
      throw levelFailure(error)
    }
  }
  return {
    kind: "level",
    get: (key) => lifetime.run(() => store.get(key)),
    scan: (range) => lifetime.run(() => store.scan(range)),
    keys: (range) => lifetime.run(() => store.keys(range)),
    write: (batch, { durability = "strict", guard } = {}) =>
      lifetime.run(() => store.write(copyBatch(batch), copyGuard(guard), durability === "strict")),
    compact: (ranges) =>
      lifetime.run(async () => {
        for (const range of ranges) await store.compact(range)
      }),
    keyPair: () => lifetime.run(keyPair),
    estimate: () => lifetime.run(() => estimate(directory)),
    close: () => lifetime.end(() => store.close()),
  }
}

type Database = ClassicLevel<Uint8Array, Uint8Array>

interface PendingWrite {
  readonly batch: readonly StorageOperation[]
  readonly guard: Guard | undefined
  readonly strict: boolean
  /** With the error, or with nothing once it is durable. */
  readonly settle: (error: WeftError | undefined) => void
}

class LevelStore {
  readonly #directory: string
  readonly #database: Database
  readonly #queue: PendingWrite[] = []
  #committing: Promise<void> | undefined
  /** A write has failed since the database was opened. */
  #suspect = false
  #recovering: Promise<void> | undefined
  #reopening: Promise<void> | undefined
  #openings = 1

  static async open(directory: string): Promise<LevelStore> {
    let database: Database | undefined
    try {
      // Before the database is constructed: it starts opening by itself, and would make the directory with the umask's mode.
      await mkdir(directory, { recursive: true, mode: 0o700 })
      database = new ClassicLevel(join(directory, "store"), { keyEncoding: "view", valueEncoding: "view" })
      await database.open()
      await syncDirectory(dirname(directory))
      await syncDirectory(directory)
      await checkFormat(database)
      return new LevelStore(directory, database)
    } catch (error) {
      await database?.close()
      throw levelOpenFailure(error, directory)
    }
  }

  private constructor(directory: string, database: Database) {
    this.#directory = directory
    this.#database = database
  }

  get(key: string): Promise<Uint8Array | undefined> {
    return this.#read(async () => {
      const value = await this.#database.get(encodeKey(key))
      return value === undefined ? undefined : plain(value)
    })
  }

  /** In this thread, which is sooner for a value that was read a moment ago. */
  #getNow(key: string): Uint8Array | undefined {
    const value = this.#database.getSync(encodeKey(key))
    return value === undefined ? undefined : plain(value)
  }

  scan(range: KeyRange): Promise<StorageEntry[]> {
    return this.#read(async () => {
      const found = await this.#database.iterator(levelRange(range)).all()
      return found.map(([key, value]) => ({ key: decodeKey(key), value: plain(value) }))
    })
  }

  keys(range: KeyRange): Promise<string[]> {
    return this.#read(async () => (await this.#database.keys(levelRange(range)).all()).map(decodeKey))
  }

  write(batch: readonly StorageOperation[], guard: Guard | undefined, strict: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error: WeftError | undefined): void => (error === undefined ? resolve() : reject(error))
      this.#queue.push({ batch, guard, strict, settle })
      this.#committing ??= this.#commitAll()
    })
  }

  /**
   * LevelDB drops what is deleted when it merges tables, and never looks into a single one: so the range is compacted twice,
   * each time with a fresh table above it that spans the range. The first pass brings everything into tables, its own log
   * included; in the second whatever one table holds of old values is merged away.
   */
  async compact({ from, to }: Pick<KeyRange, "from" | "to">): Promise<void> {
    for (let pass = 0; pass < 2; pass++) {
      await this.write(
        [from, to].map((key): StorageOperation => ({ kind: "delete", key })),
        undefined,
        false,
      )
      await this.#read(() => this.#database.compactRange(encodeKey(from), encodeKey(to)))
    }
  }

  async close(): Promise<void> {
    await this.#committing
    await this.#database.close()
  }

  /** One group after another, so that nothing changes between the check of a guard and its write. Never rejects. */
  async #commitAll(): Promise<void> {
    while (this.#queue.length > 0) {
      const group = this.#nextGroup()
      try {
        const refused = await this.#commit(group)
        for (const write of group) write.settle(refused.get(write))
      } catch (error) {
        const failure = levelFailure(error)
        for (const write of group) write.settle(failure)
      }
    }
    this.#committing = undefined
  }

  #nextGroup(): PendingWrite[] {
    let bytes = 0
    const end = this.#queue.findIndex(({ batch }) => {
      for (const operation of batch) if (operation.kind === "put") bytes += operation.value.length
      return bytes > MAX_GROUP_BYTES
    })
    return this.#queue.splice(0, end === -1 ? this.#queue.length : Math.max(1, end))
  }

  /** Writes the group as one batch, but for those whose guard fails, which it returns. */
  async #commit(group: readonly PendingWrite[]): Promise<Map<PendingWrite, WeftError>> {
    await this.#reopenIfSuspect()
    const refused = new Map<PendingWrite, WeftError>()
    const staged = new Map<string, Uint8Array | undefined>()
    let sync = false
    for (const write of group) {
      const { guard } = write
      if (guard !== undefined) {
        const found = staged.has(guard.key) ? staged.get(guard.key) : this.#getNow(guard.key)
        if (!guardHolds(guard, found)) {
          refused.set(write, fenced(guard))
          continue
        }
      }
      for (const operation of write.batch) {
        staged.set(operation.key, operation.kind === "put" ? operation.value : undefined)
      }
      sync ||= write.strict
    }
    try {
      await this.#database.batch(Array.from(staged, levelOperation), { sync })
    } catch (error) {
      this.#suspect = true
      throw error
    }
    return refused
  }

  /**
   * A failed write may leave half a record in LevelDB's log, and LevelDB then appends behind it what recovery will skip:
   * with a full disk that got room again, synced and acknowledged writes were lost at the next start. So after a failed
   * write nothing is written before the database was opened again, which starts a new log.
   */
  async #reopenIfSuspect(): Promise<void> {
    while (this.#suspect) await (this.#recovering ??= this.#recover())
  }

  async #recover(): Promise<void> {
    try {
      const { bavail, bsize } = await statfs(this.#directory)
      // Opening fails on a full disk, and reads with it; until there is room, reads go on with the old connection.
      if (bavail * bsize < REOPEN_BYTES) throw new WeftError("STORE_QUOTA", "the disk is full; nothing was written")
      await this.#reopen()
      this.#suspect = false
    } finally {
      this.#recovering = undefined
    }
  }

  async #reopen(): Promise<void> {
    this.#openings++
    this.#reopening = this.#database.close().then(() => this.#database.open())
    try {
      await this.#reopening
    } finally {
      this.#reopening = undefined
    }
  }

  /**
   * Reads, once more where the database was opened again meanwhile. What a failed write left is seen when the database is
   * opened again: that is done first, where it can be.
   */
  async #read<T>(operate: () => Promise<T>): Promise<T> {
    if (this.#suspect) await this.#reopenIfSuspect().catch(() => undefined)
    await this.#reopening?.catch(() => undefined)
    const openings = this.#openings
    try {
      return await operate()
    } catch (error) {
      if (openings === this.#openings) throw levelFailure(error)
    }
    await this.#reopening?.catch(() => undefined)
    try {
      return await operate()
    } catch (error) {
      throw levelFailure(error)
    }
  }
}

async function checkFormat(database: Database): Promise<void> {
  const format = await database.get(FORMAT_KEY)
  if (format === undefined) return database.put(FORMAT_KEY, Uint8Array.of(FORMAT), { sync: true })
  if (format[0] !== FORMAT) throw new WeftError("STORE_BLOCKED", "a newer version of Weft has written this store")
}

function levelOperation([encoded, value]: [string, Uint8Array | undefined]) {
  const key = encodeKey(encoded)
  return value === undefined ? ({ type: "del", key } as const) : ({ type: "put", key, value } as const)
}

/** classic-level gives Buffers with memory of their own, whose `slice` shares it; callers expect Uint8Arrays. */
function plain(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
}

async function estimate(directory: string): Promise<StorageEstimate> {
  try {
    const { bavail, bsize } = await statfs(directory)
    const usedBytes = await folderBytes(join(directory, "store"))
    return { usedBytes, quotaBytes: usedBytes + bavail * bsize, persisted: true }
  } catch (error) {
    throw levelFailure(error)
  }
}

async function folderBytes(folder: string): Promise<number> {
  let bytes = 0
  for (const name of await readdir(folder)) {
    // LevelDB drops files at any moment
    bytes += await stat(join(folder, name)).then(
      (file) => file.size,
      () => 0,
    )
  }
  return bytes
}

function levelRange({ from, to, limit = -1, reverse = false }: KeyRange) {
  return { gte: encodeKey(from), lt: encodeKey(to), limit, reverse }
}
