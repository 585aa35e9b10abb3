/* The list of conversations as it was last shown, before any of them is read. [SPEC U13] */
import { createMemoryStorage, type Client } from "@weft/sdk/node"
import { expect, it, onTestFinished } from "vitest"
import { prefixRange } from "../../sdk/src/storage/storage.ts"
import { openClient } from "../support/client.ts"
import { gated, type Memory } from "../support/gated-storage.ts"
import { quickEnv } from "../support/quick-env.ts"
import { conversationOf, until } from "../support/until.ts"
import { startTestServer } from "../support/server.ts"

/** Shows the list of a device, as an application does. */
function show(client: Client): void {
  onTestFinished(client.list.subscribe(() => undefined))
}

async function rowsOf(storage: Memory): Promise<string[]> {
  const rows = await storage.share().scan({ from: "o/", to: "o0" })
  return rows.map(({ value }) => new TextDecoder().decode(value))
}

/** Resolves when the rows that are stored are as they are to be. */
async function stored(storage: Memory, isDone: (rows: string[]) => boolean): Promise<string[]> {
  for (;;) {
    const rows = await rowsOf(storage)
    if (isDone(rows)) return rows
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** Alice's device, whose list was shown; bob wrote into one conversation, and is with her alone in another. */
async function arena() {
  const server = await startTestServer()
  const storage = createMemoryStorage()
  const alice = await openClient("alice", { servers: [server.url], storage })
  const bob = await openClient("bob", { servers: [server.url] })
  show(alice)
  const trip = await alice.createConversation({ title: "Trip", members: ["bob"] })
  const atBob = await conversationOf(bob, trip.id)
  const direct = await alice.openDirect("bob")
  atBob.send("hello @alice", { mentions: [{ start: 6, length: 6, user: "alice" }] })
  const hello = atBob.send("see you")
  await until(alice.list, (items) => items[0]?.info.lastMessage?.id === hello.id && items[0].unread.count === 2)
  await alice.synced()
  await stored(storage, (rows) => rows.some((row) => row.includes("see you")) && rows.length === 2)
  const end = async (): Promise<void> => {
    await alice.close()
  }
  return { servers: [server.url], storage, alice, bob, trip, atBob, direct, end }
}

const shown = (client: Client) =>
  client.list.get().map(({ info, unread, draft, settings }) => {
    return [info.title, info.direct, info.lastMessage?.text, unread.count, unread.mentions, draft, settings.pinned]
  })

it("[U13] at the next start the list is there before any conversation is read, and stays when they are", async () => {
  const { storage, alice, trip, direct, end } = await arena()
  direct.setPinned(true)
  trip.draft.set("I come")
  await until(alice.list, ([first, second]) => first?.settings.pinned === true && second?.draft === "I come")
  const before = shown(alice)
  expect(before).toEqual([
    ["", "bob", undefined, 0, 0, "", true],
    ["Trip", undefined, "see you", 2, 1, "I come", false],
  ])
  await end()
  const gate = gated(storage)
  const again = await openClient("alice", { storage: gate.storage })
  show(again)
  expect(shown(again)).toEqual(before)
  const items = again.list.get()
  const [, shownTrip] = again.list.get().map(({ conversation }) => conversation)
  expect(again.conversation(trip.id)).toBe(shownTrip)
  expect(shownTrip?.messages.get()).toEqual({ state: "loading", items: [], complete: false })
  expect(again.status.get().pending).toEqual([])
  // What is the account's works at once.
  shownTrip?.mute()
  await until(again.list, ([, second]) => second?.settings.mutedUntil === Infinity)
  shownTrip?.unmute()
  await until(again.list, ([, second]) => second?.settings.mutedUntil === undefined)
  gate.open()
  await until(shownTrip!.messages, ({ state }) => state === "ready")
  expect(shownTrip?.messages.get().items.map(({ text }) => text)).toEqual(["hello @alice", "see you"])
  await until(again.conversation(direct.id)!.messages, ({ state }) => state === "ready")
  expect(shown(again)).toEqual(before)
  // The same rows: nothing is rendered again because it was read.
  expect(again.list.get().map(({ info }) => info)).toEqual(items.map(({ info }) => info))
  expect(again.list.get().every(({ info }, index) => info === items[index]?.info)).toBe(true)
})

it("[U13, E2] what is sent before a conversation is read is written when it is, in its order, or refused at once", async () => {
  const { storage, trip, direct, atBob, servers, end } = await arena()
  await end()
  const gate = gated(storage)
  let off = 0
  const env = { ...quickEnv, now: () => quickEnv.now() + off }
  const again = await openClient("alice", { storage: gate.storage, servers, env })
  const early = again.conversation(trip.id)
  const other = again.conversation(direct.id)
  if (early === undefined || other === undefined) throw new Error("both were shown before")
  const sent = [early.send("one"), early.send("two"), other.send("three")]
  expect(sent.map((message) => message.status)).toEqual(["saving", "saving", "saving"])
  await until(again.status, ({ pending }) => pending.length === 2)
  expect(() => early.send("")).toThrow(expect.objectContaining({ code: "BAD_ARGUMENT" }))
  expect(() => early.send("x".repeat(70_000))).toThrow(expect.objectContaining({ code: "BODY_TOO_LARGE" }))
  off = Date.now() * 1000
  expect(() => early.send("by no clock")).toThrow(expect.objectContaining({ code: "CLOCK_OUT_OF_RANGE" }))
  off = 0
  const id = early.info.get().lastMessage?.id
  expect(() => early.send("an answer", { replyTo: id! })).toThrow(expect.objectContaining({ code: "BAD_ARGUMENT" }))
  expect(() => early.edit(id!, "x")).toThrow(expect.objectContaining({ code: "BAD_ARGUMENT" }))
  gate.open()
  await Promise.all(sent.map((message) => message.reached("sent")))
  await until(atBob.messages, ({ items }) => items.length === 4)
  expect(atBob.messages.get().items.map(({ text }) => text)).toEqual(["hello @alice", "see you", "one", "two"])
  expect(sent.slice(0, 2).map((message) => message.id)).toEqual(
    atBob.messages
      .get()
      .items.slice(2)
      .map((message) => message.id),
  )
  await expect.poll(() => sent[0]?.status).toBe("delivered")
})

it("[U13] what was sent before its conversation was read is saved by closing", async () => {
  const { storage, trip, end } = await arena()
  await end()
  const gate = gated(storage)
  const again = await openClient("alice", { storage: gate.storage })
  again.conversation(trip.id)?.send("in haste")
  const closed = again.close()
  gate.open()
  await closed
  const later = await openClient("alice", { storage: storage.share() })
  const { items } = later.conversation(trip.id)?.messages.get() ?? { items: [] }
  expect(items.at(-1)).toMatchObject({ text: "in haste", status: "saved" })
})

it("[U13] what can't be read at first is shown, and read when the storage answers again", async () => {
  const { storage, trip, end } = await arena()
  await end()
  let fails = true
  const shared = storage.share()
  const again = await openClient("alice", {
    storage: {
      ...shared,
      scan: (range) => {
        if (fails && range.from.startsWith("u/")) return Promise.reject(new Error("the disk does not answer"))
        return shared.scan(range)
      },
    },
  })
  await until(again.status, (status) => status.storage.kind === "failing")
  const early = again.conversation(trip.id)
  expect(early?.info.get()).toMatchObject({ title: "Trip", lastMessage: { text: "see you" } })
  expect(early?.messages.get().state).toBe("loading")
  fails = false
  await until(early!.messages, ({ state }) => state === "ready")
  await until(again.status, (status) => status.storage.kind === "ok" && status.tab === "writer")
  expect(early?.messages.get().items).toHaveLength(2)
})

it("[U13] a conversation that nobody may write in says so before it is read", async () => {
  const { storage, trip, bob, atBob, end, servers } = await arena()
  await trip.setAnnouncementsOnly(true)
  const bobs = createMemoryStorage()
  const phone = await openClient("bob", { servers, storage: bobs })
  show(phone)
  await until(phone.list, (items) => items.some(({ info }) => info.announcementsOnly))
  await phone.synced()
  await stored(bobs, (rows) => rows.some((row) => row.includes(`"announcementsOnly":true`)))
  await phone.close()
  const gate = gated(bobs)
  const again = await openClient("bob", { storage: gate.storage })
  expect(() => again.conversation(trip.id)?.send("me too")).toThrow(expect.objectContaining({ code: "NOT_ALLOWED" }))
  gate.open()
  expect([bob.user, atBob.id]).toEqual(["bob", trip.id])
  await end()
  expect(await rowsOf(storage)).not.toEqual([])
})

it("[U13] what waits for a server, or changed while nobody looked, is read at the start", async () => {
  const { storage, alice, trip, direct, end } = await arena()
  alice.goOffline()
  trip.send("written in a tunnel")
  await stored(storage, (rows) => rows.length === 1)
  await end()
  const again = await openClient("alice", { storage: storage.share(), servers: ["ws://127.0.0.1:9"] })
  expect(again.conversation(trip.id)?.messages.get()).toMatchObject({ state: "ready" })
  expect(again.status.get().pending).toMatchObject([{ conversation: trip.id, messages: 1 }])
  // Nobody looks at its list.
  await again.openConversation(direct.id)
  again.conversation(direct.id)?.send("written by a program")
  await stored(storage, (rows) => rows.length === 0)
})

it("[U13, X7] an erased text is in no row", async () => {
  const { storage, atBob, alice } = await arena()
  const last = atBob.messages.get().items.at(-1)
  expect((await rowsOf(storage)).join()).toContain("see you")
  await atBob.erase(last!.id)
  await until(alice.list, (items) => items.some(({ info }) => info.lastMessage?.form === "erased"))
  expect((await rowsOf(storage)).join()).not.toContain("see you")
  const rows = await stored(storage, (all) => all.length === 2)
  expect(rows.join()).not.toContain("see you")
})

it("[U13] a row that can't be read, or is too large, is as if it were not there", async () => {
  const { storage, trip, atBob, end } = await arena()
  const long = atBob.send("long ".repeat(5_000))
  await until(trip.messages, ({ items }) => items.at(-1)?.id === long.id)
  await stored(storage, (rows) => rows.length === 1)
  await end()
  const [row] = await storage.share().scan({ from: "o/", to: "o0" })
  await storage.share().write([
    { kind: "put", key: row!.key, value: new Uint8Array([91, 49]) },
    { kind: "put", key: "o/nothing", value: new Uint8Array([255]) },
  ])
  const again = await openClient("alice", { storage: storage.share() })
  expect(again.list.get()).toHaveLength(2)
  for (const { conversation } of again.list.get()) expect(conversation.messages.get().state).toBe("ready")
})

it("[U13, A20] direct conversations with one person are one before they are read", async () => {
  const { storage, alice, bob, direct, servers, end } = await arena()
  // On another device of hers, offline, before she knew of the first.
  const tablet = await openClient("alice", { servers: [] })
  const second = await tablet.openDirect("bob")
  second.send("from the tablet")
  tablet.addServer(servers[0]!)
  await tablet.synced()
  await until(alice.conversation(direct.id)!.messages, ({ items }) => items.length === 1)
  await alice.synced()
  await stored(storage, (rows) => rows.length === 3)
  const before = shown(alice)
  await end()
  const gate = gated(storage)
  const again = await openClient("alice", { storage: gate.storage })
  expect(shown(again)).toEqual(before)
  const one = again.conversation(direct.id)
  expect(again.conversation(second.id)).toBe(one)
  gate.open()
  await until(one!.messages, ({ items }) => items.some(({ text }) => text === "from the tablet"))
  expect(bob.user).toBe("bob")
})

it.each([
  [true, ["u"], "1"],
  [false, ["u"], "1"],
  [false, ["s"], "1"],
  [true, ["u", "s"], "control"],
  [false, ["u", "s"], "control"],
])(
  "[U13] a conversation that is damaged keeps nobody from the others; stored row: %s, what is damaged: %s of %s",
  async (isStored, kinds, part) => {
    const server = await startTestServer()
    const storage = createMemoryStorage()
    const alice = await openClient("alice", { servers: [server.url], storage: storage.share() })
    if (isStored) show(alice)
    const [good, bad] = [
      await alice.createConversation({ title: "Good" }),
      await alice.createConversation({ title: "Bad" }),
    ]
    for (const conversation of [good, bad]) conversation.send("hello")
    await alice.synced()
    if (isStored) await stored(storage, (rows) => rows.length === 2)
    await alice.close()
    const ranges = kinds.map((kind) => prefixRange(`${kind}/c/${bad.id}/${part}`))
    const damaged = (await Promise.all(ranges.map((range) => storage.scan(range)))).flat()
    const value = Uint8Array.of(9, 9, 9)
    await storage.write(damaged.map(({ key }) => ({ kind: "put", key, value })))

    const again = await openClient("alice", { servers: [server.url], storage: storage.share() })
    await until(again.status, (status) => status.storage.kind === "failing" && status.storage.code === "STORE_CORRUPT")
    await until(again.status, ({ tab, connection }) => tab === "writer" && connection.kind === "online")
    const read = await conversationOf(again, good.id)
    await until(read.messages, ({ items }) => items.length === 1)
    await read.send("and more").reached("sent")
    await until(again.search("more"), ({ hits }) => hits.length === 1)
    await until(again.status, (status) => status.storage.kind === "failing")
  },
)
