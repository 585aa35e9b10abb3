import * as decoding from "lib0/decoding"
import * as encoding from "lib0/encoding"
import { conversationIdFromBytes, encodeBytes, idBytes, type ConversationId, type UserId } from "@weft/sdk/protocol"
import type { Store } from "../store/store.js"

/** A former member still reads the control document: it says that, and why, it is one no more. */
export type Standing = "member" | "former"
export type UserConversations = ReadonlyMap<ConversationId, Standing>

/** Users whose lists are kept in memory. */
const MAX_CACHED = 5_000

/**
 * Which conversations a user is in, so that greeting a user opens none of them. Additions are written before the control
 * entry that makes them, so after a crash it may name too much, never too little; the control state has the last word.
 */
export class UserIndex {
  readonly #store: Store
  readonly #maxCached: number
  readonly #cache = new Map<UserId, List>()

  constructor(store: Store, maxCached = MAX_CACHED) {
    this.#store = store
    this.#maxCached = maxCached
  }

  async conversations(user: UserId): Promise<UserConversations> {
    return this.#list(user).conversations
  }

  /** Durable when it resolves. */
  async set(conversation: ConversationId, changes: Iterable<readonly [UserId, Standing]>): Promise<void> {
    await Promise.all(
      Array.from(changes, async ([user, standing]) => {
        const list = this.#list(user)
        list.changing++
        try {
          const conversations = await list.conversations
          if (conversations.get(conversation) !== standing) {
            conversations.set(conversation, standing)
            list.written = this.#store.putSetting(settingKey(user), encode(conversations))
          }
          await list.written
        } catch (error) {
          this.#forget(user, list)
          throw error
        } finally {
          list.changing--
        }
      }),
    )
  }

  #list(user: UserId): List {
    const cached = this.#cache.get(user)
    if (cached !== undefined) return cached
    const conversations = this.#store
      .getSetting(settingKey(user))
      .then((value) => (value === undefined ? new Map<ConversationId, Standing>() : decode(value)))
    const list: List = { conversations, changing: 0, written: Promise.resolve() }
    this.#cache.set(user, list)
    conversations.catch(() => {
      this.#forget(user, list)
    })
    if (this.#cache.size > this.#maxCached) this.#forgetOldest(user)
    return list
  }

  #forget(user: UserId, list: List): void {
    if (this.#cache.get(user) === list) this.#cache.delete(user)
  }

  /** One that is being changed stays: read from the store again, it would miss what is on its way. */
  #forgetOldest(except: UserId): void {
    for (const [user, { changing }] of this.#cache) {
      if (user === except || changing > 0) continue
      this.#cache.delete(user)
      return
    }
  }
}

interface List {
  readonly conversations: Promise<Map<ConversationId, Standing>>
  /** Those who are about to change it, or wait for what they wrote. */
  changing: number
  written: Promise<void>
}

function settingKey(user: UserId): string {
  return `conversations/${user}`
}

function encode(list: UserConversations): Uint8Array {
  return encodeBytes((encoder) => {
    for (const [conversation, standing] of list) {
      encoding.writeUint8Array(encoder, idBytes(conversation))
      encoding.writeUint8(encoder, standing === "member" ? 1 : 0)
    }
  })
}

function decode(bytes: Uint8Array): Map<ConversationId, Standing> {
  const decoder = decoding.createDecoder(bytes)
  const list = new Map<ConversationId, Standing>()
  while (decoding.hasContent(decoder)) {
    const conversation = conversationIdFromBytes(decoding.readUint8Array(decoder, 18))
    list.set(conversation, decoding.readUint8(decoder) === 1 ? "member" : "former")
  }
  return list
}
