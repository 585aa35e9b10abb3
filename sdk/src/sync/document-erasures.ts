import type { ControlState } from "../authority/project.js"
import { destroyedMessages, dueTimes } from "../authority/gate.js"
import type { Env } from "../base/env.js"
import { readStored } from "../base/errors.js"
import { punch, readContents, type Contents } from "../log/contents.js"
import { draftHash, type Draft } from "../log/draft.js"
import { asidePrefix, refusedPrefix } from "../log/keys.js"
import type { DocumentSummary } from "../log/summary.js"
import { encodeUpdate } from "../log/update.js"
import type { Signer } from "../log/writer.js"
import type { BodyHash, MessageId } from "../protocol/entry.js"
import { deviceIdOf, type DocumentName } from "../protocol/names.js"
import { prefixRange, type Storage, type StorageOperation } from "../storage/storage.js"
import type { Compactor } from "./compactor.js"
import { concerns, type DocumentDrafts } from "./document-drafts.js"
import type { OpenDocument } from "./open-document.js"
import { decodeRefused } from "./refused.js"
import type { StoredDocument } from "./stored-document.js"

export interface ErasurePorts {
  readonly env: Pick<Env, "now">
  readonly storage: Storage
  readonly signer: Pick<Signer, "publicKey">
  /** Takes the bytes of what was erased out of the storage's files. */
  readonly compactor: Compactor
  /** The authority over this document. */
  state(): ControlState
  /** These were erased, and are kept no more. */
  forgetRefused(hashes: readonly BodyHash[]): void
}

/** Where a document's texts are. */
interface Holdings {
  readonly stored: StoredDocument
  readonly drafts: DocumentDrafts
  readonly opened: OpenDocument
  /** Undefined where the summary alone is here. */
  contents(): Promise<Contents | undefined>
}

/** Takes what the erase records of a document name, and is due, out of all that a device holds of it. [SPEC X3, X6] */
export class DocumentErasures {
  /** When, and by which authority, it was last done: what was due by then is gone. */
  private last: { readonly at: number; readonly state: ControlState } | undefined
  /** It was begun, and has not ended well. */
  private isUnderWay = false

  constructor(
    private readonly name: DocumentName,
    private readonly holdings: Holdings,
    private readonly ports: ErasurePorts,
  ) {}

  /** Whether the document holds, or may hold, what was to be destroyed, as the storage did not take that. */
  get areLeft(): boolean {
    return this.isUnderWay
  }

  /** When something is to be destroyed next; Infinity: nothing waits for that, 0: it may be due. */
  next(summary: DocumentSummary): number {
    if (summary.records.size === 0) return Infinity
    const state = this.ports.state()
    const { at, state: known } = this.last ?? {}
    if (at === undefined || known !== state) return 0
    return dueTimes(summary, state).reduce((first, due) => (due > at ? Math.min(first, due) : first), Infinity)
  }

  /** Remembers, in the batch where texts go, that the files are to be compacted. */
  marks(erased: number): StorageOperation[] {
    return erased > 0 ? this.ports.compactor.operations(this.name) : []
  }

  /** Destroys what is due in the stored bytes, the open document and the drafts: those that went. Rejects with STORE_*. */
  async carryOut(summary: DocumentSummary): Promise<readonly Draft[]> {
    if (summary.records.size === 0) return []
    const { stored, opened } = this.holdings
    const now = { at: this.ports.env.now(), state: this.ports.state() }
    this.last = undefined
    this.isUnderWay = true
    const destroyed = destroyedMessages(summary, now.state, now.at)
    const isErased = (message: MessageId): boolean => destroyed.has(message)
    const contents = await this.holdings.contents()
    const { runs, punched } = punch(contents?.values() ?? [], isErased)
    if (punched > 0) {
      await stored.rewrite(runs, summary, this.marks(punched))
      this.ports.compactor.request(this.name)
      opened.apply(runs)
    }
    await this.fromAsides(isErased)
    await this.fromRefused(isErased)
    const gone = await this.fromDrafts(summary)
    this.last = now
    this.isUnderWay = false
    return gone
  }

  /** What a cut had set aside is no place to keep what was erased. */
  private async fromAsides(isErased: (message: MessageId) => boolean): Promise<void> {
    const batch: StorageOperation[] = []
    for (const { key, value } of await this.ports.storage.scan(prefixRange(asidePrefix(this.name)))) {
      const contents = readStored(key, () => readContents([value]))
      const { runs, punched } = punch(contents.values(), isErased)
      if (punched > 0) batch.push({ kind: "put", key, value: encodeUpdate(runs) })
    }
    await this.write(batch)
  }

  /** What one server refused another may have taken, and another device erased. [SPEC X6] */
  private async fromRefused(isErased: (message: MessageId) => boolean): Promise<void> {
    const device = deviceIdOf(this.ports.signer.publicKey)
    const rows = await this.ports.storage.scan(prefixRange(refusedPrefix(this.name)))
    const gone = rows.flatMap(({ key, value }) => {
      const { draft } = readStored(key, () => decodeRefused(value))
      return concerns(device, draft, isErased) ? [{ key, hash: draftHash(draft) }] : []
    })
    await this.write(gone.map(({ key }) => ({ kind: "delete", key })))
    if (gone.length > 0) this.ports.forgetRefused(gone.map(({ hash }) => hash))
  }

  /** A backup or a clone may hold the draft of a message that was sealed elsewhere, and erased: it is not written again. */
  async fromDrafts(summary: DocumentSummary): Promise<readonly Draft[]> {
    const { drafts } = this.holdings
    if (summary.records.size === 0 || drafts.all.length === 0) return []
    const destroyed = destroyedMessages(summary, this.ports.state(), this.ports.env.now())
    const gone = drafts.concernedBy((message) => destroyed.has(message))
    if (gone.length === 0) return []
    await drafts.settled()
    await this.write(drafts.removals(gone))
    drafts.removed(gone)
    return gone
  }

  private async write(batch: readonly StorageOperation[]): Promise<void> {
    if (batch.length === 0) return
    await this.holdings.stored.write([...batch, ...this.marks(batch.length)])
    this.ports.compactor.request(this.name)
  }
}
