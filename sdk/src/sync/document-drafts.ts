import { readStored } from "../base/errors.js"
import {
  decodeDraft,
  draftEntry,
  draftHash,
  draftMessageId,
  encodeDraft,
  orderDrafts,
  type Draft,
} from "../log/draft.js"
import { targetOf } from "../log/erasure.js"
import { draftKey, draftPrefix } from "../log/keys.js"
import type { BodyHash, MessageId } from "../protocol/entry.js"
import type { DeviceId, DocumentName } from "../protocol/names.js"
import { prefixRange, type Storage, type StorageOperation } from "../storage/storage.js"
import { editedBy, recordOfDraft } from "./erase-draft.js"

export interface DraftPorts {
  readonly storage: Storage
  /** Resolves when the control entries that drafts of a segment name are on the disk: no crash leaves them without. [SPEC W1] */
  saveAuthority(): Promise<void>
}

/** A draft, and the one in whose place it stands: itself where it is as it was, undefined where that had been sealed. */
export interface Rewritten {
  readonly before: Draft | undefined
  readonly draft: Draft
}

/** What a device wrote in a document, and has not sealed yet: in memory at once, and on the disk as soon as may be. */
export class DocumentDrafts {
  private waiting: readonly Draft[] = []
  private readonly notDurable = new Set<Draft>()
  /** Of those, which are in memory alone for sure. */
  private readonly unkept = new Set<Draft>()
  private keeping: Promise<void> | undefined
  private erased: readonly Draft[] = []

  constructor(
    private readonly document: DocumentName,
    private readonly device: DeviceId,
    private readonly ports: DraftPorts,
  ) {}

  /** In the order of their writing. */
  get all(): readonly Draft[] {
    return this.waiting
  }

  /** Those that are in memory alone, or may be. */
  get unsaved(): readonly Draft[] {
    return Array.from(this.notDurable)
  }

  get hasUnsaved(): boolean {
    return this.notDurable.size > 0
  }

  /** What an erasure named and the disk may hold: it goes with the write that makes the erasure durable. [SPEC X6] */
  get withdrawn(): readonly Draft[] {
    return this.erased
  }

  isDurable(draft: Draft): boolean {
    return !this.notDurable.has(draft)
  }

  /** Takes in what the storage holds. */
  async read(): Promise<void> {
    const rows = await this.ports.storage.scan(prefixRange(draftPrefix(this.document)))
    const inMemory = new Set([...this.notDurable, ...this.erased].map(draftHash))
    const stored = rows
      .map(({ key, value }) => readStored(key, () => decodeDraft(value)))
      .filter((draft) => !inMemory.has(draftHash(draft)))
    this.waiting = [...orderDrafts(this.device, stored), ...this.notDurable]
  }

  /** Adds one, and takes out those that it erases, and edits of what it erases: they are returned. [SPEC X6] */
  add(draft: Draft): readonly Draft[] {
    const gone = this.erasedBy(draft)
    this.erased = [...this.erased, ...gone.filter((each) => !this.unkept.has(each))]
    this.forget(gone)
    this.notDurable.add(draft)
    this.unkept.add(draft)
    this.waiting = [...this.waiting, draft]
    return gone
  }

  private erasedBy(erasure: Draft): readonly Draft[] {
    const record = recordOfDraft(erasure)
    if (record === undefined) return []
    const target = targetOf(record)
    return this.concernedBy((message) => message === target)
  }

  /** Messages, and edits of them, that are erased. */
  concernedBy(isErased: (message: MessageId) => boolean): readonly Draft[] {
    return this.waiting.filter((draft) => concerns(this.device, draft, isErased))
  }

  areWaiting(drafts: readonly Draft[]): boolean {
    const waiting = new Set(this.waiting)
    return drafts.every((draft) => waiting.has(draft))
  }

  named(hash: BodyHash): Draft | undefined {
    return this.waiting.find((draft) => draftHash(draft) === hash)
  }

  /**
   * Begins to write what is new in this turn, whatever else is under way. It survives the end of the page or process then,
   * and is not durable yet. Not erasures: they go with what they take out, in one write. [SPEC W1, X6]
   */
  keep(): void {
    const fresh = Array.from(this.unkept).filter((draft) => draft.class !== "erase")
    if (fresh.length === 0) return
    for (const draft of fresh) this.unkept.delete(draft)
    const keeping = Promise.all([this.keeping, this.write(fresh)]).then(() => {
      if (this.keeping === keeping) this.keeping = undefined
    })
    this.keeping = keeping
  }

  private async write(drafts: readonly Draft[]): Promise<void> {
    try {
      await this.ports.saveAuthority()
      const batch = this.puts(drafts.filter((draft) => this.notDurable.has(draft)))
      if (batch.length > 0) await this.ports.storage.write(batch, { durability: "relaxed" })
    } catch {
      // Whatever makes them durable says what fails.
    }
  }

  /** Resolves when nothing is being kept that was begun before: what is removed from then on stays removed. */
  async settled(): Promise<void> {
    await this.keeping
  }

  puts(drafts: readonly Draft[]): StorageOperation[] {
    return drafts.map((draft) => ({ kind: "put", key: this.keyOf(draft), value: encodeDraft(draft) }))
  }

  removals(drafts: readonly Draft[]): StorageOperation[] {
    return drafts.map((draft) => ({ kind: "delete", key: this.keyOf(draft) }))
  }

  private keyOf(draft: Draft): string {
    return draftKey(this.document, draft.clock, draftHash(draft))
  }

  /** These were written so that they are durable. What was erased meanwhile is to go with its erasure. */
  saved(drafts: readonly Draft[]): void {
    this.settle(drafts)
    const known = new Set([...this.waiting, ...this.erased])
    this.erased = [...this.erased, ...drafts.filter((draft) => !known.has(draft))]
  }

  /** These are on the disk no more. */
  removed(drafts: readonly Draft[]): void {
    const gone = new Set(drafts)
    this.erased = this.erased.filter((draft) => !gone.has(draft))
    this.forget(drafts)
  }

  /**
   * What waited `before` was written anew, in this order, each in the place of its own `before` if it had one. What was
   * added or erased meanwhile stays so.
   */
  become(before: readonly Draft[], again: readonly Rewritten[]): void {
    const present = new Set(this.waiting)
    const late = again.filter((each) => each.before !== undefined && !present.has(each.before))
    const stays = again.filter((each) => !late.includes(each))
    const others = again.filter((each) => each.before !== each.draft)
    this.settle(others.flatMap((each) => each.before ?? []))
    this.erased = [...this.erased, ...late.filter((each) => others.includes(each)).map(({ draft }) => draft)]
    const replaced = new Set(before)
    this.waiting = [...stays.map(({ draft }) => draft), ...this.waiting.filter((draft) => !replaced.has(draft))]
  }

  private forget(drafts: readonly Draft[]): void {
    const gone = new Set(drafts)
    this.settle(gone)
    this.waiting = this.waiting.filter((draft) => !gone.has(draft))
  }

  private settle(drafts: Iterable<Draft>): void {
    for (const draft of drafts) {
      this.notDurable.delete(draft)
      this.unkept.delete(draft)
    }
  }
}

/** Whether a draft is a message, or an edit of one, that is erased. */
export function concerns(device: DeviceId, draft: Draft, isErased: (message: MessageId) => boolean): boolean {
  if (draft.class !== "message") return false
  if (isErased(draftMessageId(device, draft))) return true
  const of = editedBy(draftEntry(device, draft))
  return of !== undefined && isErased(of)
}
