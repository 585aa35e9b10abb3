import { inBackground, type Env, type Timer } from "../base/env.js"
import { WeftError } from "../base/errors.js"
import {
  asidePrefix,
  COMPACTED_KEY,
  conversationRowKey,
  conversationRowRange,
  draftPrefix,
  erasedKey,
  erasedPrefix,
  refusedPrefix,
  updatePrefix,
} from "../log/keys.js"
import { utf8, utf8Text } from "../protocol/bytes.js"
import {
  controlDocument,
  conversationOf,
  parseDocumentName,
  type ConversationId,
  type DocumentName,
} from "../protocol/names.js"
import { prefixRange, type KeyRange, type Storage, type StorageOperation } from "../storage/storage.js"

/** Everything under which a document's texts were ever stored. */
const rangesOf = (document: DocumentName): Range[] => [
  ...[updatePrefix, draftPrefix, asidePrefix, refusedPrefix].map((prefix) => prefixRange(prefix(document))),
  conversationRowRange(conversationOf(document)),
]

type Range = Pick<KeyRange, "from" | "to">

export interface CompactorPorts {
  readonly storage: Storage
  readonly env: Pick<Env, "now" | "setTimer" | "clearTimer" | "randomBytes">
  /** Takes a failure; what waits is tried again with the next request, or at the next start. */
  report(error: unknown): void
}

/** Takes what was erased out of what else is stored of a document's texts, and says where that is. */
export type Derived = (document: DocumentName) => Promise<readonly Range[]>

/** Which erasure a mark is of: what is erased while others' bytes are taken out is not yet. */
const MARK_BYTES = 8
/** Where all that is stored is rewritten, erasures are awaited that come together; milliseconds. */
const TOGETHER_MS = 10_000

/**
 * Takes the bytes of erased texts out of the storage's files, in the background: one document after another or, where a
 * compaction rewrites all that is stored, all at once and seldom. Which documents wait for it is stored with the erasure
 * itself, so that a crash in between is made good at the next start. [SPEC X7]
 */
export class Compactor {
  private readonly waiting = new Set<DocumentName>()
  private running: Promise<void> | undefined
  private timer: Timer
  private readonly closing = new AbortController()
  private derived: Derived = () => Promise.resolve([])

  constructor(private readonly ports: CompactorPorts) {}

  /** The search index, say. */
  useDerived(derived: Derived): void {
    this.derived = derived
  }

  /** Goes into the batch that takes a text out. */
  operations(document: DocumentName): StorageOperation[] {
    // The text may be the one that the list shows. [SPEC U13]
    const row: StorageOperation = { kind: "delete", key: conversationRowKey(conversationOf(document)) }
    return [row, ...this.marks(document)]
  }

  /** The same of what is let go of, and is no secret: the list may go on showing it, and room is all that there is to gain. */
  releaseOperations(document: DocumentName): StorageOperation[] {
    return this.ports.storage.compactEveryMs === undefined ? this.marks(document) : []
  }

  /** What was left of the last time. */
  async resume(): Promise<void> {
    if (this.ports.storage.compact === undefined) return
    for (const key of await this.ports.storage.keys(prefixRange(erasedPrefix))) {
      const name = parseDocumentName(key.slice(erasedPrefix.length))?.name
      if (name !== undefined) this.request(name)
    }
  }

  request(document: DocumentName): void {
    this.waiting.add(document)
    this.start()
  }

  requestRelease(document: DocumentName): void {
    if (this.ports.storage.compactEveryMs === undefined) this.request(document)
  }

  /** The row in the list of conversations was stored anew, and may have held a text before: marked with the control document. */
  async requestRow(conversation: ConversationId): Promise<void> {
    const document = controlDocument(conversation)
    const marks = this.marks(document)
    if (marks.length === 0) return
    try {
      await this.ports.storage.write(marks, { durability: "relaxed" })
    } catch (error) {
      if (!this.isClosed) this.ports.report(error)
    }
    this.request(document)
  }

  /** Finishes the document under way, or ends what takes longer; the others are remembered. */
  async close(): Promise<void> {
    this.closing.abort()
    this.ports.env.clearTimer(this.timer)
    while (this.running !== undefined) await this.running
  }

  private get isClosed(): boolean {
    return this.closing.signal.aborted
  }

  private start(): void {
    const { storage } = this.ports
    if (storage.compact === undefined || this.isClosed || this.running !== undefined) return
    if (storage.compactEveryMs === undefined) this.run(() => this.compactEach())
    else this.wait(TOGETHER_MS)
  }

  private wait(ms: number): void {
    this.timer ??= inBackground(
      this.ports.env.setTimer(ms, () => {
        this.timer = undefined
        this.run(() => this.compactAll())
      }),
    )
  }

  private run(work: () => Promise<void>): void {
    this.running = work().then(
      () => {
        this.running = undefined
        // asked for since it ended, or meanwhile
        if (this.waiting.size > 0) this.start()
      },
      (error: unknown) => {
        this.running = undefined
        if (!this.isClosed) this.ports.report(error)
      },
    )
  }

  private async compactEach(): Promise<void> {
    const { storage } = this.ports
    for (;;) {
      const [document] = this.waiting
      if (this.isClosed || document === undefined) return
      this.waiting.delete(document)
      const mark = await this.markOf(document)
      const ranges = await this.clear(document)
      if (ranges === undefined) continue
      await storage.compact?.(ranges)
      await this.forget(document, mark)
    }
  }

  private async compactAll(): Promise<void> {
    const { storage, env } = this.ports
    const every = storage.compactEveryMs ?? 0
    const last = (await storage.get(COMPACTED_KEY)) ?? utf8("-Infinity")
    const passed = env.now() - Number(utf8Text(last))
    // A clock that was set back makes nobody wait longer.
    if (passed >= 0 && passed < every) return this.wait(every - passed)
    const documents = Array.from(this.waiting)
    this.waiting.clear()
    const marks = new Map<DocumentName, Uint8Array | undefined>()
    const ranges: Range[] = []
    try {
      for (const document of documents) {
        this.closing.signal.throwIfAborted()
        const mark = await this.markOf(document)
        const cleared = await this.clear(document)
        if (cleared === undefined) continue
        marks.set(document, mark)
        ranges.push(...cleared)
      }
      // A copy of all that is stored takes nothing out, then.
      if (marks.size === 0) return
      await storage.compact?.(ranges, this.closing.signal)
    } catch (error) {
      // Nothing was lost: what is written goes on. The room for a second copy may be there another time.
      for (const document of documents) this.waiting.add(document)
      if (!this.isClosed) this.wait(every)
      if (codeOf(error) === "STORE_QUOTA") return
      throw error
    }
    const done: StorageOperation = { kind: "put", key: COMPACTED_KEY, value: utf8(String(env.now())) }
    await storage.write([done], { durability: "relaxed" })
    for (const [document, mark] of marks) await this.forget(document, mark)
  }

  private marks(document: DocumentName): StorageOperation[] {
    if (this.ports.storage.compact === undefined) return []
    return [{ kind: "put", key: erasedKey(document), value: this.ports.env.randomBytes(MARK_BYTES) }]
  }

  /** All ranges of a document, with nothing erased in them; undefined where one can't be read: it stays marked, and keeps no other waiting. */
  private async clear(document: DocumentName): Promise<readonly Range[] | undefined> {
    try {
      return [...rangesOf(document), ...(await this.derived(document))]
    } catch (error) {
      if (!this.isClosed) this.ports.report(error)
      return undefined
    }
  }

  private markOf(document: DocumentName): Promise<Uint8Array | undefined> {
    return this.ports.storage.get(erasedKey(document))
  }

  /** What was erased meanwhile, in any tab, has written another mark. */
  private async forget(document: DocumentName, mark: Uint8Array | undefined): Promise<void> {
    if (mark === undefined) return
    const key = erasedKey(document)
    const guard = { key, value: mark }
    try {
      await this.ports.storage.write([{ kind: "delete", key }], { durability: "relaxed", guard })
    } catch (error) {
      if (codeOf(error) !== "STORE_FENCED") throw error
    }
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof WeftError ? error.code : undefined
}
