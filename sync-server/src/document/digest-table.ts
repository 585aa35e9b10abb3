import {
  compareText,
  conversationOf,
  digestOf,
  documentParts,
  emptySummary,
  equalBytes,
  rootDigestOf,
  wireDigest,
  type ConversationId,
  type DocumentName,
} from "@weft/sdk/protocol"
import type { ConversationDigests, Store } from "../store/store.js"

/** Conversations whose digests are kept in memory, about 500 bytes each: memory follows the ones in use. */
const MAX_ROWS = 16_384

const noRegisters = new Uint8Array(32)

/** What is durable of one conversation. */
export class DigestRow {
  readonly conversation: ConversationId
  readonly #documents = new Map<DocumentName, Uint8Array>()
  #registers: Uint8Array | undefined
  #root: Uint8Array | undefined

  constructor({ conversation, documents, registers }: ConversationDigests) {
    this.conversation = conversation
    this.#registers = registers
    for (const { document, digest } of documents) {
      if (!equalBytes(digest, digestOf(emptySummary(document)))) this.#documents.set(document, digest)
    }
  }

  /** A document without contents counts for nothing: it has no digest here. [SPEC D2] */
  set(document: DocumentName, digest: Uint8Array | undefined): void {
    if (digest === undefined) this.#documents.delete(document)
    else this.#documents.set(document, digest)
    this.#root = undefined
  }

  /** Counts where the conversation has documents, or will have: one write may make both durable. */
  setRegisters(digest: Uint8Array | undefined): void {
    this.#registers = digest
    this.#root = undefined
  }

  /** As frames carry it: zero where there are none. */
  get registers(): Uint8Array {
    return wireDigest(this.#registers ?? noRegisters)
  }

  has(document: DocumentName): boolean {
    return this.#documents.has(document)
  }

  /** Number of its documents. */
  get count(): number {
    return this.#documents.size
  }

  /** Documents with their digests as frames carry them; control first, then segments by number. */
  get documents(): { document: DocumentName; digest: Uint8Array }[] {
    return Array.from(this.#documents, ([document, digest]) => ({ document, digest: wireDigest(digest) })).sort(
      (a, b) => compareDocuments(a.document, b.document),
    )
  }

  /** The conversation's digest as frames carry it; undefined where nothing of it is here. */
  get root(): Uint8Array | undefined {
    if (this.#documents.size === 0) return undefined
    const documents = Array.from(this.#documents, ([name, digest]) => ({ name, digest }))
    return (this.#root ??= wireDigest(rootDigestOf(this.conversation, documents, this.#registers)))
  }
}

interface Slot {
  readonly loading: Promise<DigestRow>
  row: DigestRow | undefined
  /** What became durable while it was read. */
  readonly late: ((row: DigestRow) => void)[]
}

/** Digests of what is stored, so that comparing opens no document: of the conversations in use in memory, of the rest in the store. */
export class DigestTable {
  readonly #store: Pick<Store, "digests" | "digestsAfter">
  readonly #maxRows: number
  /** By use, the longest unused first. */
  readonly #slots = new Map<ConversationId, Slot>()

  constructor(store: Pick<Store, "digests" | "digestsAfter">, maxRows = MAX_ROWS) {
    this.#store = store
    this.#maxRows = maxRows
  }

  /** The digests of a conversation, for this task: later ones ask again. Rejects with STORE_*. */
  of(conversation: ConversationId): Promise<DigestRow> {
    const known = this.#slots.get(conversation)
    if (known !== undefined) {
      this.#slots.delete(conversation)
      this.#slots.set(conversation, known)
      return known.loading
    }
    const slot: Slot = { loading: this.#load(conversation), row: undefined, late: [] }
    this.#slots.set(conversation, slot)
    this.#forgetOldest()
    return slot.loading
  }

  /** All conversations, one after another, without keeping them. */
  async *all(): AsyncGenerator<DigestRow> {
    for (let after: ConversationId | undefined; ;) {
      const page = await this.#store.digestsAfter(after)
      for (const stored of page) yield this.#slots.get(stored.conversation)?.row ?? new DigestRow(stored)
      after = page.at(-1)?.conversation
      if (after === undefined) return
    }
  }

  /** What is durable now; undefined: the document is empty. */
  set(document: DocumentName, digest: Uint8Array | undefined): void {
    this.#change(conversationOf(document), (row) => {
      row.set(document, digest)
    })
  }

  /** The same of a conversation's registers; undefined: there are none any more. */
  setRegisters(conversation: ConversationId, digest: Uint8Array | undefined): void {
    this.#change(conversation, (row) => {
      row.setRegisters(digest)
    })
  }

  /** Of what is not in memory the store knows it already. */
  #change(conversation: ConversationId, change: (row: DigestRow) => void): void {
    const slot = this.#slots.get(conversation)
    if (slot?.row !== undefined) change(slot.row)
    else slot?.late.push(change)
  }

  async #load(conversation: ConversationId): Promise<DigestRow> {
    try {
      const row = new DigestRow(await this.#store.digests(conversation))
      const slot = this.#slots.get(conversation)
      for (const change of slot?.late.splice(0) ?? []) change(row)
      if (slot !== undefined) slot.row = row
      return row
    } catch (error) {
      this.#slots.delete(conversation)
      throw error
    }
  }

  #forgetOldest(): void {
    if (this.#slots.size <= this.#maxRows) return
    for (const [conversation, { row }] of this.#slots) {
      // One that is being read would miss what becomes durable meanwhile.
      if (row === undefined) continue
      this.#slots.delete(conversation)
      return
    }
  }
}

/** Authority before what needs it, and segments in the order in which they may be opened. */
export function compareDocuments(a: DocumentName, b: DocumentName): number {
  const [one, other] = [documentParts(a), documentParts(b)]
  if (one.kind === "control" || other.kind === "control") {
    return one.kind === other.kind ? compareText(a, b) : one.kind === "control" ? -1 : 1
  }
  return one.segment - other.segment || compareText(a, b)
}
