/* Documents that can't be read, cut down to what can, and made whole by whoever holds the rest. [SPEC R7] */
import { readdir } from "node:fs/promises"
import { accountOf, controlDocument, segmentDocument, type DocumentName, type UserId } from "@weft/sdk/protocol"
import { type Client, type Conversation } from "@weft/sdk/node"
import type { ClassicLevel } from "classic-level"
import { expect, it } from "vitest"
import * as Y from "yjs"
import { digestKey, metaKey, updateKey } from "../../sync-server/src/store/keys.js"
import { openClient } from "../support/client.ts"
import { conversationOf, until } from "../support/until.ts"
import {
  accountNamed,
  digestOfDoc,
  draft,
  edit,
  fetchAccount,
  heldAccount,
  pushAccount,
} from "../support/raw-account.js"
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

/** Of an account of four updates: two of one writer, of which the second builds on the first, then two of another. */
const accountDamages: Record<string, (level: ClassicLevel<Uint8Array, Uint8Array>) => Promise<void>> = {
  "the first update is garbage": (level) => level.put(updateKey(accountNamed("alice"), 0), Uint8Array.of(1, 2, 3)),
  "the third update is gone": (level) => level.del(updateKey(accountNamed("alice"), 2)),
  "the last update is gone": (level) => level.del(updateKey(accountNamed("alice"), 3)),
  "an update of another writer, which later ones build on, is gone": (level) =>
    level.del(updateKey(accountNamed("alice"), 1)),
  "everything is gone but the digest": async (level) => {
    for (let clock = 0; clock < 4; clock++) await level.del(updateKey(accountNamed("alice"), clock))
  },
}

for (const [what, damage] of Object.entries(accountDamages)) {
  it(`[R7] of an account, ${what}: what can be read is kept, and a device brings the rest`, async () => {
    const server = await startTestServer()
    const phone = new Y.Doc()
    const laptop = new Y.Doc()
    const alice = await RawClient.connect(server.url, { user: "alice" })
    const bob = await RawClient.connect(server.url, { user: "bob" })
    expect(await pushAccount(bob, draft(new Y.Doc(), "mine"))).toBeUndefined()
    expect(await pushAccount(alice, draft(phone, "one"))).toBeUndefined()
    expect(await pushAccount(alice, draft(phone, " two"))).toBeUndefined()
    Y.applyUpdate(laptop, Y.encodeStateAsUpdate(phone))
    expect(await pushAccount(alice, draft(laptop, " three"))).toBeUndefined()
    const mute = edit(laptop, () => laptop.getMap("conversations").set("here/muted", 1))
    expect(await pushAccount(alice, mute)).toBeUndefined()
    const { digest } = await heldAccount(alice)
    await server.close()
    await tamper(server.data, damage)

    const repaired = await startTestServer({ data: server.data, repair: true })
    expect(await readdir(`${server.data}.damaged`)).toEqual([`${accountNamed("alice").replaceAll("/", "_")}.0`])
    const again = await RawClient.connect(repaired.url, { user: "alice" })
    const left = await heldAccount(again)
    expect(left.digest).toEqual(digestOfDoc(left.doc, "alice"))
    expect(left.digest).not.toEqual(digest)
    // What a device sends that compared: all that the server lacks.
    const missing = Y.encodeStateAsUpdate(laptop, Y.encodeStateVector(left.doc))
    expect(await pushAccount(again, missing)).toBeUndefined()
    const whole = await heldAccount(again)
    expect(whole.digest).toEqual(digest)
    expect(whole.doc.getMap("drafts").toJSON()).toEqual({ here: "one two three" })
    expect((await heldAccount(await RawClient.connect(repaired.url, { user: "bob" }))).doc.toJSON()).toBeDefined()
    expect(await metric(repaired.url, "weft_quarantined_documents")).toBe(0)
    // Nothing is damaged now: a second repair changes nothing.
    await repaired.close()
    const once = await startTestServer({ data: server.data, repair: true })
    expect(await readdir(`${server.data}.damaged`)).toHaveLength(1)
    expect((await heldAccount(await RawClient.connect(once.url, { user: "alice" }))).digest).toEqual(digest)
  })
}

it("[R7] an account that can't be read is left alone without a repair, and the others are served", async () => {
  const server = await startTestServer()
  const alice = await RawClient.connect(server.url, { user: "alice" })
  const bob = await RawClient.connect(server.url, { user: "bob" })
  const phone = new Y.Doc()
  const laptop = new Y.Doc()
  expect(await pushAccount(bob, draft(new Y.Doc(), "mine"))).toBeUndefined()
  expect(await pushAccount(alice, draft(phone, "one"))).toBeUndefined()
  Y.applyUpdate(laptop, Y.encodeStateAsUpdate(phone))
  expect(await pushAccount(alice, draft(laptop, " two"))).toBeUndefined()
  await server.close()
  // What the second builds on.
  await tamper(server.data, (level) => level.del(updateKey(accountNamed("alice"), 0)))
  const again = await startTestServer({ data: server.data })
  const client = await RawClient.connect(again.url, { user: "alice" })
  expect(await fetchAccount(client)).toBe("QUARANTINED")
  expect(await pushAccount(client, draft(phone, " three"))).toBe("QUARANTINED")
  expect(
    await pushAccount(await RawClient.connect(again.url, { user: "bob" }), draft(new Y.Doc(), "more")),
  ).toBeUndefined()
  expect(await metric(again.url, "weft_quarantined_documents")).toBe(1)
})

it("[R7] devices and a peer bring back the account that a repair cut down", async () => {
  const first = await startTestServer()
  const second = await startTestServer({ peers: [`${first.url}/sync`] })
  const directory = await temporaryDirectory()
  const alice = await open("alice", first.url, directory)
  const trip = await alice.createConversation({ title: "Trip" })
  trip.draft.set("half a")
  await alice.account.saved()
  await alice.synced()
  trip.mute()
  trip.draft.set("half a sentence")
  await alice.account.saved()
  await alice.synced()
  const digestOf = async (url: string): Promise<string> =>
    Buffer.from((await heldAccount(await RawClient.connect(url, { user: "alice" }))).digest).toString("hex")
  const expected = await digestOf(first.url)
  await expect.poll(() => digestOf(second.url), { timeout: 10_000 }).toBe(expected)
  await alice.close()
  await first.close()
  const account = accountOf("alice" as UserId)
  await tamper(first.data, (level) => level.put(updateKey(account, 1), Uint8Array.of(7)))

  const again = await startTestServer({ data: first.data, repair: true, peers: [`${second.url}/sync`] })
  await expect.poll(() => digestOf(again.url), { timeout: 10_000 }).toBe(expected)
  await again.close()
  await second.close()
  await tamper(first.data, async (level) => {
    for await (const key of level.keys()) if (Buffer.from(key).includes(account)) await level.put(key, Uint8Array.of(7))
    await level.put(digestKey(account), new Uint8Array(32))
  })

  // Nobody else has it now, but the device.
  const alone = await startTestServer({ data: first.data, repair: true })
  const back = await open("alice", alone.url, directory)
  await back.synced()
  expect(await digestOf(alone.url)).toBe(expected)
})
