import { describe, expect, it, onTestFinished, vi } from "vitest"
import { createMemoryStorage, type Client, type Conversation } from "@weft/sdk/node"
import { openClient } from "../support/client.ts"
import { quickEnv } from "../support/quick-env.ts"
import { TestProfile } from "../support/tabs.ts"
import { conversationOf, until } from "../support/until.ts"
import { startTestServer } from "../support/server.ts"

const texts = (conversation: Conversation) => conversation.messages.get().items.map(({ text }) => text)
const membership = (conversation: Conversation) => conversation.info.get().membership

/** Alice's conversation with bob, on a server. */
async function pair(): Promise<{
  url: string
  alice: Client
  bob: Client
  trip: Conversation
  bobs: Conversation
}> {
  const { url } = await startTestServer()
  const alice = await openClient("alice", { servers: [url] })
  const bob = await openClient("bob", { servers: [url] })
  await Promise.all([alice.synced(), bob.synced()])
  const trip = await alice.createConversation({ title: "Trip", members: ["bob"] })
  const bobs = await conversationOf(bob, trip.id)
  await bobs.send("hello").reached("sent")
  await until(trip.messages, ({ items }) => items.length === 1)
  return { url, alice, bob, trip, bobs }
}

describe("leaving", () => {
  it("[A16] who left takes it back, also after it synced, and goes on in the same conversation", async () => {
    const { alice, bob, trip, bobs } = await pair()
    await bobs.leave()
    await until(trip.info, ({ members }) => members.length === 1)
    expect([membership(bobs), texts(trip)]).toEqual(["left", ["hello"]])
    expect(() => bobs.send("still here?")).toThrow(expect.objectContaining({ code: "NOT_ALLOWED" }))
    await trip.send("bob?").reached("sent")
    await bobs.undoLeave()
    await until(trip.info, ({ members }) => members.length === 2)
    await until(bobs.messages, ({ items }) => items.length === 2)
    await bobs.send("back").reached("sent")
    await until(trip.messages, ({ items }) => items.length === 3)
    await Promise.all([alice.synced(), bob.synced()])
    expect(await trip.digest()).toBe(await bobs.digest())
    expect(bobs.changes.get().map(({ kind, status }) => [kind, status])).toEqual([
      ["leave", "accepted"],
      ["return", "accepted"],
    ])
  })

  it("[A11, A16] what was written offline before leaving arrives, though its author is gone when it does", async () => {
    const { bob, trip, bobs } = await pair()
    bob.goOffline()
    bobs.send("one more thing")
    bobs.send("bye")
    await bobs.leave()
    expect(membership(bobs)).toBe("left")
    bob.goOnline()
    await until(trip.messages, ({ items }) => items.length === 3)
    await bob.synced()
    expect(texts(trip)).toEqual(["hello", "one more thing", "bye"])
    // Alice may have said that she has it before she heard of the leaving.
    for (const { status } of bobs.messages.get().items) expect(["sent", "delivered"]).toContain(status)
  })

  it("[R5] who opens a conversation offline, and leaves it before a server was met, is in line, and its members have it", async () => {
    const { alice, bob } = await pair()
    alice.goOffline()
    const talk = await alice.openDirect("bob")
    talk.send("have you heard?")
    await talk.leave()
    const alone = await alice.createConversation({ title: "Notes" })
    alone.send("for nobody")
    await alone.leave()
    alice.goOnline()
    const bobs = await conversationOf(bob, talk.id)
    await until(bobs.messages, ({ items }) => items.length === 1)
    await alice.synced()
    expect(texts(bobs)).toEqual(["have you heard?"])
    // Bob's introduction, too, which he writes when he hears of the conversation.
    await vi.waitUntil(async () => (await talk.digest()) === (await bobs.digest()), { timeout: 20_000 })
    expect(alone.messages.get().items.map(({ status }) => status)).toEqual(["sent"])
  })

  it("[A16] nobody comes back who was removed meanwhile, and is told", async () => {
    const { bob, trip, bobs } = await pair()
    await bobs.leave()
    await until(trip.info, ({ members }) => members.length === 1)
    bob.goOffline()
    await trip.removeMember("bob")
    await bobs.undoLeave()
    expect(membership(bobs)).toBe("member")
    bob.goOnline()
    await until(bobs.info, (info) => info.membership === "removed")
    const refused = (await until(bobs.changes, (list) => list.some(({ status }) => status === "refused"))).at(-1)
    expect(refused).toMatchObject({ kind: "return", status: "refused", code: "PAST_CUT", user: "bob" })
    await expect(bobs.undoLeave()).rejects.toMatchObject({ code: "NOT_ALLOWED" })
    await bobs.dismissChange(refused?.id ?? ("" as never))
    expect(bobs.changes.get().filter(({ status }) => status === "refused")).toEqual([])
  })

  it("[A16] who left, and was removed by somebody at once, is told of nothing that was refused", async () => {
    const { bob, trip, bobs } = await pair()
    bob.goOffline()
    await bobs.leave()
    await trip.removeMember("bob")
    bob.goOnline()
    await until(bobs.info, (info) => info.membership === "removed")
    await bob.synced()
    expect(bobs.changes.get().filter(({ status }) => status === "refused")).toEqual([])
    // Nor later, when somebody adds him again.
    await trip.addMember("bob")
    await until(bobs.info, (info) => info.membership === "member")
    expect(bobs.changes.get().filter(({ status }) => status === "refused")).toEqual([])
  })

  it("[A11] who is added again on a device that never stopped writes on, in a new log", async () => {
    const { bob, trip, bobs } = await pair()
    await bob.synced()
    await trip.removeMember("bob")
    await until(bobs.info, (info) => info.membership === "removed")
    await trip.addMember("bob")
    await until(bobs.info, (info) => info.membership === "member")
    await bobs.send("again").reached("sent")
    await until(trip.messages, ({ items }) => items.length === 2)
  })
})

describe("what a conversation is set to", () => {
  it("[A15, A17, A18] topic, pins and announcements reach everybody, and the rules hold on each device", async () => {
    const { trip, bobs } = await pair()
    const [hello] = trip.messages.get().items
    if (hello === undefined) throw new Error("no message")
    await trip.setTopic("where to?")
    await trip.pin(hello.id)
    await trip.setAnnouncementsOnly(true)
    const info = await until(bobs.info, ({ announcementsOnly }) => announcementsOnly)
    expect(info).toMatchObject({
      topic: "where to?",
      mayWrite: false,
      mayReact: true,
      pinned: [{ id: hello.id, by: "alice", segment: 1 }],
    })
    expect(() => bobs.send("me too")).toThrow(expect.objectContaining({ code: "NOT_ALLOWED" }))
    await expect(bobs.unpin(hello.id)).rejects.toMatchObject({ code: "NOT_ALLOWED" })
    await bobs.react(hello.id, "👍")?.reached("sent")
    await until(trip.messages, ({ items }) => items[0]?.reactions[0]?.users[0] === "bob")
    await trip.setRole("bob", "reader")
    await until(bobs.info, ({ mayReact }) => !mayReact)
    expect(() => bobs.unreact(hello.id, "👍")).toThrow(expect.objectContaining({ code: "NOT_ALLOWED" }))
    await trip.setRole("bob", "moderator")
    await until(bobs.info, ({ mayWrite }) => mayWrite)
    await bobs.send("now I may").reached("sent")
    await bobs.unpin(hello.id)
    await until(trip.info, ({ pinned }) => pinned.length === 0)
  })

  it("[A18] what a member wrote offline, before knowing of announcements only, stands", async () => {
    const { bob, trip, bobs } = await pair()
    bob.goOffline()
    bobs.send("written in time")
    await trip.setAnnouncementsOnly(true)
    bob.goOnline()
    await until(trip.messages, ({ items }) => items.length === 2)
    expect(texts(trip)).toEqual(["hello", "written in time"])
  })

  it("[A9] a change made offline shows what will become of it, and when it is refused after all, a way on", async () => {
    const { bob, trip, bobs } = await pair()
    await trip.setRole("bob", "admin")
    await until(bobs.info, ({ role }) => role === "admin")
    bob.goOffline()
    await bobs.setTitle("Bob's trip")
    await bobs.addMember("carol", "reader")
    expect(bobs.info.get().title).toBe("Bob's trip")
    expect(bobs.changes.get()).toMatchObject([
      { kind: "title", text: "Bob's trip", status: "pending", code: undefined },
      { kind: "add", user: "carol", role: "reader", status: "pending", code: undefined },
    ])
    await trip.removeMember("bob")
    await trip.addMember("bob", "admin")
    bob.goOnline()
    const list = await until(
      bobs.changes,
      (changes) => changes.filter(({ status }) => status === "refused").length === 2,
    )
    expect(list.map(({ kind, code }) => [kind, code])).toEqual([
      ["title", "PAST_CUT"],
      ["add", "PAST_CUT"],
    ])
    await until(bobs.info, ({ membership: as }) => as === "member")
    await bobs.retryChange(list[0]?.id ?? ("" as never))
    await until(trip.info, ({ title }) => title === "Bob's trip")
    await bobs.dismissChange(list[1]?.id ?? ("" as never))
    await until(bobs.changes, (changes) => changes.every(({ status }) => status === "accepted"))
    expect(trip.info.get().members.map(({ user }) => user)).toEqual(["alice", "bob"])
  })

  it("[A9] a refused change is there after a crash, with its reason, and can be written again", async () => {
    const { url, trip } = await pair()
    const storage = createMemoryStorage()
    const carol = await openClient("carol", { servers: [url], storage })
    await trip.addMember("carol", "admin")
    const carols = await conversationOf(carol, trip.id)
    await until(carols.info, ({ role }) => role === "admin")
    // What alice removes is a member whose device she knows: another code is that of a device that is not introduced.
    await carols.send("here").reached("sent")
    await until(trip.messages, ({ items }) => items.length === 2)
    carol.goOffline()
    await carols.setTitle("Carol's trip")
    await trip.removeMember("carol")
    await trip.addMember("carol", "admin")
    carol.goOnline()
    await until(carols.changes, (changes) => changes.some(({ status }) => status === "refused"))
    await until(carols.info, ({ membership: as }) => as === "member")
    await carol.synced()
    // No close: a copy of the storage as a crash leaves it.
    const crashed = createMemoryStorage({ snapshot: storage.snapshot() })
    await carol.close()
    const again = await openClient("carol", { servers: [url], storage: crashed })
    const reopened = await conversationOf(again, trip.id)
    const [refused] = await until(reopened.changes, (changes) => changes.some(({ status }) => status === "refused"))
    expect(refused).toMatchObject({ kind: "title", text: "Carol's trip", code: "PAST_CUT" })
    await again.synced()
    await reopened.retryChange(refused?.id ?? ("" as never))
    await until(trip.info, ({ title }) => title === "Carol's trip")
  })
})

/** A server that nobody runs. */
const nowhere = "ws://127.0.0.1:9"

describe("invites", () => {
  it("[A19] a stranger comes in by a link, and both sides see it", async () => {
    const { url, trip } = await pair()
    await expect(trip.createInvite({ expiresAt: Date.now() - 1 })).rejects.toMatchObject({ code: "BAD_ARGUMENT" })
    const { id, link } = await trip.createInvite({ uses: 1, base: "https://chat.example.org/" })
    expect(link.startsWith("https://chat.example.org/#weft-join=")).toBe(true)
    expect(trip.invites.get()).toMatchObject([{ id, by: "alice", role: "member", uses: 1, used: 0, link }])
    // Without a server of her own: the link names one.
    const eve = await openClient("eve")
    const eves = await eve.join(link)
    await until(eves.info, (info) => info.membership === "member")
    await until(eves.messages, ({ items }) => items.length === 1)
    await eves.send("thanks for having me").reached("sent")
    await until(trip.messages, ({ items }) => items.length === 2)
    expect(trip.info.get().members.map(({ user }) => user)).toEqual(["alice", "bob", "eve"])
    expect(eve.conversations.get()).toEqual([eves])
    await until(trip.invites, ([invite]) => invite?.used === 1)
    const late = await openClient("late", { servers: [url] })
    const lates = await late.join(link)
    const [refused] = await until(lates.changes, (changes) => changes.some(({ status }) => status === "refused"))
    expect([refused?.kind, refused?.code, membership(lates)]).toEqual(["join", "INVITE_USED_UP", "refused"])
    expect(lates.info.get().refusal).toBe("INVITE_USED_UP")
    await expect(lates.retryChange(refused?.id ?? ("" as never))).rejects.toMatchObject({ code: "NOT_ALLOWED" })
    await lates.dismissChange(refused?.id ?? ("" as never))
    await until(late.conversations, (list) => list.length === 0)
  })

  it("[A19] who was refused comes in by another link, which ends what became of the first", async () => {
    const { url, trip } = await pair()
    const first = await trip.createInvite()
    await trip.revokeInvite(first.id)
    await until(trip.invites, (invites) => invites.length === 0)
    const eve = await openClient("eve", { servers: [url] })
    const eves = await eve.join(first.link)
    await until(eves.info, (info) => info.membership === "refused")
    const { link } = await trip.createInvite()
    expect(await eve.join(link)).toBe(eves)
    await until(eves.info, (info) => info.membership === "member" && info.refusal === undefined)
    expect(eves.changes.get().filter(({ status }) => status === "refused")).toEqual([])
  })

  it("[A19] of two links that are used before either lets in, the one that does counts, also where the other was revoked", async () => {
    const { url, alice, trip } = await pair()
    const revoked = await trip.createInvite()
    await trip.revokeInvite(revoked.id)
    await alice.synced()
    alice.goOffline()
    const open = await trip.createInvite()
    const eve = await openClient("eve", { servers: [url] })
    const eves = await eve.join(open.link)
    await eve.synced()
    expect(membership(eves)).toBe("joining")
    expect(await eve.join(revoked.link)).toBe(eves)
    const joins = await until(eves.changes, (changes) => changes.some(({ status }) => status === "refused"))
    expect(joins.map(({ status, code }) => [status, code])).toEqual([
      ["pending", undefined],
      ["refused", "INVITE_REVOKED"],
    ])
    expect(membership(eves)).toBe("joining")
    // Used again, it waits as before.
    await eve.join(open.link)
    expect(eves.changes.get()).toHaveLength(1)
    alice.goOnline()
    await until(eves.info, (info) => info.membership === "member")
    expect(eves.changes.get().map(({ kind, status }) => [kind, status])).toEqual([["join", "accepted"]])
  })

  it("[A19] of two links that come to a server together the one used last lets in, and the other keeps its place", async () => {
    const { url, trip, alice } = await pair()
    const first = await trip.createInvite({ role: "reader", uses: 1 })
    const last = await trip.createInvite({ role: "moderator", uses: 1 })
    await alice.synced()
    const eve = await openClient("eve", { servers: [url] })
    await eve.synced()
    eve.goOffline()
    const eves = await eve.join(first.link)
    await eve.join(last.link)
    eve.goOnline()
    await until(eves.info, (info) => info.role === "moderator")
    await eve.synced()
    expect(eves.info.get().role).toBe("moderator")
    await until(trip.invites, (invites) => invites.some(({ used }) => used === 1))
    expect(trip.invites.get().find(({ id }) => id === first.id)?.used).toBe(0)
    expect(eves.changes.get().map(({ kind, status }) => [kind, status])).toEqual([["join", "accepted"]])
  })

  it("[A19] of two links that are used offline, by a device that met no server yet, the one that lets in counts", async () => {
    const { url, trip } = await pair()
    const { link } = await trip.createInvite()
    const revoked = await trip.createInvite()
    await trip.revokeInvite(revoked.id)
    const storage = createMemoryStorage()
    const eve = await openClient("eve", { storage: storage.share() })
    await eve.join(link)
    await eve.join(revoked.link)
    await eve.close()
    const again = await openClient("eve", { servers: [url], storage: storage.share() })
    await until((await conversationOf(again, trip.id)).info, (info) => info.membership === "member")
  })

  it("[A19] a link that is used offline, by a device that met no server yet, works when it does", async () => {
    const { url, trip } = await pair()
    const { link } = await trip.createInvite()
    const storage = createMemoryStorage()
    const eve = await openClient("eve", { servers: [url], storage })
    eve.goOffline()
    const eves = await eve.join(link)
    expect([membership(eves), eve.conversations.get().length]).toEqual(["joining", 1])
    eve.goOnline()
    await until(eves.info, (info) => info.membership === "member")
  })

  it("[A19, W4] an invite that is written again, as the clock was ahead, has another link; the one before it keeps nobody waiting", async () => {
    const { url } = await startTestServer()
    let ahead = 0
    const env = { ...quickEnv, now: () => quickEnv.now() + ahead }
    const alice = await openClient("alice", { servers: [url], env })
    const trip = await alice.createConversation({ title: "Trip" })
    await alice.synced()
    alice.goOffline()
    ahead = 10 * 60_000
    const before = await trip.createInvite({ base: "https://chat.example.org/" })
    expect(trip.invites.get()).toMatchObject([{ link: before.link }])
    alice.goOnline()
    const [invite] = await until(trip.invites, ([one]) => one?.link !== undefined && one.link !== before.link)
    expect(invite!.link).toMatch(/^https:\/\/chat\.example\.org\//)
    const eve = await openClient("eve", { servers: [url] })
    const eves = await eve.join(before.link)
    await eve.synced()
    expect(membership(eves)).toBe("joining")
    await eve.join(invite!.link!)
    await until(eves.info, (info) => info.membership === "member")
  })

  it("[A19] a revoked invite is gone everywhere, and lets nobody in", async () => {
    const { url, trip, bobs } = await pair()
    const { id, link } = await trip.createInvite()
    await until(bobs.invites, (list) => list.length === 1)
    expect(bobs.invites.get()[0]?.link).toBeUndefined()
    await trip.revokeInvite(id)
    await until(bobs.invites, (list) => list.length === 0)
    await until(trip.changes, (list) => list.every(({ status }) => status === "accepted"))
    const eve = await openClient("eve", { servers: [url] })
    const eves = await eve.join(link)
    await until(eves.changes, ([change]) => change?.code === "INVITE_REVOKED")
  })

  it("[A19] a member's link is refused on the member's own device; so is what is no link", async () => {
    const { bob, bobs, trip } = await pair()
    await expect(bobs.createInvite()).rejects.toMatchObject({ code: "NOT_ALLOWED" })
    await expect(bob.join("https://chat.example.org/#nothing")).rejects.toMatchObject({ code: "BAD_ARGUMENT" })
    const { link } = await trip.createInvite()
    expect((await bob.join(link)).id).toBe(trip.id)
    expect(bobs.changes.get()).toEqual([])
  })

  it.each(["from the beginning", "later"])(
    "[A19] a link's server is not told the token for those that the application gives %s",
    async (when) => {
      const real = await startTestServer()
      const mallory = await openClient("mallory", { servers: [real.url] })
      const trap = await mallory.createConversation({ title: "Join us" })
      await mallory.synced()
      const { link } = await trap.createInvite()
      // Nothing that is signed says which server it is.
      const forged = `${link.slice(0, link.lastIndexOf("."))}.${encodeURIComponent(nowhere)}`
      const alice = await openClient("alice", { servers: when === "later" ? [] : [real.url] })
      const joined = await alice.join(forged)
      if (when === "later") alice.addServer(real.url)
      await until(joined.info, (info) => info.membership === "member")
      const tried: string[] = []
      const roundAgain = new Promise<void>((resolve) => {
        alice.status.subscribe(({ connection }) => {
          if (connection.kind === "connecting" && tried.push(connection.server) === 2) resolve()
        })
      })
      await real.close()
      await roundAgain
      expect(new Set(tried)).toEqual(new Set([`${real.url}/sync`]))
    },
  )

  it("[A19] a link's server is used where the application says that it may be, with a token for that server", async () => {
    const server = await startTestServer()
    const alice = await openClient("alice", { servers: [server.url] })
    const trip = await alice.createConversation({ title: "Trip" })
    await alice.synced()
    const { link } = await trip.createInvite()
    await alice.synced()
    const told: string[] = []
    const eve = await openClient("eve", {
      servers: [nowhere],
      mayUseServer: (url) => url === `${server.url}/sync`,
      token: (url) => {
        told.push(url)
        return "eve"
      },
    })
    const eves = await eve.join(link)
    await until(eves.info, (info) => info.membership === "member")
    expect(told).toEqual([`${server.url}/sync`])
  })

  it("[A19] the last place, taken through two servers that do not know of one another, is one person's in the end", async () => {
    const one = await startTestServer()
    const two = await startTestServer()
    // Outlives the clients that close it.
    const storage = { ...createMemoryStorage(), close: () => Promise.resolve() }
    const open = (url: string): Promise<Client> => openClient("alice", { servers: [url], storage })
    const first = await open(one.url)
    await first.synced()
    const { id } = await first.createConversation({ title: "Trip" })
    await first.synced()
    await first.close()
    const second = await open(two.url)
    await second.synced()
    const { link } = await (await conversationOf(second, id)).createInvite({ uses: 1 })
    await second.synced()
    await second.close()
    const alice = await open(one.url)
    await alice.synced()
    const eve = await openClient("eve", { servers: [one.url] })
    const dan = await openClient("dan", { servers: [two.url] })
    const joined = await Promise.all([eve.join(link), dan.join(link)])
    for (const conversation of joined) await until(conversation.info, (info) => info.membership === "member")
    for (const conversation of joined) await conversation.send("I am in").reached("sent")
    // A server that knows both brings them together.
    await startTestServer({ peers: [`${one.url}/sync`, `${two.url}/sync`] })
    const trip = await conversationOf(alice, id)
    await Promise.race(joined.map((conversation) => until(conversation.info, (info) => info.membership === "refused")))
    const author = joined[0].info.get().membership === "refused" ? "dan" : "eve"
    const [stays, leaves] = author === "eve" ? joined : [joined[1], joined[0]]
    // Alice may have heard of the one who was too late alone until now.
    await until(trip.info, ({ members }) => members.map(({ user }) => user).join() === `alice,${author}`)
    await until(trip.messages, ({ items }) => items.map((message) => message.author).join() === author)
    await Promise.all([alice, eve, dan].map((one) => one.synced()))
    expect([stays.info.get().membership, leaves.info.get().membership]).toEqual(["member", "refused"])
    expect(leaves.info.get().refusal).toBe("INVITE_USED_UP")
    expect(leaves.changes.get()).toMatchObject([{ kind: "join", status: "refused", code: "INVITE_USED_UP" }])
    await until(leaves.messages, ({ items }) => items.some(({ status }) => status === "rejected"))
    expect(leaves.messages.get().items).toMatchObject([{ status: "rejected", text: "I am in" }])
    // What the servers still have to tell one another, nobody here waits for.
    await expect.poll(async () => (await stays.digest()) === (await trip.digest())).toBe(true)
    // Nobody removed who was too late: another link lets them in, also once that is no news any more.
    const another = await trip.createInvite()
    await alice.synced()
    await leaves.dismissChange(leaves.changes.get()[0]!.id)
    expect(leaves.info.get().membership).toBe("removed")
    expect(await (author === "eve" ? dan : eve).join(another.link)).toBe(leaves)
    await until(leaves.info, ({ membership, members }) => membership === "member" && members.length === 3)
    await leaves.send("now I am in").reached("sent")
    await until(trip.messages, ({ items }) => items.at(-1)?.text === "now I am in")
    await until(trip.info, ({ members }) => members.length === 3)
  })
})

describe("direct conversations", () => {
  it("[A20] both open one offline: they end with the same one, and what was written in either is shown", async () => {
    const { url } = await startTestServer()
    const alice = await openClient("alice", { servers: [url] })
    const bob = await openClient("bob", { servers: [url] })
    await Promise.all([alice.synced(), bob.synced()])
    for (const one of [alice, bob]) one.goOffline()
    const hers = await alice.openDirect("bob")
    const his = await bob.openDirect("alice")
    expect(hers.id).not.toBe(his.id)
    hers.send("hi bob")
    const greeting = his.send("hi alice")
    // His was opened later: hers stays.
    his.setPinned(true)
    his.setArchived(true)
    his.draft.set("to be sent")
    his.markUnread(greeting.id)
    for (const one of [alice, bob]) one.goOnline()
    for (const one of [hers, his]) await until(one.messages, ({ items }) => items.length === 2)
    await Promise.all([alice.synced(), bob.synced()])
    const [kept, ...more] = await until(alice.conversations, (list) => list.length === 1)
    const [other] = await until(bob.conversations, (list) => list.length === 1)
    expect([more, kept?.id]).toEqual([[], other?.id])
    expect(kept?.info.get()).toMatchObject({ direct: "bob" })
    await until(bob.list, ([item]) => item?.settings.unreadFrom === greeting.id)
    // Whichever object an application holds.
    await Promise.all([hers.send("one").reached("sent"), his.send("two").reached("sent")])
    for (const one of [hers, his]) await until(one.messages, ({ items }) => items.length === 4)
    // What was set and typed before they met is not lost, whichever of the two stays.
    await until(bob.list, ([item]) => item?.settings.pinned === true && item.draft === "to be sent")
    expect([his.settings.get().archived, bob.list.get()[0]?.settings.archived]).toEqual([true, true])
    his.setArchived(false)
    await until(bob.list, ([item]) => item?.settings.archived === false)
    other?.draft.clear()
    await until(bob.list, ([item]) => item?.draft === "")
    expect(his.draft.get()).toBe("")
    his.markUnread(his.messages.get().items[0]!.id)
    await until(his.unread, ({ count }) => count === 2)
    other?.markRead()
    await until(his.unread, ({ count }) => count === 0)
    // The mark is one for both: a later one takes the place of the one before, wherever their messages were written.
    hers.markRead()
    await until(hers.unread, ({ count }) => count === 0)
    for (const text of ["hi alice", "two"]) {
      const { id } = hers.messages.get().items.find((message) => message.text === text)!
      hers.markUnread(id)
      await until(hers.settings, ({ unreadFrom }) => unreadFrom === id)
      await until(hers.unread, ({ first }) => first === id)
      expect(kept?.settings.get().unreadFrom).toBe(id)
    }
    hers.markRead()
    await until(hers.settings, ({ unreadFrom }) => unreadFrom === undefined)
    expect(new Set(texts(hers))).toEqual(new Set(["hi bob", "hi alice", "one", "two"]))
    expect(texts(hers)).toEqual(texts(his))
    expect([(await alice.openDirect("bob")).id, (await bob.openDirect("alice")).id]).toEqual([kept?.id, kept?.id])
    expect([alice.conversation(his.id)?.id, bob.conversation(hers.id)?.id]).toEqual([kept?.id, kept?.id])
    await expect(alice.openDirect("alice")).rejects.toMatchObject({ code: "BAD_ARGUMENT" })
    await expect(hers.addMember("carol")).rejects.toMatchObject({ code: "NOT_ALLOWED" })
  })

  it("[A20] a thread of the other of two is whole, also where nothing of it is loaded", async () => {
    const { url } = await startTestServer()
    const open = async (user: string, storage = createMemoryStorage()) => {
      const tab = await new TestProfile(user, storage, [url], {}, 4).open()
      onTestFinished(() => tab.client.close())
      await tab.lead()
      return tab.client
    }
    const storage = createMemoryStorage()
    const [alice, bob] = [await open("alice", storage), await open("bob")]
    await Promise.all([alice.synced(), bob.synced()])
    for (const one of [alice, bob]) one.goOffline()
    const hers = await alice.openDirect("bob")
    const his = await bob.openDirect("alice")
    const root = his.send("who brings what?")
    const bread = his.send("bread", { thread: root.id })
    for (let number = 0; number < 20; number++) his.send(`message ${String(number)}`)
    hers.send("hi bob")
    for (const one of [alice, bob]) one.goOnline()
    await until(hers.unread, ({ count }) => count === 21)
    await Promise.all([alice.synced(), bob.synced()])
    await alice.close()
    const again = await open("alice", storage)
    const talk = await conversationOf(again, hers.id)
    await until(talk.messages, ({ items }) => items.length > 0)
    expect(talk.message(root.id)).toBeUndefined()
    const thread = talk.thread(root.id)
    const { items } = await until(thread, ({ state }) => state === "ready")
    expect(items.map(({ id }) => id)).toEqual([bread.id])
  })

  it("[A20, U10] what the other of two brings from before what was read is unread, and late", async () => {
    const { url } = await startTestServer()
    const alice = await openClient("alice", { servers: [url] })
    const phone = await openClient("bob", { servers: [url] })
    const laptop = await openClient("bob", { servers: [url] })
    await Promise.all([alice.synced(), phone.synced(), laptop.synced()])
    laptop.goOffline()
    const hers = await alice.openDirect("bob")
    const onPhone = await conversationOf(phone, hers.id)
    const early = (await laptop.openDirect("alice")).send("are you there?")
    await early.reached("saved")
    // What two devices say in one millisecond is in any order.
    const savedAt = Date.now()
    await vi.waitUntil(() => Date.now() > savedAt)
    await onPhone.send("later").reached("sent")
    await until(hers.messages, ({ items }) => items.length === 1)
    hers.markRead()
    await until(hers.unread, ({ count }) => count === 0)
    await alice.synced()
    alice.goOffline()
    laptop.goOnline()
    await early.reached("sent")
    alice.goOnline()
    await until(hers.messages, ({ items }) => items.length === 2)
    await Promise.all([alice.synced(), early.reached("delivered")])
    await until(hers.unread, ({ count }) => count === 1)
    expect(hers.unread.get().late).toEqual([early.id])
    hers.markRead()
    await early.reached("read")
  })

  it("[A20] of two that became one both are pinned in, searched, erased in by authors alone, and left; undo comes back to both", async () => {
    const { url } = await startTestServer()
    const alice = await openClient("alice", { servers: [url] })
    const bob = await openClient("bob", { servers: [url] })
    await Promise.all([alice.synced(), bob.synced()])
    for (const one of [alice, bob]) one.goOffline()
    const hers = await alice.openDirect("bob")
    const his = await bob.openDirect("alice")
    const walrus = his.send("a walrus")
    hers.send("no such animal")
    for (const one of [alice, bob]) one.goOnline()
    for (const one of [hers, his]) await until(one.messages, ({ items }) => items.length === 2)
    await Promise.all([alice.synced(), bob.synced()])
    const [shown] = await until(alice.conversations, (list) => list.length === 1)
    if (shown === undefined) throw new Error("it is one")
    await shown.pin(walrus.id)
    expect(shown.info.get().pinned.map(({ id }) => id)).toEqual([walrus.id])
    await until(his.info, ({ pinned }) => pinned.length === 1)
    await until(bob.conversation(his.id)!.info, ({ pinned }) => pinned.length === 1)
    const results = await until(alice.search("walrus", { conversation: shown.id }), ({ hits }) => hits.length === 1)
    expect(results.hits[0]).toMatchObject({ conversation: shown.id, id: walrus.id })
    expect(await shown.loadTo(walrus.id, results.hits[0]?.segment)).toBe(true)
    await expect(shown.erase(walrus.id)).rejects.toMatchObject({ code: "NOT_ALLOWED" })
    expect([shown.mayErase(walrus.id), bob.conversation(his.id)?.mayErase(walrus.id)]).toEqual([false, true])
    await shown.unpin(walrus.id)
    expect(shown.info.get().pinned).toEqual([])
    const act = await shown.leave()
    await until(alice.conversations, ([only, ...more]) => more.length === 0 && only?.info.get().membership === "left")
    await until(bob.conversations, ([only, ...more]) => more.length === 0 && only?.info.get().members.length === 1)
    // Both still know with whom it was.
    expect([shown, bob.conversations.get()[0]].map((one) => one?.info.get().direct)).toEqual(["bob", "alice"])
    expect(await alice.account.undo(act)).toEqual({ kind: "undone", act })
    await until(alice.conversations, ([only, ...more]) => more.length === 0 && only?.info.get().members.length === 2)
    expect((await alice.openDirect("bob")).id).toBe(shown.id)
    await shown.removeMember("alice")
    await until(bob.conversations, ([only, ...more]) => more.length === 0 && only?.info.get().members.length === 1)
    const next = await alice.openDirect("bob")
    expect([hers.id, his.id]).not.toContain(next.id)
  })
})
