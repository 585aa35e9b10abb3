import { afterEach, describe, expect, it, vi } from "vitest"
import { systemEnv } from "../base/env.js"
import { createMemoryStorage } from "../storage/memory.js"
import { createClient } from "../node.js"
import { prefixRange } from "../storage/storage.js"
import type { Client, Conversation } from "./api.js"

const open: Client[] = []

async function client(options: Partial<Parameters<typeof createClient>[0]> = {}): Promise<Client> {
  const made = await createClient({ user: "alice", storage: createMemoryStorage(), ...options })
  open.push(made)
  return made
}

function texts(conversation: Conversation | undefined): (string | undefined)[] {
  return conversation?.messages.get().items.map(({ text }) => text) ?? []
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()))
})

describe("a client without servers", () => {
  it("[W1] shows a message at once and saves it", async () => {
    const alice = await client()
    const trip = await alice.createConversation({ title: "Trip", members: ["bob"] })
    const message = trip.send("hello")
    expect(message.status).toBe("saving")
    await message.reached("saved")
    expect(trip.messages.get().items).toMatchObject([{ text: "hello", status: "saved", own: true, author: "alice" }])
    expect(alice.status.get()).toMatchObject({ connection: { kind: "local" }, pending: [] })
    expect(trip.info.get()).toMatchObject({ title: "Trip", role: "owner", lastMessage: { text: "hello" } })
  })

  it("[W1] has everything after a restart, under the same ids", async () => {
    const storage = createMemoryStorage()
    const before = await client({ storage })
    const trip = await before.createConversation({ title: "Trip" })
    for (const text of ["one", "two", "three"]) await trip.send(text).reached("saved")
    const ids = trip.messages.get().items.map(({ id }) => id)
    const after = await client({ storage: storage.share() })
    const [again] = after.conversations.get()
    expect(after.device).toBe(before.device)
    expect(again?.messages.get().items.map(({ id }) => id)).toEqual(ids)
    expect(texts(again)).toEqual(["one", "two", "three"])
  })

  it("lists conversations by their newest activity", async () => {
    let now = Date.UTC(2026, 0, 1)
    const alice = await client({ env: { ...systemEnv, now: () => (now += 10) } })
    const first = await alice.createConversation({ title: "first" })
    const second = await alice.createConversation({ title: "second" })
    await second.send("a").reached("saved")
    await first.send("b").reached("saved")
    expect(alice.conversations.get().map(({ info }) => info.get().title)).toEqual(["first", "second"])
  })

  it("opens a segment for messages beyond 1,024, and reads older ones on demand", async () => {
    const storage = createMemoryStorage()
    const alice = await client({ storage })
    const long = await alice.createConversation({ title: "long" })
    const sent = Array.from({ length: 1030 }, (_, index) => long.send(`m${index}`))
    await Promise.all(sent.map((message) => message.reached("saved")))
    expect(texts(long)).toHaveLength(1030)
    const keys = (await storage.scan(prefixRange("p/"))).map(({ key }) => key)
    expect(keys.filter((key) => key.startsWith(`p/c/${long.id}/2/`))).toHaveLength(6)
    const later = await client({ storage: storage.share() })
    const [again] = later.conversations.get()
    expect(texts(again)).toHaveLength(1030)
    expect(again?.messages.get().complete).toBe(true)
  })

  it("[M7] a quote of what is sealed nowhere is read from its segment, once", async () => {
    const storage = createMemoryStorage()
    const alice = await client({ storage })
    const long = await alice.createConversation({ title: "long" })
    const sent = Array.from({ length: 20 }, () => long.send("x".repeat(60_000)))
    const quote = long.send("as I said", { replyTo: sent[0]!.id })
    await quote.reached("saved")
    const shared = storage.share()
    let reads = 0
    const counting: typeof shared = {
      ...shared,
      scan: (range) => {
        if (range.from.startsWith(`u/c/${long.id}/1/`)) reads++
        return shared.scan(range)
      },
    }
    const later = await client({ storage: counting })
    const [again] = later.conversations.get()
    expect(again?.messages.get().complete).toBe(false)
    while (again?.messages.get().items.at(-1)?.quote?.state !== "ready") await later.account.saved()
    again.send("and more")
    await again.send("that makes the list anew").reached("saved")
    expect(reads).toBeLessThan(5)
  })

  it("[W1] in a segment that just opened, too, saved means durable", async () => {
    const storage = createMemoryStorage()
    const alice = await client({ storage })
    const trip = await alice.createConversation({ title: "Trip" })
    const durable = async (): Promise<number> => (await storage.share().scan(prefixRange("p/"))).length - 1
    let last
    for (let index = 0; index < 1030; index++) last = trip.send(`m${index}`)
    expect(last?.status).toBe("saving")
    await last?.reached("saved")
    expect(await durable()).toBe(1030)
  })

  it("refuses what is no message, with stable codes", async () => {
    const alice = await client()
    const trip = await alice.createConversation({ title: "Trip", members: ["bob"] })
    expect(() => trip.send(" ")).toThrow(expect.objectContaining({ code: "BAD_ARGUMENT" }))
    expect(() => trip.send("\ud800")).toThrow(expect.objectContaining({ code: "BAD_ARGUMENT" }))
    expect(() => trip.send("x".repeat(70_000))).toThrow(expect.objectContaining({ code: "BODY_TOO_LARGE" }))
    await expect(alice.createConversation({ title: "x", members: [""] })).rejects.toMatchObject({
      code: "BAD_ARGUMENT",
    })
    await expect(trip.setRole("nobody", "admin")).rejects.toMatchObject({ code: "NOT_ALLOWED" })
    await alice.close()
    expect(() => trip.send("late")).toThrow(expect.objectContaining({ code: "CLIENT_CLOSED" }))
    await expect(alice.createConversation({ title: "late" })).rejects.toMatchObject({ code: "CLIENT_CLOSED" })
    await expect(trip.loadOlder()).rejects.toMatchObject({ code: "CLIENT_CLOSED" })
  })

  it.each([
    ["4,096 and one more", 4097, "m", "BAD_ARGUMENT"],
    ["as many as have no room with their names", 600, "m".repeat(100), "BODY_TOO_LARGE"],
  ])("[A3] refuses to begin with too many members, with stable codes: %s", async (_, count, name, code) => {
    const alice = await client()
    const members = Array.from({ length: count }, (_, index) => `${name}${index}`)
    await expect(alice.createConversation({ title: "All", members })).rejects.toMatchObject({ name: "WeftError", code })
    expect(alice.conversations.get()).toEqual([])
    const all = await alice.createConversation({ title: "All", members: members.slice(0, 500) })
    expect(all.info.get().members).toHaveLength(501)
  })

  it.each([{ from: NaN }, { before: NaN }, { before: null as never }, { limit: 0 }])(
    "refuses a search by %o, with a stable code",
    async (options) => {
      const alice = await client()
      expect(() => alice.search("tea", options)).toThrow(expect.objectContaining({ code: "BAD_ARGUMENT" }))
    },
  )

  it("changes members, roles and titles by the rules", async () => {
    const alice = await client()
    const trip = await alice.createConversation({ title: "Trip", members: ["bob"] })
    await trip.addMember("carol", "admin")
    await trip.setRole("bob", "reader")
    await trip.setTitle("Journey")
    expect(trip.info.get()).toMatchObject({ title: "Journey" })
    expect(trip.info.get().members).toEqual([
      { user: "alice", role: "owner" },
      { user: "bob", role: "reader" },
      { user: "carol", role: "admin" },
    ])
    await trip.removeMember("bob")
    expect(trip.info.get().members.map(({ user }) => user)).toEqual(["alice", "carol"])
  })

  it("[A20] makes one direct conversation with a user, also where it is asked for several at once", async () => {
    const alice = await client()
    const [first, ...others] = await Promise.all(["bob", "bob", "cat", "bob"].map((user) => alice.openDirect(user)))
    expect(others.map((other) => other === first)).toEqual([true, false, true])
    expect(
      alice.conversations
        .get()
        .map(({ info }) => info.get().direct)
        .sort(),
    ).toEqual(["bob", "cat"])
    expect((await alice.doctor()).documents.open).toBe(2)
    expect(await alice.openDirect("bob")).toBe(first)
  })

  it("[K1] keeps a storage to one user", async () => {
    const storage = createMemoryStorage()
    await client({ storage })
    await expect(createClient({ user: "bob", storage: storage.share() })).rejects.toMatchObject({
      code: "BAD_ARGUMENT",
    })
  })

  it("[K1] keeps a storage, and with it the device's key, to one of two users who open it at once", async () => {
    const storage = createMemoryStorage()
    const opened = await Promise.allSettled(
      ["alice", "bob"].map((user) => createClient({ user, storage: storage.share() })),
    )
    expect(opened.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"])
    for (const outcome of opened) {
      if (outcome.status === "fulfilled") await outcome.value.close()
      else expect(outcome.reason).toMatchObject({ code: "BAD_ARGUMENT" })
    }
  })

  it("lets go of its storage when it closes, also where a provider that is attached fails to end", async () => {
    const storage = createMemoryStorage()
    const alice = await client({ storage })
    const trip = await alice.createConversation({ title: "Trip" })
    const destroy = vi.fn(() => {
      throw new Error("the provider's own")
    })
    await new Promise<void>((resolve) => {
      trip.attach(() => {
        resolve()
        return { destroy }
      })
    })
    await alice.close()
    expect(destroy).toHaveBeenCalled()
    await expect(storage.get("any")).rejects.toMatchObject({ code: "STORE_CLOSED" })
  })

  it("reports nothing as saved while the storage fails, and saves it later", async () => {
    const storage = createMemoryStorage()
    let failing = false
    const flaky = new Proxy(storage, {
      get(target, name, receiver) {
        if (name !== "write" || !failing) return Reflect.get(target, name, receiver) as unknown
        return () => Promise.reject(Object.assign(new Error("full"), { code: "STORE_QUOTA" }))
      },
    })
    const alice = await client({ storage: flaky })
    const trip = await alice.createConversation({ title: "Trip" })
    await trip.send("before").reached("saved")
    failing = true
    const message = trip.send("while full")
    await new Promise<void>((resolve) => {
      const stop = alice.status.subscribe(({ storage: health }) => {
        if (health.kind !== "failing") return
        stop()
        resolve()
      })
    })
    expect(message.status).toBe("saving")
    expect(alice.status.get().storage.kind).toBe("failing")
    failing = false
    await message.reached("saved")
    await vi.waitUntil(() => alice.status.get().storage.kind === "ok", { timeout: 20_000 })
  })
})
