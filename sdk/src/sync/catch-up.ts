import { readStored } from "../base/errors.js"
import { catchUpKey } from "../log/keys.js"
import type { MessageId } from "../protocol/entry.js"
import { segmentDocument, type ConversationId, type DocumentName, type LogId } from "../protocol/names.js"
import type { Storage, StorageOperation, WriteOptions } from "../storage/storage.js"
import { CatchUpReads } from "./catch-up-reads.js"
import type { ReplicaDocument } from "./document.js"

export interface CatchUpPorts {
  readonly storage: Storage
  guard(): WriteOptions["guard"]
  /** Segments that exist here, and documents in memory. */
  readonly knownDocuments: () => Iterable<DocumentName>
  readonly loadedDocuments: () => readonly ReplicaDocument[]
}

/**
 * The time in which a device has not had yet, once, all of a conversation that a server had when they compared it, and what
 * is read here meanwhile. [SPEC U10]
 */
export class CatchUp {
  private underWay = false
  private readonly noted = new CatchUpReads()
  private broughtUpTo: ((document: DocumentName, log: LogId) => number) | undefined

  constructor(
    private readonly id: ConversationId,
    private readonly ports: CatchUpPorts,
  ) {}

  get isUnderWay(): boolean {
    return this.underWay
  }

  /** What was read here since it began. */
  get reads(): Pick<CatchUpReads, "isEmpty" | "count" | "has"> {
    return this.noted
  }

  /** Elements of a log that came by it, once that is known. */
  get broughtTo(): ((document: DocumentName, log: LogId) => number) | undefined {
    return this.broughtUpTo
  }

  /** A server brings what was written before this device knew of the conversation. Durable before any of it is. */
  async begin(): Promise<void> {
    this.broughtUpTo = undefined
    await this.store()
    this.underWay = true
  }

  /** This user has read so much here, beyond what was read on any device; noted while it is under way alone. */
  async noteRead(
    vector: ReadonlyMap<number, ReadonlyMap<LogId, number>>,
    thread: MessageId | undefined,
  ): Promise<void> {
    if (!this.underWay || vector.size === 0) return
    for (const [segment, counts] of vector) this.noted.take(segmentDocument(this.id, segment), counts, thread)
    // The writer alone stores it; and nothing comes after the key was taken out.
    if (this.ports.guard() !== undefined && this.broughtUpTo === undefined) await this.store()
  }

  /** This device has it all: what comes from now on is no part of that, whenever somebody gets to it. */
  noteAll(): void {
    if (this.broughtUpTo !== undefined) return
    const known = new Set(this.ports.knownDocuments())
    const held = new Map(
      this.ports.loadedDocuments().map(({ name, summary }) => {
        return [name, new Map(Array.from(summary.logs.values(), ({ log, count }) => [log, count]))]
      }),
    )
    this.broughtUpTo = (document, log) => {
      const counts = held.get(document)
      return counts === undefined && known.has(document) ? Infinity : (counts?.get(log) ?? 0)
    }
  }

  /** What came by it was looked at. */
  async end(): Promise<void> {
    await this.write({ kind: "delete", key: catchUpKey(this.id) })
    this.underWay = false
    this.broughtUpTo = undefined
    this.noted.restore(new Uint8Array())
  }

  /** As the storage says. */
  async load(): Promise<void> {
    const key = catchUpKey(this.id)
    const stored = await this.ports.storage.get(key)
    this.underWay = stored !== undefined
    readStored(key, () => {
      if (stored !== undefined) this.noted.restore(stored)
    })
  }

  private store(): Promise<void> {
    return this.write({ kind: "put", key: catchUpKey(this.id), value: this.noted.encode() })
  }

  private async write(operation: StorageOperation): Promise<void> {
    const guard = this.ports.guard()
    await this.ports.storage.write([operation], { durability: "relaxed", ...(guard && { guard }) })
  }
}
