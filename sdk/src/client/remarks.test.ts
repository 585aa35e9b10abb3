import { afterEach, describe, expect, it } from "vitest"
import { createMemoryStorage } from "../storage/memory.js"
import { prefixRange, type Storage } from "../storage/storage.js"
import { createClient } from "../node.js"
import type { Client, Conversation } from "./api.js"

const open: Client[] = []

async function client(options: Partial<Parameters<typeof createClient>[0]> = {}): Promise<Client> {
  const made = await createClient({ user: "alice", storage: createMemoryStorage(), ...options })
  open.push(made)
  return made
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()))
})

async function bytesOf(storage: Storage): Promise<string> {
  const all = await Promise.all(["p/", "u/", "r/", "x/"].map((prefix) => storage.scan(prefixRange(prefix))))
  return all.flatMap((entries) => entries.map(({ value }) => Buffer.from(value).toString("latin1"))).join("\n")
}

function last(conversation: Conversation) {
  return conversation.messages.get().items.at(-1)
}

describe("what is said about messages, without any server", () => {
  it("[M4, M6, M1] edits, reactions, replies, threads, mentions and forwards work at once and survive a restart", async () => {
    const storage = createMemoryStorage()
    const alice = await client({ storage })
    const trip = await alice.createConversation({ title: "Trip" })
    const { id } = trip.send("hello @bob", { mentions: [{ start: 6, length: 4, user: "bob" }] })
    const edit = trip.edit(id, "hello @bob and all")
    expect(edit.status).toBe("saving")
    expect(trip.message(id)).toMatchObject({
      text: "hello @bob and all",
      edited: { count: 1 },
      unsent: [{ kind: "edit", status: "saving", text: "hello @bob and all" }],
    })
    await edit.reached("saved")
    await trip.react(id, "👍")?.reached("saved")
    expect(trip.react(id, "👍")).toBeUndefined()
    await trip.send("indeed", { replyTo: id }).reached("saved")
    await trip.send("aside", { thread: id }).reached("saved")
    const other = await alice.createConversation({ title: "Other" })
    const original = trip.message(id)
    if (original === undefined) throw new Error("missing")
    await other.forward(original).reached("saved")

    const again = (await client({ storage: storage.share() })).conversation(trip.id)
    if (again === undefined) throw new Error("missing")
    expect(again.messages.get().items).toMatchObject([
      { id, text: "hello @bob and all", reactions: [{ emoji: "👍", own: true }], replies: { count: 1 } },
      { text: "indeed", quote: { state: "ready", text: "hello @bob and all" } },
      { text: "aside", thread: id },
    ])
    expect(again.history(id).map(({ text }) => text)).toEqual(["hello @bob", "hello @bob and all"])
    expect(again.thread(id).get()).toMatchObject({ state: "ready", items: [{ text: "aside" }] })
    expect(last(other)).toMatchObject({ text: "hello @bob and all", forwardedFrom: "alice", mentions: [] })
    again.unreact(id, "👍")
    expect(again.message(id)).toMatchObject({ reactions: [] })
  })

  it("[X6] erasing what never left takes its text from the disk in one write, with its edits", async () => {
    const storage = createMemoryStorage()
    const alice = await client({ storage })
    const trip = await alice.createConversation({ title: "Trip" })
    const message = trip.send("a secret word")
    await trip.edit(message.id, "another secret word").reached("saved")
    const pending = message.reached("sent")
    expect(await bytesOf(storage)).toContain("secret")
    await trip.erase(message.id)
    await expect(pending).rejects.toMatchObject({ code: "MESSAGE_REJECTED" })
    expect(trip.messages.get().items).toEqual([])
    expect(await bytesOf(storage)).not.toContain("secret")
    const after = await client({ storage: storage.share() })
    expect(after.conversation(trip.id)?.messages.get().items).toEqual([])
  })

  it("[M7] a quote's target in a segment that is not loaded is read for it; a thread is read to its root", async () => {
    const storage = createMemoryStorage()
    const before = await client({ storage })
    const long = await before.createConversation({ title: "long" })
    const root = long.send("the first of all")
    const filler = (from: number): Promise<void[]> =>
      Promise.all(Array.from({ length: 1024 }, (_, index) => long.send(`m${from + index}`).reached("saved")))
    await filler(0)
    await filler(1024)
    await long.send("answer", { replyTo: root.id }).reached("saved")
    await long.send("below", { thread: root.id }).reached("saved")
    await filler(2048)

    const later = (await client({ storage: storage.share() })).conversation(long.id)
    if (later === undefined) throw new Error("missing")
    await later.loadOlder()
    const items = (): readonly { text: string | undefined; quote: unknown }[] => later.messages.get().items
    expect(items().some(({ text }) => text === "the first of all")).toBe(false)
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (items().some(({ quote }) => JSON.stringify(quote ?? "").includes('"the first of all"'))) resolve()
      }
      later.messages.subscribe(look)
      look()
    })
    expect(items().some(({ text }) => text === "the first of all")).toBe(false)
    // An edit of it goes into its own segment, and the quote follows.
    await later.edit(root.id, "the very first").reached("saved")
    expect(items().find(({ text }) => text === "answer")).toMatchObject({ quote: { text: "the very first" } })
    expect((await storage.scan(prefixRange(`p/c/${long.id}/1/`))).length).toBeGreaterThan(1024)

    const thread = later.thread(root.id)
    expect(thread.get().state).toBe("loading")
    await new Promise<void>((resolve) => {
      thread.subscribe(({ state }) => {
        if (state === "ready") resolve()
      })
    })
    expect(thread.get()).toMatchObject({ state: "ready", complete: true, items: [{ text: "below" }] })
    expect(items()[0]).toMatchObject({ text: "the very first", replies: { count: 1 } })
  })

  it("refuses what can't be, with stable codes", async () => {
    const alice = await client()
    const trip = await alice.createConversation({ title: "Trip" })
    const { id } = trip.send("hello")
    const bad = (call: () => unknown, code = "BAD_ARGUMENT"): void => {
      expect(call).toThrow(expect.objectContaining({ code }))
    }
    bad(() => trip.edit(id, " "))
    bad(() => trip.edit("nothing" as typeof id, "x"))
    bad(() => trip.react(id, ""))
    for (const none of ["a\n", "text", "\u202e", "7", "👍👍", " 👍"]) bad(() => trip.react(id, none))
    bad(() => trip.send("hi", { replyTo: "nothing" as typeof id }))
    bad(() => trip.send("hi", { mentions: [{ start: 1, length: 2, user: "bob" }] }))
    bad(() => trip.send("hi", { mentions: [{ start: 0, length: 1, user: "" }] }))
    bad(() => trip.retry(id))
    await expect(trip.erase("nothing" as typeof id)).rejects.toMatchObject({ code: "BAD_ARGUMENT" })
    const copy = trip.forward(trip.message(id)!)
    bad(() => trip.edit(copy.id, "never said"), "NOT_ALLOWED")
    await trip.erase(copy.id)
    await expect(trip.pin(copy.id)).rejects.toMatchObject({ code: "BAD_ARGUMENT" })
  })
})
