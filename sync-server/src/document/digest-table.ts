import {
  compareText,
  conversationOf,
  documentParts,
  emptySummary,
  equalBytes,
  rootDigestOf,
  wireDigest,
  type ConversationId,
  type DocumentName,
} from "@weft/sdk/protocol"
import type { ConversationDigests, Store } from "../store/store.js"
import { digestOf } from "./digest.js"

/** Conversations whose digests are kept in memory, about 400 bytes each: memory follows the ones in use. */
const MAX_ROWS = 16_384

const noRegisters = new Uint8Array(32)

/** What is durable of one conversation. */
export class DigestRow {
  readonly conversation: ConversationId
  /** Each digest as a text of one byte a letter: an array of 32 bytes takes five times the memory. */
  readonly #documents = new Map<DocumentName, string>()
  #registers: Uint8Array | undefined
  #root: Uint8Array | undefined

  constructor({ conversation, documents, registers }: ConversationDigests) {
    this.conversation = conversation
    this.#registers = registers
    for (const { document, digest } of documents) {
      if (!equalBytes(digest, digestOf(emptySummary(document)))) this.#documents.set(document, textOf(digest))
    }
  }

  /** A document without contents counts for nothing: it has no digest here. [SPEC D2] */
  set(document: DocumentName, digest: Uint8Array | undefined): void {
    if (digest === undefined) this.#documents.delete(document)
    else this.#documents.set(document, textOf(digest))
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
    return Array.from(this.#documents, ([document, digest]) => ({
      document,
      digest: wireDigest(bytesOf(digest)),
    })).sort((a, b) => compareDocuments(a.document, b.document))
  }

  /** The conversation's digest as frames carry it; undefined where nothing of it is here. */
  get root(): Uint8Array | undefined {
    if (this.#documents.size === 0) return undefined
    const documents = Array.from(this.#documents, ([name, digest]) => ({ name, digest: bytesOf(digest) }))
    return (this.#root ??= wireDigest(rootDigestOf(this.conversation, documents, this.#registers)))
  }
}

function textOf(digest: Uint8Array): string {
  return Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength).toString("latin1")
}

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "latin1"))
}

/** A row that is being read. */
interface Reading {
  readonly row: Promise<DigestRow>
  /** What became durable meanwhile. */
  readonly late: ((row: DigestRow) => void)[]
}

/** Digests of what is stored, so that comparing opens no document: of the conversations in use in memory, of the rest in the store. */
export class DigestTable {
  readonly #store: Pick<Store, "digests" | "digestsAfter">
  readonly #maxRows: number
  /** By use, the longest unused first. */
  readonly #rows = new Map<ConversationId, DigestRow>()
  readonly #reading = new Map<ConversationId, Reading>()

  constructor(store: Pick<Store, "digests" | "digestsAfter">, maxRows = MAX_ROWS) {
    this.#store = store
    this.#maxRows = maxRows
  }

  /** The digests of a conversation, for this task: later ones ask again. Rejects with STORE_*. */
  async of(conversation: ConversationId): Promise<DigestRow> {
    const known = this.#rows.get(conversation)
    if (known !== undefined) {
      this.#rows.delete(conversation)
      this.#rows.set(conversation, known)
      return known
    }
    const reading = this.#reading.get(conversation)
    if (reading !== undefined) return reading.row
    const row = this.#read(conversation)
    this.#reading.set(conversation, { row, late: [] })
    return row
  }

  /** All conversations, one after another, without keeping them. */
  async *all(): AsyncGenerator<DigestRow> {
    for (let after: ConversationId | undefined; ;) {
      const page = await this.#store.digestsAfter(after)
      for (const stored of page) yield this.#rows.get(stored.conversation) ?? new DigestRow(stored)
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
    const row = this.#rows.get(conversation)
    if (row !== undefined) change(row)
    else this.#reading.get(conversation)?.late.push(change)
  }

  async #read(conversation: ConversationId): Promise<DigestRow> {
    try {
      const row = new DigestRow(await this.#store.digests(conversation))
      for (const change of this.#reading.get(conversation)?.late ?? []) change(row)
      this.#rows.set(conversation, row)
      const [oldest] = this.#rows.keys()
      if (oldest !== undefined && this.#rows.size > this.#maxRows) this.#rows.delete(oldest)
      return row
    } finally {
      this.#reading.delete(conversation)
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
