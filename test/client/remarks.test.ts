import { describe, expect, it, vi } from "vitest"
import { createMemoryStorage, WeftError, type Client, type Conversation, type Message } from "@weft/sdk/node"
import { prefixRange, type Storage } from "../../sdk/src/storage/storage.ts"
import { openClient } from "../support/client.ts"
import { projectionHash } from "../replay/replay.ts"
import { conversationOf, until } from "../support/until.ts"
import { startTestServer } from "../support/server.ts"

const patient = { timeout: 20_000 }

function shown(conversation: Conversation, passes: (items: readonly Message[]) => boolean): Promise<unknown> {
  return until(conversation.messages, ({ state, items }) => state === "ready" && passes(items))
}

async function holds(storage: Storage, text: string): Promise<boolean> {
  const entries = await storage.scan(prefixRange("u/"))
  const drafts = await storage.scan(prefixRange("p/"))
  return [...entries, ...drafts].some(({ value }) => Buffer.from(value).includes(text))
}

/** Two devices of alice's and one of bob's at two peered servers, with one message of alice's that all have. */
async function setUp() {
  const first = await startTestServer()
  const second = await startTestServer({ peers: [`${first.url}/sync`] })
  const storages = [createMemoryStorage(), createMemoryStorage(), createMemoryStorage()] as const
  const phone = await openClient("alice", { servers: [first.url], storage: storages[0] })
  const laptop = await openClient("alice", { servers: [second.url], storage: storages[1] })
  const bob = await openClient("bob", { servers: [second.url], storage: storages[2] })
  const onPhone = await phone.createConversation({ title: "Trip", members: ["bob"] })
  const message = onPhone.send("we meet at noon")
  const onLaptop = await conversationOf(laptop, onPhone.id)
  const atBob = await conversationOf(bob, onPhone.id)
  const all = [onPhone, onLaptop, atBob] as const
  await Promise.all(all.map((one) => shown(one, (items) => items.length === 1)))
  return { devices: [phone, laptop, bob] as const, all, id: message.id, storages }
}

async function synced(devices: readonly Client[]): Promise<void> {
  await Promise.all(devices.map((device) => device.synced()))
}

describe("what is said about messages, across devices, servers and offline spells", () => {
  it("[M5, M6] edits of two devices merge, reactions converge, both written offline", async () => {
    const { devices, all, id } = await setUp()
    const [onPhone, onLaptop, atBob] = all
    await synced(devices)
    for (const device of devices) device.goOffline()
    const edits = [onPhone.edit(id, "we all meet at noon"), onLaptop.edit(id, "we meet at noon sharp")]
    onPhone.react(id, "👍")
    onPhone.unreact(id, "👍")
    onLaptop.react(id, "🎉")
    atBob.react(id, "👍")
    await Promise.all(edits.map((edit) => edit.reached("saved")))
    expect(onPhone.message(id)).toMatchObject({ text: "we all meet at noon", reactions: [] })
    for (const device of devices) device.goOnline()
    await Promise.all(edits.map((edit) => edit.reached("sent")))
    for (const one of all) {
      await shown(one, ([message]) => message?.text === "we all meet at noon sharp" && message.reactions.length === 2)
    }
    await synced(devices)
    for (const one of all) {
      await shown(one, ([message]) => message?.unsent.length === 0)
      const reactions = one.message(id)?.reactions.map(({ emoji, users }) => [emoji, users])
      expect(new Map(reactions as [string, string[]][])).toEqual(
        new Map([
          ["🎉", ["alice"]],
          ["👍", ["bob"]],
        ]),
      )
      expect(one.history(id).map(({ text }) => text)).toHaveLength(3)
    }
    expect(new Set(all.map(projectionHash)).size).toBe(1)
    // The next edit has seen both: it stands alone.
    await onPhone.edit(id, "noon").reached("sent")
    await shown(atBob, ([message]) => message?.text === "noon")
  })

  it("[X5, M8] an erasure takes edits along, also one that its author's other device wrote without knowing", async () => {
    const { devices, all, id, storages } = await setUp()
    const [, laptop, bob] = devices
    const [onPhone, onLaptop, atBob] = all
    await onPhone.edit(id, "a first secret").reached("sent")
    await atBob.send("indeed", { replyTo: id }).reached("sent")
    await synced(devices)
    laptop.goOffline()
    await onLaptop.edit(id, "a late secret").reached("saved")
    await onPhone.erase(id)
    await shown(atBob, ([message]) => message?.form === "erased")
    expect(atBob.message(id)).toMatchObject({ form: "erased", erasedBy: "alice", edited: undefined, reactions: [] })
    expect(atBob.messages.get().items[1]).toMatchObject({ quote: { state: "ready", form: "erased", text: undefined } })
    laptop.goOnline()
    await shown(onLaptop, ([message]) => message?.form === "erased")
    await synced(devices)
    // The laptop sealed its edit before it heard of the erasure; whoever of alice's devices hears of both erases it too.
    for (const text of ["noon", "first secret", "late secret"]) {
      for (const storage of storages) await vi.waitUntil(async () => !(await holds(storage, text)), patient)
    }
    await vi.waitUntil(async () => new Set(await Promise.all(all.map((one) => one.digest()))).size === 1, patient)
    expect(new Set(all.map(projectionHash)).size).toBe(1)
    expect(atBob.history(id)).toEqual([])
    expect(bob.status.get().pending).toEqual([])
  })

  it("[X3] an erasure that can't be written says so, hides all the same, and is durable by the next call that can", async () => {
    const storage = createMemoryStorage()
    const full = { now: false }
    const failing: Storage = {
      ...storage.share(),
      write: async (...args) => {
        if (full.now) throw new WeftError("STORE_QUOTA", "the disk is full")
        await storage.write(...args)
      },
    }
    const server = await startTestServer()
    const alice = await openClient("alice", { servers: [server.url], storage: failing })
    const trip = await alice.createConversation({ title: "Trip" })
    const message = trip.send("a secret")
    await message.reached("sent")
    await until(trip.messages, ({ items }) => items.length === 1)
    full.now = true
    await expect(trip.erase(message.id)).rejects.toMatchObject({ code: "STORE_QUOTA" })
    expect(trip.message(message.id)?.form).toBe("erased")
    await expect(trip.erase(message.id)).rejects.toMatchObject({ code: "STORE_QUOTA" })
    full.now = false
    await trip.erase(message.id)
    await alice.synced()
    await vi.waitUntil(async () => !(await holds(storage, "a secret")), patient)
  })

  it("[A13] only the author and moderators erase; a moderator's erasure hides at once", async () => {
    const { all, id } = await setUp()
    const [onPhone, , atBob] = all
    await expect(atBob.erase(id)).rejects.toMatchObject({ code: "NOT_ALLOWED" })
    expect([onPhone.mayErase(id), atBob.mayErase(id), atBob.mayErase("nothing" as typeof id)]).toEqual([
      true,
      false,
      false,
    ])
    expect(() => atBob.edit(id, "mine now")).toThrow(expect.objectContaining({ code: "NOT_ALLOWED" }))
    const theirs = atBob.send("rude")
    await theirs.reached("sent")
    await shown(onPhone, (items) => items.length === 2)
    expect([onPhone.mayErase(theirs.id), atBob.mayErase(theirs.id)]).toEqual([true, true])
    await onPhone.erase(theirs.id)
    expect(onPhone.mayErase(theirs.id)).toBe(false)
    await shown(atBob, ([, message]) => message?.form === "erased")
    expect(atBob.message(theirs.id)).toMatchObject({ erasedBy: "alice", text: undefined })
  })
})
