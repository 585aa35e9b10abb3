/* Writes that failed and are there all the same, as LevelDB's where fsync failed after the record was in its log. */
import { expect, it } from "vitest"
import { systemEnv } from "../base/env.js"
import { WeftError } from "../base/errors.js"
import { deviceNamed } from "../log/scenario.js"
import { updatePrefix } from "../log/keys.js"
import { digestOf } from "../log/summary.js"
import type { UserId } from "../protocol/names.js"
import { createMemoryStorage } from "../storage/memory.js"
import type { Storage, StorageOperation } from "../storage/storage.js"
import type { ReplicaConversation } from "./conversation.js"
import type { ReplicaDocument } from "./document.js"
import { Replica } from "./replica.js"

async function openWriter(storage: Storage): Promise<Replica> {
  const replica = await Replica.open({
    ...{ storage, env: systemEnv, user: "ann" as UserId, signer: await deviceNamed("ann") },
    verify: () => Promise.resolve(true),
    refusesKey: () => false,
  })
  await replica.becomeWriter()
  return replica
}

/** A conversation, and a storage that says of the next such write that it failed, and has it. */
async function openStage() {
  const storage = createMemoryStorage()
  let fails: ((batch: readonly StorageOperation[]) => boolean) | undefined
  const replica = await openWriter({
    ...storage,
    write: async (batch, options) => {
      await storage.write(batch, options)
      if (fails?.(batch) !== true) return
      fails = undefined
      throw new WeftError("STORE_FAILED", "fdatasync: Input/output error")
    },
  })
  const trip = await replica.create("Trip", [], [])
  await trip.controlDocument.flush()
  const segment = await trip.segment(1)
  return {
    trip,
    segment,
    say: async (text: string): Promise<void> => {
      post(trip, text)
      await segment.flush()
    },
    /** Of the next write that changes stored updates of the segment; with `rewrites`, that takes some away. */
    failNext: (rewrites: boolean): void => {
      const prefix = updatePrefix(segment.name)
      fails = (batch) =>
        batch.some(({ kind, key }) => key.startsWith(prefix) && (kind === "delete" || !rewrites)) &&
        (!rewrites || batch.some(({ kind, key }) => kind === "put" && key.startsWith(prefix)))
    },
    get hasFailed(): boolean {
      return fails === undefined
    },
    /** What is there after a start. */
    after: async (): Promise<ReplicaDocument> => {
      await replica.close()
      return (await (await openWriter(storage)).conversation(trip.id)).segment(1)
    },
  }
}

function post(conversation: ReplicaConversation, text: string): void {
  conversation.post(new Map([["t", text]]))
}

it("[W2] a merge that failed, and is there all the same, loses nothing that is written next", async () => {
  const stage = await openStage()
  stage.failNext(true)
  let said = 0
  while (!stage.hasFailed) await stage.say(`text ${said++}`)
  await stage.say("the next")
  expect(await stage.segment.entries()).toHaveLength(said + 1)
  const after = await stage.after()
  expect(await after.entries()).toHaveLength(said + 1)
  expect(after.drafts).toEqual([])
})

it("[W2] a seal that failed, and is there all the same, is not written again", async () => {
  const stage = await openStage()
  await stage.say("first")
  stage.failNext(false)
  await expect(stage.say("second")).rejects.toMatchObject({ code: "STORE_FAILED" })
  await stage.say("third")
  expect(stage.segment.drafts).toEqual([])
  const after = await stage.after()
  expect(await after.entries()).toHaveLength(3)
  expect(after.drafts).toEqual([])
})

it("[W1, W2] what a seal that failed left behind is not read, nor sent, as long as nobody knows it to be there", async () => {
  const stage = await openStage()
  const { segment } = stage
  await stage.say("first")
  stage.failNext(false)
  await expect(stage.say("second")).rejects.toMatchObject({ code: "STORE_FAILED" })
  expect(await segment.entries()).toHaveLength(1)
  expect(await segment.missingFrom(new Map())).toMatchObject([{ elements: { length: 3 } }])
  expect(segment.drafts).toHaveLength(1)
  await segment.flush()
  expect(await segment.entries()).toHaveLength(2)
})

it("[W1, W2] nor is that read of a first one", async () => {
  const stage = await openStage()
  stage.failNext(false)
  await expect(stage.say("first")).rejects.toMatchObject({ code: "STORE_FAILED" })
  expect(await stage.segment.entries()).toEqual([])
  await stage.say("second")
  expect(await stage.segment.entries()).toHaveLength(2)
})

it("[W2] a merge that failed, and is there all the same, is read", async () => {
  const stage = await openStage()
  stage.failNext(true)
  let said = 0
  while (!stage.hasFailed) await stage.say(`text ${said++}`)
  expect(await stage.segment.entries()).toHaveLength(said)
})

it("[R4, W2] what was taken back is in no log twice, where that failed and is there all the same", async () => {
  const stage = await openStage()
  for (const text of ["first", "second", "third"]) await stage.say(text)
  const { ownLog } = stage.segment
  if (ownLog === undefined) throw new TypeError("no log")
  stage.failNext(true)
  await expect(stage.segment.takeBack(ownLog, 3, undefined)).rejects.toMatchObject({ code: "STORE_FAILED" })
  await stage.say("fourth")
  const after = await stage.after()
  expect(after.drafts).toEqual([])
  const entries = await after.entries()
  expect(entries).toHaveLength(4)
  expect(new Set(entries.map(({ log }) => log)).size).toBe(2)
})

it("[U15] what was let go of is away, where that failed and is there all the same", async () => {
  const stage = await openStage()
  await stage.say("first")
  stage.failNext(true)
  const held = digestOf(stage.segment.summary)
  await expect(stage.segment.letGo(held)).rejects.toMatchObject({ code: "STORE_FAILED" })
  post(stage.trip, "second")
  await stage.segment.flush()
  const after = await stage.after()
  expect(after.isAway).toBe(true)
  expect(after.drafts).toHaveLength(1)
})
