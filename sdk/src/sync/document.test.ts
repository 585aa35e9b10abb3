import { expect, it, onTestFinished, vi } from "vitest"
import { systemEnv } from "../base/env.js"
import { WeftError } from "../base/errors.js"
import { decodeDraft, draftHead } from "../log/draft.js"
import { draftPrefix } from "../log/keys.js"
import { deviceNamed } from "../log/scenario.js"
import { digestOf } from "../log/summary.js"
import { encodeUpdate, type LogRun } from "../log/update.js"
import { decodeBody, hashBody } from "../protocol/entry.js"
import type { UserId } from "../protocol/names.js"
import { createMemoryStorage, type MemoryStorage } from "../storage/memory.js"
import { prefixRange } from "../storage/storage.js"
import { Replica } from "./replica.js"
import { ReturningSegment } from "./returning-segment.js"

const textOf = (body: Uint8Array): unknown => {
  const content = decodeBody(body)
  return content instanceof Map ? content.get("t") : content
}

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

it("[W1] a message is written in the turn that made it, also while another one is being sealed", async () => {
  const replica = await openTab(createMemoryStorage())
  await replica.becomeWriter()
  const trip = await replica.create("Trip", [], [])
  await trip.save()
  replica.setCarrier("any", true)
  const { document } = trip.post(new Map([["t", "first"]]))
  const { signer, storage } = replica.ports
  let release = (): void => undefined
  const held = new Promise<void>((resolve) => (release = resolve))
  const sign = vi.spyOn(signer, "sign")
  const { sign: really } = await deviceNamed("ann")
  sign.mockImplementationOnce(async (message) => {
    await held
    return really(message)
  })
  await expect.poll(() => sign.mock.calls.length).toBe(1)
  trip.post(new Map([["t", "second"]]))
  await new Promise((resolve) => setImmediate(resolve))
  const rows = await storage.scan(prefixRange(draftPrefix(document.name)))
  expect(rows.map(({ value }) => textOf(decodeDraft(value).body))).toEqual(["first", "second"])
  release()
  await document.flush()
  await document.flush()
  await expect.poll(() => storage.scan(prefixRange(draftPrefix(document.name)))).toEqual([])
  expect((await document.entries()).map(({ body }) => body && textOf(body))).toEqual(["first", "second"])
})

it("[X6] a message that is erased while it is being kept and sealed leaves no draft", async () => {
  const disk = createMemoryStorage()
  const replica = await openTab(disk)
  await replica.becomeWriter()
  const trip = await replica.create("Trip", [], [])
  await trip.save()
  replica.setCarrier("any", true)
  const { storage } = replica.ports
  const { write } = storage
  let release = (): void => undefined
  const held = new Promise<void>((resolve) => (release = resolve))
  vi.spyOn(storage, "write").mockImplementationOnce(async (...args) => {
    await held
    await write(...args)
  })
  const { document, draft } = trip.post(new Map([["t", "regretted"]]))
  await trip.erase(document, [{ device: replica.device, bodyHash: hashBody(draft.body), kind: "message" }])
  release()
  await document.flush()
  await replica.close()
  const rows = await disk.share().scan(everything)
  expect(rows.filter(({ value }) => Buffer.from(value).includes("regretted"))).toEqual([])
})

it("[X6] a draft that is erased while it is being signed is never sealed", async () => {
  const disk = createMemoryStorage()
  const replica = await openTab(disk)
  await replica.becomeWriter()
  const trip = await replica.create("Trip", [], [])
  await trip.save()
  await trip.controlDocument.flush()
  const { document, draft } = trip.post(new Map([["t", "regretted"]]))
  await document.save()
  let release = (): void => undefined
  const held = new Promise<void>((resolve) => (release = resolve))
  const { signer } = replica.ports
  const { sign: really } = signer
  const signing = new Promise<void>((resolve) => {
    vi.spyOn(signer, "sign").mockImplementationOnce(async (message) => {
      resolve()
      await held
      return really(message)
    })
  })
  replica.setCarrier("any", true)
  const flushed = document.flush()
  await signing
  await trip.erase(document, [{ device: replica.device, bodyHash: hashBody(draft.body), kind: "message" }])
  release()
  await flushed
  await document.flush()
  expect((await document.entries()).map(({ head }) => head.class)).toEqual(["erase"])
  await replica.close()
  const rows = await disk.share().scan(everything)
  expect(rows.filter(({ value }) => Buffer.from(value).includes("regretted"))).toEqual([])
})

it.each(["before", "after"])(
  "[X2, R6] a cut keeps records, but for own ones that rest on what is refused %s it",
  async (when) => {
    const replica = await openTab(createMemoryStorage())
    await replica.becomeWriter()
    const trip = await replica.create("Trip", [], [])
    const { controlDocument } = trip
    const say = async (text: string): Promise<void> => {
      const { document, draft } = trip.post(new Map([["t", text]]))
      await document.flush()
      await trip.erase(document, [{ device: replica.device, bodyHash: hashBody(draft.body), kind: "message" }])
      await document.flush()
    }
    await controlDocument.flush()
    await say("stays erased")
    await trip.govern({ kind: "title", title: "Refused" })
    await controlDocument.flush()
    await say("never was")
    const segment = await trip.segment(1)
    expect(segment.summary.records.size).toBe(2)
    const refused = (await controlDocument.entries()).at(-1)!
    const cut = (): Promise<unknown> =>
      segment.applyCuts(
        () => 0,
        () => undefined,
      )
    if (when === "after") await cut()
    // What rests on the entry is cut before it is written again.
    else vi.spyOn(segment, "reground").mockResolvedValueOnce(false)
    await trip.takeBack(controlDocument, refused.log, refused.position, "FORBIDDEN")
    if (when === "before") await cut()
    expect(Array.from(segment.summary.records.values(), ({ seen }) => seen.includes(refused.control!))).toEqual([false])
  },
)

it("[X6] an erasure is written together with what it takes out, and not before", async () => {
  const disk = createMemoryStorage()
  const replica = await openTab(disk)
  await replica.becomeWriter()
  const trip = await replica.create("Trip", [], [])
  await trip.save()
  const { document, draft } = trip.post(new Map([["t", "regretted"]]))
  await document.save()
  const { storage } = replica.ports
  const { write } = storage
  let held = true
  let release = (): void => undefined
  const released = new Promise<void>((resolve) => (release = resolve))
  vi.spyOn(storage, "write").mockImplementation(async (batch, options) => {
    if (held && options?.durability === "strict") await released
    await write(batch, options)
  })
  replica.setCarrier("any", true)
  await trip.erase(document, [{ device: replica.device, bodyHash: hashBody(draft.body), kind: "message" }])
  await new Promise((resolve) => setImmediate(resolve))
  // As the disk is where the page ends now.
  const rows = await disk.share().scan(prefixRange(draftPrefix(document.name)))
  expect(rows.map(({ value }) => decodeDraft(value).class)).toEqual(["message"])
  held = false
  release()
  await document.flush()
  await replica.close()
  const left = await disk.share().scan(everything)
  expect(left.filter(({ value }) => Buffer.from(value).includes("regretted"))).toEqual([])
})

it("[X6] a draft that is erased while it is being written goes with the erasure", async () => {
  const replica = await openTab(createMemoryStorage())
  await replica.becomeWriter()
  const trip = await replica.create("Trip", [], [])
  await trip.save()
  const { storage } = replica.ports
  const { write } = storage
  let release = (): void => undefined
  const held = new Promise<void>((resolve) => (release = resolve))
  const writing = vi.spyOn(storage, "write").mockImplementationOnce(async (...args) => {
    await held
    await write(...args)
  })
  const { document, draft } = trip.post(new Map([["t", "regretted"]]))
  await expect.poll(() => writing.mock.calls.length).toBe(1)
  await trip.erase(document, [{ device: replica.device, bodyHash: hashBody(draft.body), kind: "message" }])
  release()
  await trip.save()
  const rows = await storage.scan(prefixRange(draftPrefix(document.name)))
  expect(rows.map(({ value }) => decodeDraft(value).class)).toEqual(["erase"])
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

it("[U15] what a server gives of a segment that is away is taken where it is what was held, as a whole, and not at all else", async () => {
  const replica = await openTab(createMemoryStorage())
  await replica.becomeWriter()
  const trip = await replica.create("Trip", [], [])
  for (const text of ["one", "two", "three"]) {
    trip.post(new Map([["t", text]]))
    await (await trip.segment(1)).flush()
  }
  const document = await trip.segment(1)
  const [held] = Array.from((await document.contents()).values())
  if (held === undefined) throw new TypeError("one log")
  const digest = digestOf(document.summary)
  const given = (elements: LogRun["elements"]) => {
    const returning = new ReturningSegment(document.summary)
    returning.take(encodeUpdate([{ ...held, elements }]))
    return document.takeHome(returning.runs)
  }

  expect(await document.letGo(new Uint8Array(32))).toBe(false)
  document.hold()
  expect(await document.letGo(digest)).toBe(false)
  document.unhold()
  expect(await document.letGo(digest)).toBe(true)
  await expect(document.entries()).rejects.toMatchObject({ code: "SEGMENT_AWAY" })
  await expect(document.receive(encodeUpdate([held]), "any")).rejects.toMatchObject({ code: "SEGMENT_AWAY" })
  expect(digestOf(document.summary)).toEqual(digest)

  const { elements } = held
  const replaced = (at: number, by: LogRun["elements"][number] | undefined): LogRun["elements"] =>
    elements.map((element, index) => (index === at ? (by ?? null) : element))
  const changed = (at: number): LogRun["elements"] =>
    replaced(
      at,
      elements[at]?.map((byte, index) => (index === 9 ? byte ^ 1 : byte)),
    )
  // A seal's worth less, a head and a body that differ, a body that nobody erased, and another message's.
  expect(await given(elements.slice(0, 6))).toBe(false)
  for (const at of [0, 1, 8]) expect(await given(changed(at))).toBe(false)
  expect(await given(replaced(4, undefined))).toBe(false)
  expect(await given(replaced(4, elements[1]))).toBe(false)
  expect([document.isAway, digestOf(document.summary)]).toEqual([true, digest])
  expect(await given(elements.concat(elements.slice(0, 3)))).toBe(true)
  expect([document.isAway, digestOf(document.summary)]).toEqual([false, digest])
  expect(await document.entries()).toHaveLength(3)
})

it("[U15] a cut waits for a segment that is away, and is made where others made it", async () => {
  const storage = createMemoryStorage()
  const replica = await openTab(storage)
  await replica.becomeWriter()
  const trip = await replica.create("Trip", [], [])
  for (const text of ["stays", "goes"]) {
    trip.post(new Map([["t", text]]))
    await (await trip.segment(1)).flush()
  }
  const document = await trip.segment(1)
  const runs = await document.contents()
  await document.letGo(digestOf(document.summary))
  const cut = () =>
    document.applyCuts(
      () => 3,
      () => undefined,
    )
  await expect(cut()).rejects.toMatchObject({ code: "SEGMENT_AWAY" })
  await (await openTab(storage)).conversation(trip.id)
  expect(document.summary.logs.values().next().value?.count).toBe(6)
  expect(await document.takeHome(runs)).toBe(true)
  expect((await cut()).length).toBe(1)
})

it("[U15] what comes of a segment that is away is kept as far as it was held, and what is beyond that is noticed", async () => {
  const replica = await openTab(createMemoryStorage())
  await replica.becomeWriter()
  const trip = await replica.create("Trip", [], [])
  trip.post(new Map([["t", "one"]]))
  const document = await trip.segment(1)
  await document.flush()
  const { summary } = document
  const [held] = Array.from((await document.contents()).values())
  if (held === undefined) throw new TypeError("one log")
  const returning = new ReturningSegment(summary)
  // In pieces, one that leaves a gap among them; and nothing at all.
  returning.take(encodeUpdate([{ ...held, from: 2, elements: held.elements.slice(2) }]))
  returning.take(new Uint8Array([1]))
  expect(returning.runs.get(held.client)?.elements ?? []).toEqual([])
  returning.take(encodeUpdate([{ ...held, elements: held.elements.slice(0, 2) }]))
  returning.take(encodeUpdate([{ ...held, from: 1, elements: held.elements.slice(1) }]))
  expect(returning.runs.get(held.client)?.elements).toEqual(held.elements)
  expect(returning.hasMore).toBe(false)
  returning.take(encodeUpdate([{ ...held, from: 3, elements: held.elements.slice(0, 1) }]))
  expect([returning.hasMore, returning.runs.get(held.client)?.elements.length]).toEqual([true, 3])
})
