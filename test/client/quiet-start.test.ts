/* A start reads what changed, and compares the rest by what is stored of it. [SPEC S13, U13] */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Client, Conversation } from "@weft/sdk/node"
import type { MessageId } from "@weft/sdk/protocol"
import { expect, it, onTestFinished } from "vitest"
import { openLevelStorage } from "../../sdk/src/storage/level.ts"
import type { Storage, StorageOperation } from "../../sdk/src/storage/storage.ts"
import { openClient } from "../support/client.ts"
import { auditImprints } from "../support/imprints.ts"
import { conversationOf, eventually, until } from "../support/until.ts"
import { startTestServer } from "../support/server.ts"
import { temporaryDirectory } from "../support/temporary.ts"

interface Device {
  readonly client: Client
  readonly storage: Storage
  /** Conversations of which a document was read. */
  readonly read: Set<string>
}

/** Alice's device on LevelDB, whose list is looked at. */
async function openDevice(directory: string, servers: readonly string[]): Promise<Device> {
  const level = await openLevelStorage({ directory })
  const read = new Set<string>()
  const storage: Storage = {
    ...level,
    scan: (range) => {
      if (range.from.startsWith("u/c/")) read.add(range.from.slice(4, 28))
      return level.scan(range)
    },
  }
  const client = await openClient("alice", { storage, servers: [...servers] })
  onTestFinished(client.list.subscribe(() => undefined))
  return { client, storage, read }
}

async function valuesOf(storage: Storage, prefix: string): Promise<Map<string, Uint8Array>> {
  const found = await storage.scan({ from: prefix, to: `${prefix}~` })
  return new Map(found.map(({ key, value }) => [key.slice(prefix.length), value]))
}

/** Resolves when the device holds imprints of these conversations. */
async function atRest(storage: Storage, ids: readonly string[]): Promise<void> {
  for (;;) {
    const imprints = await valuesOf(storage, "f/")
    if (ids.every((id) => imprints.has(id))) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

async function change(directory: string, batch: readonly StorageOperation[]): Promise<void> {
  const level = await openLevelStorage({ directory })
  await level.write(batch)
  await level.close()
}

/** Three conversations of alice with bob, each with messages of both, all told and at rest at alice, who is closed. */
async function digestAt(client: Client, id: string): Promise<string | undefined> {
  return client.conversation(id)?.digest()
}

async function arena() {
  const server = await startTestServer()
  const directory = await temporaryDirectory()
  const bob = await openClient("bob", { servers: [server.url] })
  const alice = await openDevice(directory, [server.url])
  const ids: string[] = []
  const rooms = new Map<string, Conversation>()
  for (const title of ["One", "Two", "Three"]) {
    const room = await alice.client.createConversation({ title, members: ["bob"] })
    const atBob = await conversationOf(bob, room.id)
    const hello = room.send("hello")
    await until(atBob.messages, ({ items }) => items.length === 1)
    const answer = atBob.send("you too")
    await until(room.messages, ({ items }) => items.length === 2)
    await until(room.receipts(hello.id), ({ delivered }) => delivered.length === 1)
    await until(atBob.receipts(answer.id), ({ delivered }) => delivered.length === 1)
    ids.push(room.id)
    rooms.set(room.id, atBob)
  }
  const close = async (device: Device): Promise<void> => {
    await device.client.synced()
    // What is not indexed yet is read for that at the next start.
    await until(device.client.search("hello"), ({ state, complete }) => state === "ready" && complete)
    await atRest(device.storage, ids)
    await device.client.close()
    const level = await openLevelStorage({ directory })
    expect(await auditImprints(level, "alice")).toBe(ids.length)
    await level.close()
  }
  await close(alice)
  const [one = "", two = "", three = ""] = ids
  const again = (): Promise<Device> => openDevice(directory, [server.url])
  return { server, directory, bob, one, two, three, ids, rooms, close, again }
}

const shown = (client: Client) =>
  client.list.get().map(({ info, unread }) => [info.title, info.lastMessage?.text, unread.count])

it("[S13] a start at which nothing changed is in sync and reads no conversation", async () => {
  const { again, close, one, rooms } = await arena()
  const alice = await again()
  await alice.client.synced()
  expect(shown(alice.client).sort()).toEqual([
    ["One", "you too", 1],
    ["Three", "you too", 1],
    ["Two", "you too", 1],
  ])
  expect(alice.client.status.get()).toMatchObject({ tab: "writer", pending: [] })
  expect(Array.from(alice.read)).toEqual([])
  // It is read when somebody wants more of it; what was acknowledged is known.
  const room = alice.client.conversation(one)!
  await until(room.messages, ({ state }) => state === "ready")
  expect(Array.from(alice.read)).toEqual([one])
  expect(room.messages.get().items.map(({ text, status }) => [text, status])).toEqual([
    ["hello", "delivered"],
    ["you too", "sent"],
  ])
  room.send("and again")
  await until(rooms.get(one)!.messages, ({ items }) => items.length === 3)
  await close(alice)
})

it("[S13] of what changed at the server alone that is read", async () => {
  const { again, close, two, three, rooms, bob } = await arena()
  const [inTwo, inThree] = [rooms.get(two)!, rooms.get(three)!]
  const news = inTwo.send("news")
  await bob.synced()
  const alice = await again()
  await until(alice.client.list, ([first]) => first?.info.lastMessage?.text === "news" && first.unread.count === 2)
  await alice.client.synced()
  expect(Array.from(alice.read)).toEqual([two])
  // While it runs, too.
  const more = inThree.send("more news")
  await until(alice.client.list, ([first]) => first?.info.lastMessage?.text === "more news" && first.unread.count === 2)
  expect(Array.from(alice.read).sort()).toEqual([two, three].sort())
  // What she has yet to tell is a change as well.
  await until(inTwo.receipts(news.id), ({ delivered }) => delivered.length === 1)
  await until(inThree.receipts(more.id), ({ delivered }) => delivered.length === 1)
  await close(alice)
  const later = await again()
  await later.client.synced()
  expect(Array.from(later.read)).toEqual([])
  expect(shown(later.client)[0]).toEqual(["Three", "more news", 2])
})

it("[S13] what another device of the user read is read at once, and counts nowhere", async () => {
  const { again, server, one, directory, close, ids } = await arena()
  const alice = await again()
  await alice.client.synced()
  const before = [
    { kind: "put", key: `o/${one}`, value: (await valuesOf(alice.storage, "o/")).get(one)! },
    { kind: "put", key: `f/${one}`, value: (await valuesOf(alice.storage, "f/")).get(one)! },
  ] as const
  const phone = await openClient("alice", { servers: [server.url] })
  const atPhone = await conversationOf(phone, one)
  await until(atPhone.messages, ({ items }) => items.length === 2)
  atPhone.markRead()
  await until(alice.client.list, (items) =>
    items.some(({ info, unread }) => info.title === "One" && unread.count === 0),
  )
  // What the phone tells of all three, and so nothing comes while alice closes.
  await phone.synced()
  for (const id of ids) await eventually(async () => (await digestAt(phone, id)) === (await digestAt(alice.client, id)))
  await close(alice)
  // Also where the row is older than what the account says: a crash came between.
  await change(directory, before)
  const later = await openDevice(directory, ["ws://127.0.0.1:9"])
  await until(later.client.list, (items) =>
    items.some(({ info, unread }) => info.title === "One" && unread.count === 0),
  )
  expect(Array.from(later.read)).toEqual([one])
})

it("[S13] a server that lost its disk is healed from imprints alone", async () => {
  const { again, server, bob, ids } = await arena()
  await bob.close()
  await server.close()
  await rm(server.data, { recursive: true })
  const fresh = await startTestServer({ port: Number(new URL(server.url).port), data: server.data })
  const alice = await again()
  await alice.client.synced()
  expect(Array.from(alice.read).sort()).toEqual([...ids].sort())
  const reader = await openClient("bob", { servers: [fresh.url] })
  for (const id of ids) {
    const room = await conversationOf(reader, id)
    await until(room.messages, ({ items }) => items.length === 2)
  }
})

it("[S13] what waits is known without a server, and what a server of another store holds is known with it", async () => {
  const { again, server, bob, ids, directory, close } = await arena()
  await bob.synced()
  await server.close()
  // Another store, which somebody else filled before this device came.
  const data = await mkdtemp(join(tmpdir(), "weft-"))
  onTestFinished(() => rm(data, { recursive: true }))
  const fresh = await startTestServer({ port: Number(new URL(server.url).port), data })
  await bob.synced()
  const first = await again()
  await first.client.synced()
  await close(first)
  const offline = await openDevice(directory, ["ws://127.0.0.1:9"])
  expect(offline.client.status.get().pending).toEqual([])
  for (const id of ids) {
    const room = offline.client.conversation(id)!
    await until(room.messages, ({ state }) => state === "ready")
    expect(room.messages.get().items.map(({ status }) => status)).toEqual(["delivered", "sent"])
  }
  await fresh.close()
})

it("[S13] what a version wrote that keeps no imprints is read, all of it", async () => {
  const { again, close, directory, ids } = await arena()
  // It took the guard, and said nothing of imprints.
  await change(directory, [{ kind: "put", key: "m/writer", value: new Uint8Array(16) }])
  const alice = await again()
  await alice.client.synced()
  expect(Array.from(alice.read).sort()).toEqual([...ids].sort())
  await close(alice)
  const later = await again()
  await later.client.synced()
  expect(Array.from(later.read)).toEqual([])
})

it("[S13] a storage of an older version gets imprints at its first start, and rows stay", async () => {
  const { again, close, directory, ids } = await arena()
  const rows: StorageOperation[] = ids.map((id) => ({ kind: "delete", key: `f/${id}` }))
  await change(directory, [...rows, { kind: "delete", key: "m/imprints" }])
  const alice = await again()
  expect(shown(alice.client)).toHaveLength(3)
  await alice.client.synced()
  expect(Array.from(alice.read).sort()).toEqual([...ids].sort())
  await close(alice)
  const later = await again()
  await later.client.synced()
  expect(Array.from(later.read)).toEqual([])
})

it("[S13] a damaged imprint is as if it were not there", async () => {
  const { again, directory, two } = await arena()
  await change(directory, [{ kind: "put", key: `f/${two}`, value: Uint8Array.of(1, 2, 3) }])
  const alice = await again()
  await alice.client.synced()
  expect(Array.from(alice.read)).toEqual([two])
})

it("[S13] a member who was removed meanwhile is told, and nothing else is read", async () => {
  const { again, rooms, one, two } = await arena()
  const alice = await again()
  await alice.client.conversation(one)!.removeMember("bob")
  await until(rooms.get(one)!.info, ({ membership }) => membership === "removed")
  await alice.client.synced()
  expect(Array.from(alice.read)).toEqual([one])
  expect(alice.client.conversation(two)?.info.get().members).toHaveLength(2)
})

it("[S13, X7] what was erased meanwhile is erased, and its text is in no row", async () => {
  const { again, close, rooms, bob, two } = await arena()
  const atBob = rooms.get(two)!
  await atBob.erase(atBob.messages.get().items[1]!.id)
  await bob.synced()
  const alice = await again()
  await until(alice.client.list, (items) => items.some(({ info }) => info.lastMessage?.form === "erased"))
  await close(alice)
  const later = await again()
  await later.client.synced()
  expect(Array.from(later.read)).toEqual([])
  const row = new TextDecoder().decode((await valuesOf(later.storage, "o/")).get(two))
  expect(row).toContain("erased")
  expect(row).not.toContain("you too")
})

it("[S13] what waits to be told or sent is read, and goes out", async () => {
  const { again, directory, rooms, three } = await arena()
  const offline = await openDevice(directory, ["ws://127.0.0.1:9"])
  const message = offline.client.conversation(three)!.send("from a tunnel")
  await message.reached("saved")
  expect(offline.client.status.get().pending).toMatchObject([{ conversation: three, messages: 1 }])
  await offline.client.close()
  const alice = await again()
  await until(rooms.get(three)!.messages, ({ items }) => items.length === 3)
  await alice.client.synced()
  expect(Array.from(alice.read)).toEqual([three])
})

it.each([
  ["outside of threads", (room: Conversation) => void room.markRead()],
  ["in a thread", (room: Conversation, root: MessageId) => void room.markThreadRead(root)],
] as const)(
  "[S13, P7] what was read %s, and not told before the end, is told by the next start",
  async (where, read) => {
    const { again, close, directory, rooms, one } = await arena()
    const atBob = rooms.get(one)!
    const [root, answer] = atBob.messages.get().items
    const reply = atBob.send("more", { thread: root!.id })
    const alice = await again()
    await until(atBob.receipts(reply.id), ({ delivered }) => delivered.length === 1)
    await close(alice)
    const offline = await openDevice(directory, ["ws://127.0.0.1:9"])
    const room = offline.client.conversation(one)!
    await until(room.messages, ({ items }) => items.length === 3)
    read(room, root!.id)
    await offline.client.account.saved()
    await offline.client.close()
    await again()
    const message = where === "in a thread" ? reply.id : answer!.id
    await until(atBob.receipts(message), ({ read: readers }) => readers.length === 1)
  },
)

it("[Q2, S13] a search finds what was not read, and what is not indexed yet is read for it", async () => {
  const { again, close, directory, one } = await arena()
  const find = async (client: Client): Promise<number> => {
    const results = client.search("hello")
    const { hits } = await until(results, ({ state, complete }) => state === "ready" && complete)
    return hits.length
  }
  const alice = await again()
  expect(await find(alice.client)).toBe(3)
  await close(alice)
  const later = await again()
  expect(await find(later.client)).toBe(3)
  expect(Array.from(later.read)).toEqual([])
  await close(later)
  const level = await openLevelStorage({ directory })
  const heads = await level.scan({ from: "i/h/", to: "i/h~" })
  await level.close()
  expect(heads.some(({ key }) => key.includes(one))).toBe(true)
  const gone = heads.filter(({ key }) => key.includes(one)).map(({ key }) => ({ kind: "delete", key }) as const)
  await change(directory, gone)
  const last = await again()
  expect(await find(last.client)).toBe(3)
  expect(Array.from(last.read)).toEqual([one])
})
