/* Messages that were written into an older segment while others went on in the next. [SPEC M9] */
import { createMemoryStorage, type Client, type Conversation } from "@weft/sdk/node"
import type { Env } from "@weft/sdk/protocol"
import { expect, it, onTestFinished } from "vitest"
import { quickEnv } from "../support/quick-env.ts"
import { startTestServer } from "../support/server.ts"
import { TestProfile } from "../support/tabs.ts"
import { conversationOf, until } from "../support/until.ts"

/** One screen and a few: a list begins with the newest segment, and the one before it where that holds less. */
const SEGMENT = 60

/** All clocks go on together, as much as a test says: devices that write one after another do so in this order. */
let skew = 0
const env: Env = { ...quickEnv, now: () => quickEnv.now() + skew }

/** A device that can be opened again. */
function device(user: string, servers: readonly string[]) {
  const profile = new TestProfile(user, createMemoryStorage(), servers, { env }, SEGMENT)
  return {
    open: async (): Promise<Client> => {
      const tab = await profile.open()
      onTestFinished(() => tab.client.close())
      await tab.lead()
      return tab.client
    },
  }
}

function textsOf(conversation: Conversation): string[] {
  return conversation.messages.get().items.map(({ text, form }) => text ?? form)
}

async function write(conversation: Conversation, texts: readonly string[]): Promise<void> {
  skew++
  const sent = texts.map((text) => conversation.send(text))
  await Promise.all(sent.map((message) => message.reached("sent")))
}

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => `number ${String(from + index)}`)

/** A device of alice's that is not open yet, cara, and bob, who was online for ten messages of the first segment. */
async function parted() {
  const { url } = await startTestServer()
  const phone = device("alice", [url])
  const [cara, bob] = [await device("cara", [url]).open(), await device("bob", [url]).open()]
  const atCara = await cara.createConversation({ title: "Trip", members: ["alice", "bob"] })
  const { id } = atCara
  await write(atCara, numbers(0, 10))
  const atBob = await conversationOf(bob, id)
  await until(atBob.messages, ({ items }) => items.length === 10)
  await bob.synced()
  bob.goOffline()
  const say = async (text: string) => {
    skew++
    const message = atBob.send(text)
    await message.reached("saved")
    return message
  }
  return { phone, bob, atBob, atCara, id, say }
}

/**
 * Cara, who wrote three segments, of which alice sees the last two, and bob, who was offline since the first one. He wrote
 * before all that alice sees, in the middle of it, and at its end.
 */
async function arena() {
  const { phone, bob, atBob, atCara, id, say } = await parted()
  await write(atCara, numbers(10, 60))
  const early = await say("early")
  await write(atCara, numbers(60, 140))
  const middle = await say("middle")
  await write(atCara, numbers(140, 150))
  const end = await say("end")
  const shown = [...numbers(60, 140), "middle", ...numbers(140, 150), "end"]
  const alice = await phone.open()
  const trip = await conversationOf(alice, id)
  await until(trip.unread, ({ count }) => count === 150)
  trip.markRead()
  await alice.synced()
  await alice.close()
  return { phone, bob, atBob, id, early, middle, end, shown }
}

it("[M9] what comes late into an older segment stands in its place in the list, that segment being loaded or not", async () => {
  const { phone, bob, id, early, middle, end, shown } = await arena()
  const alice = await phone.open()
  const trip = await conversationOf(alice, id)
  await until(trip.messages, ({ items }) => items.length === 90)
  bob.goOnline()
  await until(trip.messages, ({ items }) => items.some((message) => message.id === end.id))
  await until(trip.unread, ({ count }) => count === 3)
  expect(textsOf(trip)).toEqual(shown)
  expect(trip.messages.get().complete).toBe(false)
  expect(trip.unread.get().late).toEqual([early.id, middle.id])
  expect(trip.unread.get().first).toBe(early.id)
  await trip.loadOlder()
  expect(textsOf(trip)).toEqual([...numbers(0, 60), "early", ...shown])
  await trip.releaseOlder()
  await until(trip.messages, ({ items }) => items.length === shown.length)
  expect(textsOf(trip)).toEqual(shown)
})

it("[U10] what comes late while its segment is loaded stays counted when that leaves the list", async () => {
  const { phone, bob, id, early, middle, end } = await arena()
  const alice = await phone.open()
  const trip = await conversationOf(alice, id)
  const counts: number[] = []
  trip.unread.subscribe(({ count, counted }) => counted && counts.push(count))
  await until(trip.unread, ({ counted }) => counted)
  await trip.loadOlder()
  bob.goOnline()
  await until(trip.unread, ({ count }) => count === 3)
  await trip.releaseOlder()
  await until(trip.messages, ({ items }) => items.every((message) => message.id !== early.id))
  await until(trip.unread, ({ counted }) => counted)
  expect(trip.unread.get()).toMatchObject({ count: 3, late: [early.id, middle.id], first: early.id })
  // What reaches into the list is looked for when that is shown.
  await until(trip.messages, ({ items }) => items.at(-1)?.id === end.id)
  expect(new Set(counts.slice(counts.indexOf(3)))).toEqual(new Set([3]))
})

it("[M9] what came late is in its place at the next start, offline too, and lives there", async () => {
  const { phone, bob, atBob, id, middle, shown } = await arena()
  const before = await phone.open()
  bob.goOnline()
  await middle.reached("sent")
  const trip = await conversationOf(before, id)
  await until(trip.unread, ({ count }) => count === 3)
  trip.markRead()
  await before.close()
  const alice = await phone.open()
  const again = await conversationOf(alice, id)
  await until(again.messages, ({ items }) => items.length === shown.length)
  expect(textsOf(again)).toEqual(shown)
  await until(again.unread, ({ count, counted }) => counted && count === 0)
  await atBob.edit(middle.id, "in the middle").reached("sent")
  await until(again.messages, ({ items }) => items.some(({ text }) => text === "in the middle"))
  await atBob.erase(middle.id)
  await until(again.messages, ({ items }) => items.some(({ id, form }) => id === middle.id && form === "erased"))
})

it("[M9, U10] what stands behind the message up to which somebody reads stays unread, in whatever segment", async () => {
  const { phone, bob, id, middle, end } = await arena()
  const alice = await phone.open()
  const trip = await conversationOf(alice, id)
  bob.goOnline()
  await until(trip.unread, ({ count }) => count === 3)
  await until(trip.messages, ({ items }) => items.at(-1)?.id === end.id)
  const upTo = trip.messages.get().items.find(({ text }) => text === "number 100")
  trip.markRead(upTo?.id)
  await until(trip.unread, ({ count }) => count === 2)
  expect(trip.unread.get()).toMatchObject({ first: middle.id, count: 2 })
  trip.markRead(middle.id)
  await until(trip.unread, ({ count }) => count === 1)
  expect(trip.unread.get().first).toBe(end.id)
})

it("[U10] what stands behind a mark is unread, and before something read late, in segments that are not loaded", async () => {
  const { phone, bob, atCara, id, say } = await parted()
  const alice = await phone.open()
  await write(atCara, numbers(10, 100))
  const late = await say("late")
  await write(atCara, numbers(100, 120))
  const atAlice = await conversationOf(alice, id)
  await until(atAlice.unread, ({ count }) => count === 120)
  atAlice.markRead()
  while (!atAlice.messages.get().complete) await atAlice.loadOlder()
  const marked = atAlice.messages.get().items[90]
  await write(atAlice, numbers(120, 200))
  await alice.close()
  bob.goOnline()
  await late.reached("sent")
  // Alice sees what she wrote herself; the segment before that is all read, and the late one stands before that.
  const again = await phone.open()
  const trip = await conversationOf(again, id)
  await until(trip.unread, ({ count }) => count === 1)
  expect(textsOf(trip)).toEqual(numbers(120, 200))
  expect(trip.unread.get().late).toEqual([late.id])
  trip.markRead()
  trip.markUnread(marked?.id ?? late.id)
  await until(trip.unread, ({ count }) => count === 31)
  await again.synced()
  await again.close()
  const last = await phone.open()
  const atLast = await conversationOf(last, id)
  await until(atLast.unread, ({ count }) => count === 31)
  expect(textsOf(atLast)).toEqual(numbers(120, 200))
  expect(atLast.unread.get().first).toBe(marked?.id)
})

it("[M9, U12] a conversation whose newest segments are a blocked person's alone shows the last message of others, in the list too", async () => {
  const { url } = await startTestServer({ limits: { entriesPerSecond: 100_000, entryBurst: 100_000 } })
  const phone = device("alice", [url])
  const [alice, bob] = [await phone.open(), await device("bob", [url]).open()]
  const trip = await alice.createConversation({ title: "Trip", members: ["bob"] })
  await write(trip, ["mine"])
  await write(await conversationOf(bob, trip.id), numbers(0, SEGMENT * 4))
  await until(trip.messages, ({ items }) => items.length === SEGMENT * 4 + 1)
  await alice.close()
  const again = await phone.open()
  const open = await conversationOf(again, trip.id)
  await until(open.messages, ({ state }) => state === "ready")
  expect(textsOf(open)).not.toContain("mine")
  again.account.block("bob")
  await until(open.messages, () => textsOf(open).join() === "mine")
  await until(again.list, ([row]) => row?.info.lastMessage?.text === "mine")
  await again.account.saved()
  await again.close()
  const later = await phone.open()
  const conversation = await conversationOf(later, trip.id)
  await until(conversation.messages, ({ state }) => state === "ready")
  expect(textsOf(conversation)).toEqual(["mine"])
  await until(later.list, ([row]) => row?.info.lastMessage?.text === "mine")
})
