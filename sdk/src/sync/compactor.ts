import {
  asidePrefix,
  conversationRowKey,
  conversationRowRange,
  draftPrefix,
  erasedKey,
  erasedPrefix,
  refusedPrefix,
  updatePrefix,
} from "../log/keys.js"
import { conversationOf, parseDocumentName, type DocumentName } from "../protocol/names.js"
import { prefixRange, type KeyRange, type Storage, type StorageOperation } from "../storage/storage.js"

/** Everything under which a document's texts were ever stored. */
const rangesOf = (document: DocumentName): Pick<KeyRange, "from" | "to">[] => [
  ...[updatePrefix, draftPrefix, asidePrefix, refusedPrefix].map((prefix) => prefixRange(prefix(document))),
  conversationRowRange(conversationOf(document)),
]

/**
 * Takes the bytes of erased texts out of the storage's files, in the background, one document after another. Which
 * documents wait for it is stored with the erasure itself, so that a crash in between is made good at the next start. [SPEC X7]
 */
export class Compactor {
  private readonly waiting = new Set<DocumentName>()
  private running: Promise<void> | undefined
  private closed = false

  constructor(
    private readonly storage: Storage,
    private readonly report: (error: unknown) => void,
  ) {}

  /** Goes into the batch that takes a text out. */
  operations(document: DocumentName): StorageOperation[] {
    // The text may be the one that the list shows. [SPEC U13]
    const row: StorageOperation = { kind: "delete", key: conversationRowKey(conversationOf(document)) }
    return [row, ...this.marks(document)]
  }

  /** The same of what is let go of, and is no secret: the list may go on showing it. */
  marks(document: DocumentName): StorageOperation[] {
    if (this.storage.compact === undefined) return []
    return [{ kind: "put", key: erasedKey(document), value: new Uint8Array(0) }]
  }

  /** What was left of the last time. */
  async resume(): Promise<void> {
    if (this.storage.compact === undefined) return
    for (const { key } of await this.storage.scan(prefixRange(erasedPrefix))) {
      const name = parseDocumentName(key.slice(erasedPrefix.length))?.name
      if (name !== undefined) this.request(name)
    }
  }

  request(document: DocumentName): void {
    if (this.storage.compact === undefined || this.closed) return
    this.waiting.add(document)
    this.running ??= this.run().finally(() => {
      this.running = undefined
    })
  }

  /** Finishes the document under way; the others are remembered. */
  async close(): Promise<void> {
    this.closed = true
    while (this.running !== undefined) await this.running
  }

  private async run(): Promise<void> {
    // What is asked for meanwhile is appended to the set, and found too.
    for (const document of this.waiting) {
      if (this.closed) return
      this.waiting.delete(document)
      try {
        for (const range of rangesOf(document)) await this.storage.compact?.(range)
        // What was erased meanwhile waits again, and has written its own mark.
        if (this.waiting.has(document)) continue
        await this.storage.write([{ kind: "delete", key: erasedKey(document) }], { durability: "relaxed" })
      } catch (error) {
        this.report(error)
        return
      }
    }
  }
}
