/*
 * A page with Weft's client: fills its database from a server, and opens it again.
 */
import { createClient } from "@weft/sdk"
import { until } from "../../support/until.ts"
import { paint, type Painted } from "./painted.ts"

declare global {
  interface Window {
    weftBench: {
      /** Resolves when this device has all that the server has, of so many conversations. */
      fill(user: string, server: string, conversations: number): Promise<void>
      /** From opening the database until the newest messages of a conversation are painted. */
      open(user: string, conversation: string, messages: number): Promise<Painted>
      /** The same of the list of conversations, with previews and unread counts. */
      list(user: string, conversations: number): Promise<Painted>
    }
  }
}

window.weftBench = {
  async fill(user, server, conversations) {
    const client = await createClient({ user, servers: [server] })
    // As an application that shows the list.
    client.list.subscribe(() => undefined)
    await until(client.conversations, ({ length }) => length === conversations)
    await client.synced()
    await client.close()
  },
  async open(user, id, messages) {
    const start = performance.now()
    const client = await createClient({ user })
    const conversation = await client.openConversation(id)
    const { items } = await until(conversation.messages, (list) => list.items.length >= messages)
    return paint(
      start,
      items.slice(-messages).map(({ author, text }) => `${author}: ${text}`),
    )
  },
  async list(user, conversations) {
    const start = performance.now()
    const client = await createClient({ user })
    const rows = await until(
      client.list,
      (all) =>
        all.length === conversations &&
        all.every(({ info, unread }) => info.lastMessage !== undefined && unread.count > 0),
    )
    return paint(
      start,
      rows.map(({ info, unread }) => `${info.title} ${info.lastMessage?.text} ${unread.count}`),
    )
  },
}
