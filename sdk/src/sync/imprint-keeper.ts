import { createQueue } from "../base/queue.js"
import { imprintKey } from "../log/keys.js"
import type { ConversationId, DocumentName } from "../protocol/names.js"
import type { StorageOperation } from "../storage/storage.js"
import { encodeImprint, type DocumentImprint, type Imprint } from "./imprint.js"

/**
 * Keeps one conversation's stored imprint true: what changes the conversation takes it out in the same transaction, and it
 * is written while nothing is under way. Adapters may write two batches in another order than they were asked to, as when
 * a connection was lost; so an imprint that is being written keeps changes waiting, and they it. [SPEC S13]
 */
export class ImprintKeeper {
  /** Tasks that may change the conversation, waiting ones too. */
  private tasks = 0
  private storing: Promise<void> | undefined
  /** Whether this tab is the writer, and has read what the storage holds. */
  private isKnown = false
  /** Whether the storage may hold one, and whether it is known to hold the last one. */
  private mayBeStored = true
  private isStored = false
  /** A write failed: the storage may hold more than is known here. */
  private isUnsure = false
  private held: Imprint | undefined

  /** `changed`: what is stored of the conversation is another now. */
  constructor(
    private readonly id: ConversationId,
    private readonly changed: () => void,
  ) {}

  /** The storage was read by the writer, and holds this. */
  adopt(imprint: Imprint | undefined): void {
    this.held = imprint
    this.isKnown = true
    this.isStored = this.mayBeStored = imprint !== undefined
    this.isUnsure = false
  }

  /** Another tab may write from now on. */
  release(): void {
    this.held = undefined
    this.isKnown = this.isStored = false
    this.mayBeStored = true
  }

  /** What the last one says of a document. It holds of those that were not read since. */
  of(document: DocumentName): DocumentImprint | undefined {
    return this.held?.documents.get(document)
  }

  /** Names the list's row that goes with what is stored. */
  get stamp(): string | undefined {
    return this.stored?.stamp
  }

  /** The one that is stored. */
  get stored(): Imprint | undefined {
    return this.isStored ? this.held : undefined
  }

  /** Whether nothing is under way, and what is stored is known. */
  get isFree(): boolean {
    return this.isKnown && this.isIdle && !this.isUnsure
  }

  /** Whether nothing is under way. */
  get isIdle(): boolean {
    return this.tasks === 0 && this.storing === undefined
  }

  /** Runs tasks that may change the conversation, one after another. */
  queue(): ReturnType<typeof createQueue> {
    const enqueue = createQueue()
    return async (task) => {
      this.tasks++
      try {
        return await enqueue(() => (this.storing === undefined ? task() : this.storing.then(task)))
      } finally {
        this.tasks--
      }
    }
  }

  /** Writes what changes a digest, in one of those tasks, with what is to stand in the same batch. */
  async change(write: (forget: readonly StorageOperation[]) => Promise<void>): Promise<void> {
    try {
      await write(this.mayBeStored ? [{ kind: "delete", key: imprintKey(this.id) }] : [])
    } catch (error) {
      this.isUnsure = true
      throw error
    }
    this.isStored = this.mayBeStored = false
    this.changed()
  }

  /** To be stored, as everything is now, in a batch that begins at once. `ended` is to be called with what became of that. */
  store(imprint: Imprint): { readonly operation: StorageOperation; readonly ended: (isStored: boolean) => void } {
    if (!this.isFree) throw new TypeError("an imprint is of what is at rest")
    let ended = (): void => undefined
    const storing = new Promise<void>((resolve) => {
      ended = resolve
    })
    this.storing = storing
    this.held = imprint
    this.isStored = false
    // Also where the batch fails: what comes next takes it out, to be sure.
    this.mayBeStored = true
    return {
      operation: { kind: "put", key: imprintKey(this.id), value: encodeImprint(imprint) },
      ended: (isStored) => {
        this.storing = undefined
        this.isStored = isStored
        ended()
      },
    }
  }
}
