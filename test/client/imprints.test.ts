/* What is stored to compare a conversation unread is, at any moment, of what is stored. [SPEC S13] */
import { createMemoryStorage, type Client } from "@weft/sdk/node"
import { expect, it, onTestFinished } from "vitest"
import type { MemorySnapshot, MemoryStorage } from "../../sdk/src/storage/memory.ts"
import type { Storage } from "../../sdk/src/storage/storage.ts"
import { openClient } from "../support/client.ts"
import { auditImprints } from "../support/imprints.ts"
import { startTestServer } from "../support/server.ts"
import { TestProfile } from "../support/tabs.ts"
import { conversationOf, until } from "../support/until.ts"

/** The storage, and what it held after each write that was made through it: what a crash at that moment leaves. */
function recorded(storage: MemoryStorage): { storage: Storage; moments: MemorySnapshot[] } {
  const moments: MemorySnapshot[] = []
  const shared = storage.share()
  return {
    moments,
    storage: {
      ...shared,
      write: async (batch, options) => {
        await shared.write(batch, options)
        moments.push(storage.snapshot())
      },
    },
  }
}

async function atRest(storage: MemoryStorage, count: number): Promise<void> {
  while ((await storage.share().scan({ from: "f/", to: "f~" })).length < count) {
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

function show(client: Client): void {
  onTestFinished(client.list.subscribe(() => undefined))
}

/** Audits all moments; how many of them had imprints. */
async function audit(moments: readonly MemorySnapshot[], user: string): Promise<number> {
  let counted = 0
  for (const snapshot of moments) counted += (await auditImprints(createMemoryStorage({ snapshot }), user)) > 0 ? 1 : 0
  return counted
}

it("[S13] a crash at any moment leaves no imprint that is not of what is stored", async () => {
  const server = await startTestServer()
  const disk = createMemoryStorage()
  const { storage, moments } = recorded(disk)
  const alice = await openClient("alice", { servers: [server.url], storage })
  const bob = await openClient("bob", { servers: [server.url] })
  show(alice)
  const trip = await alice.createConversation({ title: "Trip", members: ["bob", "cat"] })
  const atBob = await conversationOf(bob, trip.id)
  // At rest between all of it, so that each finds an imprint there.
  const rest = async (): Promise<void> => {
    await Promise.all([alice.synced(), bob.synced()])
    await atRest(disk, 1)
  }
  const hello = atBob.send("hello")
  await until(trip.messages, ({ items }) => items.length === 1)
  await rest()
  trip.react(hello.id, "👍")
  await rest()
  trip.markRead()
  await rest()
  const own = trip.send("see you")
  await until(trip.receipts(own.id), ({ delivered }) => delivered.length === 1)
  await rest()
  await trip.edit(own.id, "see you there").reached("sent")
  await rest()
  await trip.erase(own.id)
  await until(atBob.messages, ({ items }) => items.at(-1)?.form === "erased")
  await rest()
  // A moderator's erasure hides, and destroys later.
  await trip.erase(hello.id)
  await rest()
  await trip.setTitle("The trip")
  await rest()
  await trip.removeMember("bob")
  await until(atBob.info, ({ membership }) => membership === "removed")
  await rest()
  await trip.addMember("bob")
  await until(atBob.info, ({ membership }) => membership === "member")
  atBob.send("back again")
  await until(trip.messages, ({ items }) => items.at(-1)?.text === "back again")
  await rest()
  await alice.close()
  const [imprint] = (await disk.share().scan({ from: "f/", to: "f~" })).map(({ value }) => value)
  expect(imprint).toBeDefined()
  expect(await audit(moments, "alice")).toBeGreaterThan(10)
})

it("[S13, W3] nor do two tabs that both take themselves for the writer", async () => {
  const server = await startTestServer()
  const disk = createMemoryStorage()
  const profile = new TestProfile("alice", disk, [server.url])
  const moments: MemorySnapshot[] = []
  const through = (storage: Storage): Storage => ({
    ...storage,
    write: async (batch, options) => {
      await storage.write(batch, options)
      moments.push(disk.snapshot())
    },
  })
  const first = await profile.open(through)
  onTestFinished(() => first.client.close())
  await first.lead()
  show(first.client)
  const bob = await openClient("bob", { servers: [server.url] })
  const trip = await first.client.createConversation({ title: "Trip", members: ["bob"] })
  const atBob = await conversationOf(bob, trip.id)
  atBob.send("one")
  await until(trip.messages, ({ items }) => items.length === 1)
  await first.client.synced()
  await atRest(disk, 1)
  const second = await profile.open(through)
  onTestFinished(() => second.client.close())
  show(second.client)
  // It has the lock now, and the other was not told: both are connected, and store what comes.
  await second.lead()
  atBob.send("two")
  const other = await conversationOf(second.client, trip.id)
  await until(other.messages, ({ items }) => items.length === 2)
  other.send("three")
  trip.send("four")
  await until(atBob.messages, ({ items }) => items.length === 4)
  first.follow()
  await until(other.messages, ({ items }) => items.length === 4)
  await second.client.synced()
  await atRest(disk, 1)
  // And back again.
  await first.lead()
  second.follow()
  atBob.send("five")
  await until(trip.messages, ({ items }) => items.length === 5)
  await first.client.synced()
  await atRest(disk, 1)
  expect(await audit(moments, "alice")).toBeGreaterThan(3)
})

it("[S13] what another tab wrote, and did not live to tell, is read by the one that takes over", async () => {
  const server = await startTestServer()
  const disk = createMemoryStorage()
  const profile = new TestProfile("alice", disk, [server.url])
  const bob = await openClient("bob", { servers: [server.url] })
  const first = await profile.open()
  await first.lead()
  show(first.client)
  const trip = await first.client.createConversation({ title: "Trip", members: ["bob"] })
  const atBob = await conversationOf(bob, trip.id)
  atBob.send("one")
  await until(trip.messages, ({ items }) => items.length === 1)
  await first.client.synced()
  await atRest(disk, 1)
  // A tab that listed it from its row, and hears nothing of what the writer tells.
  let looked = (): void => undefined
  const hasLooked = new Promise<void>((resolve) => {
    looked = resolve
  })
  const through = (storage: Storage): Storage => ({
    ...storage,
    scan: async (range) => {
      const found = await storage.scan(range)
      if (range.from === "f/") looked()
      return found
    },
  })
  const second = await profile.open(through, { isDeaf: true })
  onTestFinished(() => second.client.close())
  show(second.client)
  const other = second.client.conversation(trip.id)!
  expect(other.info.get().lastMessage?.text).toBe("one")
  // It found an imprint, and need not read it.
  await hasLooked
  await new Promise((resolve) => setImmediate(resolve))
  trip.send("two")
  await until(atBob.messages, ({ items }) => items.length === 2)
  await atRest(disk, 1)
  await first.client.close()
  expect(other.info.get().lastMessage?.text).toBe("one")
  await second.lead()
  await until(other.info, ({ lastMessage }) => lastMessage?.text === "two")
})
