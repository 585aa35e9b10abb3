import * as Y from "yjs"
import { createQueue } from "../base/queue.js"
import { equalBytes } from "../protocol/bytes.js"
import { isTransient } from "../protocol/codes.js"
import { encodeUpdate } from "../log/update.js"
import type { DocumentName } from "../protocol/names.js"
import type { ReplicaConversation } from "./conversation.js"
import type { ReplicaDocument } from "./document.js"
import { WEFT_ORIGIN } from "./ydoc.js"

/** A stock Yjs provider or persistence, as far as a mirror needs one. */
export interface Provider {
  /** Ends it; what it returns is not looked at. */
  destroy(): unknown
}

export interface Attachment {
  detach(): Promise<void>
}

/** Mirrors of one document that may be poisoned: with the last of them its carrier is given up. [SPEC C14] */
const MAX_POISONED = 5
/** Bytes of updates that a mirror may hold back because what they rest on is missing. */
const MAX_PENDING_BYTES = 1024 * 1024

/**
 * Gives a stock carrier a mirror of each document. What arrives there goes through the check, and only what passed flows
 * back; a mirror that holds anything else is destroyed and made anew.
 */
export function attachMirrors(
  conversation: ReplicaConversation,
  factory: (name: string, mirror: Y.Doc) => Provider,
): Attachment {
  const mirrors = new Map<DocumentName, Mirror>()
  const stopCarrying = conversation.carry()
  let detached = false

  async function reach(name: DocumentName): Promise<void> {
    if (detached || mirrors.has(name)) return
    const document = await conversation.document(name)
    // Once it is back it has changed. [SPEC U15]
    if (document.isAway) await conversation.fetch(name)
    if (detached || mirrors.has(name)) return
    const mirror = new Mirror(conversation, document, factory)
    mirrors.set(name, mirror)
    await mirror.open()
  }

  const reachAll = (): void => {
    const names = [conversation.controlDocument.name, ...conversation.carriedSegments]
    Promise.all(names.map(reach)).catch(() => undefined)
  }
  const stop = conversation.changes.on(({ kind }) => {
    if (kind === "document") reachAll()
    // What waited for authority may pass now.
    if (kind === "control") for (const mirror of mirrors.values()) mirror.readAgain()
  })
  reachAll()
  return {
    detach: async () => {
      detached = true
      stopCarrying()
      stop()
      await Promise.all(Array.from(mirrors.values(), (mirror) => mirror.close()))
    },
  }
}

class Mirror {
  private readonly enqueue = createQueue()
  private readonly stop: () => void
  private current: { readonly doc: Y.Doc; readonly provider: Provider } | undefined
  private poisoned = 0
  private closed = false

  constructor(
    private readonly conversation: ReplicaConversation,
    private readonly document: ReplicaDocument,
    private readonly factory: (name: string, mirror: Y.Doc) => Provider,
  ) {
    this.stop = document.changes.on((change) => {
      if (change.kind === "accepted" && change.source !== this) {
        if (this.current !== undefined) Y.applyUpdate(this.current.doc, change.update, WEFT_ORIGIN)
      } else if (change.kind === "records" || change.kind === "rewritten") {
        this.run(async () => {
          if (change.kind === "rewritten") await this.remake()
          else if (this.current !== undefined) await this.fill(this.current.doc)
        })
      }
    })
  }

  async open(): Promise<void> {
    await this.enqueue(() => this.remake())
  }

  async close(): Promise<void> {
    this.closed = true
    this.stop()
    await this.enqueue(async () => {
      this.destroy()
    })
  }

  /** Reads the mirror again: some of it may have waited for authority, also while that was on its way. */
  readAgain(): void {
    const { current } = this
    if (current !== undefined) this.run(() => this.read(current.doc, false))
  }

  private run(task: () => Promise<void>): void {
    this.enqueue(task).catch(() => {
      // A storage that can't be read is the replica's to tell.
      this.destroy()
    })
  }

  private async fill(doc: Y.Doc): Promise<void> {
    const contents = await this.document.contents()
    Y.applyUpdate(doc, encodeUpdate(Array.from(contents.values())), WEFT_ORIGIN)
  }

  private destroy(): void {
    const { current } = this
    this.current = undefined
    current?.provider.destroy()
    current?.doc.destroy()
  }

  private async remake(): Promise<void> {
    this.destroy()
    if (this.closed || this.poisoned >= MAX_POISONED) return
    const doc = new Y.Doc({ guid: this.document.name })
    await this.fill(doc)
    doc.on("update", (_update: Uint8Array, origin: unknown, _doc: Y.Doc, transaction: Y.Transaction) => {
      if (origin === WEFT_ORIGIN) return
      const deletes = transaction.deleteSet.clients.size > 0
      this.run(() => this.read(doc, deletes))
    })
    this.current = { doc, provider: this.factory(this.document.name, doc) }
    // A persistence may have filled the mirror before it returned.
    await this.read(doc, false)
  }

  /** Takes what the mirror holds beyond the document. */
  private async read(doc: Y.Doc, deletes: boolean): Promise<void> {
    if (this.current?.doc !== doc) return
    const held = new Map<number, number>()
    for (const { client, count } of this.document.summary.logs.values()) held.set(client, count)
    const update = Y.encodeStateAsUpdate(doc, Y.encodeStateVector(held))
    const verdicts = await this.conversation.receive(this.document, update, this)
    const refused = verdicts?.some(({ refusal }) => refusal !== undefined && !isTransient(refusal.code)) ?? true
    const pending = doc.store.pendingStructs?.update.length ?? 0
    if (!refused && pending <= MAX_PENDING_BYTES && (!deletes || (await this.isFaithful(doc)))) return
    this.poisoned++
    await this.remake()
  }

  /** Whether the mirror holds exactly what the document holds: asked when something was deleted in it. */
  private async isFaithful(doc: Y.Doc): Promise<boolean> {
    await this.fill(doc)
    const contents = await this.document.contents()
    return equalBytes(Y.encodeStateAsUpdate(doc), encodeUpdate(Array.from(contents.values())))
  }
}
