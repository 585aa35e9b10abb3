import { expect, it } from "vitest"
import { manualEnv } from "../../../test/support/manual-env.js"
import { deviceNamed } from "../log/scenario.js"
import { base64url } from "../protocol/bytes.js"
import type { ConversationId, UserId } from "../protocol/names.js"
import { createMemoryStorage } from "../storage/memory.js"
import type { ReplicaConversation } from "./conversation.js"
import { STAMP_BYTES } from "./imprint.js"
import { Replica } from "./replica.js"

/** A writer with a conversation that is sealed and told, and two tabs' worth of one storage. */
async function arena() {
  const env = manualEnv()
  const storage = createMemoryStorage()
  const signer = await deviceNamed("ann")
  const open = (): Promise<Replica> =>
    Replica.open({
      ...{ storage: storage.share(), env, user: "ann" as UserId, signer },
      verify: async () => true,
      refusesKey: () => false,
    })
  const replica = await open()
  await replica.becomeWriter()
  replica.setCarrier("any", true)
  const trip = await replica.create("Trip", [], [])
  await say(replica, trip, "hello")
  /** Stores an imprint, once nothing is under way. */
  const imprint = async (): Promise<void> => {
    while (!replica.mayImprint(trip.id)) {
      env.advance(10_000)
      await turn()
    }
    const storing = replica.storeImprint(trip.id, base64url(env.randomBytes(STAMP_BYTES)))
    if (storing === undefined) throw new Error("it is at rest")
    await storage.share().write([storing.operation])
    storing.ended(true)
  }
  return { replica, trip, imprint, open }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0))
}

async function say(replica: Replica, conversation: ReplicaConversation, text: string): Promise<void> {
  conversation.post(new Map([["t", text]]))
  await replica.wakeAll()
  while (conversation.loadedDocuments.some(({ drafts }) => drafts.length > 0)) await turn()
}

async function logsOf(replica: Replica, id: ConversationId): Promise<number> {
  return (await (await replica.conversation(id)).segment(1)).summary.logs.size
}

it("[U14] a conversation leaves memory with its imprint alone, and is read again with what its session knew", async () => {
  const { replica, trip, imprint } = await arena()
  const { id } = trip
  expect(replica.release([id]), "nothing says what it holds").toBe(false)
  await imprint()
  await say(replica, trip, "again")
  expect(replica.release([id]), "the imprint went with the change").toBe(false)
  await imprint()
  await replica.using(id, async () => {
    expect(replica.release([id]), "somebody has something to do with it").toBe(false)
  })
  expect(replica.release([id])).toBe(true)
  expect(replica.conversations.get().size).toBe(0)
  expect(replica.imprintOf(id)).toBeDefined()
  const [told] = await replica.digests()
  const read = await replica.conversation(id)
  expect(read).not.toBe(trip)
  expect(told?.conversation).toBe(id)
  await say(replica, read, "one log")
  expect(await logsOf(replica, id)).toBe(1)
  await replica.close()
})

it("[U14] what left memory writes nothing any more", async () => {
  const { replica, trip, imprint } = await arena()
  await imprint()
  expect(replica.release([trip.id])).toBe(true)
  expect(() => trip.post(new Map([["t", "too late"]]))).toThrow(TypeError)
  await expect(trip.govern({ kind: "title", title: "too late" })).rejects.toThrow(TypeError)
  await replica.close()
})

it("[W3] whoever lost the storage's guard meanwhile goes on with no log of before", async () => {
  const { replica, trip, imprint, open } = await arena()
  await imprint()
  expect(replica.release([trip.id])).toBe(true)
  const other = await open()
  await other.becomeWriter()
  replica.loseWriter()
  await replica.becomeWriter()
  await say(replica, await replica.conversation(trip.id), "a log of its own")
  expect(await logsOf(replica, trip.id)).toBe(2)
  await other.close()
  await replica.close()
})
