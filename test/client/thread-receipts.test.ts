/* Receipts of a thread's messages: they are read where the thread is read, and nowhere else. [SPEC P7] */
import { createMemoryStorage, type Client, type Conversation, type NodeClientOptions } from "@weft/sdk/node"
import type { MessageId } from "@weft/sdk/protocol"
import { expect, it } from "vitest"
import { openClient } from "../support/client.ts"
import { conversationOf, until } from "../support/until.ts"
import { startTestServer } from "../support/server.ts"
import { TestProfile } from "../support/tabs.ts"

interface Arena {
  readonly servers: readonly string[]
  readonly alice: Client
  readonly bob: Client
  readonly trip: Conversation
  readonly atBob: Conversation
  readonly root: MessageId
}

/** Bob's device, with a conversation and a message that a thread may stand below; alice has both. */
async function arena(options: Partial<NodeClientOptions> = {}, members = ["alice"]): Promise<Arena> {
  const { url } = await startTestServer({ limits: { entriesPerSecond: 100_000, entryBurst: 100_000 } })
  const servers = [url]
  const bob = await openClient("bob", { servers })
  const atBob = await bob.createConversation({ title: "Trip", members })
  const root = atBob.send("who sits where?")
  await root.reached("sent")
  const alice = await openClient("alice", { servers, ...options })
  const trip = await conversationOf(alice, atBob.id)
  await has(trip, root.id)
  return { servers, alice, bob, trip, atBob, root: root.id }
}

async function has(conversation: Conversation, ...ids: readonly MessageId[]): Promise<void> {
  await until(conversation.messages, ({ items }) => ids.every((id) => items.some((item) => item.id === id)))
}

function readersOf(conversation: Conversation, id: MessageId): string[] {
  return conversation
    .receipts(id)
    .get()
    .read.map(({ user }) => user)
    .sort()
}

function statusOf(conversation: Conversation, id: MessageId): string | undefined {
  return conversation.message(id)?.status
}

it("[P7, P8] a reply is read when its thread is, by whom and when; what stands around it is not", async () => {
  const { trip, atBob, root } = await arena()
  const reply = atBob.send("by the window", { thread: root })
  const elsewhere = atBob.send("in another thread", { thread: atBob.send("and who drives?").id })
  const after = atBob.send("later, outside of threads")
  await has(trip, reply.id, elsewhere.id, after.id)
  await after.reached("delivered")
  const began = Date.now()
  trip.markThreadRead(root)
  await reply.reached("read")
  expect(statusOf(atBob, reply.id)).toBe("read")
  const [read] = atBob.receipts(reply.id).get().read
  expect(read?.user).toBe("alice")
  expect(read?.at).toBeGreaterThanOrEqual(began)
  expect(read?.at).toBeLessThanOrEqual(Date.now())
  for (const { id } of [elsewhere, after])
    expect([statusOf(atBob, id), readersOf(atBob, id)]).toEqual(["delivered", []])
  expect(statusOf(atBob, root)).toBe("delivered")
  // The next reply is not read before the thread is again.
  const next = atBob.send("or in the aisle", { thread: root })
  await has(trip, next.id)
  await next.reached("delivered")
  expect(next.status).toBe("delivered")
  trip.markThreadRead(root)
  await next.reached("read")
})

it("[P7] who reads on outside of a thread has read nothing in it", async () => {
  const { trip, atBob, root } = await arena()
  const reply = atBob.send("by the window", { thread: root })
  const later = atBob.send("later, outside of threads")
  await has(trip, reply.id, later.id)
  trip.markRead()
  await later.reached("read")
  expect([statusOf(atBob, reply.id), readersOf(atBob, reply.id)]).toEqual(["delivered", []])
  expect(
    atBob
      .receipts(reply.id)
      .get()
      .delivered.map(({ user }) => user),
  ).toEqual(["alice"])
})

it("[P7] who turned read receipts off says nothing of threads either; turned on, what was read meanwhile is told", async () => {
  const { alice, trip, atBob, root } = await arena()
  alice.account.setPrivacy({ receipts: false })
  const reply = atBob.send("by the window", { thread: root })
  await has(trip, reply.id)
  trip.markThreadRead(root)
  const later = atBob.send("later", { thread: root })
  await later.reached("delivered")
  expect(readersOf(atBob, reply.id)).toEqual([])
  alice.account.setPrivacy({ receipts: true })
  await reply.reached("read")
  expect(later.status).toBe("delivered")
})

it("[P8] a reply is read on any device of its reader's, and shown so on every device of its author's", async () => {
  const { servers, trip, atBob, root, alice } = await arena()
  const laptop = await openClient("alice", { servers })
  const onLaptop = await conversationOf(laptop, trip.id)
  const reply = atBob.send("by the window", { thread: root })
  await has(onLaptop, reply.id)
  await has(trip, reply.id)
  onLaptop.markThreadRead(root)
  await reply.reached("read")
  // What the other device read later takes nothing back.
  const later = atBob.send("later, outside of threads")
  await has(trip, later.id)
  trip.markRead()
  await later.reached("read")
  expect(statusOf(atBob, reply.id)).toBe("read")
  await Promise.all([alice.close(), laptop.close()])
  const bobsLaptop = await openClient("bob", { servers })
  const onBobsLaptop = await conversationOf(bobsLaptop, trip.id)
  await until(onBobsLaptop.messages, () => statusOf(onBobsLaptop, reply.id) === "read")
  expect(readersOf(onBobsLaptop, reply.id)).toEqual(["alice"])
})

it("[P6, P7] a thread that was read offline is told of afterwards, by the next start too", async () => {
  const storage = createMemoryStorage()
  const { servers, alice, bob, trip, atBob, root } = await arena({ storage })
  const reply = atBob.send("by the window", { thread: root })
  await has(trip, reply.id)
  await reply.reached("delivered")
  alice.goOffline()
  trip.markThreadRead(root)
  await alice.account.saved()
  await alice.close()
  const again = await openClient("alice", { servers, storage: storage.share() })
  await reply.reached("read")
  // Nor is it forgotten with the next thing that is said.
  const later = atBob.send("later, outside of threads")
  const reopened = await conversationOf(again, trip.id)
  await has(reopened, later.id)
  reopened.markRead()
  await later.reached("read")
  expect(statusOf(atBob, reply.id)).toBe("read")
  await bob.synced()
})

it("[P8] a reply that was read is so after its author's restart, offline", async () => {
  const { url } = await startTestServer()
  const storage = createMemoryStorage()
  const bob = await openClient("bob", { servers: [url], storage })
  const atBob = await bob.createConversation({ title: "Trip", members: ["alice"] })
  const root = atBob.send("who sits where?")
  const reply = atBob.send("by the window", { thread: root.id })
  const alice = await openClient("alice", { servers: [url] })
  const trip = await conversationOf(alice, atBob.id)
  await has(trip, reply.id)
  trip.markThreadRead(root.id)
  await reply.reached("read")
  const before = atBob.receipts(reply.id).get()
  await bob.close()
  const again = await openClient("bob", { storage: storage.share() })
  const kept = await conversationOf(again, atBob.id)
  await until(kept.messages, ({ state }) => state === "ready")
  expect([statusOf(kept, reply.id), statusOf(kept, root.id)]).toEqual(["read", "delivered"])
  expect(kept.receipts(reply.id).get()).toEqual(before)
})

it("[P8] in a group a reply is read when all have read its thread", async () => {
  const { servers, trip, atBob, root } = await arena({}, ["alice", "carol"])
  const carol = await openClient("carol", { servers })
  const atCarol = await conversationOf(carol, trip.id)
  const reply = atBob.send("by the window", { thread: root })
  for (const one of [trip, atCarol]) await has(one, reply.id)
  trip.markThreadRead(root)
  atCarol.markRead()
  await until(atBob.receipts(reply.id), ({ read }) => read.length === 1)
  await until(atBob.receipts(root), ({ read }) => read.some(({ user }) => user === "carol"))
  expect([statusOf(atBob, reply.id), readersOf(atBob, reply.id)]).toEqual(["delivered", ["alice"]])
  atCarol.markThreadRead(root)
  await reply.reached("read")
  expect(readersOf(atBob, reply.id)).toEqual(["alice", "carol"])
})

it("[P12] who is blocked hears nothing of what is read in a thread, while others do; unblocked, what is read from then on", async () => {
  const { servers, alice, bob, trip, atBob, root } = await arena({}, ["alice", "carol"])
  const carol = await openClient("carol", { servers })
  const atCarol = await conversationOf(carol, trip.id)
  const known = atBob.send("before", { thread: root })
  await has(trip, known.id)
  trip.markThreadRead(root)
  await until(atBob.receipts(known.id), ({ read }) => read.length === 1)
  alice.account.block("bob")
  const his = atBob.send("while he is blocked", { thread: root })
  await has(atCarol, his.id)
  const hers = atCarol.send("from carol", { thread: root })
  await has(trip, hers.id)
  trip.markThreadRead(root)
  await until(atCarol.receipts(hers.id), ({ read }) => read.some(({ user }) => user === "alice"))
  await bob.synced()
  expect([readersOf(atBob, known.id), readersOf(atBob, his.id)]).toEqual([["alice"], []])
  alice.account.unblock("bob")
  await until(trip.unread, ({ threads }) => threads.get(root)?.count === 1)
  await until(atBob.receipts(his.id), ({ delivered }) => delivered.some(({ user }) => user === "alice"))
  expect(readersOf(atBob, his.id)).toEqual([])
  trip.markThreadRead(root)
  await until(atBob.receipts(his.id), ({ read }) => read.some(({ user }) => user === "alice"))
})

it("[P7] a thread's messages in a later segment than its root are read with it", async () => {
  const { trip, atBob, root } = await arena()
  const first = atBob.send("by the window", { thread: root })
  for (let number = 0; number < 6; number++) atBob.send("x".repeat(60_000))
  const last = atBob.send("or in the aisle", { thread: root })
  await has(trip, first.id, last.id)
  trip.markThreadRead(root)
  await Promise.all([first.reached("read"), last.reached("read")])
})

it("[P7, W3] what is read of a thread in one tab is told by the one that writes", async () => {
  const { servers, atBob, root } = await arena({}, ["alice", "carol"])
  const profile = new TestProfile("carol", createMemoryStorage(), servers)
  const writer = await profile.open()
  const follower = await profile.open()
  try {
    await writer.lead()
    const inTab = await conversationOf(follower.client, atBob.id)
    const reply = atBob.send("by the window", { thread: root })
    await has(inTab, reply.id)
    inTab.markThreadRead(root)
    await until(atBob.receipts(reply.id), ({ read }) => read.some(({ user }) => user === "carol"))
    expect(readersOf(atBob, root)).toEqual([])
  } finally {
    await Promise.all([writer.client.close(), follower.client.close()])
  }
})
