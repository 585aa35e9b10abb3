import type { ReplicaConversation } from "./conversation.js"

export interface SweeperPorts {
  /** Whether this is the writer's, and goes on. */
  isWriting(): boolean
  swept(conversation: ReplicaConversation): void
  report(error: unknown): void
}

/**
 * Cuts what was to be cut, and destroys what was erased and is due, also in segments that nobody looks at: in one
 * conversation after another, behind all else.
 */
export class Sweeper {
  /** Conversations in which something may be half done, or due. */
  private readonly restless = new Set<ReplicaConversation>()
  private sweeping: Promise<void> = Promise.resolve()

  constructor(private readonly ports: SweeperPorts) {}

  /** Something may be half done in it, or due. */
  add(conversation: ReplicaConversation): void {
    this.restless.add(conversation)
  }

  awaits(conversation: ReplicaConversation): boolean {
    return this.restless.has(conversation)
  }

  begin(): void {
    this.sweeping = this.sweep()
  }

  /** Begins when this has ended, and what was begun before. */
  beginAfter(reading: Promise<void>): void {
    this.sweeping = Promise.all([reading, this.sweeping]).then(() => this.sweep())
  }

  /** Waits until what was begun has ended. */
  async idle(): Promise<void> {
    await this.sweeping
  }

  private async sweep(): Promise<void> {
    try {
      // Those that are read meanwhile are appended to the set, and found too.
      for (const conversation of this.restless) {
        if (!this.ports.isWriting()) return
        this.restless.delete(conversation)
        await conversation.resumeEnforcing()
        for (const name of conversation.documentNames) {
          if (!this.ports.isWriting()) return
          await (await conversation.document(name)).destroyDue()
        }
        this.ports.swept(conversation)
      }
    } catch (error) {
      this.ports.report(error)
    }
  }
}
