import { expect, it } from "vitest"
import { createMemoryStorage, type Client } from "@weft/sdk/node"
import { openClient } from "../support/client.ts"
import { conversationOf, until } from "../support/until.ts"
import { startTestServer } from "../support/server.ts"
import { temporaryDirectory } from "../support/temporary.ts"

function device(user: string, url: string): Promise<Client> {
  return openClient(user, { servers: [url] })
}

it("[A] an owner's second device introduces itself before it tells of new server keys", async () => {
  const data = await temporaryDirectory()
  const before = await startTestServer({ data })
  const first = await device("alice", before.url)
  const { id } = await first.createConversation({ title: "Trip" })
  await first.synced()
  await first.close()
  await before.close()

  // The servers trust a key by now that the conversation does not know.
  const fresh = crypto.getRandomValues(new Uint8Array(32))
  const now = await startTestServer({ data, trust: [fresh] })
  const second = await device("alice", now.url)
  const trip = await conversationOf(second, id)
  await until(trip.info, ({ role }) => role === "owner")
  await trip.send("from the second device").reached("sent")
  await second.synced()
  const third = await device("alice", now.url)
  const read = await conversationOf(third, id)
  await until(read.messages, ({ items }) => items.length === 1)
  expect(read.messages.get().items).toMatchObject([{ text: "from the second device", author: "alice", own: true }])
})

it("[S7] what a clone of this device wrote counts as sent here, and waits for nothing", async () => {
  const { url } = await startTestServer()
  const storage = createMemoryStorage()
  const one = await openClient("alice", { storage, servers: [url] })
  const trip = await one.createConversation({ title: "Trip" })
  await trip.send("by both").reached("sent")
  await one.synced()
  const clone = await openClient("alice", {
    storage: createMemoryStorage({ snapshot: storage.snapshot() }),
    servers: [url],
  })
  expect(clone.device).toBe(one.device)
  const [theirs] = clone.conversations.get()
  await theirs!.send("by the clone").reached("sent")
  await until(trip.messages, ({ items }) => items.length === 2)
  await trip.send("by the first").reached("sent")
  await until(theirs!.messages, ({ items }) => items.length === 3)
  for (const conversation of [trip, theirs!]) {
    await until(conversation.messages, ({ items }) => items.every(({ status }) => status === "sent"))
  }
  for (const client of [one, clone]) await until(client.status, ({ pending }) => pending.length === 0)
})

/** Bob's phone, and a laptop of his that nobody can introduce: the server has another key now, which no owner adds. */
async function withStranger() {
  const first = await startTestServer()
  const alice = await device("alice", first.url)
  const { id } = await alice.createConversation({ title: "Trip", members: ["bob"] })
  await alice.synced()
  const phone = await device("bob", first.url)
  const onPhone = await conversationOf(phone, id)
  await onPhone.send("from the phone").reached("sent")
  await alice.close()
  await first.close()
  const { url } = await startTestServer({ port: first.port })
  const laptop = await device("bob", url)
  const onLaptop = await conversationOf(laptop, id)
  await until(onLaptop.info, ({ role }) => role === "member")
  await until(onLaptop.messages, ({ items }) => items.length === 1)
  return { laptop, onPhone, onLaptop }
}

it("[R5] what a device wrote that nobody introduced is refused once its user left: nobody can introduce it any more", async () => {
  const { laptop, onPhone, onLaptop } = await withStranger()
  const message = onLaptop.send("from the laptop")
  await until(laptop.status, ({ pending }) => pending[0]?.reason === "introduction")
  await onPhone.leave()
  await expect(message.reached("sent")).rejects.toThrow("PAST_CUT")
  await laptop.synced()
  expect(laptop.status.get().pending).toEqual([])
})
