import { compareText, WeftError } from "@weft/sdk/protocol"
import type { Random } from "../support/seed.js"
import type { Trace } from "./trace.js"
import type { World } from "./world.js"

/** Puts the value, or deletes the key where there is none. */
export interface DiskOperation {
  readonly key: string
  readonly value: Uint8Array | undefined
}

export type DiskImage = readonly (readonly [key: string, value: Uint8Array])[]

interface Writing {
  readonly batch: readonly DiskOperation[]
}

/** How a disk behaves. */
export interface DiskManner {
  /** Milliseconds that a write takes at most. */
  writeMs: number
  /** Milliseconds that a read takes at most; 0: none at all. */
  readMs: number
  /** What is said to have failed for want of room may be there all the same, of documents. */
  isUnsure?: boolean
}

/**
 * An ordered map on a disk, written in batches that are there whole or not at all, as LevelDB and IndexedDB promise. A
 * crash loses batches from the end: those under way, and those that nobody had synced; a batch that was torn is not there.
 */
export class Disk {
  isFull = false
  readonly #values = new Map<string, Uint8Array>()
  /** Ascending. */
  readonly #keys: string[] = []
  /** What undoes the batches that were not synced, oldest first. */
  #unsynced: DiskOperation[][] = []
  #underWay: Writing[] = []
  #lastDone = 0

  constructor(
    readonly name: string,
    readonly world: World,
    private readonly random: Random,
    private readonly trace: Trace,
    private readonly manner: DiskManner,
    image: DiskImage = [],
  ) {
    for (const [key, value] of image) this.#put(key, value)
  }

  get(key: string): Uint8Array | undefined {
    return this.#values.get(key)
  }

  /** Whether nothing of what is there with `from <= key < to` could be lost with the power. */
  isSynced(from: string, to: string): boolean {
    return this.#unsynced.every((undo) => undo.every(({ key }) => key < from || key >= to))
  }

  /** Entries with `from <= key < to`, ascending. */
  range(from: string, to: string): (readonly [key: string, value: Uint8Array])[] {
    const end = this.#position(to)
    const found: (readonly [string, Uint8Array])[] = []
    for (let at = this.#position(from); at < end; at++) {
      const key = this.#keys[at]!
      found.push([key, this.#values.get(key)!])
    }
    return found
  }

  /** All or nothing, `ms` later. `allow` has the last word at that moment. Fails with STORE_QUOTA on a full disk. */
  write(batch: readonly DiskOperation[], sync: boolean, allow: () => void = () => undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const writing = { batch }
      this.#underWay.push(writing)
      const done = Math.max(this.#lastDone, this.world.now + this.random.below(1 + this.manner.writeMs * 8) / 8)
      this.#lastDone = done
      this.world.schedule(done - this.world.now, () => {
        const at = this.#underWay.indexOf(writing)
        // A crash came first.
        if (at < 0) return
        this.#underWay.splice(at, 1)
        try {
          allow()
          if (this.isFull && batch.some(({ value }) => value !== undefined)) {
            const isOfDocument = batch.some(({ key }) => key.startsWith("u/"))
            if (this.manner.isUnsure === true && isOfDocument && this.random.oneIn(2)) this.#apply(batch)
            throw new WeftError("STORE_QUOTA", "the disk is full")
          }
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)))
          return
        }
        this.trace.mark("write", this.name, batch.length)
        this.#apply(batch)
        if (sync) this.#unsynced = []
        resolve()
      })
    })
  }

  /** Milliseconds until all that is to be written so far is there. */
  get landedMs(): number {
    return Math.max(0, this.#lastDone - this.world.now)
  }

  /** Resolves when a read that begins now may see what is there. */
  reading(): Promise<void> | undefined {
    const { readMs } = this.manner
    if (readMs === 0) return undefined
    return new Promise((resolve) => {
      this.world.schedule(this.random.below(readMs * 8) / 8, resolve)
    })
  }

  /** The power goes: of what was not synced, a beginning is there afterwards. */
  crash(): void {
    const underWay = this.#underWay
    this.#underWay = []
    const keep = this.random.below(this.#unsynced.length + underWay.length + 1)
    for (const { batch } of underWay.slice(0, Math.max(0, keep - this.#unsynced.length))) this.#apply(batch)
    for (const undo of this.#unsynced.splice(keep).reverse()) this.#apply(undo)
    this.#unsynced = []
  }

  /** The process alone goes: what it had handed over is there afterwards. */
  endProcess(): void {
    for (const { batch } of this.#underWay.splice(0)) {
      if (!this.isFull) this.#apply(batch)
    }
  }

  image(): DiskImage {
    return this.#keys.map((key) => [key, this.#values.get(key)!])
  }

  replace(image: DiskImage): void {
    this.#underWay = []
    this.#unsynced = []
    this.#values.clear()
    this.#keys.length = 0
    for (const [key, value] of image) this.#put(key, value)
  }

  #apply(batch: readonly DiskOperation[]): void {
    const undo: DiskOperation[] = []
    for (const { key, value } of batch) {
      undo.push({ key, value: this.#values.get(key) })
      if (value === undefined) this.#delete(key)
      else this.#put(key, value)
    }
    this.#unsynced.push(undo.reverse())
  }

  #put(key: string, value: Uint8Array): void {
    if (!this.#values.has(key)) this.#keys.splice(this.#position(key), 0, key)
    this.#values.set(key, value)
  }

  #delete(key: string): void {
    if (this.#values.delete(key)) this.#keys.splice(this.#position(key), 1)
  }

  /** Index of the first key that is not below `key`. */
  #position(key: string): number {
    let low = 0
    let high = this.#keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareText(this.#keys[middle]!, key) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}
