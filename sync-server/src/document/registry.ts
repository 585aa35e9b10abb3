import type { ConversationId } from "@weft/sdk/protocol"
import { Conversation, type ConversationPorts } from "./conversation.js"

/**
 * How long a conversation that nobody asks for stays in memory. Some 35 KB each, and about a millisecond to load one again:
 * what is said in answer finds it here, what is said an hour later pays for itself.
 */
const IDLE_MS = 10_000
/** Control entries, each with its certificate to verify, up to which that holds: of more it stays longer, in proportion. */
const FEW_ENTRIES = 8
const LONGEST_IDLE_MS = 5 * 60_000

/** The conversations in memory: those in use. One object for each at a time, so that its queue orders everything. */
export class Registry {
  readonly #ports: Omit<ConversationPorts, "abandon" | "rested">
  readonly #active = new Map<ConversationId, Conversation>()
  /** Those at rest, by use, the longest unused first; also ones that began to do something since. */
  readonly #resting = new Set<Conversation>()
  readonly #leaving = new Map<ConversationId, Promise<void>>()

  constructor(ports: Omit<ConversationPorts, "abandon" | "rested">) {
    this.#ports = ports
  }

  /** Ask it at once: what is idle may be dropped in any later turn. */
  conversation(id: ConversationId): Conversation {
    let conversation = this.#active.get(id)
    if (conversation === undefined) {
      const ports: ConversationPorts = {
        ...this.#ports,
        rested: (idle) => {
          this.#onRest(idle)
        },
        abandon: (left) => {
          this.#abandon(left)
        },
      }
      conversation = new Conversation(id, ports, this.#leaving.get(id) ?? Promise.resolve())
      this.#active.set(id, conversation)
      this.#trim(conversation)
    }
    conversation.usedAt = this.#ports.now()
    if (this.#resting.delete(conversation)) this.#resting.add(conversation)
    return conversation
  }

  /** The conversation, if it is in memory. */
  active(id: ConversationId): Conversation | undefined {
    return this.#active.get(id)
  }

  get conversationCount(): number {
    return this.#active.size
  }

  get documentCount(): number {
    let count = 0
    for (const conversation of this.#active.values()) count += conversation.documentCount
    return count
  }

  /** Drops what nobody uses. */
  sweep(): void {
    const now = this.#ports.now()
    for (const conversation of this.#resting) {
      if (conversation.usedAt >= now - IDLE_MS) return
      if (!conversation.isIdle) this.#resting.delete(conversation)
      else if (conversation.usedAt < now - idleMs(conversation)) this.#drop(conversation)
    }
  }

  /** Resolves when all that was accepted is durable or failed. */
  async settled(): Promise<void> {
    await Promise.all(Array.from(this.#active.values(), (conversation) => conversation.settled()))
    await Promise.all(this.#leaving.values())
  }

  #onRest(conversation: Conversation): void {
    if (this.#active.get(conversation.id) !== conversation) return
    // It turned out to be empty: names are cheap, memory is not.
    if (conversation.isEmpty) {
      this.#drop(conversation)
      return
    }
    conversation.usedAt = this.#ports.now()
    this.#resting.delete(conversation)
    this.#resting.add(conversation)
    this.#trim()
  }

  /** Drops the longest unused ones while there are too many; after a burst that is whenever one has come to rest. */
  #trim(asked?: Conversation): void {
    for (const conversation of this.#resting) {
      if (this.#active.size <= this.#ports.limits.activeConversations) return
      if (!conversation.isIdle) this.#resting.delete(conversation)
      else if (conversation !== asked) this.#drop(conversation)
    }
  }

  #drop(conversation: Conversation): void {
    this.#active.delete(conversation.id)
    this.#resting.delete(conversation)
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

function idleMs({ controlEntries, countsFormer }: Conversation): number {
  // What the store does not tell is not to be forgotten soon. [SPEC L1]
  if (countsFormer) return LONGEST_IDLE_MS
  return Math.min(LONGEST_IDLE_MS, Math.max(1, controlEntries / FEW_ENTRIES) * IDLE_MS)
}
