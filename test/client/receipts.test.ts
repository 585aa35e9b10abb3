/* Receipts end to end: registers of devices, the ladder of ticks, and who and when. [SPEC P] */
import { createMemoryStorage, type Client, type Conversation } from "@weft/sdk/node"
import { segmentDocument, type Env, type LogId, type MessageId, type UserId } from "@weft/sdk/protocol"
import { expect, it } from "vitest"
import { openClient } from "../support/client.ts"
import { conversationOf, until } from "../support/until.ts"
import { RawClient } from "../support/raw-client.ts"
import { quickEnv } from "../support/quick-env.ts"
import { startTestServer } from "../support/server.ts"

/** As a user does; with a vector, as another tab asks for it. */
async function readAll(
  conversation: Conversation,
  vector?: ReadonlyMap<number, ReadonlyMap<LogId, number>>,
): Promise<void> {
  if (vector === undefined) conversation.markRead()
  else await (conversation as Conversation & { advanceRead(vector?: unknown): Promise<void> }).advanceRead(vector)
}

function statusOf(conversation: Conversation, id: MessageId): string | undefined {
  return conversation.messages.get().items.find((message) => message.id === id)?.status
}

function users(receipts: readonly { readonly user: UserId }[]): string[] {
  return receipts.map(({ user }) => user).sort()
}

async function has(conversation: Conversation, count: number): Promise<void> {
  await until(conversation.messages, ({ items }) => items.length >= count)
}

it("[P7, P8] an own message climbs from saving to read, and says who and when", async () => {
  const { url } = await startTestServer()
  const began = Date.now()
  const alice = await openClient("alice", { servers: [url] })
  const bob = await openClient("bob", { servers: [url] })
  const trip = await alice.createConversation({ title: "Trip", members: ["bob"] })
  const message = trip.send("hello")
  const seen: string[] = [message.status]
  message.subscribe((status) => seen.push(status))
  const receipts = trip.receipts(message.id)
  const theirs = await conversationOf(bob, trip.id)
  await has(theirs, 1)
  await message.reached("delivered")
  expect(users(receipts.get().delivered)).toEqual(["bob"])
  expect(receipts.get().read).toEqual([])
  await readAll(theirs)
  await message.reached("read")
  const [read] = receipts.get().read
  expect(read?.user).toBe("bob")
  expect(read?.at).toBeGreaterThanOrEqual(began)
  expect(read?.at).toBeLessThanOrEqual(Date.now())
  expect(receipts.get().waiting).toEqual([])
  expect(seen).toEqual(["saving", "saved", "sent", "delivered", "read"].filter((status) => seen.includes(status)))
  expect(seen.at(-1)).toBe("read")
  // Another's message has no ticks.
  expect(theirs.messages.get().items[0]?.status).toBe("sent")
  expect(theirs.receipts(message.id).get()).toEqual({ delivered: [], read: [], waiting: [] })
})

it.each([
  ["set back by ten minutes, takes others' receipts", -600_000, 0],
  ["ten years ahead, is told of, and what it receives is delivered", 0, 10 * 365 * 86_400_000],
] as const)("[P3, R2] a device whose clock, under a live connection, is %s", async (_, alices, bobs) => {
  const { url } = await startTestServer()
  const off = { alice: 0, bob: 0 }
  const env = (user: "alice" | "bob"): Env => ({ ...quickEnv, now: () => Date.now() + off[user] })
  const alice = await openClient("alice", { servers: [url], env: env("alice") })
  const bob = await openClient("bob", { servers: [url], env: env("bob") })
  const trip = await alice.createConversation({ title: "Trip", members: ["bob"] })
  const before = trip.send("before")
  const theirs = await conversationOf(bob, trip.id)
  await has(theirs, 1)
  await before.reached("delivered")
  off.alice = alices
  off.bob = bobs
  const after = trip.send("after")
  await after.reached("delivered")
  await readAll(theirs)
  await after.reached("read")
  expect(statusOf(trip, after.id)).toBe("read")
})

it("[P8] a group's message is read when all have read it, on any device of each", async () => {
  const { url } = await startTestServer()
  const alice = await openClient("alice", { servers: [url] })
  const bob = await openClient("bob", { servers: [url] })
  const bobsPhone = await openClient("bob", { servers: [url] })
  const carol = await openClient("carol", { servers: [url] })
  const trip = await alice.createConversation({ title: "Trip", members: ["bob", "carol"] })
  const first = trip.send("to bob and carol")
  const receipts = trip.receipts(first.id)
  await readAll(await withMessages(bobsPhone, trip, 1))
  await until(receipts, ({ read }) => read.length === 1)
  expect(users(receipts.get().read)).toEqual(["bob"])
  await first.reached("delivered")
  expect(first.status).toBe("delivered")
  await readAll(await withMessages(carol, trip, 1))
  await first.reached("read")
  // Who came later does not take a tick away, and is asked for what is written from now on.
  await trip.addMember("dave")
  expect(statusOf(trip, first.id)).toBe("read")
  expect(receipts.get().waiting).toEqual([])
  const second = trip.send("to dave too")
  await second.reached("sent")
  await until(trip.receipts(second.id), ({ delivered }) => delivered.length === 2)
  expect(trip.receipts(second.id).get().waiting).toEqual(["dave"])
  expect(second.status).toBe("sent")
  // Who left does not hold it up.
  await trip.removeMember("dave")
  await second.reached("delivered")
  await bob.close()
})

async function withMessages(of: Client, { id }: Conversation, count: number): Promise<Conversation> {
  const conversation = await conversationOf(of, id)
  await has(conversation, count)
  return conversation
}

it("[P8] a device that its author opens later shows what was read before, though receipts came before the messages", async () => {
  const { url } = await startTestServer()
  const alice = await openClient("alice", { servers: [url] })
  const bob = await openClient("bob", { servers: [url] })
  const trip = await alice.createConversation({ title: "Trip", members: ["bob"] })
  const message = trip.send("hello")
  await readAll(await withMessages(bob, trip, 1))
  await message.reached("read")
  // Nobody says anything again.
  await Promise.all([alice.close(), bob.close()])
  const later = await withMessages(await openClient("alice", { servers: [url] }), trip, 1)
  await until(later.messages, () => statusOf(later, message.id) === "read")
  expect(users(later.receipts(message.id).get().read)).toEqual(["bob"])
})

it("[P7] who turned read receipts off says what was delivered, and no more", async () => {
  const { url } = await startTestServer()
  const alice = await openClient("alice", { servers: [url] })
  const bob = await openClient("bob", { servers: [url] })
  bob.account.setPrivacy({ receipts: false })
  const trip = await alice.createConversation({ title: "Trip", members: ["bob"] })
  const first = trip.send("one")
  const theirs = await withMessages(bob, trip, 1)
  await readAll(theirs)
  await first.reached("delivered")
  const second = trip.send("two")
  await has(theirs, 2)
  await second.reached("delivered")
  expect(trip.receipts(first.id).get().read).toEqual([])
  // Turned on, what was read meanwhile is told.
  bob.account.setPrivacy({ receipts: true })
  await first.reached("read")
  expect(second.status).toBe("delivered")
})

it("[P6] what was read offline is told afterwards; receipts are there after a restart, and without a server", async () => {
  const { url } = await startTestServer()
  const storage = createMemoryStorage()
  const alice = await openClient("alice", { servers: [url], storage })
  const bobs = createMemoryStorage()
  const bob = await openClient("bob", { servers: [url], storage: bobs })
  const trip = await alice.createConversation({ title: "Trip", members: ["bob"] })
  const message = trip.send("hello")
  const theirs = await withMessages(bob, trip, 1)
  await message.reached("delivered")
  const deliveredAt = trip.receipts(message.id).get().delivered
  bob.goOffline()
  await readAll(theirs)
  await bob.close()
  // Its register was not written yet, or not sent: the next start does both.
  const again = await openClient("bob", { servers: [url], storage: bobs.share() })
  const later = (await withMessages(again, trip, 1)).send("and so on")
  await later.reached("sent")
  await message.reached("read")
  await alice.close()
  const offline = await openClient("alice", { storage: storage.share() })
  const kept = offline.conversation(trip.id)!
  expect(statusOf(kept, message.id)).toBe("read")
  expect(kept.receipts(message.id).get().delivered).toEqual(deliveredAt)
})

it("[P2] a message that comes late below what was read is not said to be read, nor another unread by it", async () => {
  const { url } = await startTestServer()
  const alice = await openClient("alice", { servers: [url] })
  const aliceToo = await openClient("alice", { servers: [url] })
  const bob = await openClient("bob", { servers: [url] })
  const trip = await alice.createConversation({ title: "Trip", members: ["bob"] })
  await withMessages(aliceToo, trip, 0)
  await trip.send("zero").reached("sent")
  const elsewhere = await withMessages(aliceToo, trip, 1)
  aliceToo.goOffline()
  const late = elsewhere.send("written offline, earlier")
  await late.reached("saved")
  const onTime = trip.send("one")
  const theirs = await withMessages(bob, trip, 2)
  await readAll(theirs)
  await onTime.reached("read")
  aliceToo.goOnline()
  await late.reached("delivered")
  expect(late.status).toBe("delivered")
  await has(trip, 3)
  expect(onTime.status).toBe("read")
  // By a vector, as a mark of one message gives it: only what it names.
  const segment = segmentDocument(trip.id, 1)
  expect(segment).toContain(trip.id)
  await readAll(theirs)
  await late.reached("read")
})

it("[P5, P6] both sides of a connection end with the same registers, which the server keeps", async () => {
  const server = await startTestServer()
  const alice = await openClient("alice", { servers: [server.url] })
  const bob = await openClient("bob", { servers: [server.url] })
  const trip = await alice.createConversation({ title: "Trip", members: ["bob"] })
  const message = trip.send("hello")
  await readAll(await withMessages(bob, trip, 1))
  await message.reached("read")
  await Promise.all([alice.close(), bob.close()])
  await server.close()
  const next = await startTestServer({ data: server.data })
  const raw = await RawClient.connect(next.url, { user: "alice" })
  raw.connection.send({ kind: "clocks", conversation: trip.id, reply: true, items: [] })
  const { items } = await raw.connection.next("registers")
  expect(items.length).toBeGreaterThan(0)
})
