/* What is unread, in all segments and threads; the list of conversations; jumps; undo. [SPEC U] */
import type { Unread } from "@weft/sdk"
import { createMemoryStorage, type Client, type Conversation } from "@weft/sdk/node"
import { describe, expect, it, onTestFinished, vi } from "vitest"
import { catchUpKey } from "../../sdk/src/log/keys.ts"
import { openClient } from "../support/client.ts"
import { quickEnv } from "../support/quick-env.ts"
import { conversationOf, until } from "../support/until.ts"
import { seededRandom } from "../support/seed.ts"
import { startTestServer } from "../support/server.ts"
import { TestProfile } from "../support/tabs.ts"
import { temporaryDirectory } from "../support/temporary.ts"

/** In memory, or in a folder that it can be opened in again. */
function client(user: string, servers: readonly string[] = [], directory?: string): Promise<Client> {
  return openClient(user, { servers, ...(directory !== undefined && { directory }) })
}

/** Two devices of alice and one of bob, in one conversation. */
async function arena() {
  const server = await startTestServer({ limits: { entriesPerSecond: 100_000, entryBurst: 100_000 } })
  const servers = [server.url]
  const phone = await client("alice", servers)
  const laptop = await client("alice", servers)
  const bob = await client("bob", servers)
  const trip = await phone.createConversation({ title: "Trip", members: ["bob"] })
  const onLaptop = await conversationOf(laptop, trip.id)
  const atBob = await conversationOf(bob, trip.id)
  return { servers, phone, laptop, bob, trip, onLaptop, atBob }
}

async function fill(conversation: Conversation, count: number, text = "message"): Promise<void> {
  let last
  for (let number = 0; number < count; number++) last = conversation.send(`${text} ${String(number)}`)
  await last?.reached("sent")
}

/** The folder of a device of alice's that got all of a conversation, and was closed: it begins with the newest segment. */
async function leftBySynced(servers: readonly string[], { id }: Conversation): Promise<string> {
  const directory = await temporaryDirectory()
  const tablet = await client("alice", servers, directory)
  await conversationOf(tablet, id)
  await tablet.synced()
  await tablet.close()
  return directory
}

describe("unread messages", () => {
  it("[U10] are counted in segments that are not loaded, late ones too, and read with what is after them", async () => {
    const { servers, bob, trip, onLaptop, atBob, phone } = await arena()
    const bobsOther = await client("bob", servers)
    const atOther = await conversationOf(bobsOther, trip.id)
    await bobsOther.synced()
    bobsOther.goOffline()
    const late = atOther.send("written on a train")
    await late.reached("saved")
    await fill(atBob, 2_100)
    await bob.synced()
    await until(trip.unread, ({ count }) => count === 2_100)
    // Two of the three segments are not in the list of a device that comes later.
    const directory = await temporaryDirectory()
    const tablet = await client("alice", servers, directory)
    const onTablet = await conversationOf(tablet, trip.id)
    await tablet.synced()
    await until(onTablet.unread, ({ count }) => count === 2_100)
    const first = onTablet.unread.get().first
    expect(first).toBe(trip.unread.get().first)
    await tablet.close()
    const again = await client("alice", [], directory)
    const reopened = again.conversation(trip.id)
    if (reopened === undefined || first === undefined) throw new Error("it was there before")
    expect(reopened.messages.get().items.length).toBeLessThan(1_100)
    await until(reopened.unread, ({ count }) => count === 2_100)
    expect(reopened.unread.get().first).toBe(first)
    expect(await reopened.loadTo(first)).toBe(true)
    expect(reopened.messages.get().items.some(({ id }) => id === first)).toBe(true)
    expect(reopened.unread.get().count).toBe(2_100)
    trip.markRead()
    await until(onLaptop.unread, ({ count }) => count === 0)
    bobsOther.goOnline()
    await late.reached("sent")
    for (const conversation of [trip, onLaptop]) {
      await until(conversation.unread, ({ count }) => count === 1)
      const unread = conversation.unread.get()
      expect([unread.late, unread.first]).toEqual([[late.id], late.id])
    }
    trip.markRead()
    await until(onLaptop.unread, ({ count }) => count === 0)
    await phone.synced()
  })

  it("[U10] read on a device that had loaded the newest segment alone are read in the ones before it", async () => {
    const { servers, bob, trip, onLaptop, atBob } = await arena()
    await fill(atBob, 1_100)
    await bob.synced()
    await until(onLaptop.unread, ({ count }) => count === 1_100)
    const directory = await leftBySynced(servers, trip)
    const again = await client("alice", servers, directory)
    const reopened = again.conversation(trip.id)
    expect(reopened?.messages.get().items.length).toBeLessThan(1_100)
    reopened?.markRead()
    await until(onLaptop.unread, ({ count }) => count === 0)
  })

  it("[U10] are never late on the way to being read, in segments that are not loaded, on any device", async () => {
    const { servers, bob, trip, onLaptop, atBob } = await arena()
    await fill(atBob, 1_100)
    await bob.synced()
    const directory = await leftBySynced(servers, trip)
    const again = await client("alice", servers, directory)
    const reopened = await conversationOf(again, trip.id)
    const late: number[] = []
    for (const { unread } of [reopened, onLaptop, trip]) {
      await until(unread, ({ count }) => count === 1_100)
      unread.subscribe((now) => late.push(now.late.length))
    }
    expect(reopened.messages.get().items.length).toBeLessThan(1_100)
    reopened.markRead()
    for (const { unread } of [reopened, onLaptop, trip]) await until(unread, ({ count }) => count === 0)
    expect(late.length).toBeGreaterThanOrEqual(3)
    expect(Math.max(...late)).toBe(0)
  })

  it("[U10] are told as counted once all that is here was looked at, and read meanwhile are not late", async () => {
    const { servers, bob, trip, atBob } = await arena()
    await fill(atBob, 1_100)
    await bob.synced()
    await until(trip.messages, ({ items }) => items.length === 1_100)
    const directory = await leftBySynced(servers, trip)
    const again = await client("alice", [], directory)
    const reopened = await conversationOf(again, trip.id)
    const told: Unread[] = []
    reopened.unread.subscribe((unread) => told.push(unread))
    told.push(reopened.unread.get())
    expect(told).toMatchObject([{ counted: false, count: 0 }])
    await until(reopened.unread, ({ counted }) => counted)
    expect(told.slice(1)).toMatchObject([{ count: 1_100, first: trip.messages.get().items[0]?.id }])
    await again.close()

    const once = await client("alice", [], directory)
    const early = await conversationOf(once, trip.id)
    const late: number[] = []
    early.unread.subscribe((now) => late.push(now.late.length))
    for (let turn = 0; turn < 3; turn++) await Promise.resolve()
    expect(early.unread.get().counted).toBe(false)
    early.markRead()
    await until(early.unread, ({ counted, count }) => counted && count === 0)
    expect(new Set(late)).toEqual(new Set([0]))
  })

  it("[U10, A20] are counted in a direct conversation that another made at once, and that is shown as one with one's own", async () => {
    const server = await startTestServer({ limits: { entriesPerSecond: 100_000, entryBurst: 100_000 } })
    const bob = await client("bob")
    const theirs = await bob.openDirect("alice")
    const alice = await client("alice")
    const own = await alice.openDirect("bob")
    own.unread.subscribe(() => undefined)
    expect(own.unread.get()).toMatchObject({ count: 0, counted: true })
    const sent = Array.from({ length: 1_100 }, (_, number) => theirs.send(`message ${number}`))
    await sent.at(-1)?.reached("saved")
    bob.addServer(server.url)
    await bob.synced()
    alice.addServer(server.url)
    await until(own.unread, ({ count, counted }) => count === 1_100 && counted)
    expect(own.messages.get().items.length).toBeLessThan(1_100)
  })

  it("[U10] that a new device gets from below what was read on it are read, also after a cut and a crash; later ones are late", async () => {
    const { servers, bob, trip, onLaptop, atBob } = await arena()
    const bobsOther = await client("bob", servers)
    const atOther = await conversationOf(bobsOther, trip.id)
    await bobsOther.synced()
    bobsOther.goOffline()
    const late = atOther.send("written on a train")
    await late.reached("saved")
    const root = atBob.send("root")
    await fill(atBob, 2_100)
    await bob.synced()
    await until(onLaptop.unread, ({ count }) => count === 2_101)
    const storage = createMemoryStorage()
    const lates: number[] = []
    const watch = (conversation: Conversation): void => {
      conversation.unread.subscribe(({ late: list, threads }) => {
        lates.push(list.length + (threads.get(root.id)?.late.length ?? 0))
      })
    }
    // The newest segment is looked at as it comes; then the line is cut.
    let tablet = await openClient("alice", { servers, storage })
    let onTablet = await conversationOf(tablet, trip.id)
    watch(onTablet)
    await until(onTablet.messages, ({ items }) => items.length > 0)
    tablet.goOffline()
    onTablet.markRead()
    await until(onTablet.unread, ({ count }) => count === 0)
    expect(onTablet.messages.get().items.length).toBeLessThan(2_000)
    expect(await storage.share().get(catchUpKey(onTablet.id))).toBeDefined()
    await tablet.account.saved()
    await tablet.close()
    tablet = await openClient("alice", { servers, storage: storage.share() })
    onTablet = await conversationOf(tablet, trip.id)
    watch(onTablet)
    await tablet.synced()
    await until(onLaptop.unread, ({ count }) => count === 0)
    expect(onTablet.unread.get().count).toBe(0)
    expect(Math.max(...lates)).toBe(0)
    // It has everything now, and knows it: whoever comes later is late.
    await vi.waitUntil(async () => (await storage.share().get(catchUpKey(onTablet.id))) === undefined)
    bobsOther.goOnline()
    await late.reached("sent")
    for (const conversation of [onTablet, onLaptop, trip]) {
      await until(conversation.unread, ({ count }) => count === 1)
      expect(conversation.unread.get().late).toEqual([late.id])
    }
  })

  it("[U10] that stand behind what was read stay so, where the log holds them before it", async () => {
    const server = await startTestServer()
    let ahead = 0
    const env = { ...quickEnv, now: () => quickEnv.now() + ahead }
    const profile = new TestProfile("bob", createMemoryStorage(), [server.url], { env })
    const [first, second] = [await profile.open(), await profile.open()]
    onTestFinished(() => Promise.all([first.client.close(), second.client.close()]).then(() => undefined))
    await first.lead()
    const alice = await client("alice", [server.url])
    const trip = await alice.createConversation({ title: "Trip", members: ["bob"] })
    const inFirst = await conversationOf(first.client, trip.id)
    const inSecond = await conversationOf(second.client, trip.id)
    // Before either tab hears of the other's.
    ahead = 60_000
    const later = inFirst.send("by a clock that is ahead")
    ahead = 0
    const earlier = inSecond.send("by one that is not")
    await Promise.all([later.reached("sent"), earlier.reached("sent")])
    await until(trip.messages, ({ items }) => items.length === 2)
    expect(trip.messages.get().items.map(({ id }) => id)).toEqual([earlier.id, later.id])
    await until(trip.unread, ({ count }) => count === 2)
    trip.markRead(earlier.id)
    await until(trip.unread, ({ counted }) => counted)
    expect(trip.unread.get().count).toBe(2)
    trip.markRead()
    await until(trip.unread, ({ count }) => count === 0)
  })

  it("[U10] that come when a new device has it all are late, also while it still looks at what it got", async () => {
    const { servers, bob, trip, atBob } = await arena()
    const bobsOther = await client("bob", servers)
    const atOther = await conversationOf(bobsOther, trip.id)
    await bobsOther.synced()
    bobsOther.goOffline()
    const late = atOther.send("written on a train")
    await late.reached("saved")
    // By another device's clock, which knows nothing of this one's.
    const savedAt = Date.now()
    await vi.waitUntil(() => Date.now() > savedAt)
    await atBob.send("hello").reached("sent")
    await bob.synced()
    // That it has caught up is not stored before the late one is there.
    let [tellEnding, letEnd] = [(): void => undefined, (): void => undefined]
    const isEnding = new Promise<void>((resolve) => (tellEnding = resolve))
    const mayEnd = new Promise<void>((resolve) => (letEnd = resolve))
    const memory = createMemoryStorage()
    const storage: typeof memory = new Proxy(memory, {
      get(target, name, receiver) {
        if (name !== "write") return Reflect.get(target, name, receiver) as unknown
        const write: typeof memory.write = async (batch, options) => {
          if (batch.some(({ kind, key }) => kind === "delete" && key === catchUpKey(trip.id))) {
            tellEnding()
            await mayEnd
          }
          await target.write(batch, options)
        }
        return write
      },
    })
    const tablet = await openClient("alice", { servers, storage })
    const onTablet = await conversationOf(tablet, trip.id)
    await until(onTablet.messages, ({ items }) => items.length === 1)
    onTablet.markRead()
    await until(onTablet.unread, ({ count }) => count === 0)
    await isEnding
    bobsOther.goOnline()
    await until(onTablet.messages, ({ items }) => items.length === 2)
    await until(onTablet.unread, ({ count }) => count === 1)
    letEnd()
    await vi.waitUntil(async () => (await storage.get(catchUpKey(trip.id))) === undefined)
    expect(onTablet.unread.get()).toMatchObject({ count: 1, late: [late.id] })
  })

  it("[U10] that come to a device whose storage was lost are late, below what it had read before", async () => {
    const { servers, bob, trip, atBob } = await arena()
    const bobsOther = await client("bob", servers)
    const atOther = await conversationOf(bobsOther, trip.id)
    await bobsOther.synced()
    bobsOther.goOffline()
    const late = atOther.send("written on a train")
    await late.reached("saved")
    // By another device's clock, which knows nothing of this one's.
    const savedAt = Date.now()
    await vi.waitUntil(() => Date.now() > savedAt)
    await atBob.send("hello").reached("sent")
    await bob.synced()
    const storage = createMemoryStorage()
    const before = await openClient("alice", { servers, storage })
    const read = await conversationOf(before, trip.id)
    await until(read.unread, ({ count }) => count === 1)
    read.markRead()
    await before.synced()
    await before.close()
    bobsOther.goOnline()
    await late.reached("sent")
    const empty = createMemoryStorage({ snapshot: { ...storage.snapshot(), entries: [] } })
    const since = await openClient("alice", { servers, storage: empty })
    const again = await conversationOf(since, trip.id)
    await since.synced()
    await until(again.messages, ({ items }) => items.length === 2)
    await vi.waitUntil(async () => (await empty.get(catchUpKey(trip.id))) === undefined)
    for (const { unread } of [again, trip]) {
      await until(unread, ({ count }) => count === 1)
      expect(unread.get().late).toEqual([late.id])
    }
  })

  it("[U10, E8] are counted in their order, also where some stand in an older segment and were written later", async () => {
    const { servers, bob, trip, atBob } = await arena()
    await fill(atBob, 1_000)
    const bobsOther = await client("bob", servers)
    const atOther = await conversationOf(bobsOther, trip.id)
    await bobsOther.synced()
    bobsOther.goOffline()
    // Others are in the second segment by now.
    await fill(atBob, 100)
    await bob.synced()
    const tablet = await client("alice", servers)
    const onTablet = await conversationOf(tablet, trip.id)
    await tablet.synced()
    await until(onTablet.messages, ({ items }) => items.length > 0)
    expect(onTablet.messages.get().items.length).toBeLessThan(1_000)
    onTablet.markRead()
    await until(onTablet.unread, ({ count }) => count === 0)
    const readAt = Date.now()
    await vi.waitUntil(() => Date.now() > readAt)
    const later = atOther.send("in the first segment")
    await later.reached("saved")
    const savedAt = Date.now()
    await vi.waitUntil(() => Date.now() > savedAt)
    await atBob.send("in the second segment").reached("sent")
    bobsOther.goOnline()
    await later.reached("sent")
    await until(onTablet.unread, ({ count }) => count === 2)
    await until(onTablet.messages, ({ items }) => items.at(-2)?.id === later.id)
    expect(onTablet.unread.get()).toMatchObject({ first: later.id, late: [] })
    await onTablet.loadOlder()
    expect(onTablet.messages.get().items.at(-2)?.id).toBe(later.id)
    expect(onTablet.unread.get()).toMatchObject({ count: 2, first: later.id, late: [] })
  })

  it("[U10] of a thread are counted by themselves, and read by themselves", async () => {
    const { trip, onLaptop, atBob } = await arena()
    const root = trip.send("who brings what?")
    await until(atBob.messages, ({ items }) => items.length === 1)
    const bread = atBob.send("bread", { thread: root.id })
    const cheese = atBob.send("cheese for @alice", {
      thread: root.id,
      mentions: [{ start: 11, length: 6, user: "alice" }],
    })
    const outside = atBob.send("see you")
    for (const conversation of [trip, onLaptop]) {
      await until(conversation.unread, ({ count, threads }) => count === 1 && threads.get(root.id)?.count === 2)
      const unread = conversation.unread.get()
      expect(unread).toMatchObject({ mentions: 1, first: outside.id })
      expect(unread.threads.get(root.id)).toEqual({ count: 2, mentions: 1, late: [], first: bread.id })
    }
    trip.markRead()
    await until(onLaptop.unread, ({ count }) => count === 0)
    expect(onLaptop.unread.get().threads.get(root.id)?.count).toBe(2)
    trip.markThreadRead(root.id, bread.id)
    await until(onLaptop.unread, ({ threads }) => threads.get(root.id)?.first === cheese.id)
    onLaptop.markThreadRead(root.id)
    await until(trip.unread, ({ threads }) => threads.size === 0)
    expect(trip.unread.get()).toMatchObject({ count: 0, mentions: 0 })
  })

  it("[U10] of a thread are counted where nothing else of its segment is unread, and that is not loaded", async () => {
    const { servers, bob, trip, atBob } = await arena()
    const root = trip.send("who brings what?")
    await until(atBob.messages, ({ items }) => items.length === 1)
    for (const text of ["bread", "cheese"]) atBob.send(text, { thread: root.id })
    await fill(atBob, 1_100)
    await bob.synced()
    await until(trip.unread, ({ count, threads }) => count === 1_100 && threads.get(root.id)?.count === 2)
    trip.markRead()
    const directory = await temporaryDirectory()
    for (const start of ["first", "from disk"]) {
      const tablet = await client("alice", servers, directory)
      const reopened = await conversationOf(tablet, trip.id)
      const { threads } = await until(reopened.unread, ({ count, threads }) => count === 0 && threads.size === 1)
      expect([start, threads.get(root.id)?.count]).toEqual([start, 2])
      await tablet.synced()
      if (start === "from disk") {
        const thread = reopened.thread(root.id)
        await until(thread, ({ items }) => items.length === 2)
        reopened.markThreadRead(root.id)
        await until(reopened.unread, ({ threads }) => threads.size === 0)
        await until(trip.unread, ({ threads }) => threads.size === 0)
      }
      await tablet.close()
    }
  })

  it("[U10] are read, and their mark is gone, also where the list holds the replies of a thread alone", async () => {
    const server = await startTestServer()
    const profile = new TestProfile("bob", createMemoryStorage(), [server.url], {}, 10)
    const { client: bob, lead } = await profile.open()
    await lead()
    onTestFinished(() => bob.close())
    const alice = await client("alice", [server.url])
    const atBob = await bob.createConversation({ title: "Trip", members: ["alice"] })
    const root = atBob.send("who brings what?")
    for (let number = 0; number < 12; number++) await atBob.send(`message ${String(number)}`).reached("saved")
    for (let number = 0; number < 40; number++) {
      await atBob.send(`bread ${String(number)}`, { thread: root.id }).reached("saved")
    }
    await bob.synced()
    const trip = await conversationOf(alice, atBob.id)
    await until(trip.unread, ({ count, threads }) => count === 13 && threads.get(root.id)?.count === 40)
    trip.markUnread(root.id)
    // As after a start: the list begins with the newest segments.
    await trip.releaseOlder()
    const { items } = await until(trip.messages, ({ items }) => items.length < 40)
    expect(items.every(({ thread }) => thread === root.id)).toBe(true)
    await until(trip.unread, ({ count, counted }) => counted && count === 13)
    trip.markRead()
    const { threads } = await until(trip.unread, ({ count, counted }) => counted && count === 0)
    expect(threads.get(root.id)?.count).toBe(40)
  })

  it("[U10] from a mark on are unread, in a segment that is not loaded too, until the user reads again", async () => {
    const { servers, bob, trip, onLaptop, atBob } = await arena()
    await fill(atBob, 1_100)
    await bob.synced()
    await until(trip.messages, ({ items }) => items.length === 1_100)
    await until(trip.unread, ({ count }) => count === 1_100)
    trip.markRead()
    await until(onLaptop.unread, ({ count }) => count === 0)
    const directory = await leftBySynced(servers, trip)
    const tenth = trip.messages.get().items[9]
    if (tenth === undefined) throw new Error("it is loaded")
    trip.markUnread(tenth.id)
    const again = await client("alice", servers, directory)
    const reopened = again.conversation(trip.id)
    if (reopened === undefined) throw new Error("it was there before")
    await until(reopened.unread, ({ count, first }) => count === 1_091 && first === tenth.id)
    reopened.markRead()
    await until(trip.unread, ({ count }) => count === 0)
  })

  it("[U10] of a thread and of what is around it have marks of their own, each until that is read", async () => {
    const { phone, laptop, trip, onLaptop, atBob } = await arena()
    const root = atBob.send("who brings what?")
    const bread = atBob.send("bread", { thread: root.id })
    atBob.send("cheese", { thread: root.id })
    const around = atBob.send("see you")
    await until(trip.messages, ({ items }) => items.length === 4)
    trip.markRead()
    trip.markThreadRead(root.id)
    trip.markUnread(around.id)
    trip.markUnread(bread.id)
    const counts = ({ count, threads }: ReturnType<typeof trip.unread.get>) =>
      [count, threads.get(root.id)?.count ?? 0, threads.get(root.id)?.first === bread.id].join()
    for (const one of [trip, onLaptop]) await until(one.unread, (unread) => counts(unread) === "1,2,true")
    onLaptop.markThreadRead(root.id)
    for (const one of [trip, onLaptop]) await until(one.unread, (unread) => counts(unread) === "1,0,false")
    trip.markUnread(bread.id)
    trip.markRead()
    for (const one of [trip, onLaptop]) await until(one.unread, (unread) => counts(unread) === "0,2,true")
    await Promise.all([phone.synced(), laptop.synced()])
  })

  it("[U10] from a mark on are unread also where the marked message is hidden, or its author blocked", async () => {
    const { servers, phone, trip, onLaptop, atBob } = await arena()
    const carol = await client("carol", servers)
    await trip.addMember("carol")
    const atCarol = await conversationOf(carol, trip.id)
    const marked = atCarol.send("from here on")
    await until(atBob.messages, ({ items }) => items.length === 1)
    atBob.send("one")
    const last = atBob.send("two")
    await until(trip.messages, ({ items }) => items.length === 3)
    trip.markRead()
    trip.markUnread(marked.id)
    for (const { unread } of [trip, onLaptop]) await until(unread, ({ count }) => count === 3)
    phone.account.block("carol")
    for (const { unread } of [trip, onLaptop]) await until(unread, ({ count }) => count === 2)
    phone.account.unblock("carol")
    onLaptop.eraseForMe(marked.id)
    for (const { unread } of [trip, onLaptop]) await until(unread, ({ count }) => count === 2)
    trip.markRead(last.id)
    for (const { unread } of [trip, onLaptop]) await until(unread, ({ count }) => count === 0)
  })

  it(
    "[U10] are what a bookkeeper counts who knows what every device saw and read, after every step",
    { timeout: 60_000 },
    async () => {
      const random = seededRandom("unread")
      const { servers, phone, laptop, bob, trip, onLaptop, atBob } = await arena()
      const bobsOther = await client("bob", servers)
      const atOther = await conversationOf(bobsOther, trip.id)
      const carol = await client("carol", servers)
      await trip.addMember("carol")
      const atCarol = await conversationOf(carol, trip.id)
      let onTrain = false
      let blocked = false
      /** What the bookkeeper knows: who wrote what, in which thread, and what was read or hidden. */
      const written = new Map<string, { author: string; thread: string | undefined }>()
      const read = new Set<string>()
      const hidden = new Set<string>()
      const inTrain = new Set<string>()
      const isAway = (id: string, author: string): boolean =>
        inTrain.has(id) || hidden.has(id) || (blocked && author === "carol")
      const check = async (): Promise<void> => {
        await Promise.all([phone, laptop, bob, carol, ...(onTrain ? [] : [bobsOther])].map((one) => one.synced()))
        const here = Array.from(written).filter(([id, { author }]) => !isAway(id, author))
        const open = here.filter(([id, { author }]) => author !== "alice" && !read.has(id))
        const threads = new Map<string, number>()
        for (const [, { thread }] of open) if (thread !== undefined) threads.set(thread, (threads.get(thread) ?? 0) + 1)
        const main = open.filter(([, { thread }]) => thread === undefined).length
        const wanted = JSON.stringify([main, Array.from(threads).sort()])
        for (const conversation of [trip, onLaptop]) {
          await until(conversation.messages, ({ items }) => items.length === here.length)
          await until(conversation.unread, ({ count, threads: counted }) => {
            return JSON.stringify([count, Array.from(counted, ([id, of]) => [id, of.count]).sort()]) === wanted
          })
        }
      }
      const acts: (() => void)[] = [
        () => {
          const by = random.pick(["bob", "bobsOther", "alice"] as const)
          const at = { bob: atBob, bobsOther: atOther, alice: trip }[by]
          const outgoing = at.send(`message ${String(written.size)}`)
          written.set(outgoing.id, { author: by === "alice" ? "alice" : "bob", thread: undefined })
          if (onTrain && by === "bobsOther") inTrain.add(outgoing.id)
        },
        () => {
          const roots = atCarol.messages.get().items.filter(({ thread }) => thread === undefined)
          if (roots.length === 0) return
          const root = random.pick(roots)
          const outgoing = atCarol.send(`reply ${String(written.size)}`, { thread: root.id })
          written.set(outgoing.id, { author: "carol", thread: root.id })
        },
        () => {
          const conversation = random.pick([trip, onLaptop])
          const list = conversation.messages.get().items.filter(({ thread }) => thread === undefined)
          if (list.length === 0) return
          const end = random.below(list.length)
          conversation.markRead(list[end]?.id)
          for (const { id } of list.slice(0, end + 1)) read.add(id)
        },
        () => {
          const conversation = random.pick([trip, onLaptop])
          const [root] = conversation.unread.get().threads.keys()
          if (root === undefined) return
          for (const { id, thread } of conversation.messages.get().items) if (thread === root) read.add(id)
          conversation.markThreadRead(root)
        },
        () => {
          if (!random.oneIn(2)) return
          onTrain = !onTrain
          if (onTrain) bobsOther.goOffline()
          else {
            bobsOther.goOnline()
            inTrain.clear()
          }
        },
        () => {
          const list = trip.messages.get().items
          if (list.length === 0 || !random.oneIn(3)) return
          const { id } = random.pick(list)
          trip.eraseForMe(id)
          hidden.add(id)
        },
        () => {
          if (!random.oneIn(3)) return
          blocked = !blocked
          if (blocked) phone.account.block("carol")
          else phone.account.unblock("carol")
        },
      ]
      for (let number = 0; number < 40; number++) {
        // Somebody writes every third time at least, whatever the seed.
        const act = number % 3 === 0 ? acts[0] : random.pick(acts)
        act?.()
        await check()
      }
      expect(written.size).toBeGreaterThan(10)
    },
  )
})

it("[U12] the list of conversations shows preview, unread, settings and draft, pinned ones first, offline too", async () => {
  const { servers, phone, trip, atBob } = await arena()
  const directory = await temporaryDirectory()
  const tablet = await client("alice", servers, directory)
  const onTablet = await conversationOf(tablet, trip.id)
  await phone.createConversation({ title: "Notes" })
  const newest = await phone.createConversation({ title: "Work" })
  await conversationOf(tablet, newest.id)
  const hello = atBob.send("hello @alice", { mentions: [{ start: 6, length: 6, user: "alice" }] })
  await until(tablet.list, (items) => items[0]?.info.lastMessage?.id === hello.id)
  const before = tablet.list.get()
  expect(before.map(({ info }) => info.title)).toEqual(["Trip", "Work", "Notes"])
  expect(before[0]?.unread).toMatchObject({ count: 1, mentions: 1 })
  const draft = phone.conversation(newest.id)
  draft?.draft.set("to do")
  draft?.setPinned(true)
  trip.mute()
  await until(tablet.list, (items) => items[0]?.draft === "to do" && items[1]?.settings.mutedUntil === Infinity)
  const after = tablet.list.get()
  expect(after.map(({ info }) => info.title)).toEqual(["Work", "Trip", "Notes"])
  // what did not change is the same object: a list renders what is new
  expect(after[2]).toBe(before[2])
  await tablet.close()
  const again = await client("alice", [], directory)
  const shown = again.list.get().map(({ info, unread, draft: text }) => [info.title, unread.count, text])
  expect(shown).toEqual([
    ["Work", 0, "to do"],
    ["Trip", 1, ""],
    ["Notes", 0, ""],
  ])
  expect(onTablet.id).toBe(trip.id)
})

it("[U12] a conversation that is looked at before its messages come shows the newest, and older ones as they are asked for", async () => {
  const { servers, bob, trip, atBob } = await arena()
  await fill(atBob, 2_200)
  await bob.synced()
  const tablet = await client("alice", servers)
  const onTablet = await tablet.openConversation(trip.id)
  await tablet.synced()
  const newest = await until(onTablet.messages, ({ items }) => items.at(-1)?.text === "message 2199")
  expect(newest).toMatchObject({ state: "ready", complete: false })
  expect(newest.items.length).toBeLessThan(1_200)
  while (!onTablet.messages.get().complete) await onTablet.loadOlder()
  const texts = onTablet.messages.get().items.map(({ text }) => text)
  expect(texts).toEqual(Array.from({ length: 2_200 }, (_, number) => `message ${String(number)}`))
})

it("[U12] jumps lead to a message of any age, and to the first of a day", async () => {
  const directory = await temporaryDirectory()
  const alone = await client("alice", [], directory)
  const notes = await alone.createConversation({ title: "Notes" })
  const early = notes.send("the first one")
  for (let number = 0; number < 2_200; number++) notes.send(`note ${String(number)}`)
  await early.reached("saved")
  await alone.close()
  const again = await client("alice", [], directory)
  const reopened = again.conversation(notes.id)
  if (reopened === undefined) throw new Error("it was there before")
  expect(reopened.messages.get().items.some(({ id }) => id === early.id)).toBe(false)
  expect(await reopened.loadTo(early.id, 1)).toBe(true)
  expect(reopened.messages.get().items[0]?.id).toBe(early.id)
  const { sentAt } = reopened.messages.get().items[0] ?? { sentAt: 0 }
  expect(await reopened.loadToDate(sentAt)).toBe(early.id)
  expect(await reopened.loadToDate(sentAt + 86_400_000)).toBeUndefined()
  await expect(reopened.loadToDate(NaN)).rejects.toMatchObject({ code: "BAD_ARGUMENT" })
  expect(await reopened.loadTo(`${early.id.slice(0, -4)}AAAA` as typeof early.id)).toBe(false)
})

it("[U12] a jump to a day leads to what a list without threads has", async () => {
  const { trip, atBob } = await arena()
  const root = trip.send("root")
  await until(atBob.messages, ({ items }) => items.length === 1)
  const inThread = atBob.send("in the thread", { thread: root.id })
  await inThread.reached("sent")
  await until(trip.messages, ({ items }) => items.length === 2)
  const after = trip.send("after")
  const { sentAt = 0 } = atBob.message(inThread.id) ?? {}
  expect([await trip.loadToDate(sentAt), await trip.loadToDate(0)]).toEqual([after.id, root.id])
})

it("[U12] what the user left or was removed from is taken out of the list on all devices, and back when that is undone or somebody adds the user", async () => {
  const { phone, laptop, bob, trip, onLaptop, atBob } = await arena()
  const listed = (one: Client): string =>
    one.list
      .get()
      .map(({ info }) => info.title)
      .join()
  const seen = async (titles: string): Promise<void> => {
    for (const one of [phone, laptop]) await until(one.list, () => listed(one) === titles)
  }
  await trip.setRole("bob", "owner")
  await seen("Trip")
  expect(() => trip.setListed(false)).toThrow(expect.objectContaining({ code: "NOT_ALLOWED" }))
  await trip.leave()
  const act = trip.setListed(false)
  await seen("")
  for (const one of [phone, laptop]) await until(one.unlisted, (items) => items.length === 1)
  expect(await phone.account.undo(act)).toEqual({ kind: "undone", act })
  await seen("Trip")
  await trip.undoLeave()
  await until(atBob.info, ({ members }) => members.length === 2)
  await atBob.removeMember("alice")
  for (const { info } of [trip, onLaptop]) await until(info, ({ membership }) => membership === "removed")
  onLaptop.setListed(false)
  await seen("")
  await atBob.addMember("alice")
  await seen("Trip")
  await until(trip.settings, ({ listed: value }) => value === undefined)
  await bob.synced()
})

it("[U11] an edit and a leave are taken back after they synced, where they still stand", async () => {
  const { phone, laptop, trip, onLaptop, atBob } = await arena()
  const message = trip.send("we meet at noon")
  await until(onLaptop.messages, ({ items }) => items.length === 1)
  await trip.edit(message.id, "we meet at one").reached("sent")
  await until(atBob.messages, ({ items }) => items[0]?.text === "we meet at one")
  expect(await phone.account.undo()).toMatchObject({ kind: "undone", act: { kind: "edit", message: message.id } })
  await until(atBob.messages, ({ items }) => items[0]?.text === "we meet at noon")
  // Undoing is an edit, and not undone in turn.
  expect(await phone.account.undo()).toEqual({ kind: "nothing" })
  await trip.edit(message.id, "we meet at two").reached("sent")
  await until(onLaptop.messages, ({ items }) => items[0]?.text === "we meet at two")
  await onLaptop.edit(message.id, "we meet at three").reached("sent")
  await until(trip.messages, ({ items }) => items[0]?.text === "we meet at three")
  // What the laptop wrote since is no work of the phone.
  expect(await phone.account.undo()).toMatchObject({ kind: "gone", act: { kind: "edit" } })
  expect(await phone.account.undo()).toEqual({ kind: "nothing" })
  expect(trip.message(message.id)?.text).toBe("we meet at three")
  await trip.setRole("bob", "owner")
  const first = await trip.leave()
  await until(atBob.info, ({ members }) => members.length === 1)
  expect(await phone.account.undo()).toEqual({ kind: "undone", act: first })
  await until(atBob.info, ({ members }) => members.length === 2)
  await trip.leave()
  // Another leaving than that one.
  expect(await phone.account.undo(first)).toEqual({ kind: "gone", act: first })
  expect(trip.info.get().membership).toBe("left")
  expect(await phone.account.undo()).toMatchObject({ kind: "undone", act: { kind: "leave" } })
  await laptop.synced()
})
