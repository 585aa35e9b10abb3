import type { ConversationId, UserId } from "@weft/sdk/protocol"
import type { Standing, Store } from "../store/store.js"

export type UserConversations = ReadonlyMap<ConversationId, Standing>

/** Users whose lists are kept in memory. */
const MAX_CACHED = 5_000

/**
 * Which conversations a user is in, so that greeting a user opens none of them. Additions are written before the control
 * entry that makes them, so after a crash it may name too much, never too little; the control state has the last word.
 * A change costs the same however long the lists are that it concerns: it reads none of them.
 */
export class UserIndex {
  readonly #store: Store
  readonly #maxCached: number
  readonly #cache = new Map<UserId, Promise<Map<ConversationId, Standing>>>()

  constructor(store: Store, maxCached = MAX_CACHED) {
    this.#store = store
    this.#maxCached = maxCached
  }

  async conversations(user: UserId): Promise<UserConversations> {
    return this.#cache.get(user) ?? this.#read(user)
  }

  /** Durable when it resolves. */
  async set(conversation: ConversationId, changes: readonly (readonly [UserId, Standing])[]): Promise<void> {
    if (changes.length === 0) return
    await this.#store.putStandings(conversation, changes)
    // Not before: a list that was read while this was on its way is without it.
    for (const [user, standing] of changes) {
      this.#cache.get(user)?.then(
        (list) => list.set(conversation, standing),
        () => undefined,
      )
    }
  }

  #read(user: UserId): Promise<Map<ConversationId, Standing>> {
    const list = this.#store.standings(user)
    this.#cache.set(user, list)
    list.catch(() => {
      if (this.#cache.get(user) === list) this.#cache.delete(user)
    })
    for (const oldest of this.#cache.keys()) {
      if (this.#cache.size <= this.#maxCached) break
      this.#cache.delete(oldest)
    }
    return list
  }
}
