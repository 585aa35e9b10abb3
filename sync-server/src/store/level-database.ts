import { mkdir, open, readdir, stat, statfs } from "node:fs/promises"
import { dirname, join, resolve } from "node:path"
import { WeftError } from "@weft/sdk/protocol"
import { ClassicLevel } from "classic-level"
import type { Database, Operation, Reader, Space, StoredEntry } from "./database.js"
import { openFailure, storeFailure } from "./failure.js"
import type { KeyRange } from "./keys.js"

/** Opening a database again rewrites its log (4 MiB) as a table, and its manifest. */
const REOPEN_BYTES = 16 * 1024 * 1024
/** Entries of a long scan between two turns of the event loop: about a millisecond. */
const SCAN_PAGE = 1000
/**
 * Entries that are asked for first. classic-level takes 64 bytes for each that it is asked for, there or not, and has them until its
 * iterator is collected: of thousands of short reads, each for 1,000, that was most of what a busy server held.
 */
const FIRST_PAGE = 16

type Level = ClassicLevel<Uint8Array, Uint8Array>

/** LevelDB with synced batches, and a way back after one that failed. */
export class LevelDatabase implements Database {
  readonly location: string
  readonly #level: Level
  /** The batch that failed since the database was opened. */
  #failed: readonly Operation[] | undefined
  /** What undoes it. */
  #undo: readonly Operation[] | undefined
  #reopening: Promise<void> | undefined
  #openings = 1

  /** Rejects with STORE_LOCKED, STORE_CORRUPT, STORE_QUOTA or STORE_UNAVAILABLE. */
  static async open(directory: string): Promise<LevelDatabase> {
    const path = resolve(directory)
    try {
      await makeDirectory(path)
      const level: Level = new ClassicLevel(path, { keyEncoding: "view", valueEncoding: "view" })
      try {
        await level.open()
      } catch (error) {
        await level.close()
        throw error
      }
      return new LevelDatabase(path, level)
    } catch (error) {
      throw openFailure(error, path)
    }
  }

  private constructor(location: string, level: Level) {
    this.location = location
    this.#level = level
  }

  async write(batch: readonly Operation[]): Promise<void> {
    if (this.#failed !== undefined)
      throw new WeftError("STORE_FAILED", "the store writes nothing until it has recovered")
    try {
      await this.#level.batch(batch.map(levelOperation), { sync: true })
    } catch (error) {
      this.#failed = batch
      // Reads still show what was there before; where they fail too, `recover` asks again.
      this.#undo = await this.#valuesOf(batch).catch(() => undefined)
      throw storeFailure(error)
    }
  }

  /**
   * Opens it anew: LevelDB appends behind the half record that a failed write leaves in its log, where recovery skips it,
   * so synced and acknowledged writes would be lost at the next start. What was reported as failed may show up by that, and
   * is undone.
   */
  async recover(probe: Operation): Promise<void> {
    try {
      this.#undo ??= await this.#valuesOf(this.#failed ?? [])
      const { bavail, bsize } = await statfs(this.location)
      // Opening fails on a full disk, and reads with it; until there is room, reads go on with the old connection.
      if (bavail * bsize < REOPEN_BYTES) throw new WeftError("STORE_QUOTA", "the disk is full")
      await this.#reopen([...this.#undo, probe])
    } catch (error) {
      throw storeFailure(error)
    }
    this.#failed = undefined
    this.#undo = undefined
  }

  async space(): Promise<Space> {
    const names = await readdir(this.location)
    // LevelDB drops files at any moment.
    const sizes = names.map((name) =>
      stat(join(this.location, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    )
    const usedBytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
    const { bavail, bsize } = await statfs(this.location)
    return { usedBytes, freeBytes: bavail * bsize }
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#retried(() => this.#level.get(key).then(plain))
  }

  /** In one go: a tenth of the cost of as many reads. */
  hasMany(keys: readonly Uint8Array[]): Promise<boolean[]> {
    return this.#retried(() => this.#level.hasMany([...keys]))
  }

  read<T>(operate: (reader: Reader) => Promise<T>): Promise<T> {
    return this.#retried(async () => {
      const level = this.#level
      const snapshot = level.snapshot()
      const firstOf = async (range: KeyRange, reverse: boolean) => {
        const iterator = level.keys({ ...range, snapshot, reverse, limit: 1 })
        try {
          return (await iterator.nextv(1))[0]
        } finally {
          await iterator.close()
        }
      }
      try {
        return await operate({
          get: (key) => level.get(key, { snapshot }).then(plain),
          entries: async (range, limit) => {
            const found: StoredEntry[] = []
            await eachEntry(level.iterator({ ...range, snapshot, ...(limit && { limit }) }), (key, value) => {
              found.push([key, plain(value)])
            })
            return found
          },
          firstKey: (range) => firstOf(range, false),
          lastKey: (range) => firstOf(range, true),
        })
      } finally {
        await snapshot.close()
      }
    })
  }

  /** Page by page, so that a long range doesn't hold up everything else. */
  scan<T>(range: KeyRange, take: (key: Uint8Array, value: Uint8Array) => T | undefined): Promise<T[]> {
    return this.#retried(async () => {
      const found: T[] = []
      await eachEntry(this.#level.iterator({ ...range, highWaterMarkBytes: 256 * 1024 }), (key, value) => {
        const taken = take(key, value)
        if (taken !== undefined) found.push(taken)
      })
      return found
    })
  }

  async compact({ gte, lt }: KeyRange): Promise<void> {
    await this.#retried(() => this.#level.compactRange(gte, lt))
  }

  close(): Promise<void> {
    return this.#level.close()
  }

  async #valuesOf(batch: readonly Operation[]): Promise<Operation[]> {
    const values = await this.#level.getMany(batch.map(({ key }) => key))
    return batch.map(({ key }, index) => ({ key, value: values[index] }))
  }

  /** Reads wait until the batch is written too. */
  async #reopen(batch: readonly Operation[]): Promise<void> {
    const reopen = async (): Promise<void> => {
      await this.#level.close()
      await this.#level.open()
      await this.#level.batch(batch.map(levelOperation), { sync: true })
    }
    this.#openings++
    this.#reopening = reopen()
    try {
      await this.#reopening
    } finally {
      this.#reopening = undefined
    }
  }

  /** Once more where the database was opened again meanwhile. */
  async #retried<T>(operate: () => Promise<T>): Promise<T> {
    await this.#reopening?.catch(() => undefined)
    const openings = this.#openings
    try {
      return await operate()
    } catch (error) {
      if (openings === this.#openings) throw storeFailure(error)
    }
    await this.#reopening?.catch(() => undefined)
    try {
      return await operate()
    } catch (error) {
      throw storeFailure(error)
    }
  }
}

function levelOperation({ key, value }: Operation) {
  return value === undefined ? ({ type: "del", key } as const) : ({ type: "put", key, value } as const)
}

/** classic-level gives Buffers, whose `slice` shares memory; callers expect Uint8Arrays. */
function plain<T extends Uint8Array | undefined>(buffer: T): T | Uint8Array {
  return buffer === undefined ? buffer : new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
}

async function eachEntry(
  iterator: { nextv(size: number): Promise<[Uint8Array, Uint8Array][]>; close(): Promise<void> },
  take: (key: Uint8Array, value: Uint8Array) => void,
): Promise<void> {
  try {
    for (let size = FIRST_PAGE; ; size = Math.min(SCAN_PAGE, 4 * size)) {
      const page = await iterator.nextv(size)
      if (page.length === 0) return
      for (const [key, value] of page) take(key, value)
    }
  } finally {
    await iterator.close()
  }
}

/** New folders outlive a power cut only once the ones above them are synced. */
async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  for (let made = path; ; made = dirname(made)) {
    await syncDirectory(dirname(made))
    if (made === first || made === dirname(made)) return
  }
}

async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === "win32") return // has no such thing
  const handle = await open(directory, "r")
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
