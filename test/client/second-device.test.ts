import { afterEach, expect, it } from "vitest"
import { createClient, createMemoryStorage, type Client } from "@weft/sdk/node"
import { conversationOf, until } from "../replay/replay.ts"
import { startTestServer } from "../support/server.ts"
import { temporaryDirectory } from "../support/temporary.ts"

const clients: Client[] = []

async function device(user: string, url: string): Promise<Client> {
  const made = await createClient({ user, storage: createMemoryStorage(), servers: [url] })
  clients.push(made)
  return made
}

afterEach(async () => {
  await Promise.all(clients.splice(0).map((one) => one.close()))
})

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
