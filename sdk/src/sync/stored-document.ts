import * as decoding from "lib0/decoding"
import * as encoding from "lib0/encoding"
import { encodeBytes } from "../protocol/encode.js"
import { WeftError } from "../base/errors.js"
import { readContents, type Contents } from "../log/contents.js"
import { documentKey, imprintKey, numberOfUpdateKey, summaryKey, updateKey, updatePrefix } from "../log/keys.js"
import { replayUpdates } from "../log/rebuild.js"
import { RecentUpdates } from "../log/recent-updates.js"
import { decodeSummary, emptySummary, encodeSummary, type DocumentSummary } from "../log/summary.js"
import { encodeUpdate, type LogRun } from "../log/update.js"
import { conversationOf, type DocumentName } from "../protocol/names.js"
import { prefixRange, type Storage, type StorageEntry, type StorageOperation } from "../storage/storage.js"
import type { ImprintKeeper } from "./imprint-keeper.js"
import { SegmentAway } from "./segment-away.js"

/** Stored updates after which they are written as one. */
const MERGE_AFTER = 32
/** Stands for all updates where those were let go of. No update is empty. [SPEC U15] */
const AWAY = new Uint8Array(0)

export interface StoredDocumentPorts {
  readonly storage: Storage
  /** Of its conversation: what changes a digest takes it out. */
  readonly imprint: ImprintKeeper
  /** The writer's hold on the storage; undefined while another tab is the writer. */
  guard(): { readonly key: string; readonly value: Uint8Array } | undefined
}

/** What a device's storage holds of a document: updates by number, and a summary that covers those up to one of them. */
export class StoredDocument {
  readonly recent = new RecentUpdates()
  private number = 0
  private count = 0
  private away = false
  private unsure = false

  constructor(
    private readonly name: DocumentName,
    private readonly ports: StoredDocumentPorts,
  ) {}

  /** The number of the next update. */
  get next(): number {
    return this.number
  }

  get isMergeDue(): boolean {
    return this.count > MERGE_AFTER
  }

  /** Whether its summary alone is here, as far as was read. */
  get isAway(): boolean {
    return this.away
  }

  /** A write failed, and may be there all the same: what is known here may be less than what is stored, or more. */
  get isUnsure(): boolean {
    return this.unsure
  }

  /** What it adds up to. Rejects with STORE_CORRUPT. */
  async read(): Promise<DocumentSummary> {
    const { storage } = this.ports
    const [stored, updates] = await Promise.all([
      storage.get(summaryKey(this.name)),
      storage.scan(prefixRange(updatePrefix(this.name))),
    ])
    const { summary, covers } = this.readable(() => decodeStored(this.name, stored))
    this.away = updates.some(({ value }) => isAway(value))
    const later = updates.filter(({ key }) => numberOfUpdateKey(key) > covers)
    const values = later.map(({ value }) => value)
    this.readable(() => {
      replayUpdates(summary, values)
    })
    const last = updates.at(-1)
    this.number = last === undefined ? 0 : numberOfUpdateKey(last.key) + 1
    this.count = updates.length
    this.unsure = false
    this.recent.clear()
    return summary
  }

  /** As `read`, behind a write: only then is it certain what becomes of one that failed. Rejects with STORE_*. */
  async readAgain(): Promise<DocumentSummary> {
    await this.write([{ kind: "delete", key: imprintKey(conversationOf(this.name)) }])
    return this.read()
  }

  /**
   * Without what a failed write may have added. Rejects with STORE_CORRUPT, and with SEGMENT_AWAY where they were let go
   * of, also by another tab.
   */
  async contents(): Promise<Contents> {
    const entries = this.withoutUnsure(await this.ports.storage.scan(prefixRange(updatePrefix(this.name))))
    if (entries.some(({ value }) => isAway(value))) {
      // The tab that writes knows; this is read beside what it does.
      this.away ||= this.ports.guard() === undefined
      throw new SegmentAway(this.name)
    }
    return this.readable(() => readContents(entries.map(({ value }) => value)))
  }

  /** What failed and is there all the same may be lost with the power: nobody is told of it. What took the place of all is all there is. */
  private withoutUnsure(entries: readonly StorageEntry[]): readonly StorageEntry[] {
    if (!this.unsure) return entries
    const sure = entries.filter(({ key }) => numberOfUpdateKey(key) < this.number)
    return sure.length === 0 && this.number > 0 ? entries : sure
  }

  /** Writes as the writer; rejects with STORE_FENCED where another tab is. */
  async write(batch: readonly StorageOperation[], durability: "strict" | "relaxed" = "strict"): Promise<void> {
    const guard = this.ports.guard()
    if (guard === undefined) throw new WeftError("STORE_FENCED", "another tab is the writer")
    try {
      await this.ports.storage.write(batch, { durability, guard })
    } catch (error) {
      this.unsure = true
      throw error
    }
  }

  /** Adds an update, and writes more in the same batch. `covering`: the summary with it, which holds what no update does. */
  async append(
    update: Uint8Array,
    summary: DocumentSummary,
    more: readonly StorageOperation[] = [],
    { durability, covering = false }: { readonly durability?: "relaxed"; readonly covering?: boolean } = {},
  ): Promise<void> {
    // Nothing stands upon what is not there.
    if (this.away) throw new SegmentAway(this.name)
    const number = this.next
    // Reading replays what the summary does not cover: it is written with the first update and with each merge.
    const covers = covering || number === 0 ? this.summaryOperations(summary, number) : []
    await this.ports.imprint.change((forget) => {
      const put = { kind: "put", key: updateKey(this.name, number), value: update } as const
      return this.write([put, ...covers, ...forget, ...more], durability)
    })
    this.number = number + 1
    this.count++
    this.recent.add(update)
  }

  /** Writes a summary of what is stored already: it holds what no update does. */
  async cover(summary: DocumentSummary): Promise<void> {
    await this.ports.imprint.change((forget) =>
      this.write([...this.summaryOperations(summary, this.next - 1), ...forget]),
    )
  }

  /** Writes all contents as one update in the place of the stored ones, and more in the same batch. */
  async rewrite(
    runs: readonly LogRun[],
    summary: DocumentSummary,
    more: readonly StorageOperation[] = [],
  ): Promise<void> {
    const number = this.next
    const instead = await this.instead(encodeUpdate(runs), number)
    await this.ports.imprint.change((forget) =>
      this.write([...instead, ...this.summaryOperations(summary, number), ...forget, ...more]),
    )
    this.became(number, false)
  }

  /** Lets go of all contents: the summary stays, and so does the imprint, which is over that. Writes more in the same batch. */
  async letGo(summary: DocumentSummary, more: readonly StorageOperation[]): Promise<void> {
    const number = this.next
    const instead = await this.instead(AWAY, number)
    await this.write([...instead, ...this.summaryOperations(summary, number), ...more])
    this.became(number, true)
  }

  /** This under that number, and nothing else. */
  private async instead(value: Uint8Array, number: number): Promise<StorageOperation[]> {
    const old = await this.ports.storage.keys(prefixRange(updatePrefix(this.name)))
    const deletes = old.map((key): StorageOperation => ({ kind: "delete", key }))
    return [...deletes, { kind: "put", key: updateKey(this.name, number), value }]
  }

  private became(number: number, away: boolean): void {
    this.recent.clear()
    this.number = number + 1
    this.count = 1
    this.away = away
  }

  private summaryOperations(summary: DocumentSummary, covers: number): StorageOperation[] {
    return [
      { kind: "put", key: summaryKey(this.name), value: encodeStored(summary, covers) },
      { kind: "put", key: documentKey(this.name), value: new Uint8Array(0) },
    ]
  }

  private readable<T>(read: () => T): T {
    try {
      return read()
    } catch (error) {
      throw new WeftError("STORE_CORRUPT", `the stored document ${this.name} can't be read`, { cause: error })
    }
  }
}

function isAway(update: Uint8Array): boolean {
  return update.length === 0
}

/** A summary and the number of the last update that it covers, plus one; 0: none. */
function encodeStored(summary: DocumentSummary, covers: number): Uint8Array {
  return encodeBytes((encoder) => {
    encoding.writeVarUint(encoder, covers + 1)
    encoding.writeVarUint8Array(encoder, encodeSummary(summary))
  })
}

function decodeStored(name: DocumentName, bytes: Uint8Array | undefined): { summary: DocumentSummary; covers: number } {
  if (bytes === undefined) return { summary: emptySummary(name), covers: -1 }
  const decoder = decoding.createDecoder(bytes)
  const covers = decoding.readVarUint(decoder) - 1
  return { summary: decodeSummary(name, decoding.readVarUint8Array(decoder)), covers }
}
