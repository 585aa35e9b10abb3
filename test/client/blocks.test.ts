/* Who is blocked is not seen, and sees nothing, wherever that could be; what was erased for oneself is not seen either. [SPEC U11, U12, P8, P12] */
import { createMemoryStorage, type Client } from "@weft/sdk/node"
import { decodeRegister, type MessageId } from "@weft/sdk/protocol"
import { expect, it } from "vitest"
import { openClient } from "../support/client.ts"
import { RawClient } from "../support/raw-client.ts"
import { conversationOf, until } from "../support/until.ts"
import { startTestServer } from "../support/server.ts"

/** Two devices of alice's, one of bob's, whom she blocks, and one of carol's. */
async function arena() {
  const server = await startTestServer()
  const servers = [server.url]
  const [phone, laptop, bob, carol] = (await Promise.all(
    ["alice", "alice", "bob", "carol"].map((user) => openClient(user, { servers })),
  )) as [Client, Client, Client, Client]
  const trip = await phone.createConversation({ title: "Trip", members: ["bob", "carol"] })
  const atBob = await conversationOf(bob, trip.id)
  const atCarol = await conversationOf(carol, trip.id)
  return { servers, phone, laptop, bob, carol, trip, atBob, atCarol, onLaptop: await conversationOf(laptop, trip.id) }
}

it("[U11] what was hidden, and what blocked people write, is in no search, quote or reaction, and says so by its id; live", async () => {
  const { phone, trip, onLaptop, atBob, atCarol } = await arena()
  const theirs = atBob.send("a walrus in the bath")
  const other = atCarol.send("no walrus at all")
  await until(trip.messages, ({ items }) => items.length === 2)
  const reply = trip.send("really?", { replyTo: theirs.id })
  const second = trip.send("oh", { replyTo: other.id })
  await until(atBob.messages, ({ items }) => items.length === 4)
  atBob.react(reply.id, "👍")
  await until(atCarol.messages, ({ items }) => items.length === 4)
  atCarol.react(reply.id, "👍")
  const seen = (id: MessageId) => onLaptop.messages.get().items.find((item) => item.id === id)
  await until(onLaptop.messages, () => seen(reply.id)?.reactions[0]?.users.length === 2)
  const found = phone.search("walrus")
  await until(found, ({ hits }) => hits.length === 2)
  phone.account.block("bob")
  await until(found, ({ hits, state }) => state === "ready" && hits.map(({ id }) => id).join() === other.id)
  await until(onLaptop.messages, () => seen(reply.id)?.quote?.state === "hidden")
  expect(seen(reply.id)?.quote).toEqual({ state: "hidden", id: theirs.id })
  expect(seen(reply.id)?.reactions).toEqual([{ emoji: "👍", users: ["carol"], own: false }])
  expect(onLaptop.message(theirs.id)).toMatchObject({ form: "hidden", text: undefined, author: "bob" })
  trip.eraseForMe(other.id)
  await until(found, ({ hits, state }) => state === "ready" && hits.length === 0)
  await until(onLaptop.messages, () => seen(second.id)?.quote?.state === "hidden")
  expect(onLaptop.message(other.id)?.form).toBe("hidden")
  phone.account.unblock("bob")
  await phone.account.undo()
  await until(found, ({ hits }) => hits.length === 2)
  await until(
    onLaptop.messages,
    () => seen(reply.id)?.quote?.state === "ready" && seen(second.id)?.quote?.state === "ready",
  )
  expect(seen(reply.id)?.reactions[0]?.users).toHaveLength(2)
})

it("[P8] ticks and receipts of own messages leave blocked people out, both of them", async () => {
  const { phone, bob, trip, atCarol } = await arena()
  bob.goOffline()
  const message = trip.send("hello")
  await until(atCarol.messages, ({ items }) => items.length === 1)
  atCarol.markRead()
  const receipts = trip.receipts(message.id)
  await until(receipts, ({ read }) => read.length === 1)
  expect([message.status, receipts.get().waiting]).toEqual(["sent", ["bob"]])
  phone.account.block("bob")
  await message.reached("read")
  expect(receipts.get()).toMatchObject({ waiting: [], read: [{ user: "carol" }] })
  expect(trip.message(message.id)?.status).toBe("read")
  phone.account.unblock("bob")
  await until(receipts, ({ waiting }) => waiting.length === 1)
  expect(message.status).toBe("sent")
})

it("[P12] who is blocked hears no receipts, while others do; unblocked, what was written meanwhile is unread, and read when it is", async () => {
  const { phone, laptop, bob, trip, onLaptop, atBob, atCarol } = await arena()
  const before = atBob.send("before")
  await until(trip.messages, ({ items }) => items.length === 1)
  trip.markRead()
  const known = atBob.receipts(before.id)
  await until(known, ({ read }) => read.some(({ user }) => user === "alice"))
  phone.account.block("bob")
  await until(laptop.account, ({ blocked }) => blocked.has("bob" as never))
  const after = atBob.send("after")
  const hers = atCarol.send("from carol")
  for (const one of [trip, onLaptop]) await until(one.messages, ({ items }) => items.length === 1)
  trip.markRead()
  onLaptop.markRead()
  // Carol's was after bob's on every device, and is told of: so bob's would have been.
  await until(atCarol.receipts(hers.id), ({ read }) => read.some(({ user }) => user === "alice"))
  await bob.synced()
  const users = (receipts: readonly { readonly user: string }[]) => receipts.map(({ user }) => user)
  expect(users(atBob.receipts(after.id).get().delivered)).not.toContain("alice")
  expect(users(known.get().read)).toContain("alice")
  laptop.account.unblock("bob")
  for (const one of [trip, onLaptop]) await until(one.unread, ({ count, first }) => count === 1 && first === after.id)
  await until(atBob.receipts(after.id), ({ delivered }) => users(delivered).includes("alice"))
  expect(users(atBob.receipts(after.id).get().read)).not.toContain("alice")
  trip.markRead()
  await until(atBob.receipts(after.id), ({ read }) => users(read).includes("alice"))
})

it("[P12] in a direct conversation with a blocked person no register is written", async () => {
  const { servers, phone, laptop, bob, carol } = await arena()
  const direct = await phone.openDirect("bob")
  const atBob = await conversationOf(bob, direct.id)
  await conversationOf(laptop, direct.id)
  await atBob.send("one").reached("delivered")
  phone.account.block("bob")
  await until(laptop.account, ({ blocked }) => blocked.has("bob" as never))
  const raw = await RawClient.connect(servers[0] ?? "", { user: "alice" })
  const clocks = async (): Promise<number[]> => {
    raw.connection.send({ kind: "clocks", conversation: direct.id, reply: true, items: [] })
    let frame = await raw.connection.next("registers")
    while (frame.conversation !== direct.id) frame = await raw.connection.next("registers")
    const { items } = frame
    const devices = new Map(items.flatMap((bytes) => decodeRegister(bytes) ?? []).map((one) => [one.device, one.clock]))
    return [phone, laptop].map(({ device }) => devices.get(device) ?? 0)
  }
  const told = await clocks()
  const second = atBob.send("two")
  await second.reached("sent")
  for (const one of [phone, laptop]) one.conversation(direct.id)?.markRead()
  // Two registers that are written elsewhere, one after the other, take longer than one that began before would here.
  const elsewhere = await carol.createConversation({ title: "Elsewhere", members: ["alice"] })
  for (const text of ["three", "four"]) await elsewhere.send(text).reached("delivered")
  await Promise.all([phone.synced(), laptop.synced()])
  expect(await clocks()).toEqual(told)
  expect(second.status).toBe("sent")
})

it("[U12] the list leaves out a direct conversation with a blocked person, and a group that such a person brought the user into; not one that was there", async () => {
  const { servers, phone, laptop, bob, carol } = await arena()
  const there = await bob.createConversation({ title: "There already", members: ["alice"] })
  const direct = await phone.openDirect("bob")
  for (const { id } of [there, direct]) for (const one of [phone, laptop]) await conversationOf(one, id)
  const titles = (items: readonly { readonly info: { readonly title: string } }[]) =>
    items
      .map(({ info }) => info.title)
      .sort()
      .join()
  phone.account.block("bob")
  const storage = createMemoryStorage()
  const fresh = await bob.createConversation({ title: "Fresh", members: ["alice", "carol"] })
  const tablet = await openClient("alice", { servers, storage })
  for (const one of [phone, laptop, tablet]) {
    await until(one.unlisted, (items) => titles(items) === ",Fresh")
    await until(one.list, (items) => titles(items) === "There already,Trip")
    expect(one.conversations.get()).toHaveLength(4)
  }
  // Still there before anything was read.
  await tablet.close()
  const again = await openClient("alice", { storage: storage.share() })
  await until(again.unlisted, (items) => titles(items) === ",Fresh")
  const act = laptop.conversation(fresh.id)?.setListed(true)
  for (const one of [phone, laptop]) await until(one.list, (items) => titles(items) === "Fresh,There already,Trip")
  expect(await laptop.account.undo(act)).toMatchObject({ kind: "undone" })
  for (const one of [phone, laptop]) await until(one.list, (items) => titles(items) === "There already,Trip")
  // Who uses a link into it wants to be there.
  const { link } = await fresh.createInvite()
  expect((await phone.join(link)).id).toBe(fresh.id)
  for (const one of [phone, laptop]) await until(one.list, (items) => titles(items) === "Fresh,There already,Trip")
  phone.account.unblock("bob")
  for (const one of [phone, laptop]) await until(one.list, (items) => titles(items) === ",Fresh,There already,Trip")
  await carol.synced()
})
