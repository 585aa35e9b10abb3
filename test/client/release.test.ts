/* What nobody looks at leaves memory, and is read again when somebody does. [SPEC U14] */
import { createMemoryStorage, type Client } from "@weft/sdk/node"
import { expect, it, onTestFinished } from "vitest"
import { webCryptoVerify } from "../../sdk/src/identity/verify.js"
import { conversationRowKey } from "../../sdk/src/log/keys.js"
import type { Storage } from "../../sdk/src/storage/storage.js"
import { Replica } from "../../sdk/src/sync/replica.js"
import { openClient } from "../support/client.ts"
import { auditImprints } from "../support/imprints.ts"
import { quickEnv } from "../support/quick-env.ts"
import { startTestServer } from "../support/server.ts"
import { TestProfile } from "../support/tabs.ts"
import { conversationOf, eventually, until } from "../support/until.ts"

const SOON = { releaseAfterMs: 400 }

function show(client: Client): void {
  onTestFinished(client.list.subscribe(() => undefined))
}

/** Resolves when so many segments are in memory. */
async function inMemory(client: Client, count: number): Promise<void> {
  while ((await client.doctor()).documents.open !== count) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** So many times a quarter of the time after which what nobody looks at leaves memory. */
async function quiet(looks: number): Promise<void> {
  for (let left = looks; left > 0; left--)
    await new Promise((resolve) => quickEnv.setTimer(SOON.releaseAfterMs / 4, () => resolve(undefined)))
}

/** How many logs of the device a conversation's newest segment has. */
async function logsOf(storage: Storage, client: Client, id: string): Promise<number> {
  const replica = await Replica.open({
    ...{ storage, env: quickEnv, user: client.user, signer: await storage.keyPair() },
    verify: webCryptoVerify(crypto.subtle),
    refusesKey: () => false,
  })
  const held = replica.ids.find((each) => each === id)
  if (held === undefined) throw new Error("it is there")
  const { summary } = await (await replica.conversation(held)).segment(1)
  return Array.from(summary.logs.values()).filter(({ log }) => log.startsWith(client.device)).length
}

/** Alice, whose list is shown, and bob, with one conversation in which both wrote; of which nothing is in alice's memory. */
async function arena() {
  const server = await startTestServer()
  const storage = createMemoryStorage()
  const alice = await openClient("alice", { servers: [server.url], storage, ...SOON })
  const bob = await openClient("bob", { servers: [server.url] })
  show(alice)
  const trip = await alice.createConversation({ title: "Trip", members: ["bob"] })
  const atBob = await conversationOf(bob, trip.id)
  const hello = atBob.send("hello")
  await until(trip.messages, ({ items }) => items.length === 1)
  const own = trip.send("see you")
  await own.reached("delivered")
  await inMemory(alice, 0)
  return { server, storage, alice, bob, trip, atBob, hello, own }
}

it("[U14] of 200 conversations that were opened and left nothing is in memory, but of the one that is looked at", async () => {
  const server = await startTestServer({ limits: { entriesPerSecond: 100_000, entryBurst: 100_000 } })
  const alice = await openClient("alice", { servers: [server.url], ...SOON })
  show(alice)
  const create = async (number: number): Promise<void> => {
    const conversation = await alice.createConversation({ title: `Talk ${number}` })
    conversation.send(`message ${number}`)
  }
  await Promise.all(Array.from({ length: 200 }, (_, number) => create(number)))
  await alice.synced()
  await inMemory(alice, 0)
  const all = alice.conversations.get()
  const [first] = all
  if (first === undefined) throw new Error("it is there")
  // Opened and left, one after another.
  for (const conversation of all) await until(conversation.messages, ({ items }) => items.length === 1)
  const leave = first.messages.subscribe(() => undefined)
  await until(first.messages, ({ items }) => items.length === 1)
  await inMemory(alice, 1)
  leave()
  await inMemory(alice, 0)
  expect(alice.list.get()).toHaveLength(200)
  expect(alice.list.get().every(({ info }) => info.lastMessage !== undefined)).toBe(true)
})

it("[U14] a conversation that left memory shows its row, and what comes for it, and takes what is written", async () => {
  const { alice, trip, atBob, storage } = await arena()
  expect(trip.info.get().lastMessage?.text).toBe("see you")
  expect(alice.list.get()[0]?.unread.count).toBe(1)
  atBob.send("are you there?")
  await until(alice.list, ([row]) => row?.info.lastMessage?.text === "are you there?" && row.unread.count === 2)
  await inMemory(alice, 0)
  const sent = trip.send("yes")
  await sent.reached("delivered")
  await until(trip.messages, ({ items }) => items.map(({ text }) => text).join() === "hello,see you,are you there?,yes")
  expect(await logsOf(storage.share(), alice, trip.id), "its session goes on with its log").toBe(1)
  trip.markRead()
  await until(alice.list, ([row]) => row?.unread.count === 0)
  await inMemory(alice, 0)
  expect(await auditImprints(storage, "alice")).toBe(1)
  // What another device says of it, too.
  const phone = await openClient("alice", { servers: [(alice.status.get().connection as { server: string }).server] })
  const atPhone = await conversationOf(phone, trip.id)
  await until(atPhone.messages, ({ items }) => items.length === 4)
  atPhone.markUnread(sent.id)
  atPhone.setTitle("Journey").catch(() => undefined)
  await until(alice.list, ([row]) => row?.info.title === "Journey")
  await inMemory(alice, 0)
})

it("[U14] what an application holds of a conversation goes on when that left memory and is read again", async () => {
  const { alice, bob, trip, atBob, hello, own } = await arena()
  const thread = trip.thread(hello.id)
  const receipts = trip.receipts(own.id)
  await until(receipts, ({ delivered }) => delivered.length === 1)
  const reply = trip.send("below it", { thread: hello.id })
  await until(thread, ({ items }) => items.length === 1)
  await reply.reached("sent")
  await inMemory(alice, 0)
  expect(["sent", "delivered"]).toContain(reply.status)
  // Who waits for something keeps it there.
  const read = own.reached("read")
  atBob.markRead()
  await read
  await inMemory(alice, 0)
  const below = atBob.send("and again", { thread: hello.id })
  await until(thread, ({ items }) => items.length === 2)
  expect(thread.get().items.at(-1)?.id).toBe(below.id)
  await until(receipts, ({ read: by }) => by.length === 1)
  await inMemory(alice, 0)
  // Edited, reacted to and erased like any other.
  await until(trip.messages, ({ state }) => state === "ready")
  await trip.edit(own.id, "see you there").reached("sent")
  trip.react(hello.id, "👍")
  await until(atBob.messages, ({ items }) => {
    const [greeting, answer] = [hello, own].map(({ id }) => items.find((item) => item.id === id))
    return answer?.text === "see you there" && greeting?.reactions.length === 1
  })
  await inMemory(alice, 0)
  await trip.erase(own.id)
  await until(atBob.messages, ({ items }) => items.some(({ id, form }) => id === own.id && form === "erased"))
  await Promise.all([alice.synced(), bob.synced()])
  expect(await trip.digest()).toBe(await atBob.digest())
  await inMemory(alice, 0)
})

it("[U14] whoever follows a thread or receipts keeps the conversation, whatever becomes of others that were taken of the same", async () => {
  const { alice, trip, atBob, hello, own } = await arena()
  const held = trip.thread(hello.id)
  const receipts = [trip.receipts(own.id), trip.receipts(own.id)] as const
  const [first, second] = [trip.thread(hello.id), trip.thread(hello.id)]
  const told: number[] = []
  const stops = [first.subscribe(({ items }) => told.push(items.length)), receipts[0].subscribe(() => undefined)]
  for (const leave of [second.subscribe(() => undefined), receipts[1].subscribe(() => undefined)]) leave()
  await until(first, ({ state }) => state === "ready")
  await quiet(20)
  expect((await alice.doctor()).documents.open).toBe(1)
  atBob.send("below it", { thread: hello.id })
  await until(first, ({ items }) => items.length === 1)
  expect(told.at(-1)).toBe(1)
  for (const stop of stops) stop()
  await inMemory(alice, 0)
  // One that is held since before, and one that is taken now.
  const taken = trip.thread(hello.id)
  const leave = taken.subscribe(() => undefined)
  const stop = held.subscribe(({ items }) => told.push(items.length))
  await until(taken, ({ items }) => items.length === 1)
  leave()
  await quiet(20)
  expect((await alice.doctor()).documents.open).toBe(1)
  atBob.send("and again", { thread: hello.id })
  await until(held, ({ items }) => items.length === 2)
  expect(told.at(-1)).toBe(2)
  stop()
  await inMemory(alice, 0)
})

it("[U14] what waits or is attached stays in memory, and so does all where no list is looked at", async () => {
  const { server, alice, trip } = await arena()
  alice.goOffline()
  const waiting = trip.send("later")
  await waiting.reached("saved")
  const detach = trip.attach(() => ({ destroy: () => undefined }))
  const looks = (): Promise<void> => quiet(20)
  await looks()
  await inMemory(alice, 1)
  alice.goOnline()
  await waiting.reached("sent")
  await alice.synced()
  await looks()
  await inMemory(alice, 1)
  await detach()
  await inMemory(alice, 0)
  const cat = await openClient("cat", { servers: [server.url], ...SOON })
  await cat.createConversation({ title: "Alone" })
  await cat.synced()
  await looks()
  await inMemory(cat, 1)
})

/** Alice, whose list shows two direct conversations with bob as one; of which nothing is in her memory. */
async function direct(storage: Storage = createMemoryStorage()) {
  const server = await startTestServer()
  const alice = await openClient("alice", { servers: [server.url], storage, ...SOON })
  const bob = await openClient("bob", { servers: [server.url] })
  show(alice)
  await Promise.all([alice.synced(), bob.synced()])
  alice.goOffline()
  bob.goOffline()
  const [one, other] = await Promise.all([alice.openDirect("bob"), bob.openDirect("alice")])
  const sent = one.send("from alice")
  other.send("from bob")
  alice.goOnline()
  bob.goOnline()
  await until(one.messages, ({ items }) => items.length === 2)
  await sent.reached("delivered")
  await inMemory(alice, 0)
  return { alice, one, other }
}

it("[U14] two direct conversations that are shown as one leave memory together", async () => {
  const { alice, other } = await direct()
  const shown = (): ReturnType<Client["conversation"]> => alice.conversations.get()[0]
  expect(shown()?.messages.get().state).toBe("loading")
  // Read again, a part of it is shown at no moment, and the list says what it said.
  const row = shown()?.info.get()
  const seen: number[] = []
  const stop = shown()?.messages.subscribe(({ items }) => seen.push(items.length))
  await until(shown()?.messages ?? other.messages, ({ items }) => items.length === 2)
  expect(new Set(seen)).toEqual(new Set([2]))
  expect(shown()?.info.get()).toBe(row)
  stop?.()
  await inMemory(alice, 0)
})

it("[U14, A20] two that are shown as one leave memory again where one was read long before the other", async () => {
  const storage = createMemoryStorage()
  let slow = ""
  let open = (): void => undefined
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  const scan: Storage["scan"] = async (range) => {
    if (slow !== "" && range.from.includes(slow)) await gate
    return storage.scan(range)
  }
  const { alice, one, other } = await direct({ ...storage, scan })
  slow = other.id
  const leave = one.messages.subscribe(() => undefined)
  // What the list shows of both is not known yet, and is not kept.
  await eventually(async () => (await storage.get(conversationRowKey(one.id))) === undefined)
  open()
  await until(one.messages, ({ items }) => items.length === 2)
  leave()
  await inMemory(alice, 0)
})

it("[U14] what is read again since somebody is blocked leaves memory again", async () => {
  const { alice, trip, storage } = await arena()
  const before = (await storage.share().scan({ from: "f/", to: "f~" })).length
  expect(before).toBe(1)
  alice.account.block("bob")
  await until(trip.unread, ({ count }) => count === 0)
  await inMemory(alice, 0)
  alice.account.unblock("bob")
  await until(alice.list, ([row]) => row?.unread.count === 1)
  await inMemory(alice, 0)
})

it("[U14] tabs let go each by itself, show what the other changes, and one that takes over has it all", async () => {
  const server = await startTestServer()
  const profile = new TestProfile("alice", createMemoryStorage(), [server.url], SOON)
  const bob = await openClient("bob", { servers: [server.url] })
  const [first, second] = [await profile.open(), await profile.open()]
  for (const { client } of [first, second]) onTestFinished(() => client.close())
  for (const { client } of [first, second]) show(client)
  await first.lead()
  const trip = await first.client.createConversation({ title: "Trip", members: ["bob"] })
  const inSecond = await conversationOf(second.client, trip.id)
  const atBob = await conversationOf(bob, trip.id)
  const hello = atBob.send("hello")
  await until(second.client.list, ([row]) => row?.info.lastMessage?.id === hello.id && row.unread.count === 1)
  await Promise.all([inMemory(first.client, 0), inMemory(second.client, 0)])
  atBob.send("hello?")
  await until(second.client.list, ([row]) => row?.unread.count === 2)
  await Promise.all([inMemory(first.client, 0), inMemory(second.client, 0)])
  // Read and answered in the one that does not write, which the other one sends.
  await until(inSecond.messages, ({ items }) => items.length === 2)
  inSecond.markRead()
  const answer = inSecond.send("yes?")
  await answer.reached("delivered")
  await until(first.client.list, ([row]) => row?.info.lastMessage?.id === answer.id && row.unread.count === 0)
  await Promise.all([inMemory(first.client, 0), inMemory(second.client, 0)])
  await second.lead()
  first.follow()
  await second.client.synced()
  const later = trip.send("and later")
  await later.reached("delivered")
  await until(inSecond.messages, ({ items }) => items.length === 4)
  await Promise.all([inMemory(first.client, 0), inMemory(second.client, 0)])
  expect(await auditImprints(profile.storage, "alice")).toBe(1)
})

it("[U14] a list that was read back begins with the newest messages again, but for a thread that is followed", async () => {
  const alice = await openClient("alice", SOON)
  const trip = await alice.createConversation({ title: "Trip" })
  // Five of them fill a segment.
  const sent = Array.from({ length: 30 }, (_, number) => trip.send(`${number} ${"x".repeat(60_000)}`))
  const root = sent[6]?.id
  if (root === undefined) throw new Error("it was sent")
  await Promise.all(sent.map((message) => message.reached("saved")))
  const reply = trip.send("below it", { thread: root })
  const quote = trip.send("as I said", { replyTo: root })
  await quote.reached("saved")
  const texts = (): number => trip.messages.get().items.length
  expect(texts()).toBe(32)
  const leave = trip.messages.subscribe(() => undefined)
  await trip.releaseOlder()
  expect(texts()).toBeLessThan(20)
  expect(trip.messages.get().complete).toBe(false)
  await until(trip.messages, ({ items }) => items.find(({ id }) => id === quote.id)?.quote?.state === "ready")
  // Own ones that wait are counted wherever they stand.
  await trip.loadTo(root)
  const thread = trip.thread(root)
  const leaveThread = thread.subscribe(() => undefined)
  await until(thread, ({ state, items }) => state === "ready" && items.length === 1)
  while (!trip.messages.get().complete) await trip.loadOlder()
  await trip.releaseOlder()
  expect(trip.messages.get().items.some(({ id }) => id === root)).toBe(true)
  expect(texts()).toBeLessThan(32)
  expect(thread.get().items.map(({ id }) => id)).toEqual([reply.id])
  leaveThread()
  await trip.releaseOlder()
  expect(trip.messages.get().items.some(({ id }) => id === root)).toBe(false)
  await until(trip.thread(root), ({ state, items }) => state === "ready" && items[0]?.id === reply.id)
  while (!trip.messages.get().complete) await trip.loadOlder()
  expect(texts()).toBe(32)
  // Nobody looks: it stays, as nothing was sent anywhere, but what is old of it goes.
  leave()
  const { messages } = (trip as unknown as { inner: { messages: typeof trip.messages } }).inner
  await until(messages, ({ items }) => items.length < 20)
  trip.edit(quote.id, "as I say")
  trip.markRead()
  await until(trip.messages, ({ items }) => items.at(-1)?.text === "as I say")
})

it("[U14] what a list still shows while it lets older messages go can be reacted to", async () => {
  const alice = await openClient("alice", SOON)
  const trip = await alice.createConversation({ title: "Trip" })
  onTestFinished(trip.messages.subscribe(() => undefined))
  const sent = Array.from({ length: 30 }, (_, number) => trip.send(`${number} ${"x".repeat(60_000)}`))
  await Promise.all(sent.map((message) => message.reached("saved")))
  const id = sent[0]!.id
  const isShown = (): boolean => trip.messages.get().items.some((item) => item.id === id)
  const released = trip.releaseOlder()
  let reactions = 0
  for (let turn = 0; turn < 50 && isShown(); turn++) {
    if (trip.react(id, turn % 2 === 0 ? "👍" : "❤️") !== undefined) reactions++
    await Promise.resolve()
  }
  await released
  expect([reactions, isShown()]).toEqual([2, false])
  await trip.loadTo(id)
  expect(
    trip
      .message(id)
      ?.reactions.map(({ emoji }) => emoji)
      .sort(),
  ).toEqual(["❤️", "👍"].sort())
})

it("[U14] what was sent keeps its status when its list lets it go, and goes on for whoever waits for it, since before or from then on", async () => {
  const server = await startTestServer()
  const profile = new TestProfile("alice", createMemoryStorage(), [server.url], {}, 10)
  const { client: alice, lead } = await profile.open()
  onTestFinished(() => alice.close())
  await lead()
  const bob = await openClient("bob", { servers: [server.url] })
  await bob.synced()
  bob.goOffline()
  const trip = await alice.createConversation({ title: "Trip", members: ["bob"] })
  onTestFinished(trip.messages.subscribe(() => undefined))
  const first = trip.send("first")
  const second = trip.send("second")
  for (let number = 0; number < 20; number++) trip.send(`${number}`)
  const third = trip.send("third")
  for (let number = 0; number < 60; number++) trip.send(`${number}`)
  await alice.synced()
  alice.goOffline()
  const waiting = trip.react(first.id, "👍")!
  await waiting.reached("saved")
  const seen: string[] = []
  const stop = second.subscribe((status) => seen.push(status))
  const [reached, sent] = [second.reached("delivered"), waiting.reached("sent")]
  await trip.releaseOlder()
  expect(trip.messages.get().items.some(({ id }) => id === first.id)).toBe(false)
  expect([first.status, second.status, waiting.status, seen]).toEqual(["sent", "sent", "saved", []])
  alice.goOnline()
  await sent
  bob.goOnline()
  await reached
  expect(seen).toEqual(["delivered"])
  stop()
  // Nobody waits for anything any more.
  await trip.releaseOlder()
  expect(trip.message(third.id)).toBeUndefined()
  expect(third.status).toBe("sent")
  await third.reached("delivered")
})
