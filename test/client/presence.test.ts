/* Typing and presence, from client to client. [SPEC P9-P12] */
import { type NodeClientOptions, createMemoryStorage, type Client, type Conversation } from "@weft/sdk/node"
import type { UserId } from "@weft/sdk/protocol"
import { expect, it } from "vitest"
import { openClient } from "../support/client.ts"
import { conversationOf, until } from "../support/until.ts"
import { startTestServer } from "../support/server.ts"

type Options = Partial<NodeClientOptions>

async function pair(
  options: Options = {},
): Promise<{ alice: Client; bob: Client; trip: Conversation; theirs: Conversation }> {
  const { url } = await startTestServer()
  const alice = await openClient("alice", { servers: [url] })
  const bob = await openClient("bob", { servers: [url], ...options })
  const trip = await alice.createConversation({ title: "Trip", members: ["bob"] })
  return { alice, bob, trip, theirs: await conversationOf(bob, trip.id) }
}

it("[P9] who types is shown until they stop", async () => {
  const { trip, theirs } = await pair()
  const seen: (readonly UserId[])[] = []
  trip.typing.subscribe((users) => seen.push(users))
  theirs.typing.subscribe(() => undefined)
  await until(trip.presence, (users) => users.has("bob" as UserId))
  for (let key = 0; key < 100; key++) theirs.setTyping()
  await until(trip.typing, (users) => users.length === 1)
  expect(trip.typing.get()).toEqual(["bob"])
  theirs.setTyping(false)
  await until(trip.typing, (users) => users.length === 0)
  expect(seen).toEqual([["bob"], []])
  expect(theirs.typing.get()).toEqual([])
})

it("[P9] who types as soon as the conversation is shown is seen to", async () => {
  const { trip, theirs } = await pair()
  trip.typing.subscribe(() => undefined)
  await until(trip.presence, (users) => users.has("bob" as UserId))
  theirs.typing.subscribe(() => undefined)
  theirs.setTyping()
  await until(trip.typing, (users) => users.length === 1)
})

it("[P9] who comes and goes is shown while somebody looks, and forgotten offline", async () => {
  const { alice, bob, trip, theirs } = await pair()
  const stop = trip.presence.subscribe(() => undefined)
  await until(trip.presence, (users) => users.get("bob" as UserId)?.kind === "online")
  expect(alice.presence.get().get("bob" as UserId)).toEqual({ kind: "online" })
  expect(theirs.presence.get().size).toBe(0)
  const before = Date.now()
  bob.goOffline()
  await until(trip.presence, (users) => users.get("bob" as UserId)?.kind === "lastSeen")
  const last = trip.presence.get().get("bob" as UserId)
  expect(last?.kind === "lastSeen" ? last.at : 0).toBeGreaterThanOrEqual(before)
  bob.goOnline()
  await until(trip.presence, (users) => users.get("bob" as UserId)?.kind === "online")
  alice.goOffline()
  expect(trip.presence.get().size).toBe(0)
  alice.goOnline()
  await until(trip.presence, (users) => users.size === 1)
  stop()
  expect(trip.presence.get().size).toBe(0)
})

it("[P12] who keeps it private is not shown; who is hidden is shown nothing, and not shown", async () => {
  const { alice, bob, trip, theirs } = await pair({ privacy: { lastSeen: false } })
  trip.presence.subscribe(() => undefined)
  trip.typing.subscribe(() => undefined)
  theirs.presence.subscribe(() => undefined)
  theirs.typing.subscribe(() => undefined)
  await until(theirs.presence, (users) => users.has("alice" as UserId))
  theirs.setTyping()
  await until(trip.typing, (users) => users.length === 1)
  expect(trip.presence.get().size).toBe(0)
  alice.account.block("bob")
  await until(trip.typing, (users) => users.length === 0)
  const message = trip.send("receipts are hidden too")
  await message.reached("sent")
  expect(trip.receipts(message.id).get()).toEqual({ delivered: [], read: [], waiting: [] })
  await bob.close()
})

it("[P9] who looks at a conversation that no server knows yet sees who is here as soon as one does, and who is added later", async () => {
  const { url } = await startTestServer()
  const bob = await openClient("bob", { servers: [url] })
  const carol = await openClient("carol", { servers: [url] })
  await Promise.all([bob.synced(), carol.synced()])
  const alice = await openClient("alice")
  const trip = await alice.createConversation({ title: "Trip", members: ["bob"] })
  trip.presence.subscribe(() => undefined)
  trip.typing.subscribe(() => undefined)
  alice.addServer(url)
  await until(trip.presence, (users) => users.get("bob" as UserId)?.kind === "online")
  await trip.addMember("carol")
  await until(trip.presence, (users) => users.get("carol" as UserId)?.kind === "online")
  // And the one who was added, who looked before any server let them in.
  const { link } = await trip.createInvite()
  const dan = await openClient("dan", { servers: [url] })
  const atDan = await dan.join(link)
  atDan.presence.subscribe(() => undefined)
  await until(atDan.presence, (users) => users.size === 3)
  const theirs = await conversationOf(bob, trip.id)
  theirs.setTyping()
  await until(trip.typing, (users) => users.length === 1)
})

it("[P10] who types, and when somebody was last here, is in no file: a server that starts again knows nothing of it", async () => {
  const before = await startTestServer()
  const storage = createMemoryStorage()
  const alice = await openClient("alice", { servers: [before.url] })
  const bob = await openClient("bob", { servers: [before.url], storage })
  const trip = await alice.createConversation({ title: "Trip", members: ["bob"] })
  trip.presence.subscribe(() => undefined)
  trip.typing.subscribe(() => undefined)
  const theirs = await conversationOf(bob, trip.id)
  theirs.setTyping()
  await until(trip.typing, (users) => users.length === 1)
  bob.goOffline()
  await until(trip.presence, (users) => users.get("bob" as UserId)?.kind === "lastSeen")
  await Promise.all([bob.account.saved(), alice.synced()])
  alice.goOffline()
  expect([trip.typing.get().length, trip.presence.get().size]).toEqual([0, 0])
  await before.close()
  const crashed = await openClient("bob", { storage: createMemoryStorage({ snapshot: storage.snapshot() }) })
  expect(crashed.conversation(trip.id)?.typing.get()).toEqual([])
  const after = await startTestServer({ data: before.data })
  const carol = await openClient("carol", { servers: [after.url] })
  await trip.addMember("carol")
  alice.addServer(after.url)
  alice.goOnline()
  const atCarol = await conversationOf(carol, trip.id)
  atCarol.presence.subscribe(() => undefined)
  // Of alice it knows by her connection; of bob, whom it had seen go before, nothing.
  await until(atCarol.presence, (users) => users.get("alice" as UserId)?.kind === "online")
  expect(Array.from(atCarol.presence.get().keys())).toEqual(["alice"])
})
