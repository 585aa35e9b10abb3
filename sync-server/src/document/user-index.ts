import * as decoding from "lib0/decoding"
import * as encoding from "lib0/encoding"
import { conversationIdFromBytes, idBytes, type ConversationId, type UserId } from "@weft/sdk/protocol"
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
  readonly #cache = new Map<UserId, Promise<List>>()

  constructor(store: Store) {
    this.#store = store
  }

  async conversations(user: UserId): Promise<UserConversations> {
    return (await this.#load(user)).conversations
  }

  /** Durable when it resolves. */
  async set(conversation: ConversationId, changes: Iterable<readonly [UserId, Standing]>): Promise<void> {
    await Promise.all(
      Array.from(changes, async ([user, standing]) => {
        const list = await this.#load(user)
        if (list.conversations.get(conversation) === standing) return list.written
        list.conversations.set(conversation, standing)
        const write = this.#store.putSetting(settingKey(user), encode(list.conversations))
        list.writing++
        list.written = write
        try {
          await write
        } catch (error) {
          this.#cache.delete(user)
          throw error
        } finally {
          list.writing--
        }
      }),
    )
  }

  async #load(user: UserId): Promise<List> {
    const cached = this.#cache.get(user)
    if (cached !== undefined) return cached
    const list = this.#store.getSetting(settingKey(user)).then((value) => ({
      conversations: value === undefined ? new Map<ConversationId, Standing>() : decode(value),
      writing: 0,
      written: Promise.resolve(),
    }))
    this.#cache.set(user, list)
    list.catch(() => this.#cache.delete(user))
    if (this.#cache.size > MAX_CACHED) await this.#forgetOldest(user)
    return list
  }

  /** One that is being written stays: read from the store again, it would miss what is on its way. */
  async #forgetOldest(except: UserId): Promise<void> {
    for (const [user, cached] of this.#cache) {
      if (user === except) continue
      const list = await cached.catch(() => undefined)
      if (list !== undefined && list.writing > 0) continue
      this.#cache.delete(user)
      return
    }
  }
}

interface List {
  readonly conversations: Map<ConversationId, Standing>
  writing: number
  written: Promise<void>
}

function settingKey(user: UserId): string {
  return `conversations/${user}`
}

function encode(list: UserConversations): Uint8Array {
  const encoder = encoding.createEncoder()
  for (const [conversation, standing] of list) {
    encoding.writeUint8Array(encoder, idBytes(conversation))
    encoding.writeUint8(encoder, standing === "member" ? 1 : 0)
  }
  return encoding.toUint8Array(encoder)
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
