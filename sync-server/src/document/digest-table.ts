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

interface Row {
  readonly documents: Map<DocumentName, Uint8Array>
  /** Of its receipt registers; undefined where there are none. */
  registers: Uint8Array | undefined
  root: Uint8Array | undefined
}

const noRegisters = new Uint8Array(32)

/** Digests of all stored documents, in memory: about 100 bytes each, so that comparing opens none. */
export class DigestTable {
  readonly #rows = new Map<ConversationId, Row>()

  /** What is durable now. A document without contents counts for nothing. [SPEC D2] */
  set(document: DocumentName, digest: Uint8Array): void {
    const conversation = conversationOf(document)
    const row = this.#row(conversation)
    if (equalBytes(digest, digestOf(emptySummary(document)))) row.documents.delete(document)
    else row.documents.set(document, digest)
    this.#changed(conversation, row)
  }

  /** Counts where the conversation has documents, or will have: one write may make both durable. */
  setRegisters(conversation: ConversationId, digest: Uint8Array | undefined): void {
    const row = this.#row(conversation)
    row.registers = digest
    this.#changed(conversation, row)
  }

  #row(conversation: ConversationId): Row {
    let row = this.#rows.get(conversation)
    if (row === undefined) {
      this.#rows.set(conversation, (row = { documents: new Map(), registers: undefined, root: undefined }))
    }
    return row
  }

  #changed(conversation: ConversationId, row: Row): void {
    row.root = undefined
    if (row.documents.size === 0 && row.registers === undefined) this.#rows.delete(conversation)
  }

  /** As frames carry it: zero where there are none. */
  registers(conversation: ConversationId): Uint8Array {
    return wireDigest(this.#rows.get(conversation)?.registers ?? noRegisters)
  }

  has(document: DocumentName): boolean {
    return this.#rows.get(conversationOf(document))?.documents.has(document) ?? false
  }

  *conversations(): Iterable<ConversationId> {
    for (const [conversation, { documents }] of this.#rows) if (documents.size > 0) yield conversation
  }

  /** Number of documents of all conversations. */
  get size(): number {
    let size = 0
    for (const { documents } of this.#rows.values()) size += documents.size
    return size
  }

  /** Number of documents that a conversation has. */
  count(conversation: ConversationId): number {
    return this.#rows.get(conversation)?.documents.size ?? 0
  }

  /** Documents with their digests as frames carry them; control first, then segments by number. */
  documents(conversation: ConversationId): { document: DocumentName; digest: Uint8Array }[] {
    const documents = Array.from(this.#rows.get(conversation)?.documents ?? [])
    return documents
      .map(([document, digest]) => ({ document, digest: wireDigest(digest) }))
      .sort((a, b) => compareDocuments(a.document, b.document))
  }

  /** The conversation's digest as frames carry it; undefined where nothing of it is here. */
  root(conversation: ConversationId): Uint8Array | undefined {
    const row = this.#rows.get(conversation)
    if (row === undefined || row.documents.size === 0) return undefined
    row.root ??= wireDigest(
      rootDigestOf(
        conversation,
        Array.from(row.documents, ([name, digest]) => ({ name, digest })),
        row.registers,
      ),
    )
    return row.root
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
