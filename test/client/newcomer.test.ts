/* What is unread for somebody who came to a group that had been there before. [SPEC U10] */
import { createMemoryStorage, type Client, type Conversation } from "@weft/sdk/node"
import { expect, it, onTestFinished, vi } from "vitest"
import { segmentDocument } from "@weft/sdk/protocol"
import { ReplicaDocument } from "../../sdk/src/sync/document.ts"
import type { Replica } from "../../sdk/src/sync/replica.ts"
import { openClient } from "../support/client.ts"
import { startTestServer } from "../support/server.ts"
import { TestProfile } from "../support/tabs.ts"
import { conversationOf, eventually, until } from "../support/until.ts"

/** Messages of a segment; a list begins with the newest one and the one before. */
const SEGMENT = 60
const nothing = { count: 0, mentions: 0, late: [], first: undefined, threads: new Map(), counted: true }

/** A device that can be opened again; it looks at the list. */
function device(user: string, servers: readonly string[], options: TestProfile["options"] = {}) {
  const profile = new TestProfile(user, createMemoryStorage(), servers, options, SEGMENT)
  return async (): Promise<Client> => {
    const tab = await profile.open()
    onTestFinished(() => tab.client.close())
    await tab.lead()
    tab.client.list.subscribe(() => undefined)
    return tab.client
  }
}

async function write(conversation: Conversation, count: number, text = "message"): Promise<void> {
  const sent = Array.from({ length: count }, (_, number) => conversation.send(`${text} ${String(number)}`))
  await Promise.all(sent.map((message) => message.reached("sent")))
}

async function settled(client: Client, conversation: Conversation, count: number): Promise<void> {
  await client.synced()
  await until(conversation.unread, (unread) => unread.counted && unread.count === count)
}

/** Alice's group with bob, in which much was said: a thread and somebody who calls everyone, too. */
async function arena() {
  const server = await startTestServer({ limits: { entriesPerSecond: 100_000, entryBurst: 100_000 } })
  const servers = [server.url]
  const alice = await device("alice", servers)()
  const bob = await device("bob", servers)()
  const trip = await alice.createConversation({ title: "Trip", members: ["bob"] })
  const atBob = await conversationOf(bob, trip.id)
  const root = trip.send("root")
  await write(trip, 150)
  await atBob.send("all of you!", { mentions: [{ start: 0, length: 3, user: null }] }).reached("sent")
  // His list begins with the segment that came first, which need not be the root's.
  await eventually(() => atBob.loadTo(root.id))
  await atBob.send("a reply", { thread: root.id, mentions: [{ start: 0, length: 1, user: null }] }).reached("sent")
  await write(trip, 40)
  await bob.synced()
  return { servers, alice, bob, trip, atBob, root }
}

it("[U10] what was written before a user came is not unread, in no segment, thread or mention; what is from then on is", async () => {
  const { servers, trip, atBob, root } = await arena()
  const open = device("cara", servers)
  const cara = await open()
  await trip.addMember("cara")
  const atCara = await conversationOf(cara, trip.id)
  await until(atCara.messages, ({ items }) => items.length > 40)
  await until(atBob.info, ({ members }) => members.length === 3)
  await settled(cara, atCara, 0)
  expect(atCara.unread.get()).toEqual(nothing)
  const hello = atBob.send("hello, everyone", { mentions: [{ start: 7, length: 8, user: null }] })
  await hello.reached("sent")
  await until(atCara.unread, ({ count }) => count === 1)
  expect(atCara.unread.get()).toEqual({ ...nothing, count: 1, mentions: 1, first: hello.id })
  const reply = atBob.send("one more", { thread: root.id })
  await reply.reached("sent")
  await until(atCara.unread, ({ threads }) => threads.size === 1)
  expect(atCara.unread.get().threads.get(root.id)).toEqual({ count: 1, mentions: 0, late: [], first: reply.id })
  const expected = atCara.unread.get()
  // On a device that begins with all of it, and on one that begins with what it stored.
  const other = await device("cara", servers)()
  const atOther = await conversationOf(other, trip.id)
  await settled(other, atOther, 1)
  expect(atOther.unread.get()).toEqual(expected)
  await cara.close()
  const again = await conversationOf(await open(), trip.id)
  await until(again.unread, ({ counted }) => counted)
  expect(again.unread.get()).toEqual(expected)
  while (!again.messages.get().complete) await again.loadOlder()
  expect(again.unread.get()).toEqual(expected)
})

it("[U10] a history is not read to be counted; a segment in which a user came is", async () => {
  const { servers, trip } = await arena()
  const open = device("cara", servers)
  const cara = await open()
  await trip.addMember("cara")
  await write(trip, 150, "welcome")
  const atCara = await conversationOf(cara, trip.id)
  await settled(cara, atCara, 150)
  const { first } = atCara.unread.get()
  // What is not indexed yet is read for that at the next start.
  await until(cara.search("welcome"), ({ state, complete }) => state === "ready" && complete)
  await cara.close()
  const entries = vi.spyOn(ReplicaDocument.prototype, "entries")
  onTestFinished(() => {
    entries.mockRestore()
  })
  const again = await open()
  const reopened = await conversationOf(again, trip.id)
  await until(reopened.messages, ({ state }) => state === "ready")
  // It is counted by itself, and not only as it was shown before.
  await trip.send("once more").reached("sent")
  await settled(again, reopened, 151)
  expect(reopened.unread.get()).toEqual({ ...nothing, count: 151, first })
  const listed = reopened.messages.get().items
  expect(listed.some(({ id }) => id === first)).toBe(false)
  const { replica } = (again as unknown as { readonly parts: { readonly replica: Replica } }).parts
  const held = replica.conversations.get().get(trip.id)?.loadedDocuments ?? []
  const read = new Set(held.filter((document) => entries.mock.contexts.includes(document)).map(({ name }) => name))
  expect([1, 2, 3, 4].map((segment) => read.has(segmentDocument(trip.id, segment)))).toEqual([
    false,
    false,
    false,
    true,
  ])
})

it("[U10] what is written offline by who has not heard of a user is neither unread nor late, and nothing is late for it", async () => {
  const { servers, alice, bob, trip, atBob } = await arena()
  bob.goOffline()
  const before = atBob.send("before")
  await before.reached("saved")
  const cara = await device("cara", servers)()
  await trip.addMember("cara")
  const atCara = await conversationOf(cara, trip.id)
  const welcome = trip.send("welcome")
  await welcome.reached("sent")
  await until(atCara.unread, ({ count }) => count === 1)
  const after = atBob.send("after")
  await after.reached("saved")
  bob.goOnline()
  await after.reached("sent")
  await until(atCara.messages, ({ items }) => items.some(({ id }) => id === after.id))
  await alice.synced()
  await settled(cara, atCara, 1)
  expect(atCara.unread.get()).toEqual({ ...nothing, count: 1, first: welcome.id })
  atCara.markRead()
  await until(atCara.unread, ({ count }) => count === 0)
  await until(atBob.info, ({ members }) => members.length === 3)
  bob.goOffline()
  const late = atBob.send("late")
  await late.reached("saved")
  await write(trip, 1, "meanwhile")
  await until(atCara.unread, ({ count }) => count === 1)
  atCara.markRead()
  bob.goOnline()
  // By now he knows her.
  await until(atCara.unread, ({ late: list }) => list.includes(late.id))
})

it("[U10] whoever adds a user first: what saw either addition is unread", async () => {
  const { servers, alice, bob, trip, atBob } = await arena()
  await trip.setRole("bob", "admin")
  await until(atBob.info, ({ role }) => role === "admin")
  await bob.synced()
  alice.goOffline()
  bob.goOffline()
  for (const conversation of [trip, atBob]) {
    await conversation.send("who comes?").reached("saved")
    await conversation.addMember("cara")
    await conversation.send("cara!").reached("saved")
  }
  const cara = await device("cara", servers)()
  bob.goOnline()
  const atCara = await conversationOf(cara, trip.id)
  await until(atCara.unread, ({ count }) => count === 1)
  alice.goOnline()
  await alice.synced()
  await settled(cara, atCara, 2)
  const unread = atCara.messages.get().items.filter(({ text }) => text === "cara!")
  expect(unread.map(({ id }) => id)).toContain(atCara.unread.get().first)
  const other = await device("cara", servers)()
  const atOther = await conversationOf(other, trip.id)
  await settled(other, atOther, 2)
  expect(atOther.unread.get()).toEqual(atCara.unread.get())
})

it("[U10] of who was removed and added again: what was unread stays so, what was written meanwhile is not", async () => {
  const { servers, trip, atBob } = await arena()
  const cara = await device("cara", servers)()
  await trip.addMember("cara")
  const atCara = await conversationOf(cara, trip.id)
  await write(trip, 2, "seen")
  await until(atCara.unread, ({ count }) => count === 2)
  atCara.markRead()
  await write(trip, 1, "unread")
  await until(atCara.unread, ({ count }) => count === 1)
  const { first } = atCara.unread.get()
  await trip.removeMember("cara")
  await until(atBob.info, ({ members }) => members.length === 2)
  await write(trip, 70, "without her")
  await write(atBob, 1, "without her")
  await trip.addMember("cara")
  await until(atBob.info, ({ members }) => members.length === 3)
  await write(atBob, 1, "welcome back")
  await until(atCara.unread, ({ count }) => count === 2)
  await settled(cara, atCara, 2)
  expect(atCara.unread.get()).toEqual({ ...nothing, count: 2, first })
  const other = await device("cara", servers)()
  const atOther = await conversationOf(other, trip.id)
  await settled(other, atOther, 2)
  expect(atOther.unread.get()).toEqual(atCara.unread.get())
})

it("[U10] who joins by a link has nothing unread, and then what is written by those who know", async () => {
  const { servers, alice, bob, trip } = await arena()
  const { link } = await trip.createInvite()
  await alice.synced()
  const cara = await device("cara", servers)()
  const atCara = await cara.join(link)
  await until(atCara.messages, ({ items }) => items.length > 40)
  await until(trip.info, ({ members }) => members.length === 3)
  await settled(cara, atCara, 0)
  expect(atCara.unread.get()).toEqual(nothing)
  await write(trip, 1, "welcome")
  await until(atCara.unread, ({ count }) => count === 1)
  await bob.synced()
})

it("[U10] in a direct conversation all is unread that the other wrote before one heard of it", async () => {
  const { servers, alice } = await arena()
  const direct = await alice.openDirect("dora")
  await write(direct, 3)
  const dora = await device("dora", servers)()
  const atDora = await conversationOf(dora, direct.id)
  await settled(dora, atDora, 3)
  const other = await device("dora", servers)()
  await settled(other, await conversationOf(other, direct.id), 3)
})

it("[U10, U13] a list shows nothing unread of a history, offline at the next start too", async () => {
  const { servers, trip } = await arena()
  const storage = createMemoryStorage()
  const cara = await openClient("cara", { servers, storage })
  cara.list.subscribe(() => undefined)
  await trip.addMember("cara")
  const atCara = await conversationOf(cara, trip.id)
  await until(atCara.messages, ({ items }) => items.length > 40)
  await cara.synced()
  const unreadIn = (client: Client) => client.list.get().map(({ unread }) => unread.count)
  await until(cara.list, () => unreadIn(cara).length === 1)
  expect(unreadIn(cara)).toEqual([0])
  await write(trip, 1, "welcome")
  await until(cara.list, () => unreadIn(cara)[0] === 1)
  await cara.close()
  const again = await openClient("cara", { servers: [], storage: storage.share() })
  again.list.subscribe(() => undefined)
  await until(again.list, () => unreadIn(again).length === 1)
  expect(unreadIn(again)).toEqual([1])
})
