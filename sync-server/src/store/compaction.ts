import type { StoredName } from "./store.js"
import type { Database, Operation } from "./database.js"
import { contentsRange, erasedKey, erasedRange, parseKey } from "./keys.js"

export interface CompactionPorts {
  readonly database: Database
  /** Writes in the store's own order. */
  write(operation: Operation): Promise<void>
}

/** Takes the bytes of erased texts out of LevelDB's files: in the background, one document after another. [SPEC X7] */
export class Compaction {
  readonly #ports: CompactionPorts
  readonly #waiting = new Set<StoredName>()
  #running: Promise<void> | undefined
  #closed = false

  constructor(ports: CompactionPorts) {
    this.#ports = ports
  }

  /** What was left of the last time. */
  async resume(): Promise<void> {
    const found = await this.#ports.database.scan(erasedRange, (key) => {
      const parsed = parseKey(key)
      return parsed?.kind === "erased" ? (parsed.document as StoredName) : undefined
    })
    for (const document of found) this.request(document)
  }

  request(document: StoredName): void {
    if (this.#closed) return
    this.#waiting.add(document)
    this.#running ??= this.#run()
  }

  /** Goes on with what failed: the store takes writes again. */
  retry(): void {
    for (const document of this.#waiting) this.request(document)
  }

  /** Finishes the document under way; the others are remembered. */
  async close(): Promise<void> {
    this.#closed = true
    while (this.#running !== undefined) await this.#running
  }

  /** Never rejects: a store that fails says so itself; its recovery, the next erasure or start tries again. */
  async #run(): Promise<void> {
    // What is asked for meanwhile is appended to the set, and found too.
    for (const document of this.#waiting) {
      if (this.#closed) break
      this.#waiting.delete(document)
      try {
        await this.#compact(document)
        if (!this.#waiting.has(document)) await this.#ports.write({ key: erasedKey(document), value: undefined })
      } catch {
        this.#waiting.add(document)
        break
      }
    }
    // In the same turn: what is asked for from now on is not seen any more.
    this.#running = undefined
  }

  /**
   * LevelDB drops what is deleted when it merges tables, and never looks into a single one: so the range is compacted twice,
   * each time with a fresh table above it that spans the range. The first pass brings everything into tables, its own log
   * included; in the second whatever one table holds of old values is merged away.
   */
  async #compact(document: StoredName): Promise<void> {
    const range = contentsRange(document)
    for (let pass = 0; pass < 2; pass++) {
      for (const key of [range.gte, range.lt]) await this.#ports.write({ key, value: undefined })
      await this.#ports.database.compact?.(range)
    }
  }
}
