import { createHash } from "node:crypto"
import { prefixRange } from "../../sdk/src/storage/storage.ts"
import {
  createClient,
  createMemoryStorage,
  type Client,
  type Conversation,
  type Message,
  type OutgoingMessage,
} from "@weft/sdk/node"
import type { Env } from "@weft/sdk/protocol"
import type { Random } from "../support/seed.ts"
import { conversationOf, until } from "../support/until.ts"
import type { LogLine } from "./chat-log.ts"
import { Mix, type MixCounts } from "./mix.ts"
import { readToTheEnd, unreadOn } from "./readers.ts"
import { demand, type Room } from "./room.ts"

export interface ReplayResult {
  readonly messages: number
  /** Of them, those that answer another one. */
  readonly replies: number
  readonly authors: number
  readonly seconds: number
  /** SHA-256 of the projection: of a fresh device for each server, by URL, and of each author's device, by name. */
  readonly projections: ReadonlyMap<string, string>
  /** What was mixed in. */
  readonly mixed: MixCounts | undefined
  /** Of each device, what it counts as unread, and what a bookkeeper does; none where nobody read. */
  readonly unread: ReadonlyMap<string, { readonly counted: number; readonly expected: number }>
  /** Texts of which it was seen that all who were to read them had, when everybody had read everything. */
  readonly ticks: number
  /** The digest that all replicas hold. */
  readonly digest: string
  /** Stored bytes of a device divided by messages: texts, heads, seals, keys, Yjs structure, control entries. */
  readonly bytesPerEntry: number
  /** Bytes of a text, on average. */
  readonly textBytes: number
}

export interface ReplayOptions {
  /** Texts of one room, in their order. */
  readonly lines: readonly LogLine[]
  /** WebSocket URLs; authors take turns. */
  readonly servers: readonly string[]
  /** Messages that wait for their acknowledgement, at most. */
  readonly window?: number
  readonly token?: (user: string) => string
  /** Of the devices. */
  readonly env?: Env
  /** Mixes in reactions, edits, erasures, receipts, changes of membership and offline spells. */
  readonly mix?: Random
}

/**
 * Replays a room through the SDK: one headless device per author, each at one server, in the order of the log. Ends when
 * every device and every server holds the same.
 */
export async function replayRoom({
  lines,
  servers,
  window = 64,
  token,
  env,
  mix: random,
}: ReplayOptions): Promise<ReplayResult> {
  const names = Array.from(new Set(lines.map(({ from }) => from)))
  let storage = createMemoryStorage()
  const open = (user: string, index: number): Promise<Client> => {
    storage = createMemoryStorage()
    return createClient({
      user,
      servers: [servers[index % servers.length] ?? ""],
      storage,
      ...(env !== undefined && { env }),
      ...(token === undefined ? {} : { token: () => token(user) }),
    })
  }
  const clients = new Map<string, Client>()
  const readers: Client[] = []
  try {
    for (const [index, name] of names.entries()) clients.set(name, await open(name, index))
    const [first = ""] = names
    const owner = demand(clients.get(first))
    // Where things are mixed in, half of them are let in when they first speak.
    const founders = names.filter((_name, index) => random === undefined || index % 2 === 0)
    const { id } = await owner.createConversation({ title: lines[0]?.room ?? "", members: founders })
    const conversations = new Map<string, Conversation>()
    for (const name of founders) conversations.set(name, await conversationOf(demand(clients.get(name)), id))
    await Promise.all(Array.from(conversations.values(), isWriting))
    await Promise.all(Array.from(clients.values(), (client) => client.synced()))
    const room: Room = { owner: first, clients, conversations }

    const started = performance.now()
    const waiting = new Set<Promise<void>>()
    const later = new Set<Promise<void>>()
    const mix = random === undefined ? undefined : new Mix(random, room)
    const sent = new Map<number, { readonly id: Message["id"]; readonly from: string }>()
    const written = new Map<string, Message["id"][]>(names.map((name) => [name, []]))
    let replies = 0
    for (const [index, { from, text, line, replyTo }] of lines.entries()) {
      const client = demand(clients.get(from))
      await mix?.act(index, from, written)
      const conversation = demand(conversations.get(from))
      const target = replyTo === undefined ? undefined : sent.get(replyTo)
      if (target !== undefined) {
        replies++
        // Nobody answers what is not there yet: its author and this one come back for it.
        for (const one of [demand(clients.get(target.from)), client]) mix?.back(one)
        await until(conversation.messages, () => conversation.message(target.id) !== undefined)
      }
      const message = conversation.send(text, target === undefined ? {} : { replyTo: target.id })
      mix?.readers.wrote(message.id, conversation)
      sent.set(line, { id: message.id, from })
      written.get(from)?.push(message.id)
      const settled = settle(message)
      // Who is offline holds up nobody, and is waited for at the end.
      const list = mix?.isAway(client) === true ? later : waiting
      list.add(settled)
      settled.finally(() => list.delete(settled)).catch(() => undefined)
      if (waiting.size >= window) await Promise.race(waiting)
    }
    await mix?.end()
    await Promise.all([...waiting, ...later])
    await Promise.all(Array.from(clients.values(), (client) => client.synced()))
    const seconds = (performance.now() - started) / 1000

    const replicas = new Map(conversations)
    for (const [index, server] of servers.entries()) {
      const reader = await open(first, index)
      readers.push(reader)
      replicas.set(server, await conversationOf(reader, id))
    }
    await Promise.all(Array.from(replicas.values(), (one) => complete(one, lines.length)))
    const unread = new Map<string, { counted: number; expected: number }>()
    let ticks = 0
    if (mix !== undefined) {
      await Promise.all(Array.from(replicas.values(), discardRejected))
      await agree(Array.from(replicas.values()), lines.length)
      for (const [name, one] of replicas) {
        const client = clients.get(name) ?? demand(readers[servers.indexOf(name)])
        const counted = await unreadOn(client, one)
        unread.set(name, { counted, expected: mix.readers.count(client.user, one.messages.get().items) })
      }
      ticks = await readToTheEnd(conversations)
    }
    const digest = await agree(Array.from(replicas.values()), lines.length)
    const projections = new Map(Array.from(replicas, ([name, one]) => [name, projectionHash(one)]))
    const stored = await storage.scan(prefixRange("u/"))
    const bytes = stored.reduce((sum, { value }) => sum + value.length, 0)
    return {
      messages: lines.length,
      replies,
      mixed: mix?.counts,
      unread,
      ticks,
      authors: names.length,
      seconds,
      projections,
      digest,
      bytesPerEntry: bytes / lines.length,
      textBytes: lines.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0) / lines.length,
    }
  } finally {
    await Promise.all([...clients.values(), ...readers].map((client) => client.close()))
  }
}

async function settle(message: OutgoingMessage): Promise<void> {
  await message.reached("sent")
}

async function isWriting(conversation: Conversation): Promise<void> {
  await until(conversation.info, ({ role }) => role !== undefined)
}

/** What somebody said about messages and was removed before the owner saw it: shown as not accepted, and let go. */
async function discardRejected(conversation: Conversation): Promise<void> {
  for (const { unsent } of conversation.messages.get().items)
    for (const { id, status } of unsent) if (status === "rejected") await conversation.discard(id)
}

/** Reads a conversation to its beginning. */
async function complete(conversation: Conversation, messages: number): Promise<void> {
  for (;;) {
    const list = await until(conversation.messages, ({ state, items, complete: all }) => {
      return state === "ready" && (items.length >= messages || !all)
    })
    if (list.items.length >= messages) return
    await conversation.loadOlder()
  }
}

/** Waits until all have the same digest, all messages, and nothing of their own on its way; returns the digest. */
async function agree(conversations: readonly Conversation[], messages: number): Promise<string> {
  await Promise.all(conversations.map((conversation) => complete(conversation, messages)))
  for (;;) {
    const change = Promise.race(conversations.map((conversation) => nextChange(conversation)))
    const digests = new Set(await Promise.all(conversations.map((conversation) => conversation.digest())))
    const [digest] = digests
    if (digests.size === 1 && digest !== undefined && conversations.every(isSettled)) return digest
    await change
  }
}

function isSettled(conversation: Conversation): boolean {
  return conversation.messages
    .get()
    .items.every(({ quote, unsent }) => quote?.state !== "loading" && unsent.length === 0)
}

function nextChange(conversation: Conversation): Promise<void> {
  return new Promise((resolve) => {
    const stops = [conversation.messages.subscribe(done), conversation.info.subscribe(done)]
    function done(): void {
      for (const stop of stops) stop()
      resolve()
    }
  })
}

/** Over what everybody sees alike: all but what is this user's own, and on its way. */
export function projectionHash(conversation: Conversation): string {
  const hash = createHash("sha256")
  for (const message of conversation.messages.get().items) {
    const { own: _own, status: _status, rejection: _rejection, mentionsMe: _mine, unsent: _unsent, ...shared } = message
    const reactions = shared.reactions.map(({ emoji, users }) => ({ emoji, users }))
    hash.update(JSON.stringify([{ ...shared, reactions }, conversation.history(message.id)]) + "\n")
  }
  return hash.digest("hex")
}
