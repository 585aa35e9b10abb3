/* Older segments leave the disk where the application says so, and come back when somebody wants them. [SPEC U15] */
import { createMemoryStorage, type Client, type Conversation } from "@weft/sdk/node"
import { expect, it, onTestFinished } from "vitest"
import { digestOf } from "../../sdk/src/log/summary.js"
import type { MemoryStorage } from "../../sdk/src/storage/memory.js"
import type { Replica } from "../../sdk/src/sync/replica.js"
import { openClient } from "../support/client.ts"
import { FrameRelay } from "../support/frame-relay.ts"
import { auditImprints } from "../support/imprints.ts"
import { quickEnv } from "../support/quick-env.ts"
import { startTestServer, type TestServer } from "../support/server.ts"
import { TestProfile, type TestTab } from "../support/tabs.ts"
import { conversationOf, eventually, until } from "../support/until.ts"

/** A list begins with three segments while they hold few messages: those stay as long as it is in memory. */
const SEGMENT = 4
const MESSAGES = 22
const FEW = { history: { keep: 1 }, releaseAfterMs: 400 }

const names = (count: number): string[] => Array.from({ length: count }, (_, number) => `number${number}`)

/** Bytes of accepted updates that a storage holds of a segment; undefined where it is away. */
async function bytesOf(storage: MemoryStorage, id: string, segment: number): Promise<number | undefined> {
  const prefix = `u/c/${id}/${segment}/`
  const rows = await storage.share().scan({ from: prefix, to: `${prefix}~` })
  if (rows.some(({ value }) => value.length === 0)) return undefined
  return rows.reduce((sum, { value }) => sum + value.length, 0)
}

const away = (storage: MemoryStorage, id: string, ...segments: number[]): Promise<void> =>
  eventually(async () => {
    const held = await Promise.all(segments.map((segment) => bytesOf(storage, id, segment)))
    return held.every((bytes) => bytes === undefined)
  })

const here = (storage: MemoryStorage, id: string, segment: number): Promise<void> =>
  eventually(async () => ((await bytesOf(storage, id, segment)) ?? 0) > 0)

/** So many looks of those that let go of what is idle. */
async function looks(count = 20): Promise<void> {
  for (let left = count; left > 0; left--)
    await new Promise((resolve) => quickEnv.setTimer(100, () => resolve(undefined)))
}

/** What changes is indexed soon while somebody searches; nothing leaves before. */
function indexSoon(client: Client): void {
  onTestFinished(client.search("nothing").subscribe(() => undefined))
}

function textsOf(conversation: Conversation): string[] {
  return conversation.messages.get().items.map(({ text, form }) => text ?? form)
}

async function all(conversation: Conversation): Promise<string[]> {
  await until(conversation.messages, ({ state }) => state === "ready")
  while (!conversation.messages.get().complete) await conversation.loadOlder()
  return textsOf(conversation)
}

async function openTab(profile: TestProfile): Promise<TestTab> {
  const tab = await profile.open()
  onTestFinished(() => tab.client.close())
  indexSoon(tab.client)
  return tab
}

/** A device that keeps few messages, with its storage. */
async function openFew(user: string, server: Pick<TestServer, "url">, storage = createMemoryStorage()) {
  const profile = new TestProfile(user, storage, [server.url], FEW, SEGMENT)
  const tab = await openTab(profile)
  await tab.lead()
  return { profile, tab, client: tab.client, storage }
}

/** Alice, who keeps few, and bob, who keeps all; alice wrote six segments, of which three are away from her. */
async function arena(between?: (server: TestServer) => Promise<{ readonly url: string }>) {
  const server = await startTestServer()
  const { client: alice, storage, profile, tab } = await openFew("alice", (await between?.(server)) ?? server)
  const bob = await openClient("bob", { servers: [server.url] })
  const trip = await alice.createConversation({ title: "Trip", members: ["bob"] })
  const leave = trip.messages.subscribe(() => undefined)
  const sent = names(MESSAGES).map((text) => trip.send(text))
  const atBob = await conversationOf(bob, trip.id)
  await Promise.all(sent.map((message) => message.reached("delivered")))
  await all(atBob)
  atBob.markRead()
  trip.markRead()
  await alice.synced()
  leave()
  await trip.releaseOlder()
  await away(storage, trip.id, 1, 2, 3)
  const idOf = (number: number) => sent[number]!.id
  return { server, storage, profile, tab, alice, bob, trip, atBob, sent, idOf }
}

/** The same, with what stands between alice and the server. */
async function relayedArena() {
  let made: FrameRelay | undefined
  const opened = await arena(async ({ url }) => {
    const between = (made = await FrameRelay.start(url))
    onTestFinished(() => between.close())
    return between
  })
  const relay = made
  if (relay === undefined) throw new Error("it was started")
  /** Holds up what the server says, from its first answer on; resolves when it was asked for the three oldest segments. */
  const stopAnswers = (): Promise<void> => {
    const answered = new Set<string>()
    return relay.stopBefore(
      ({ kind }) => kind === "served",
      (frame) => {
        if (frame.kind === "served" && frame.document !== `c/${opened.trip.id}/control`) answered.add(frame.document)
        return answered.size === 3
      },
    )
  }
  return { ...opened, relay, stopAnswers }
}

it("[U15] what was read and is on a server leaves the disk, but for the newest messages, and comes back when somebody reads back", async () => {
  const { storage, trip, atBob } = await arena()
  for (const segment of [4, 5, 6]) expect(await bytesOf(storage, trip.id, segment)).toBeGreaterThan(100)
  expect(await trip.digest()).toBe(await atBob.digest())
  await until(trip.messages, ({ state }) => state === "ready")
  expect(trip.messages.get().complete).toBe(false)
  expect(await all(trip)).toEqual(names(MESSAGES))
  expect(await bytesOf(storage, trip.id, 1)).toBeGreaterThan(100)
  // Nobody looks any more.
  await away(storage, trip.id, 1, 2, 3)
})

it("[U15] offline what is away says so, and nothing is lost of it", async () => {
  const { storage, alice, trip, atBob, idOf } = await arena()
  alice.goOffline()
  await until(trip.messages, ({ state }) => state === "ready")
  await expect(trip.loadOlder()).rejects.toMatchObject({ code: "SEGMENT_AWAY" })
  await expect(trip.loadTo(idOf(0), 1)).rejects.toMatchObject({ code: "SEGMENT_AWAY" })
  await expect(trip.loadToDate(0)).rejects.toMatchObject({ code: "SEGMENT_AWAY" })
  expect(textsOf(trip)).toEqual(names(MESSAGES).slice(3 * SEGMENT))
  expect(alice.status.get().storage.kind).toBe("ok")
  await until(trip.unread, ({ count, counted }) => counted && count === 0)
  expect(await trip.digest()).toBe(await atBob.digest())
  // Asked for once, it comes with the next connection.
  alice.goOnline()
  await here(storage, trip.id, 3)
  expect(await all(trip)).toEqual(names(MESSAGES))
})

it("[U15] what comes for a segment that is away brings it back first", async () => {
  const { storage, alice, bob, trip, atBob, idOf } = await arena()
  atBob.react(idOf(0), "👍")
  await here(storage, trip.id, 1)
  expect(await trip.loadTo(idOf(0), 1)).toBe(true)
  await until(trip.messages, ({ items }) => items[0]?.reactions.length === 1)
  await Promise.all([alice.synced(), bob.synced()])
  expect(await trip.digest()).toBe(await atBob.digest())
  await trip.releaseOlder()
  trip.markRead()
  await away(storage, trip.id, 1, 2, 3)
  // Offline it waits, as anything does.
  alice.goOffline()
  atBob.react(idOf(5), "🎉")
  await bob.synced()
  alice.goOnline()
  await here(storage, trip.id, 2)
  expect(await all(trip)).toEqual(names(MESSAGES))
  expect(trip.message(idOf(5))?.reactions.map(({ emoji }) => emoji)).toEqual(["🎉"])
})

it("[U15] what is erased while it is away comes back without its text", async () => {
  const { server, storage, alice, trip, idOf } = await arena()
  const phone = await openClient("alice", { servers: [server.url] })
  const atPhone = await conversationOf(phone, trip.id)
  await phone.synced()
  await all(atPhone)
  alice.goOffline()
  await atPhone.erase(idOf(1))
  await phone.synced()
  alice.goOnline()
  await here(storage, trip.id, 1)
  expect(await all(trip)).toEqual(["number0", "erased", ...names(MESSAGES).slice(2)])
  const rows = await storage.share().scan({ from: "", to: "~" })
  expect(rows.filter(({ value }) => Buffer.from(value).includes("number1 ")).length).toBe(0)
  expect(
    rows.filter(
      ({ key, value }) => key.startsWith("u/") && /number1[^0-9]/.test(Buffer.from(value).toString("latin1")),
    ),
  ).toEqual([])
  await Promise.all([alice.synced(), phone.synced()])
  expect(await trip.digest()).toBe(await atPhone.digest())
})

it("[U15, A12] a cut takes from a segment that is away what it takes from others", async () => {
  const server = await startTestServer()
  const cat = await openClient("cat", { servers: [server.url] })
  const { client: alice, storage } = await openFew("alice", server)
  const { client: bob } = await openFew("bob", server)
  const trip = await cat.createConversation({ title: "Trip", members: ["alice", "bob"] })
  const [atAlice, atBob] = [await conversationOf(alice, trip.id), await conversationOf(bob, trip.id)]
  const leave = atAlice.messages.subscribe(() => undefined)
  const [seen, late] = [names(2), names(MESSAGES).slice(2)]
  await Promise.all(seen.map((text) => atBob.send(text).reached("sent")))
  await until(trip.messages, ({ items }) => items.length === 2)
  cat.goOffline()
  await Promise.all(late.map((text) => atBob.send(text).reached("sent")))
  await until(atAlice.messages, ({ items }) => items.length === MESSAGES)
  leave()
  atAlice.markRead()
  await atAlice.releaseOlder()
  await away(storage, trip.id, 1, 2, 3)
  await trip.removeMember("bob")
  cat.goOnline()
  await cat.synced()
  await until(atAlice.info, ({ members }) => members.length === 2)
  await eventually(async () => (await atAlice.digest()) === (await trip.digest()))
  expect(await all(atAlice)).toEqual(seen)
})

it("[U15] what was let go of stays so after a restart, is compared as it was, and comes back", async () => {
  const { server, storage, tab, trip, atBob } = await arena()
  const digest = await trip.digest()
  await tab.client.close()
  const { client } = await openFew("alice", server, storage.share())
  const again = await conversationOf(client, trip.id)
  await client.synced()
  expect(await again.digest()).toBe(digest)
  expect(await bytesOf(storage, trip.id, 1)).toBeUndefined()
  expect(await all(again)).toEqual(names(MESSAGES))
  expect(await again.digest()).toBe(await atBob.digest())
})

it("[U15] each device of a user keeps what it was told to", async () => {
  const { server, storage, trip, idOf } = await arena()
  const phone = await openClient("alice", { servers: [server.url] })
  const atPhone = await conversationOf(phone, trip.id)
  await phone.synced()
  expect(await all(atPhone)).toEqual(names(MESSAGES))
  phone.goOffline()
  expect(atPhone.message(idOf(0))?.text).toBe("number0")
  // One that is new and keeps few fetches, counts and indexes all of it before it lets go.
  const tablet = await openFew("alice", server)
  const atTablet = await conversationOf(tablet.client, trip.id)
  await tablet.client.synced()
  atTablet.markRead()
  await away(tablet.storage, trip.id, 1, 2, 3)
  expect(await bytesOf(storage, trip.id, 1)).toBeUndefined()
  const found = tablet.client.search("number2")
  const { hits } = await until(found, ({ state }) => state === "ready")
  expect(hits.some(({ id }) => id === idOf(2))).toBe(true)
})

it("[U15] what is unread, or marked so, stays until it is read", async () => {
  const server = await startTestServer()
  const { client: alice, storage } = await openFew("alice", server)
  const { client: bob } = await openFew("bob", server)
  const trip = await bob.createConversation({ title: "Trip", members: ["alice"] })
  const sent = names(MESSAGES).map((text) => trip.send(text))
  const atAlice = await conversationOf(alice, trip.id)
  await until(atAlice.unread, ({ count }) => count === MESSAGES)
  await alice.synced()
  await looks()
  for (const segment of [1, 2, 3]) expect(await bytesOf(storage, trip.id, segment)).toBeGreaterThan(100)
  expect(sent).toHaveLength(MESSAGES)
  await all(atAlice)
  atAlice.markRead()
  await until(atAlice.unread, ({ count }) => count === 0)
  atAlice.markUnread(sent[20]!.id)
  await atAlice.releaseOlder()
  await looks()
  for (const segment of [1, 2, 3]) expect(await bytesOf(storage, trip.id, segment)).toBeGreaterThan(100)
  atAlice.markRead()
  await away(storage, trip.id, 1, 2, 3)
  await until(atAlice.unread, ({ count, counted }) => counted && count === 0)
})

it("[U15] quotes, threads and what was found lead to what is away", async () => {
  const { alice, storage, trip, atBob, idOf } = await arena()
  const quote = atBob.send("as you said", { replyTo: idOf(9) })
  const reply = atBob.send("below it", { thread: idOf(0) })
  await until(trip.messages, ({ items }) => items.find(({ id }) => id === quote.id)?.quote?.state === "ready")
  const found = alice.search("number3")
  const { hits } = await until(found, ({ state, hits }) => state === "ready" && hits.length > 0)
  const hit = hits.find(({ id }) => id === idOf(3))
  expect(hit?.text).toBe("number3")
  expect(await trip.loadTo(idOf(3), hit?.segment)).toBe(true)
  await trip.releaseOlder()
  trip.markRead()
  await away(storage, trip.id, 1)
  // A thread of which nobody gives the beginning is there when somebody does.
  alice.goOffline()
  const thread = trip.thread(idOf(0))
  onTestFinished(thread.subscribe(() => undefined))
  await looks(5)
  expect(thread.get().state).toBe("loading")
  alice.goOnline()
  await until(thread, ({ state, items }) => state === "ready" && items.some(({ id }) => id === reply.id))
})

it("[U15] a tab that does not write asks the one that does, and says so where that has nobody to ask", async () => {
  const { alice, profile, storage, tab, trip } = await arena()
  const other = await openTab(profile)
  const inOther = await conversationOf(other.client, trip.id)
  await until(other.client.status, ({ connection }) => connection.kind === "online")
  expect(await all(inOther)).toEqual(names(MESSAGES))
  expect(await bytesOf(storage, trip.id, 1)).toBeGreaterThan(100)
  await Promise.all([inOther.releaseOlder(), trip.releaseOlder()])
  await away(storage, trip.id, 1, 2, 3)
  alice.goOffline()
  await until(other.client.status, ({ connection }) => connection.kind === "offline")
  await expect(inOther.loadOlder()).rejects.toMatchObject({ code: "SEGMENT_AWAY" })
  // It takes over, and asks for itself; what the other one told last is heard first.
  await new Promise((resolve) => setImmediate(resolve))
  await other.lead()
  tab.follow()
  other.client.goOnline()
  await other.client.synced()
  expect(await all(inOther)).toEqual(names(MESSAGES))
})

it("[U15] what another tab shows stays", async () => {
  const { profile, storage, trip, atBob, idOf } = await arena()
  const other = await openTab(profile)
  const inOther = await conversationOf(other.client, trip.id)
  const leave = inOther.messages.subscribe(() => undefined)
  await until(other.client.status, ({ connection }) => connection.kind === "online")
  expect(await all(inOther)).toEqual(names(MESSAGES))
  // A list of few messages took in what came back for the other.
  await trip.releaseOlder()
  await looks(100)
  for (const segment of [1, 2, 3]) expect(await bytesOf(storage, trip.id, segment)).toBeGreaterThan(100)
  atBob.react(idOf(0), "👍")
  await until(inOther.messages, ({ items }) => items[0]?.reactions.length === 1)
  expect(textsOf(inOther)).toEqual(names(MESSAGES))
  leave()
  await Promise.all([inOther.releaseOlder(), trip.releaseOlder()])
  trip.markRead()
  await away(storage, trip.id, 1, 2, 3)
})

it("[U15] what another tab begins to show while a server is asked for it stays", async () => {
  const { profile, storage, trip, relay, stopAnswers } = await relayedArena()
  const other = await openTab(profile)
  const inOther = await conversationOf(other.client, trip.id)
  await until(other.client.status, ({ connection }) => connection.kind === "online")
  const leave = trip.messages.subscribe(() => undefined)
  await all(trip)
  // Nobody shows the older ones: the server is asked whether it holds the same, and says so late.
  const asked = stopAnswers()
  leave()
  await trip.releaseOlder()
  await asked
  onTestFinished(inOther.messages.subscribe(() => undefined))
  expect(await all(inOther)).toEqual(names(MESSAGES))
  const shown: number[] = []
  onTestFinished(inOther.messages.subscribe(({ items }) => shown.push(items.length)))
  const left = relay.heard((frame) => frame.kind === "served" && frame.document === `c/${trip.id}/3`)
  relay.pass()
  await left
  await looks()
  for (const segment of [1, 2, 3]) await here(storage, trip.id, segment)
  expect(textsOf(inOther)).toEqual(names(MESSAGES))
  expect(shown.every((count) => count === MESSAGES)).toBe(true)
})

it("[U15] what was in use as the server said that it holds the same leaves once it is not", async () => {
  const { storage, trip, relay, stopAnswers } = await relayedArena()
  const leaveFirst = trip.messages.subscribe(() => undefined)
  await all(trip)
  const asked = stopAnswers()
  leaveFirst()
  await trip.releaseOlder()
  await asked
  const leave = trip.messages.subscribe(() => undefined)
  expect(await all(trip)).toEqual(names(MESSAGES))
  const heard = relay.heard((frame) => frame.kind === "served" && frame.document === `c/${trip.id}/3`)
  relay.pass()
  await heard
  await looks()
  for (const segment of [1, 2, 3]) expect(await bytesOf(storage, trip.id, segment)).toBeGreaterThan(100)
  leave()
  await trip.releaseOlder()
  await away(storage, trip.id, 1, 2, 3)
})

it("[U15] what a frozen tab shows leaves, and comes back when that wakes", async () => {
  const { profile, storage, trip } = await arena()
  const other = await openTab(profile)
  const inOther = await conversationOf(other.client, trip.id)
  const leave = inOther.messages.subscribe(() => undefined)
  await until(other.client.status, ({ connection }) => connection.kind === "online")
  expect(await all(inOther)).toEqual(names(MESSAGES))
  const wake = other.freeze()
  await trip.releaseOlder()
  await away(storage, trip.id, 1, 2, 3)
  expect(textsOf(inOther)).toEqual(names(MESSAGES))
  wake()
  for (const segment of [1, 2, 3]) await here(storage, trip.id, segment)
  expect(await all(inOther)).toEqual(names(MESSAGES))
  leave()
  await Promise.all([inOther.releaseOlder(), trip.releaseOlder()])
  await away(storage, trip.id, 1, 2, 3)
})

it("[U15] a carrier carries all: what is away comes back for it, and stays", async () => {
  const { storage, trip } = await arena()
  const carried = new Set<string>()
  const detach = trip.attach((name) => {
    carried.add(name)
    return { destroy: () => undefined }
  })
  for (const segment of [1, 2, 3]) await here(storage, trip.id, segment)
  await eventually(async () => carried.size >= 7)
  await looks()
  expect(await bytesOf(storage, trip.id, 1)).toBeGreaterThan(100)
  await detach()
  await away(storage, trip.id, 1, 2, 3)
})

it("[U15, S13] imprints are true of what is away, and a start reads nothing of it", async () => {
  const { alice, storage, trip } = await arena()
  onTestFinished(alice.list.subscribe(() => undefined))
  trip.send("one more")
  await alice.synced()
  await eventually(async () => (await auditImprints(storage.share(), "alice")) === 1)
  expect(await bytesOf(storage, trip.id, 1)).toBeUndefined()
})

it("[U15] a device keeps one message at least", async () => {
  for (const keep of [0, -1, 1.5, NaN])
    await expect(openClient("alice", { history: { keep } })).rejects.toMatchObject({ code: "BAD_ARGUMENT" })
})

it("[U15] a list that is read anew while a segment of it is away goes back as far as before, as soon as that is here", async () => {
  const { alice, trip, storage } = await arena()
  onTestFinished(trip.messages.subscribe(() => undefined))
  await until(trip.messages, ({ state }) => state === "ready")
  expect(await all(trip)).toEqual(names(MESSAGES))
  alice.goOffline()
  // As in a tab that slept while the writer let go of it, and hears of that when it wakes.
  const { replica } = (alice as unknown as { readonly parts: { readonly replica: Replica } }).parts
  const conversation = replica.conversations.get().get(trip.id)
  const document = await conversation?.segment(1)
  if (conversation === undefined || document === undefined) throw new Error("it is shown")
  document.unhold()
  expect(await document.letGo(digestOf(document.summary))).toBe(true)
  document.hold()
  expect(await bytesOf(storage, trip.id, 1)).toBeUndefined()
  conversation.changes.emit({ kind: "refused" })
  await until(trip.messages, ({ items }) => items.length < MESSAGES)
  expect(textsOf(trip)).toEqual(names(MESSAGES).slice(SEGMENT))
  alice.goOnline()
  await until(trip.messages, ({ items }) => items.length === MESSAGES)
  expect(textsOf(trip)).toEqual(names(MESSAGES))
})

it("[U15, W3] a tab that lost the guard before it heard that its turn is over asks the writer for what is away", async () => {
  const { profile, tab, alice, trip } = await arena()
  const second = await openTab(profile)
  await second.lead()
  await until(second.client.status, ({ connection }) => connection.kind === "online" && connection.synced)
  // Its write is refused.
  trip.send("more")
  await until(alice.status, ({ tab: kind }) => kind === "follower")
  // It asks whether there is a connection, and hears of that.
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve))
  tab.follow()
  expect(await all(trip)).toEqual([...names(MESSAGES), "more"])
})
