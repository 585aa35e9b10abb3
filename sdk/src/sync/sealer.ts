import { conversationOf, type ConversationId, type DocumentName } from "../protocol/names.js"
import type { ReplicaConversation } from "./conversation.js"
import type { ReplicaDocument } from "./document.js"
import type { HealthKeeper } from "./health-keeper.js"

export interface SealerPorts {
  readonly health: Pick<HealthKeeper, "isOk" | "succeeded" | "report">
  /** Whether this tab or process is the writer: no other seals. */
  isWriter(): boolean
  /** A conversation that is one of this device's, and in memory. */
  conversation(id: ConversationId): ReplicaConversation | undefined
  /** A segment is away, and wanted back. */
  want(name: DocumentName): void
}

/** Makes what waits in documents durable, and seals it while there is a carrier to take it. One task at a time for each. */
export class Sealer {
  private readonly carriers = new Set<unknown>()
  private readonly pumping = new Map<ReplicaDocument, Promise<void>>()
  private closed = false

  constructor(private readonly ports: SealerPorts) {}

  /** A carrier came or went. While there is one, drafts are sealed as soon as they are written. */
  setCarrier(carrier: unknown, present: boolean): void {
    if (present) this.carriers.add(carrier)
    else this.carriers.delete(carrier)
  }

  /** Whether the work on a document's drafts is under way. */
  isAt(document: ReplicaDocument): boolean {
    return this.pumping.has(document)
  }

  /** Starts that work, unless it is under way. */
  wake(document: ReplicaDocument): void {
    if (this.closed) return
    // What comes next in line is saved at once where nothing else is under way. [SPEC W1]
    if (this.maySeal() || this.isAt(document)) document.keep()
    if (this.isAt(document)) return
    const work = this.pump(document).finally(() => {
      this.pumping.delete(document)
      if (this.ports.health.isOk && this.hasWork(document)) this.wake(document)
    })
    this.pumping.set(document, work)
  }

  private maySeal(): boolean {
    return this.ports.isWriter() && this.carriers.size > 0
  }

  private hasWork(document: ReplicaDocument): boolean {
    return this.maySeal() && !document.isAway ? document.drafts.length > 0 : document.hasUnsaved
  }

  private async pump(document: ReplicaDocument): Promise<void> {
    try {
      if (this.maySeal() && document.isAway) {
        await document.save()
        // Its drafts are sealed when it is back.
        if (document.drafts.length > 0) this.ports.want(document.name)
      } else if (this.maySeal()) {
        await this.ports.conversation(conversationOf(document.name))?.correctClocks()
        await this.flushAuthority(document)
        await document.flush()
      } else await document.save()
      this.ports.health.succeeded()
    } catch (error) {
      this.ports.health.report(error)
    }
  }

  /** What a segment's entries rest on is sealed, and so sent, before them. */
  private async flushAuthority(document: ReplicaDocument): Promise<void> {
    const control = this.ports.conversation(conversationOf(document.name))?.controlDocument
    if (control === undefined || control === document || control.drafts.length === 0) return
    this.wake(control)
    await this.pumping.get(control)
  }

  /** Begins nothing from now on, and waits for what is under way. */
  async close(): Promise<void> {
    this.closed = true
    await Promise.all(this.pumping.values())
  }
}
