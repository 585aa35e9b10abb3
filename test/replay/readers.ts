import type { Client, Conversation, Message } from "@weft/sdk/node"
import type { Random } from "../support/seed.ts"
import { until } from "../support/until.ts"

/** What people read while a room is replayed, kept beside as a bookkeeper would: by message, without logs or vectors. */
export class Readers {
  marks = 0
  private readonly read = new Map<string, Set<Message["id"]>>()
  /** For whom each message is: whom its author knew as a member. */
  private readonly known = new Map<Message["id"], ReadonlySet<string>>()

  constructor(private readonly random: Random) {}

  /** Reads up to somewhere in what the device has, more often to its end. */
  async mark(name: string, conversation: Conversation): Promise<void> {
    // What stands in segments before the list is read with it: the bookkeeper is to know what that is.
    for (let before = -1; ; before = conversation.messages.get().items.length) {
      if (conversation.messages.get().complete || conversation.messages.get().items.length === before) break
      await conversation.loadOlder()
    }
    const { items } = conversation.messages.get()
    if (items.length === 0) return
    const end = this.random.oneIn(3) ? this.random.below(items.length) : items.length - 1
    conversation.markRead(items[end]?.id)
    const read = this.read.get(name) ?? new Set()
    this.read.set(name, read)
    for (const { id } of items.slice(0, end + 1)) read.add(id)
    this.marks++
  }

  /** Somebody has just written a message. */
  wrote(id: Message["id"], conversation: Conversation): void {
    this.known.set(id, new Set(conversation.info.get().members.map(({ user }) => user)))
  }

  /** How many messages that are for somebody are not read, of what a device shows. */
  count(name: string, items: readonly Message[]): number {
    const read = this.read.get(name)
    return items.filter(({ id, author }) => {
      return author !== name && read?.has(id) !== true && this.known.get(id)?.has(name) === true
    }).length
  }
}

/** Everybody reads everything; resolves when every text that somebody wrote is read by all who were to get it. */
export async function readToTheEnd(conversations: ReadonlyMap<string, Conversation>): Promise<number> {
  for (const conversation of conversations.values()) conversation.markRead()
  let ticks = 0
  for (const conversation of conversations.values()) {
    const isRead = ({ own, form, status }: Message): boolean => !own || form !== "text" || status === "read"
    const { items } = await until(conversation.messages, ({ items: all }) => all.every(isRead))
    for (const { id, own, form } of items) {
      if (!own || form !== "text") continue
      const { delivered, read, waiting } = conversation.receipts(id).get()
      if (waiting.length > 0 || read.length === 0 || read.length !== delivered.length)
        throw new Error(`receipts of ${id} say something else than its tick`)
      ticks++
    }
  }
  return ticks
}

/** What a device counts as unread, once its account is what the user's other devices say. */
export async function unreadOn(client: Client, conversation: Conversation): Promise<number> {
  await client.synced()
  return conversation.unread.get().count
}
