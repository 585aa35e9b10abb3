import type { ConversationId, UserId } from "@weft/sdk/protocol"
import type { Standing, Store } from "../store/store.js"

export type UserConversations = ReadonlyMap<ConversationId, Standing>

/** Users whose lists are kept in memory. */
const MAX_CACHED = 5_000

/**
 * Which conversations a user is in, so that greeting a user opens none of them, and which the user opened here. Additions are
 * written before the control entry that makes them, so after a crash it may name too much, never too little; the control state
 * has the last word. A change costs the same however long the lists are that it concerns: it reads none of them.
 */
export class UserIndex {
  readonly #store: Store
  readonly #standings: Lists<Map<ConversationId, Standing>>
  readonly #opened: Lists<Set<ConversationId>>

  constructor(store: Store, maxCached = MAX_CACHED) {
    this.#store = store
    this.#standings = new Lists((user) => store.standings(user), maxCached)
    this.#opened = new Lists((user) => store.opened(user), maxCached)
  }

  async conversations(user: UserId): Promise<UserConversations> {
    return this.#standings.of(user)
  }

  /** How many conversations the user opened here: others may have added the user to any number more. */
  async countOpened(user: UserId): Promise<number> {
    return (await this.#opened.of(user)).size
  }

  /** Durable when it resolves. */
  async set(
    conversation: ConversationId,
    changes: readonly (readonly [UserId, Standing])[],
    opener?: UserId,
  ): Promise<void> {
    if (changes.length === 0 && opener === undefined) return
    await this.#store.putStandings(conversation, changes, opener)
    // Not before: a list that was read while this was on its way is without it.
    for (const [user, standing] of changes) this.#standings.change(user, (list) => list.set(conversation, standing))
    if (opener !== undefined) this.#opened.change(opener, (list) => list.add(conversation))
  }
}

/** What the store has of users, of the last ones in memory. */
class Lists<T> {
  readonly #read: (user: UserId) => Promise<T>
  readonly #maxCached: number
  readonly #cache = new Map<UserId, Promise<T>>()

  constructor(read: (user: UserId) => Promise<T>, maxCached: number) {
    this.#read = read
    this.#maxCached = maxCached
  }

  of(user: UserId): Promise<T> {
    const cached = this.#cache.get(user)
    if (cached !== undefined) return cached
    const list = this.#read(user)
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

  /** Of one that is not in memory the store knows. */
  change(user: UserId, change: (list: T) => void): void {
    this.#cache.get(user)?.then(change, () => undefined)
  }
}
