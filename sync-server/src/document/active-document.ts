import {
  decodeSummary,
  emptySummary,
  encodeSummary,
  encodeUpdate,
  readContents,
  RecentUpdates,
  replayUpdates,
  WeftError,
  type Contents,
  type DocumentName,
  type DocumentSummary,
  type LogRun,
} from "@weft/sdk/protocol"
import type { Store, StoredDocument } from "../store/store.js"
import { stateVectorOf } from "../store/values.js"
import { readable } from "./damage.js"
import { digestOf } from "./digest.js"

/** A document in memory: its summary, which the check advances, and what is on its way to the disk. Its contents stay in the store. */
export class ActiveDocument {
  readonly name: DocumentName
  /** Covers all that was accepted, durable or on its way. */
  summary: DocumentSummary
  /** Stored updates and their bytes, about: they decide when to merge. */
  updates: number
  bytes: number
  /** Resolves when all that was accepted so far is durable; rejects where it can't be. */
  durable: Promise<void> = Promise.resolve()
  /** Void with an erasure: no text outlives it here. */
  readonly recent = new RecentUpdates()
  readonly #store: Store
  /** Bytes of updates since the stored summary, and its size: it is written again once that is amortized. */
  #uncovered = 0
  #summaryBytes = 0

  private constructor(name: DocumentName, store: Store, summary: DocumentSummary, stored?: StoredDocument) {
    this.name = name
    this.#store = store
    this.summary = summary
    this.updates = stored?.updates ?? 0
    this.bytes = stored?.bytes ?? 0
    this.#summaryBytes = stored?.summary?.length ?? 0
    this.#uncovered = stored?.later.reduce((sum, update) => sum + update.length, 0) ?? 0
  }

  /** Rejects with DamagedDocument where it can't be read. */
  static async load(name: DocumentName, store: Store): Promise<ActiveDocument> {
    return readable(name, async () => {
      const stored = await store.load(name)
      if (stored === undefined) return new ActiveDocument(name, store, emptySummary(name))
      const summary = stored.summary === undefined ? emptySummary(name) : decodeSummary(name, stored.summary)
      replayUpdates(summary, stored.later)
      return new ActiveDocument(name, store, summary, stored)
    })
  }

  get isEmpty(): boolean {
    return this.summary.logs.size === 0 && this.summary.records.size === 0
  }

  /** Writes runs that the summary covers already. */
  append(
    runs: readonly LogRun[],
    { erases = false, covers = false }: AppendOptions = {},
  ): { readonly durable: Promise<void>; readonly digest: Uint8Array } {
    const update = encodeUpdate(runs)
    this.#uncovered += update.length
    const summary = covers || this.#uncovered >= this.#summaryBytes ? encodeSummary(this.summary) : undefined
    if (summary !== undefined) {
      this.#uncovered = 0
      this.#summaryBytes = summary.length
    }
    const digest = digestOf(this.summary)
    const written = this.#store.append({
      document: this.name,
      update,
      digest,
      ...(summary && { summary }),
      ...(erases && { erases }),
      ...(this.updates === 0 && { stateVector: stateVectorOf(runs) }),
    })
    this.updates++
    this.bytes += update.length
    if (erases) this.recent.clear()
    else this.recent.add(update)
    this.durable = Promise.all([this.durable, written]).then(() => undefined)
    // Whoever waits for it hears of a failure; nobody may be waiting.
    this.durable.catch(() => undefined)
    return { durable: this.durable, digest }
  }

  /** All that was accepted, read from the store. Rejects with DamagedDocument where it can't be read. */
  async contents(): Promise<Contents> {
    await this.durable
    return readable(this.name, async () => {
      const { logs } = this.summary
      const contents = readContents(await this.#store.updates(this.name))
      for (const { client, count } of logs.values()) {
        // Else it would serve less than its digest says, for ever.
        if ((contents.get(client)?.elements.length ?? 0) < count) throw new RangeError("a stored log misses its end")
      }
      return contents
    })
  }

  /** What stands for the document in the store beside its contents. */
  describe(): { readonly summary: Uint8Array; readonly digest: Uint8Array } {
    const summary = encodeSummary(this.summary)
    this.#uncovered = 0
    this.#summaryBytes = summary.length
    return { summary, digest: digestOf(this.summary) }
  }

  /** The store holds so many updates fewer. */
  merged(fewer: number): void {
    this.updates -= fewer
    this.bytes = this.summary.bytes
  }

  /**
   * Puts what `change` makes of the contents in the place of everything stored. Nothing may be appended meanwhile; where
   * a merge came first, `change` is asked again.
   */
  async replace(change: (contents: Contents) => Promise<Replacement>): Promise<void> {
    await this.durable
    this.recent.clear()
    for (;;) {
      const stored = await this.#store.load(this.name)
      if (stored === undefined) return
      const { runs, summary } = await change(await this.contents())
      const digest = digestOf(summary)
      const encoded = encodeSummary(summary)
      const { clock: covers, generation } = stored
      const [document, update, stateVector] = [this.name, encodeUpdate(runs), stateVectorOf(runs)]
      // What was made of contents that a merge took a text out of meanwhile is overwritten, and in the files still. [SPEC X7]
      const erased = summary.records.size > 0
      try {
        await this.#store.replace({
          document,
          update,
          summary: encoded,
          digest,
          stateVector,
          covers,
          erased,
          generation,
        })
      } catch (error) {
        if (error instanceof WeftError && error.code === "STORE_FENCED") continue
        throw error
      }
      this.summary = summary
      this.updates = 1
      this.bytes = update.length
      this.#uncovered = 0
      this.#summaryBytes = encoded.length
      return
    }
  }
}

export interface AppendOptions {
  /** There are new erase records. */
  readonly erases?: boolean
  /** The summary is written along: it says what no update does. */
  readonly covers?: boolean
}

interface Replacement {
  readonly runs: readonly LogRun[]
  readonly summary: DocumentSummary
}
