/* Own entries that rest on own control entries which nobody takes, or under that name no more. [SPEC R6] */
import { expect, it } from "vitest"
import { createMemoryStorage, type Conversation } from "@weft/sdk/node"
import { openClient } from "../support/client.ts"
import { conversationOf, until } from "../support/until.ts"
import { quickEnv } from "../support/quick-env.ts"
import { startTestServer } from "../support/server.ts"

const HOURS_MS = 60 * 60 * 1000

const texts = (conversation: Conversation) => conversation.messages.get().items.map(({ text }) => text)

it("[R6, R2] a control entry gets another clock: what was sealed on it is written again, erasures too", async () => {
  const server = await startTestServer()
  let ahead = 0
  const alice = await openClient("alice", {
    servers: [server.url],
    env: { ...quickEnv, now: () => Date.now() + ahead },
  })
  const trip = await alice.createConversation({ title: "Trip", members: ["bob"] })
  await trip.send("before").reached("sent")
  const regretted = trip.send("regretted")
  await regretted.reached("sent")
  await alice.synced()
  ahead = 3 * HOURS_MS
  await trip.setTitle("Later")
  const after = trip.send("after")
  await trip.erase(regretted.id)
  await after.reached("sent")
  await alice.synced()
  const bob = await openClient("bob", { servers: [server.url] })
  const received = await conversationOf(bob, trip.id)
  await until(received.messages, ({ items }) => items.length === 3 && items.some(({ form }) => form === "erased"))
  expect(texts(received)).toEqual(["before", undefined, "after"])
  expect(received.info.get().title).toBe("Later")
  await received.send("seen").reached("sent")
  await until(trip.messages, ({ items }) => items.length === 4)
  await Promise.all([alice.synced(), bob.synced()])
  expect(await received.digest()).toBe(await trip.digest())
})

it("[R6, R1] a control entry is refused for good: messages sealed on it arrive without it", async () => {
  const server = await startTestServer()
  const alice = await openClient("alice", { servers: [server.url] })
  const carol = await openClient("carol", { servers: [server.url] })
  const storage = createMemoryStorage()
  const dave = await openClient("dave", { servers: [server.url], storage })
  const trip = await alice.createConversation({ title: "Trip", members: ["carol", "dave"] })
  await trip.setRole("carol", "admin")
  const carols = await conversationOf(carol, trip.id)
  const daves = await conversationOf(dave, trip.id)
  await daves.send("hello").reached("sent")
  await until(carols.info, ({ role }) => role === "admin")
  await until(trip.messages, ({ items }) => items.length === 1)
  // Alice removes carol without having seen what carol does meanwhile.
  alice.goOffline()
  await trip.removeMember("carol")
  await carols.setRole("dave", "admin")
  await until(daves.info, ({ role }) => role === "admin")
  dave.goOffline()
  await daves.setTitle("Dave's")
  const message = daves.send("as an admin")
  await message.reached("saved")
  alice.goOnline()
  await alice.synced()
  dave.goOnline()
  await message.reached("sent")
  await dave.synced()
  await until(trip.messages, ({ items }) => items.length === 2)
  expect(texts(trip)).toEqual(["hello", "as an admin"])
  expect(daves.changes.get()).toMatchObject([{ kind: "title", status: "refused", code: "ROLE_TOO_LOW" }])
  await Promise.all([alice.synced(), dave.synced()])
  expect(await daves.digest()).toBe(await trip.digest())
})
