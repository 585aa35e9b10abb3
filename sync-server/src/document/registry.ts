import type { ConversationId } from "@weft/sdk/protocol"
import { Conversation, type ConversationPorts } from "./conversation.js"

/** How long a conversation that nobody asks for stays in memory. */
const IDLE_MS = 5 * 60_000

/** The conversations in memory: those in use. One object for each at a time, so that its queue orders everything. */
export class Registry {
  readonly #ports: Omit<ConversationPorts, "abandon" | "forget">
  /** By use, the longest unused first. */
  readonly #active = new Map<ConversationId, Conversation>()
  readonly #leaving = new Map<ConversationId, Promise<void>>()

  constructor(ports: Omit<ConversationPorts, "abandon" | "forget">) {
    this.#ports = ports
  }

  /** Ask it at once: what is idle may be dropped in any later turn. */
  conversation(id: ConversationId): Conversation {
    const now = this.#ports.now()
    let conversation = this.#active.get(id)
    if (conversation === undefined) {
      const ports: ConversationPorts = {
        ...this.#ports,
        forget: (empty) => {
          if (this.#active.get(id) === empty) this.#drop(empty)
        },
        abandon: (left) => {
          this.#abandon(left)
        },
      }
      conversation = new Conversation(id, ports, this.#leaving.get(id) ?? Promise.resolve())
    } else this.#active.delete(id)
    this.#active.set(id, conversation)
    conversation.usedAt = now
    if (this.#active.size > this.#ports.limits.activeConversations) this.#evict(1)
    return conversation
  }

  /** The conversation, if it is in memory. */
  active(id: ConversationId): Conversation | undefined {
    return this.#active.get(id)
  }

  get documentCount(): number {
    let count = 0
    for (const conversation of this.#active.values()) count += conversation.documentCount
    return count
  }

  /** Drops what nobody uses. */
  sweep(): void {
    const before = this.#ports.now() - IDLE_MS
    for (const conversation of Array.from(this.#active.values())) {
      if (conversation.isIdle && conversation.usedAt < before) this.#drop(conversation)
    }
  }

  /** Resolves when all that was accepted is durable or failed. */
  async settled(): Promise<void> {
    await Promise.all(Array.from(this.#active.values(), (conversation) => conversation.settled()))
    await Promise.all(this.#leaving.values())
  }

  #evict(count: number): void {
    let left = count
    for (const conversation of this.#active.values()) {
      if (left === 0) return
      if (!conversation.isIdle) continue
      this.#drop(conversation)
      left--
    }
  }

  #drop(conversation: Conversation): void {
    this.#active.delete(conversation.id)
    conversation.release()
  }

  #abandon(conversation: Conversation): void {
    const { id } = conversation
    if (this.#active.get(id) !== conversation) return
    this.#drop(conversation)
    const gone = conversation.settled().finally(() => {
      if (this.#leaving.get(id) === gone) this.#leaving.delete(id)
    })
    gone.catch(() => undefined)
    this.#leaving.set(id, gone)
  }
}
