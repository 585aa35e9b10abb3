/* What a server does with documents over time: erasure, cuts that come and go, quarantine, failures, and what it forgets. */
import {
  clockOf,
  digestOf,
  encodeRecord,
  encodeUpdate,
  hashBody,
  messageIdOf,
  readContents,
  recordMessage,
  summarize,
  wireDigest,
  type Cut,
  type DocumentName,
  type Draft,
  type EraseRecord,
  type LogId,
  type UserId,
} from "@weft/sdk/protocol"
import { ClassicLevel } from "classic-level"
import { describe, expect, it } from "vitest"
import { metaKey, updateKey } from "../../sync-server/src/store/keys.js"
import { clockNow, RawClient, RawConversation } from "../support/raw-client.js"
import { startTestServer } from "../support/server.js"
import { tamper } from "../support/tamper.js"
import { temporaryDirectory } from "../support/temporary.js"

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error("it did not come to pass")
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function recordBy(
  client: RawClient,
  target: Draft,
  author: RawClient,
  trip: RawConversation,
): Promise<EraseRecord> {
  const fields = {
    target: author.device.id,
    bodyHash: hashBody(target.body),
    kind: "message" as const,
    publicKey: client.device.publicKey,
    clock: clockNow(),
    seen: trip.heads,
  }
  return { ...fields, signature: await client.device.sign(recordMessage(trip.segment(1), fields)) }
}

function eraseDraft(record: EraseRecord, trip: RawConversation): Draft {
  const salt = crypto.getRandomValues(new Uint8Array(12))
  return {
    class: "erase",
    clock: clockNow(),
    body: Buffer.concat([Uint8Array.of(2), salt, encodeRecord(record)]),
    seen: trip.heads,
  }
}

it("[X3] an erased body is gone from what is served and from the disk, and does not come back", async () => {
  const server = await startTestServer()
  const alice = await RawClient.connect(server.url, { user: "alice" })
  const bob = await RawClient.connect(server.url, { user: "bob" })
  const trip = await RawConversation.create(alice, ["bob"])
  await trip.introduce(bob)
  const name = trip.segment(1)
  const secret = trip.message("a secret that is not for the disk")
  const log = trip.log(alice)
  await alice.push(name, await log.seal(secret))
  await alice.push(name, await log.seal(trip.message("stays")))
  const old = (await bob.fetch(name)).updates

  const record = await recordBy(alice, secret, alice, trip)
  await alice.push(name, await log.seal(eraseDraft(record, trip)))
  await until(async () => {
    const elements = readContents((await bob.fetch(name)).updates).get(log.client)?.elements
    return elements?.[1] === null && elements.length === log.whole.elements.length
  })
  // An old copy is what is held already, and brings nothing back.
  for (const update of old) expect(await bob.update(name, update)).toMatchObject({ kind: "ack" })
  expect(readContents((await bob.fetch(name)).updates).get(log.client)?.elements[1]).toBeNull()

  // Bodies of others are for moderators, not for members.
  const refused = await trip.log(bob).seal(eraseDraft(await recordBy(bob, secret, alice, trip), trip))
  expect(await bob.push(name, refused)).toEqual(["ROLE_TOO_LOW"])
  await server.close()
  const level = new ClassicLevel<Uint8Array, Uint8Array>(server.data, { keyEncoding: "view", valueEncoding: "view" })
  const values = await level.values().all()
  await level.close()
  expect(values.some((value) => Buffer.from(value).includes("a secret"))).toBe(false)
  expect(values.some((value) => Buffer.from(value).includes("stays"))).toBe(true)
})

it("[X2] records come by themselves, before the logs that need them, and are part of the digest", async () => {
  const one = await startTestServer()
  const two = await startTestServer()
  const alice = await RawClient.connect(one.url, { user: "alice" })
  const there = await RawClient.connect(two.url, { user: "alice", device: alice.device })
  const trip = await RawConversation.create(alice)
  const name = trip.segment(1)
  const gone = trip.message("gone")
  const log = trip.log(alice)
  const run = await log.seal(gone)
  await alice.push(name, run)
  await there.push(trip.made.control, ...trip.control.slice(0, 1))
  await there.push(trip.made.control, ...trip.control.slice(1))
  const record = await recordBy(alice, gone, alice, trip)
  const [head = null, , seal = null] = run.elements
  const holed = { ...run, elements: [head, null, seal] }
  expect(await there.push(name, holed)).toEqual(["DELETED_UNNAMED"])
  const bytes = encodeRecord(record)
  for (const client of [alice, there]) {
    const answer = client.connection.answer(99)
    client.connection.send({ kind: "records", id: 99, document: name, records: [bytes] })
    expect(await answer).toMatchObject({ kind: "ack" })
  }
  expect(await there.push(name, holed)).toEqual([])
  expect((await there.fetch(name)).digest).toEqual((await alice.fetch(name)).digest)
  // A forged one does not count.
  const forged = encodeRecord({ ...record, clock: clockOf(Date.now()), signature: new Uint8Array(64) })
  const answer = alice.connection.answer(100)
  alice.connection.send({ kind: "records", id: 100, document: name, records: [forged, Uint8Array.of(1)] })
  expect(await answer).toMatchObject({ kind: "reject", items: [{ code: "BAD_SEAL" }, { code: "MALFORMED" }] })
  expect(messageIdOf(alice.device.id, record.bodyHash)).toContain(alice.device.id)
})

it("[A9, A11] what a removal cut comes back when the removal falls", async () => {
  const server = await startTestServer()
  const alice = await RawClient.connect(server.url, { user: "alice" })
  const bob = await RawClient.connect(server.url, { user: "bob" })
  const trip = await RawConversation.create(alice, ["bob", "carol"])
  const seenByBoth = trip.heads
  await trip.govern(alice, { kind: "role", user: "bob" as UserId, role: "admin" })
  await trip.introduce(bob)
  const carol = await RawClient.connect(server.url, { user: "carol" })
  await trip.introduce(carol)
  const name = trip.segment(1)
  const log = trip.log(carol)
  await carol.push(name, await log.seal(trip.message("one")))
  await carol.push(name, await log.seal(trip.message("two")))
  const whole = (await alice.fetch(name)).digest
  const before = trip.heads

  // Bob removes carol with a cut in the middle; alice, who had not seen that, removes bob: the senior one wins.
  const cut: Cut = new Map([[1, new Map<LogId, number>([[log.id, 3]])]])
  await trip.govern(bob, { kind: "remove", user: "carol" as UserId, cut }, before)
  expect(readContents((await alice.fetch(name)).updates).get(log.client)?.elements.length).toBe(3)
  const half = (await alice.fetch(name)).digest
  expect(half).not.toEqual(whole)
  await trip.govern(alice, { kind: "remove", user: "bob" as UserId, cut: new Map() }, before)
  expect(readContents((await alice.fetch(name)).updates).get(log.client)?.elements.length).toBe(6)
  expect((await alice.fetch(name)).digest).toEqual(whole)
  expect(seenByBoth.length).toBeGreaterThan(0)

  await server.close()
  const again = await startTestServer({ data: server.data })
  const reader = await RawClient.connect(again.url, { user: "alice", device: alice.device })
  const held = await reader.fetch(name)
  expect(held.digest).toEqual(whole)
  expect(wireDigest(digestOf(summarize(name, readContents(held.updates))))).toEqual(whole)
})

it("[S4] a restart keeps digests, members and what was merged", async () => {
  const limits = { entriesPerSecond: 10_000, entryBurst: 10_000 }
  const server = await startTestServer({ limits })
  const alice = await RawClient.connect(server.url, { user: "alice" })
  const trip = await RawConversation.create(alice, ["bob"])
  const name = trip.segment(1)
  const log = trip.log(alice)
  for (let index = 0; index < 150; index++) await alice.push(name, await log.seal(trip.message(`${index}`)))
  await until(async () => {
    const metrics = await (await fetch(`${server.url.replace("ws", "http")}/metrics`)).text()
    return Number(/^weft_merges_total (\d+)/m.exec(metrics)?.[1]) > 0
  })
  const { digest } = await alice.fetch(name)
  await server.close()
  const again = await startTestServer({ data: server.data, limits })
  const bob = await RawClient.connect(again.url, { user: "bob" })
  bob.connection.send({ kind: "digests", last: true, items: [] })
  const told = await bob.connection.next("documents")
  expect(told.items.map(({ document }) => document)).toEqual([trip.made.control, name])
  expect(told.items[1]?.digest).toEqual(digest)
  await bob.connection.next("compared")
  const held = readContents((await bob.fetch(name)).updates)
  expect(held.get(log.client)?.elements).toEqual(log.whole.elements)
})

it("a document that can't be read is left alone, and the rest goes on", async () => {
  const server = await startTestServer()
  const alice = await RawClient.connect(server.url, { user: "alice" })
  const trip = await RawConversation.create(alice)
  await alice.push(trip.segment(1), await trip.log(alice).seal(trip.message("one")))
  await alice.push(trip.segment(2), await trip.log(alice, 2).seal(trip.message("two")))
  await server.close()
  const level = new ClassicLevel<Uint8Array, Uint8Array>(server.data, { keyEncoding: "view", valueEncoding: "view" })
  await level.put(updateKey(trip.segment(1), 0), Uint8Array.of(1, 2, 3))
  await level.put(metaKey(trip.segment(1), "weft-summary"), Uint8Array.of(9, 9))
  await level.close()

  const again = await startTestServer({ data: server.data })
  const reader = await RawClient.connect(again.url, { user: "alice", device: alice.device })
  expect(await reader.push(trip.segment(1), await trip.log(reader).seal(trip.message("more")))).toEqual(["QUARANTINED"])
  expect((await reader.fetch(trip.segment(1))).updates).toEqual([])
  expect(await reader.push(trip.segment(2), await trip.log(reader, 2).seal(trip.message("goes on")))).toEqual([])
  const metrics = await (await fetch(`${again.url.replace("ws", "http")}/metrics`)).text()
  expect(metrics).toContain("weft_quarantined_documents 1")
})

async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url.replace("ws", "http")}/metrics`)).text()
  return Number(new RegExp(`^${name} (\\d+)`, "m").exec(text)?.[1])
}

describe("[R7] damage that shows when a document is read, not when it is opened", () => {
  const damages: Record<string, (name: DocumentName, level: ClassicLevel<Uint8Array, Uint8Array>) => Promise<void>> = {
    "an update is gone": (name, level) => level.del(updateKey(name, 1)),
    "an update is garbage": (name, level) => level.put(updateKey(name, 1), Uint8Array.of(1, 2, 3)),
    "an update is another's": async (name, level) => {
      const first = await level.get(updateKey(name, 0))
      await level.put(updateKey(name, 1), first ?? new Uint8Array())
    },
  }

  for (const [what, damage] of Object.entries(damages)) {
    it(`${what}: readers and writers of it are told, on connections that live on`, async () => {
      const server = await startTestServer()
      const alice = await RawClient.connect(server.url, { user: "alice" })
      const trip = await RawConversation.create(alice)
      const log = trip.log(alice)
      for (const text of ["one", "two", "three"]) await alice.push(trip.segment(1), await log.seal(trip.message(text)))
      const fine = trip.log(alice, 2)
      await alice.push(trip.segment(2), await fine.seal(trip.message("fine")))
      await server.close()
      await tamper(server.data, (level) => damage(trip.segment(1), level))
      const again = await startTestServer({ data: server.data })
      const reader = await RawClient.connect(again.url, { user: "alice", device: alice.device })
      const from = reader.connection.frames.length
      expect((await reader.fetch(trip.segment(1))).updates).toEqual([])
      expect(reader.connection.frames.slice(from)).toContainEqual(
        expect.objectContaining({ kind: "reject", items: [expect.objectContaining({ code: "QUARANTINED" })] }),
      )
      expect(await reader.push(trip.segment(1), await trip.log(reader).seal(trip.message("more")))).toEqual([
        "QUARANTINED",
      ])
      expect(readContents((await reader.fetch(trip.segment(2))).updates).get(fine.client)?.elements).toHaveLength(3)
      expect(await reader.push(trip.segment(2), await trip.log(reader, 2).seal(trip.message("goes on")))).toEqual([])
      expect(await metric(again.url, "weft_quarantined_documents")).toBe(1)
      expect(await metric(again.url, "weft_internal_errors_total")).toBe(0)
    })
  }

  it("of the control document: the conversation is answered as a whole, and the others go on", async () => {
    const server = await startTestServer()
    const alice = await RawClient.connect(server.url, { user: "alice" })
    const trip = await RawConversation.create(alice)
    const other = await RawConversation.create(alice)
    await alice.push(trip.segment(1), await trip.log(alice).seal(trip.message("one")))
    await server.close()
    await tamper(server.data, (level) => level.put(updateKey(trip.made.control, 0), Uint8Array.of(0, 0)))
    const again = await startTestServer({ data: server.data })
    const reader = await RawClient.connect(again.url, { user: "alice", device: alice.device })
    for (let round = 0; round < 2; round++) {
      expect(await reader.push(trip.segment(1), await trip.log(reader).seal(trip.message("more")))).toEqual([
        "QUARANTINED",
      ])
      expect((await reader.fetch(trip.made.control)).updates).toEqual([])
    }
    expect(await reader.push(other.segment(1), await other.log(reader).seal(other.message("fine")))).toEqual([])
    expect(await metric(again.url, "weft_quarantined_documents")).toBe(1)
    expect(await metric(again.url, "weft_internal_errors_total")).toBe(0)
  })

  it("a merge that meets it leaves the document alone from then on", async () => {
    const server = await startTestServer()
    const alice = await RawClient.connect(server.url, { user: "alice" })
    const trip = await RawConversation.create(alice)
    const log = trip.log(alice)
    const [one, ...rest] = ["one", "two", "three"].map((text) => trip.message(text))
    if (one === undefined) throw new TypeError("three messages")
    for (const draft of [one, ...rest]) await alice.push(trip.segment(1), await log.seal(draft))
    await server.close()
    await tamper(server.data, (level) => level.del(updateKey(trip.segment(1), 1)))
    const again = await startTestServer({ data: server.data })
    const writer = await RawClient.connect(again.url, { user: "alice", device: alice.device })
    // An erasure asks for a merge.
    const erasure = eraseDraft(await recordBy(writer, one, alice, trip), trip)
    await writer.update(trip.segment(1), encodeUpdate([await trip.log(writer).seal(erasure)]))
    await until(async () => (await metric(again.url, "weft_quarantined_documents")) === 1)
    expect(await writer.push(trip.segment(1), await trip.log(writer).seal(trip.message("more")))).toEqual([
      "QUARANTINED",
    ])
  })
})

it("memory follows what is in use: conversations leave it and come back", async () => {
  const server = await startTestServer({ data: await temporaryDirectory(), limits: { activeConversations: 2 } })
  const alice = await RawClient.connect(server.url, { user: "alice" })
  const trips = []
  for (let index = 0; index < 6; index++) {
    const trip = await RawConversation.create(alice)
    await alice.push(trip.segment(1), await trip.log(alice).seal(trip.message(`${index}`)))
    trips.push(trip)
  }
  const metrics = await (await fetch(`${server.url.replace("ws", "http")}/metrics`)).text()
  expect(Number(/^weft_active_documents (\d+)/m.exec(metrics)?.[1])).toBeLessThanOrEqual(4)
  for (const trip of trips) {
    const log = trip.log(alice)
    expect(await alice.push(trip.segment(1), await log.seal(trip.message("again")))).toEqual([])
    expect(readContents((await alice.fetch(trip.segment(1))).updates).size).toBe(2)
    expect(encodeUpdate([log.whole]).length).toBeGreaterThan(0)
  }
})
