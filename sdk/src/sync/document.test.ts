import { expect, it, onTestFinished, vi } from "vitest"
import { systemEnv } from "../base/env.js"
import { WeftError } from "../base/errors.js"
import { draftHead } from "../log/draft.js"
import { deviceNamed } from "../log/scenario.js"
import { encodeUpdate } from "../log/update.js"
import { decodeBody } from "../protocol/entry.js"
import type { UserId } from "../protocol/names.js"
import { createMemoryStorage, type MemoryStorage } from "../storage/memory.js"
import { Replica } from "./replica.js"

const everything = { from: "", to: "\uffff" }

async function openTab(storage: MemoryStorage): Promise<Replica> {
  const replica = await Replica.open({
    storage: storage.share(),
    env: systemEnv,
    user: "ann" as UserId,
    signer: await deviceNamed("ann"),
    verify: async () => true,
    refusesKey: () => false,
  })
  onTestFinished(() => replica.close())
  return replica
}

it("[R1] what the writer took back is gone from a document that another tab has open", async () => {
  const storage = createMemoryStorage()
  const writer = await openTab(storage)
  await writer.becomeWriter()
  const trip = await writer.create("Trip", [], [])
  trip.post(new Map([["t", "stays"]]))
  const { document } = trip.post(new Map([["t", "goes"]]))
  writer.setCarrier("any", true)
  await trip.controlDocument.flush()
  await document.flush()

  const follower = await openTab(storage)
  const theirs = (await follower.document(document.name)).document
  await theirs.open()
  const shown = (): unknown[] => theirs.openEntries().map(({ body }) => (body === null ? null : decodeBody(body)))
  expect(shown()).toHaveLength(2)

  const log = document.ownLog
  if (log === undefined) throw new TypeError("a flushed document has a log")
  await trip.takeBack(document, log, 0, "PAST_CUT")
  await theirs.reload()
  expect(shown()).toEqual([])
  // And what the writer adds to it from here is shown as ever.
  trip.post(new Map([["t", "next"]]))
  await document.flush()
  await theirs.reload()
  expect(shown()).toHaveLength(1)
})

it("[W1] a message is not durable before the own control entries that it names, saved or sealed", async () => {
  const storage = createMemoryStorage()
  const replica = await openTab(storage)
  await replica.becomeWriter()
  const trip = await replica.create("Trip", [], [])
  await trip.save()
  const full = vi.spyOn(trip.controlDocument, "save").mockRejectedValue(new WeftError("STORE_QUOTA", "full"))
  await trip.govern({ kind: "title", title: "Never saved" })
  const { document, draft } = trip.post(new Map([["t", "rests on it"]]))
  await expect(document.save()).rejects.toMatchObject({ code: "STORE_QUOTA" })
  await expect(document.flush()).rejects.toMatchObject({ code: "STORE_QUOTA" })
  expect([document.isDurable(draft), document.summary.logs.size]).toEqual([false, 0])
  full.mockRestore()
  await document.save()
  expect([document.isDurable(draft), trip.controlDocument.hasUnsaved]).toEqual([true, false])
})

it("[X6] a message that was refused here, and that another server had taken, goes from this disk when it is erased", async () => {
  const storage = createMemoryStorage()
  const writer = await openTab(storage)
  await writer.becomeWriter()
  const trip = await writer.create("Trip", [], [])
  const { document, draft } = trip.post(new Map([["t", "a secret"]]))
  writer.setCarrier("any", true)
  await trip.controlDocument.flush()
  await document.flush()
  const update = encodeUpdate(await document.missingFrom(new Map()))
  await trip.takeBack(document, document.ownLog!, 0, "PAST_CUT")
  expect(trip.refused.size).toBe(1)

  await document.receive(update, undefined)
  const device = (await deviceNamed("ann")).id
  await trip.erase(document, [{ device, bodyHash: draftHead(draft).bodyHash, kind: "message" }])
  await document.flush()
  expect(trip.refused.size).toBe(0)
  const rows = await storage.share().scan(everything)
  expect(rows.filter(({ value }) => Buffer.from(value).includes("a secret"))).toEqual([])
})

it("[X3] what was erased on a disk that filled up then is shown no more, and goes when there is room again", async () => {
  const storage = createMemoryStorage()
  let writes = Infinity
  const replica = await openTab({
    ...storage,
    share: () => ({
      ...storage,
      write: (...batch: Parameters<typeof storage.write>) => {
        if (writes === 0) return Promise.reject(new WeftError("STORE_QUOTA", "full"))
        writes--
        return storage.write(...batch)
      },
    }),
  })
  await replica.becomeWriter()
  const trip = await replica.create("Trip", [], [])
  const { document, draft } = trip.post(new Map([["t", "a secret"]]))
  await trip.controlDocument.flush()
  await document.flush()
  const told: string[] = []
  document.changes.on(({ kind }) => told.push(kind))
  const device = (await deviceNamed("ann")).id
  await trip.erase(document, [{ device, bodyHash: draftHead(draft).bodyHash, kind: "message" }])
  await document.save()
  // The record itself is written.
  writes = 1
  await expect(document.flush()).rejects.toMatchObject({ code: "STORE_QUOTA" })
  expect([told.at(-1), document.holdsErased, document.nextDue]).toEqual(["records", true, 0])
  const rows = async (): Promise<number> => {
    const all = await storage.scan(everything)
    return all.filter(({ value }) => Buffer.from(value).includes("a secret")).length
  }
  expect(await rows()).toBe(1)
  writes = Infinity
  await replica.wakeAll()
  await document.idle()
  expect([await rows(), document.holdsErased, document.nextDue]).toEqual([0, false, Infinity])
})
