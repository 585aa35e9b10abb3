/* Documents that can't be read, cut down to what can, and made whole by whoever holds the rest. [SPEC R7] */
import { readdir } from "node:fs/promises"
import { controlDocument, segmentDocument, type DocumentName } from "@weft/sdk/protocol"
import { type Client, type Conversation } from "@weft/sdk/node"
import type { ClassicLevel } from "classic-level"
import { expect, it } from "vitest"
import { metaKey, updateKey } from "../../sync-server/src/store/keys.js"
import { openClient } from "../support/client.ts"
import { conversationOf, until } from "../support/until.ts"
import { RawClient } from "../support/raw-client.js"
import { startTestServer } from "../support/server.js"
import { tamper } from "../support/tamper.js"
import { temporaryDirectory } from "../support/temporary.js"

function open(user: string, url: string, directory?: string): Promise<Client> {
  return openClient(user, { servers: [url], ...(directory !== undefined && { directory }) })
}

async function say(conversation: Conversation, count: number): Promise<void> {
  for (let index = 0; index < count; index++) await conversation.send(`message ${index}`).reached("sent")
}

async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url.replace("ws", "http")}/metrics`)).text()
  return Number(new RegExp(`^${name} (\\d+)`, "m").exec(text)?.[1])
}

const damages: Record<string, (name: DocumentName, level: ClassicLevel<Uint8Array, Uint8Array>) => Promise<void>> = {
  "an update is gone": (name, level) => level.del(updateKey(name, 1)),
  "the first update is garbage": (name, level) => level.put(updateKey(name, 0), Uint8Array.of(1, 2, 3)),
  "the summary is garbage": (name, level) => level.put(metaKey(name, "weft-summary"), Uint8Array.of(9, 9)),
  "an update is the one before it once more": async (name, level) => {
    const before = await level.get(updateKey(name, 0))
    if (before !== undefined) await level.put(updateKey(name, 1), before)
  },
  "everything is gone but the summary": async (name, level) => {
    for (let clock = 0; clock < 40; clock++) await level.del(updateKey(name, clock))
  },
}

for (const [what, damage] of Object.entries(damages)) {
  it(`[R7] ${what}: a device brings back what the repair left out`, async () => {
    const server = await startTestServer()
    const directory = await temporaryDirectory()
    const alice = await open("alice", server.url, directory)
    const bob = await open("bob", server.url)
    const trip = await alice.createConversation({ title: "Trip", members: ["bob"] })
    await say(trip, 4)
    await say(await conversationOf(bob, trip.id), 4)
    await until(trip.messages, ({ items }) => items.length === 8)
    await alice.synced()
    await Promise.all([alice.close(), bob.close()])
    await server.close()
    const id = trip.id
    await tamper(server.data, async (level) => {
      await damage(controlDocument(id), level)
      await damage(segmentDocument(id, 1), level)
    })

    const repaired = await startTestServer({ data: server.data, repair: true })
    expect((await readdir(`${server.data}.damaged`)).sort()).toEqual([`c_${id}_1.0`, `c_${id}_control.0`])
    const again = await open("alice", repaired.url, directory)
    await again.synced()
    const late = await open("bob", repaired.url)
    const received = await conversationOf(late, trip.id)
    await until(received.messages, ({ items }) => items.length === 8)
    await received.send("all here").reached("sent")
    const here = await conversationOf(again, trip.id)
    await until(here.messages, ({ items }) => items.length === 9)
    expect(await metric(repaired.url, "weft_quarantined_documents")).toBe(0)
  })
}

it("[R7] a peer brings back what the repair left out, and what is sound is left as it is", async () => {
  const first = await startTestServer()
  const second = await startTestServer({ peers: [`${first.url}/sync`] })
  const alice = await open("alice", first.url)
  const trip = await alice.createConversation({ title: "Trip" })
  await say(trip, 6)
  const other = await alice.createConversation({ title: "Sound" })
  await say(other, 2)
  await alice.synced()
  await alice.close()
  const reader = await RawClient.connect(second.url, { user: "alice" })
  const segment = segmentDocument(trip.id, 1)
  const whole = async (client: RawClient): Promise<string> =>
    Buffer.from((await client.fetch(segment)).digest).toString("hex")
  const expected = await whole(await RawClient.connect(first.url, { user: "alice" }))
  await expect.poll(() => whole(reader), { timeout: 10_000 }).toBe(expected)
  await first.close()
  await tamper(first.data, (level) => level.del(updateKey(segment, 2)))

  const again = await startTestServer({ data: first.data, repair: true, peers: [`${second.url}/sync`] })
  expect(await readdir(`${first.data}.damaged`)).toEqual([`c_${trip.id}_1.0`])
  const client = await RawClient.connect(again.url, { user: "alice" })
  await expect.poll(() => whole(client), { timeout: 10_000 }).toBe(expected)
  // Nothing is damaged now: a second repair changes nothing.
  await again.close()
  const once = await startTestServer({ data: first.data, repair: true })
  expect(await readdir(`${first.data}.damaged`)).toHaveLength(1)
  expect(await whole(await RawClient.connect(once.url, { user: "alice" }))).toBe(expected)
})
