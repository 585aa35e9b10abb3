/* What a user's devices share: drafts, read marks, settings, blocks. [SPEC U] */
import { createMemoryStorage, WeftError, type Client, type Conversation, type Message } from "@weft/sdk/node"
import { expect, it } from "vitest"
import * as Y from "yjs"
import type { Storage } from "../../sdk/src/storage/storage.ts"
import { openClient } from "../support/client.ts"
import { conversationOf, until } from "../support/until.ts"
import { startTestServer } from "../support/server.ts"

/** Two devices of alice and one of bob, in one conversation. */
async function arena(options: Parameters<typeof startTestServer>[0] = {}) {
  const server = await startTestServer(options)
  const servers = [server.url]
  const phone = await openClient("alice", { servers })
  const laptop = await openClient("alice", { servers })
  const bob = await openClient("bob", { servers })
  const trip = await phone.createConversation({ title: "Trip", members: ["bob"] })
  const onLaptop = await conversationOf(laptop, trip.id)
  const atBob = await conversationOf(bob, trip.id)
  return { server, phone, laptop, bob, trip, onLaptop, atBob }
}

async function allSynced(...all: Client[]): Promise<void> {
  await Promise.all(all.map((one) => one.synced()))
}

function words(conversation: Conversation): string[] {
  return conversation.draft.get().split(/\s+/).filter(Boolean).sort()
}

it("[U9] a draft that two devices type offline loses no word, and goes when it is sent", async () => {
  const { phone, laptop, trip, onLaptop } = await arena()
  trip.draft.set("meet at the station")
  await until(onLaptop.draft, (text) => text === "meet at the station")
  phone.goOffline()
  laptop.goOffline()
  // Letter by letter, as people type, with a correction.
  for (let end = 0; end <= " tomorrow".length; end++) trip.draft.set("meet at the station" + " tomorrow".slice(0, end))
  trip.draft.set("let us meet at the station tomorrow")
  onLaptop.draft.set("meet at the old station")
  onLaptop.draft.set("meet at the old station 😀")
  phone.goOnline()
  laptop.goOnline()
  const all = ["at", "let", "meet", "old", "station", "the", "tomorrow", "us", "😀"]
  await until(trip.draft, () => words(trip).join() === all.join())
  await until(onLaptop.draft, (text) => text === trip.draft.get())
  const thread = trip.send("first")
  await until(trip.messages, ({ items }) => items.length === 1)
  // That was another text: the draft stays.
  expect(words(trip)).toEqual(all)
  trip.threadDraft(thread.id).set("in the thread")
  await until(onLaptop.threadDraft(thread.id), (text) => text === "in the thread")
  await trip.send(trip.draft.get()).reached("sent")
  await until(onLaptop.draft, (text) => text === "")
  expect(onLaptop.threadDraft(thread.id).get()).toBe("in the thread")
  await until(laptop.account, ({ drafts }) => Array.from(drafts.values()).join() === "in the thread")
})

it("[U9] who is named in a draft is so on all devices, wherever the text goes, and nobody of those is lost who are named at once", async () => {
  const { phone, laptop, trip, onLaptop } = await arena()
  const namedOn = ({ draft }: Conversation): string[] =>
    draft.mentions
      .get()
      .map(({ start, length, user }) => `${draft.get().slice(start, start + length)}=${user ?? "all"}`)
  trip.draft.set("ask @Bob", { mentions: [{ start: 4, length: 4, user: "bob" }] })
  await until(onLaptop.draft.mentions, ({ length }) => length === 1)
  expect(onLaptop.draft.mentions.get()).toEqual([{ start: 4, length: 4, user: "bob" }])
  phone.goOffline()
  laptop.goOffline()
  const { length } = "please ask @Bob and "
  trip.draft.set("please ask @Bob")
  trip.draft.set("please ask @Bob and @all", {
    mentions: [
      { start: 11, length: 4, user: "bob" },
      { start: length, length: 4, user: null },
    ],
  })
  onLaptop.draft.set("@Ann ask @Bob", {
    mentions: [
      { start: 0, length: 4, user: "ann" },
      { start: 9, length: 4, user: "bob" },
    ],
  })
  phone.goOnline()
  laptop.goOnline()
  const everybody = ["@Ann=ann", "@Bob=bob", "@all=all"]
  await until(trip.draft.mentions, () => namedOn(trip).sort().join() === everybody.join())
  await until(onLaptop.draft.mentions, () => namedOn(onLaptop).sort().join() === everybody.join())
  expect(onLaptop.draft.get()).toBe(trip.draft.get())
  // Whose letters change is not named any more; who is named no more by one device is not on the other.
  trip.draft.set(trip.draft.get().replace("@Ann", "@An"))
  await until(onLaptop.draft.mentions, () => namedOn(onLaptop).sort().join() === "@Bob=bob,@all=all")
  onLaptop.draft.set(onLaptop.draft.get(), { mentions: [] })
  await until(trip.draft.mentions, (mentions) => mentions.length === 0)
  expect(() => {
    trip.draft.set("@Bob", { mentions: [{ start: 0, length: 9, user: "bob" }] })
  }).toThrow(expect.objectContaining({ code: "BAD_ARGUMENT" }))
  trip.draft.set("@Bob", { mentions: [{ start: 0, length: 4, user: "bob" }] })
  await trip.send("@Bob", { mentions: trip.draft.mentions.get() }).reached("sent")
  await until(onLaptop.draft, (text) => text === "")
  // A name that is typed anew where another stood is that of nobody.
  onLaptop.draft.set("@Bob")
  expect([...onLaptop.draft.mentions.get(), ...trip.draft.mentions.get()]).toEqual([])
})

it("[U9] two devices that begin a draft at once, offline, have both in it; clearing keeps what came meanwhile", async () => {
  const { phone, laptop, trip, onLaptop } = await arena()
  await allSynced(phone, laptop)
  phone.goOffline()
  laptop.goOffline()
  trip.draft.set("one ")
  onLaptop.draft.set("two ")
  phone.goOnline()
  laptop.goOnline()
  await until(trip.draft, () => words(trip).join() === "one,two")
  await until(onLaptop.draft, () => words(onLaptop).join() === "one,two")
  await allSynced(phone, laptop)
  phone.goOffline()
  onLaptop.draft.set(`${onLaptop.draft.get()}three`)
  trip.draft.clear()
  phone.goOnline()
  await until(trip.draft, (text) => text === "three")
  await until(onLaptop.draft, (text) => text === "three")
})

it("[U8] what is typed survives a crash at once, and a restart has it before any server", async () => {
  const storage = createMemoryStorage()
  const first = await openClient("alice", { storage })
  const trip = await first.createConversation({ title: "Trip" })
  trip.draft.set("half a sen")
  await first.account.saved()
  // No close: a copy of the storage as a crash leaves it.
  const crashed = createMemoryStorage({ snapshot: storage.snapshot() })
  const again = await openClient("alice", { storage: crashed })
  expect(again.conversation(trip.id)?.draft.get()).toBe("half a sen")
})

it("[U8] stored updates are merged, however much is typed", async () => {
  const storage = createMemoryStorage()
  const alice = await openClient("alice", { storage })
  const trip = await alice.createConversation({ title: "Trip" })
  for (let index = 0; index < 400; index++) {
    trip.draft.set(`text ${String(index)}`)
    await alice.account.saved()
  }
  const entries = await storage.scan({ from: "n/", to: "n0" })
  expect(entries.length).toBeLessThanOrEqual(64)
  const doc = new Y.Doc()
  for (const { value } of entries) Y.applyUpdate(doc, value)
  expect(doc.getText(`drafts/${trip.id}`).toJSON()).toBe("text 399")
})

it("[U10] what was read is read on all devices, never less; what comes late is unread and late", async () => {
  const { server, phone, laptop, bob, trip, onLaptop, atBob } = await arena()
  const carol = await openClient("carol", { servers: [server.url] })
  await trip.addMember("carol")
  const atCarol = await conversationOf(carol, trip.id)
  const one = atBob.send("one")
  await one.reached("sent")
  await until(trip.unread, ({ count, first }) => count === 1 && first === one.id)
  bob.goOffline()
  const late = atBob.send("late")
  // The list has it from now on.
  await late.reached("saved")
  // Clocks count milliseconds; within one, devices are in the order of their names.
  for (const { sentAt = 0 } = atBob.messages.get().items.at(-1) ?? {}; Date.now() <= sentAt;);
  const newer = atCarol.send("newer")
  await newer.reached("sent")
  await trip.send("mine").reached("sent")
  await until(onLaptop.unread, ({ count }) => count === 2)
  await until(trip.unread, ({ count }) => count === 2)
  trip.markRead(newer.id)
  await until(onLaptop.unread, ({ count }) => count === 0)
  bob.goOnline()
  await late.reached("sent")
  for (const conversation of [trip, onLaptop]) {
    await until(conversation.unread, ({ count }) => count === 1)
    expect(conversation.unread.get()).toMatchObject({ count: 1, mentions: 0, late: [late.id], first: late.id })
  }
  trip.markRead()
  await until(onLaptop.unread, ({ count }) => count === 0)
  // Marking an older one takes nothing back.
  trip.markRead(one.id)
  await allSynced(phone, laptop)
  expect([trip.unread.get().count, onLaptop.unread.get().count]).toEqual([0, 0])
  onLaptop.markUnread(late.id)
  await until(trip.unread, ({ count, first }) => count === 2 && first === late.id)
  trip.markRead()
  await until(onLaptop.unread, ({ count }) => count === 0)
})

it("[U2] settings, blocks and privacy are the same on all devices, after changes on both while offline", async () => {
  const { phone, laptop, trip, onLaptop } = await arena()
  await allSynced(phone, laptop)
  phone.goOffline()
  laptop.goOffline()
  trip.mute(1_900_000_000_000)
  trip.setPinned(true)
  phone.account.block("mallory")
  phone.account.setPrivacy({ receipts: false })
  onLaptop.setArchived(true)
  laptop.account.block("trudy")
  laptop.account.setPrivacy({ receipts: false, lastSeen: false })
  phone.goOnline()
  laptop.goOnline()
  const settings = {
    mutedUntil: 1_900_000_000_000,
    archived: true,
    pinned: true,
    unreadFrom: undefined,
    threadsUnreadFrom: {},
  }
  for (const [device, conversation] of [
    [phone, trip],
    [laptop, onLaptop],
  ] as const) {
    await until(device.account, ({ blocked, privacy }) => blocked.size === 2 && !privacy.lastSeen)
    await until(conversation.settings, ({ archived, pinned }) => archived && pinned)
    expect(conversation.settings.get()).toEqual(settings)
    expect(device.account.get().privacy).toEqual({ receipts: false, lastSeen: false })
    expect([device.account.isBlocked("mallory"), device.account.isBlocked("bob")]).toEqual([true, false])
  }
  trip.unmute()
  await until(onLaptop.settings, ({ mutedUntil }) => mutedUntil === undefined)
  await allSynced(phone, laptop)
})

it("[U10] messages of blocked people are not shown and not counted, until they are unblocked", async () => {
  const { phone, laptop, trip, onLaptop, atBob } = await arena()
  await atBob.send("hello").reached("sent")
  await until(onLaptop.unread, ({ count }) => count === 1)
  phone.account.block("bob")
  await until(onLaptop.messages, ({ items }) => items.length === 0)
  expect(onLaptop.unread.get().count).toBe(0)
  await until(trip.messages, ({ items }) => items.length === 0)
  expect(onLaptop.info.get().lastMessage).toBeUndefined()
  laptop.account.unblock("bob")
  await until(trip.messages, ({ items }) => items.length === 1)
  expect(() => phone.account.block("alice")).toThrow(expect.objectContaining({ code: "BAD_ARGUMENT" }))
})

it("[U11] a thread shows neither what was erased for me nor what blocked people write, live", async () => {
  const { phone, trip, onLaptop, atBob } = await arena()
  const root = trip.send("root")
  await root.reached("sent")
  await until(atBob.messages, ({ items }) => items.length === 1)
  const replies = [atBob.send("first", { thread: root.id }), atBob.send("second", { thread: root.id })] as const
  const thread = onLaptop.thread(root.id)
  await until(thread, ({ items }) => items.length === 2)
  trip.eraseForMe(replies[0].id)
  await until(thread, ({ items }) => items.length === 1)
  expect(thread.get().items.map(({ text }) => text)).toEqual(["second"])
  phone.account.block("bob")
  await until(thread, ({ items }) => items.length === 0)
  expect(atBob.thread(root.id).get().items).toHaveLength(2)
})

it("[U11] a thread's first message counts neither what was erased for me nor what blocked people write, live", async () => {
  const { phone, trip, onLaptop, atBob } = await arena()
  const root = trip.send("root")
  await until(atBob.messages, ({ items }) => items.length === 1)
  atBob.send("first", { thread: root.id })
  await until(trip.messages, ({ items }) => items.length === 2)
  trip.send("mine", { thread: root.id })
  await until(atBob.messages, ({ items }) => items.length === 3)
  const last = atBob.send("last", { thread: root.id })
  const replies = (items: readonly Message[]) => items.find(({ id }) => id === root.id)?.replies
  const counted = (count: number | undefined) =>
    until(onLaptop.messages, ({ items }) => replies(items)?.count === count).then(({ items }) => replies(items)?.lastAt)
  const sentAt = (text: string) => atBob.messages.get().items.find((message) => message.text === text)?.sentAt
  expect(await counted(3)).toBe(sentAt("last"))
  trip.eraseForMe(last.id)
  expect(await counted(2)).toBe(sentAt("mine"))
  phone.account.block("bob")
  expect(await counted(1)).toBe(sentAt("mine"))
  expect(onLaptop.message(root.id)?.replies?.count).toBe(1)
  const before = onLaptop.messages.get().items
  onLaptop.setPinned(true)
  await until(onLaptop.settings, ({ pinned }) => pinned)
  expect(onLaptop.messages.get().items).toBe(before)
  const own = onLaptop.messages.get().items.find(({ text }) => text === "mine")
  if (own === undefined) throw new Error("it is shown")
  trip.eraseForMe(own.id)
  await counted(undefined)
  phone.account.unblock("bob")
  await counted(1)
  expect(replies(atBob.messages.get().items)?.count).toBe(3)
})

it("[U11] undo of an edit brings back the text that was there, also where that was merged of two edits at once", async () => {
  const { phone, laptop, trip, onLaptop } = await arena()
  const message = trip.send("red green blue")
  await until(onLaptop.messages, ({ items }) => items.length === 1)
  for (const client of [phone, laptop]) client.goOffline()
  trip.edit(message.id, "RED green blue")
  onLaptop.edit(message.id, "red green BLUE")
  for (const client of [phone, laptop]) client.goOnline()
  await until(trip.messages, ({ items }) => items[0]?.text === "RED green BLUE")
  trip.edit(message.id, "nothing of that")
  await phone.account.undo()
  expect(trip.message(message.id)?.text).toBe("RED green BLUE")
  await until(onLaptop.messages, ({ items }) => items[0]?.text === "RED green BLUE" && items[0].edited?.count === 4)
})

it("[U11] a message erased for me is gone on all devices of mine alone; undo brings it back, after a sync and a restart", async () => {
  const { server, phone, laptop, trip, onLaptop, atBob } = await arena()
  const storage = createMemoryStorage()
  const tablet = await openClient("alice", { storage, servers: [server.url] })
  const onTablet = await conversationOf(tablet, trip.id)
  const message = atBob.send("embarrassing")
  await message.reached("sent")
  await until(onTablet.messages, ({ items }) => items.length === 1)
  onTablet.eraseForMe(message.id)
  onTablet.setArchived(true)
  await until(trip.messages, ({ items, state }) => state === "ready" && items.length === 0)
  await until(onLaptop.settings, ({ archived }) => archived)
  expect(atBob.messages.get().items).toHaveLength(1)
  await tablet.synced()
  await tablet.close()
  const again = await openClient("alice", { storage: storage.share(), servers: [server.url] })
  const archive = { kind: "archive", conversation: trip.id, archived: true }
  expect(await again.account.undo()).toMatchObject({ kind: "undone", act: archive })
  expect(await again.account.undo()).toMatchObject({ kind: "undone", act: { kind: "hide", message: message.id } })
  expect(await again.account.undo()).toEqual({ kind: "nothing" })
  await until(trip.messages, ({ items }) => items.length === 1)
  await until(onLaptop.settings, ({ archived }) => !archived)
  expect(await phone.account.undo()).toEqual({ kind: "nothing" })
  await allSynced(phone, laptop, again)
})

it("[U11] undo of an edit keeps what another device edited at once, after the two were merged; then that one can go too", async () => {
  const { phone, laptop, trip, onLaptop } = await arena()
  const message = trip.send("red green blue")
  await until(onLaptop.messages, ({ items }) => items.length === 1)
  for (const client of [phone, laptop]) client.goOffline()
  trip.edit(message.id, "RED green blue")
  onLaptop.edit(message.id, "red green BLUE")
  for (const client of [phone, laptop]) client.goOnline()
  const shows = async (text: string): Promise<void> => {
    for (const one of [trip, onLaptop]) await until(one.messages, ({ items }) => items[0]?.text === text)
    await allSynced(phone, laptop)
  }
  await shows("RED green BLUE")
  expect(await phone.account.undo()).toMatchObject({ kind: "undone", act: { kind: "edit", message: message.id } })
  await shows("red green BLUE")
  expect(await laptop.account.undo()).toMatchObject({ kind: "undone", act: { kind: "edit", message: message.id } })
  await shows("red green blue")
})

it("[U11] one undo after the other takes back one edit after the other; an act that is named goes by itself, one that is gone takes nothing along", async () => {
  const { phone, laptop, trip, onLaptop, atBob } = await arena()
  const text = () => trip.message(message.id)?.text
  const message = trip.send("one")
  const theirs = atBob.send("hello")
  for (const one of [trip, onLaptop]) await until(one.messages, ({ items }) => items.length === 2)
  const archive = trip.setArchived(true)
  const hide = trip.eraseForMe(theirs.id)
  expect(trip.eraseForMe(theirs.id)).toBeUndefined()
  const { act: second } = trip.edit(message.id, "two")
  trip.edit(message.id, "three")
  // Something was built on it: it can't go alone.
  expect(await phone.account.undo(second)).toEqual({ kind: "gone", act: second })
  expect(text()).toBe("three")
  expect(await phone.account.undo()).toMatchObject({ kind: "undone", act: { kind: "edit" } })
  expect(text()).toBe("two")
  expect(await phone.account.undo(second)).toEqual({ kind: "undone", act: second })
  expect(text()).toBe("one")
  expect(await phone.account.undo(archive)).toEqual({ kind: "undone", act: archive })
  expect(trip.messages.get().items).toHaveLength(1)
  // The laptop takes that back once it knows of it, and hides it again, which is another act.
  await until(onLaptop.messages, ({ items }) => items.length === 1)
  expect(await laptop.account.undo(hide)).toEqual({ kind: "undone", act: hide })
  const again = onLaptop.eraseForMe(theirs.id)
  await until(onLaptop.messages, ({ items }) => items.length === 1)
  // Pinned after that: once the phone knows the one, it knows the other.
  onLaptop.setPinned(true)
  await until(trip.settings, ({ pinned }) => pinned)
  trip.edit(message.id, "four")
  await onLaptop.edit(message.id, "five").reached("sent")
  expect(await phone.account.undo(hide)).toEqual({ kind: "gone", act: hide })
  expect(trip.messages.get().items).toHaveLength(1)
  expect(await laptop.account.undo(again)).toMatchObject({ kind: "undone" })
})

it("[U11] undo of an edit that can't be written says so, stays shown, and keeps no other undo waiting", async () => {
  const storage = createMemoryStorage()
  const full = { now: false }
  const failing: Storage = {
    ...storage,
    write: async (...args) => {
      if (full.now) throw new WeftError("STORE_QUOTA", "the disk is full")
      await storage.write(...args)
    },
  }
  const client = await openClient("alice", { storage: failing })
  const trip = await client.createConversation({ title: "Trip" })
  const message = trip.send("first")
  await message.reached("saved")
  const archive = trip.setArchived(true)
  const edit = trip.edit(message.id, "second")
  await edit.reached("saved")
  full.now = true
  await expect(client.account.undo(edit.act)).rejects.toMatchObject({ code: "STORE_QUOTA" })
  expect(trip.message(message.id)?.text).toBe("first")
  full.now = false
  expect(await client.account.undo(archive)).toEqual({ kind: "undone", act: archive })
  await until(trip.messages, ({ items: [first] }) => first?.unsent.every(({ status }) => status === "saved") === true)
  expect(trip.message(message.id)?.text).toBe("first")
})
