/* What a member's own bytes can't do. [SPEC C] */
import {
  BODY_SALT_BYTES,
  clientIdOf,
  concat,
  decodeUpdate,
  encodeBody,
  encodeRecord,
  encodeUpdate,
  KIND_BODY,
  readContents,
  recordMessage,
  type Clock,
  type Draft,
  type LogRun,
  type RefusalCode,
} from "@weft/sdk/protocol"
import * as encoding from "lib0/encoding"
import { expect, it } from "vitest"
import * as Y from "yjs"
import { codesOf, clockNow } from "../support/raw-client.js"
import { makeLog, type TestDevice } from "../support/device.js"
import { openArena, type Arena } from "./arena.js"

async function pushBytes({ mallory, segment }: Arena, update: Uint8Array): Promise<RefusalCode[]> {
  return codesOf(await mallory.update(segment, update))
}

it("[C7] nobody writes in another device's log", async () => {
  const arena = await openArena()
  const { alice, mallory, trip, segment } = arena
  const posing: TestDevice = { ...mallory.device, id: alice.device.id }
  expect(await mallory.push(segment, await makeLog(posing, segment).seal(trip.message("from alice?")))).toEqual([
    "BAD_SEAL",
  ])
  // Behind what alice wrote herself, where no key is named.
  const log = trip.log(alice)
  expect(await alice.push(segment, await log.seal(trip.message("mine")))).toEqual([])
  const forged: TestDevice = { ...alice.device, sign: (message) => mallory.device.sign(message) }
  const session = new Uint8Array(Buffer.from(log.id.slice(25), "base64url"))
  const fork = makeLog(forged, segment, session)
  await fork.seal(trip.message("mine"))
  const more = await fork.seal(trip.message("hers"))
  expect(await mallory.push(segment, { ...more, from: 3 })).toEqual(["BAD_SEAL"])
  await arena.honest()
})

it("[C5] a delete set on the wire deletes nothing", async () => {
  const arena = await openArena()
  const { alice, bob, trip, segment } = arena
  const log = trip.log(alice)
  await alice.push(segment, await log.seal(trip.message("stays")))
  const doc = new Y.Doc()
  for (const update of (await bob.fetch(segment)).updates) Y.applyUpdate(doc, update)
  const before = Y.encodeStateVector(doc)
  doc.getArray(log.id).delete(1, 1)
  expect(await pushBytes(arena, Y.encodeStateAsUpdate(doc, before))).toEqual([])
  const contents = readContents((await bob.fetch(segment)).updates)
  expect(contents.get(log.client)?.elements).toEqual(log.whole.elements)
  await arena.honest()
})

it("[C4] forged GC and ContentDeleted are refused", async () => {
  const arena = await openArena()
  const { mallory, trip, segment } = arena
  const log = trip.log(mallory)
  const collected = encoding.encode((encoder) => {
    for (const number of [1, 1, log.client, 0, 0, 3, 0]) encoding.writeVarUint(encoder, number)
  })
  expect(await pushBytes(arena, collected)).toEqual(["UNKNOWN_CONTENT"])
  const run = await log.seal(trip.message("gone"))
  const [head = null, , seal = null] = run.elements
  expect(await mallory.push(segment, { ...run, elements: [head, null, seal] })).toEqual(["DELETED_UNNAMED"])
  expect(await mallory.push(segment, { ...run, elements: [null, null, null] })).toEqual(["BAD_GRAMMAR"])
  await arena.honest()
})

it("[C2, N3] a squatted client id is refused", async () => {
  const arena = await openArena()
  const { alice, mallory, trip, segment } = arena
  const victim = trip.log(alice)
  const run = await trip.log(mallory).seal(trip.message("first come"))
  expect(await mallory.push(segment, { ...run, client: victim.client })).toEqual(["CLIENT_ID_MISMATCH"])
  expect(await alice.push(segment, await victim.seal(trip.message("unharmed")))).toEqual([])
  await arena.honest()
})

it("[C8] a position that was continued twice is a fork", async () => {
  const arena = await openArena()
  const { mallory, trip, segment } = arena
  const session = Uint8Array.of(1, 2, 3)
  const one = await makeLog(mallory.device, segment, session).seal(trip.message("to alice"))
  const other = await makeLog(mallory.device, segment, session).seal(trip.message("to bob"))
  expect(await mallory.push(segment, one)).toEqual([])
  expect(await mallory.push(segment, other)).toEqual(["FORK"])
  await arena.honest()
})

it("[C7] a bad seal in the middle of a run ends what is accepted before it", async () => {
  const arena = await openArena()
  const { bob, mallory, trip, segment } = arena
  const log = trip.log(mallory)
  const first = await log.seal(trip.message("one"))
  await log.seal(trip.message("two"))
  await log.seal(trip.message("three"))
  const elements = log.whole.elements.slice()
  const seal = elements[5]?.slice() ?? new Uint8Array()
  seal[10] = (seal[10] ?? 0) ^ 1
  elements[5] = seal
  expect(await mallory.push(segment, { ...log.whole, elements })).toEqual(["BAD_SEAL"])
  const contents = readContents((await bob.fetch(segment)).updates)
  expect(contents.get(log.client)?.elements).toEqual(first.elements)
  await arena.honest()
})

it("[C3] a flood of gaps is answered, and nothing of it is kept", async () => {
  const arena = await openArena()
  const { mallory, trip, segment } = arena
  const log = trip.log(mallory)
  await log.seal(trip.message("never sent"))
  const late = await log.seal(trip.message("late"))
  const answers = await Promise.all(Array.from({ length: 500 }, () => mallory.update(segment, encodeUpdate([late]))))
  for (const answer of answers) {
    expect(codesOf(answer)).toEqual(["GAP"])
    expect(answer.kind === "reject" && answer.items[0]?.at).toBe(0)
  }
  await arena.honest()
})

it("[R2] a clock of the future is refused, for now or for good", async () => {
  const arena = await openArena()
  const { mallory, trip, segment } = arena
  const push = async (clock: Clock): Promise<RefusalCode[]> =>
    mallory.push(segment, await trip.log(mallory).seal(trip.message("later", { clock })))
  expect(await push(clockNow(10 * 60_000))).toEqual(["CLOCK_AHEAD"])
  expect(await push(clockNow(48 * 3600_000))).toEqual(["CLOCK_FAR_AHEAD"])
  expect(await push(clockNow(60_000))).toEqual([])
  await arena.honest()
})

it("[E6, N3] what was written in one document does not stand in another", async () => {
  const arena = await openArena()
  const { alice, mallory, trip, segment } = arena
  const run = await trip.log(alice).seal(trip.message("here"))
  expect(await alice.push(segment, run)).toEqual([])
  const elsewhere = trip.segment(2)
  expect(await mallory.push(elsewhere, run)).toEqual(["CLIENT_ID_MISMATCH"])
  const moved: LogRun = { ...run, client: clientIdOf(elsewhere, run.log) }
  expect(await mallory.push(elsewhere, moved)).toEqual(["BAD_SEAL"])
  await arena.honest()
})

it("[R3] segment 1,000,000,000 is not opened", async () => {
  const arena = await openArena()
  const { mallory, trip } = arena
  const run = await trip.log(mallory, 1e9).seal(trip.message("far away"))
  expect(await mallory.push(trip.segment(1e9), run)).toEqual(["SEGMENT_AHEAD"])
  await arena.honest()
})

it("[R3] a segment opens up to eight behind one that holds an entry, as those between may be empty after a cut, and no farther", async () => {
  const arena = await openArena()
  const { mallory, trip } = arena
  const said = await trip.log(mallory, 8).seal(trip.message("in the eighth"))
  expect(await mallory.push(trip.segment(8), said)).toEqual([])
  const ahead = await trip.log(mallory, 17).seal(trip.message("too far"))
  expect(await mallory.push(trip.segment(17), ahead)).toEqual(["SEGMENT_AHEAD"])
  const behind = await trip.log(mallory, 16).seal(trip.message("behind it"))
  expect(await mallory.push(trip.segment(16), behind)).toEqual([])
  await arena.honest()
})

it("[C1] a truncated update is malformed, wherever it ends", async () => {
  const arena = await openArena({ limits: { entriesPerSecond: 1000, entryBurst: 1000 } })
  const { mallory, trip } = arena
  const update = encodeUpdate([await trip.log(mallory).seal(trip.message("cut"))])
  for (let end = 0; end < update.length; end += 7) {
    expect(await pushBytes(arena, update.subarray(0, end))).toEqual(["MALFORMED"])
  }
  expect(await pushBytes(arena, Uint8Array.from([255, 255, 255, 255, 255, 255, 255, 255, 255]))).toEqual(["MALFORMED"])
  expect(await pushBytes(arena, Uint8Array.from([...update, 0]))).toEqual(["MALFORMED"])
  await arena.honest()
})

it("[C1] an update in format V2 is malformed", async () => {
  const arena = await openArena()
  const doc = new Y.Doc()
  doc.getArray("x").push([Uint8Array.of(1, 2, 3)])
  expect(await pushBytes(arena, Y.encodeStateAsUpdateV2(doc))).toEqual(["MALFORMED"])
  await arena.honest()
})

it("[C4] nested types, texts and bare values are refused", async () => {
  const arena = await openArena()
  const { mallory, segment } = arena
  const contents: ((array: Y.Array<unknown>) => void)[] = [
    (array) => array.push([new Y.Map()]),
    (array) => array.push([new Y.Text("x")]),
    (array) => array.push([new Y.Doc()]),
    (array) => array.push([{ a: 1 }]),
    (array) => array.push(["text"]),
    (array) => array.push([new Uint8Array(30)]),
  ]
  for (const write of contents) {
    const log = makeLog(mallory.device, segment)
    const doc = new Y.Doc()
    doc.clientID = log.client
    write(doc.getArray(log.id))
    expect(await pushBytes(arena, Y.encodeStateAsUpdate(doc))).toEqual(["UNKNOWN_CONTENT"])
  }
  await arena.honest()
})

it("[N3, E5] __proto__ is no log, and no key of a control entry", async () => {
  const arena = await openArena()
  const { mallory, trip, segment } = arena
  for (const root of ["__proto__", "constructor", "", "x".repeat(5000)]) {
    const doc = new Y.Doc()
    doc.getArray(root).push([[Uint8Array.of(1)]])
    expect(await pushBytes(arena, Y.encodeStateAsUpdate(doc))).toEqual(["UNKNOWN_CONTENT"])
    const run = await makeLog(mallory.device, segment).seal(trip.message("x"))
    expect(await mallory.push(segment, { ...run, log: root as LogRun["log"] })).toEqual(["FOREIGN_ROOT"])
  }
  // Written by hand: our own encoder refuses such a key.
  const polluted = encoding.encode((encoder) => {
    encoding.writeUint8Array(encoder, encodeBody(new Uint8Array(12), null).subarray(0, 13))
    encoding.writeAny(encoder, JSON.parse('{"__proto__":{"k":"create"},"k":"create"}') as encoding.AnyEncodable)
  })
  const control = makeLog(mallory.device, trip.made.control)
  const run = await control.seal({ class: "control", clock: clockNow(), body: polluted, seen: trip.heads })
  expect(await mallory.push(trip.made.control, run)).toEqual(["MALFORMED"])
  expect(Object.prototype).not.toHaveProperty("k")
  await arena.honest()
})

it("[C11] one bad log does not block the others of an update", async () => {
  const arena = await openArena()
  const { mallory, trip, segment } = arena
  const good = await trip.log(mallory).seal(trip.message("good"))
  const bad = await trip.log(mallory).seal(trip.message("bad"))
  const broken = { ...bad, elements: bad.elements.slice(0, 2) }
  expect(await mallory.push(segment, good, broken)).toEqual(["UNSEALED"])
  expect(decodeUpdate((await mallory.fetch(segment)).updates[0] ?? new Uint8Array())?.[0]?.client).toBe(good.client)
  await arena.honest()
})

it("[L1] more entries than the rate allows are refused for now, log by log", async () => {
  const arena = await openArena({ limits: { entriesPerSecond: 1, entryBurst: 10 } })
  const { mallory, trip, segment } = arena
  const many = Array.from({ length: 30 }, (_, index) => trip.message(`run ${index}`))
  // A full bucket lets a sealed run through that is larger than the burst: it could never be sent otherwise.
  await new Promise((resolve) => setTimeout(resolve, 1_200))
  expect(await mallory.push(segment, await trip.log(mallory).seal(...many))).toEqual([])
  const answer = await mallory.update(segment, encodeUpdate([await trip.log(mallory).seal(trip.message("more"))]))
  expect(codesOf(answer)).toEqual(["RATE_LIMITED"])
  expect(answer.kind === "reject" && answer.retryAfterMs).toBeGreaterThan(1_000)
  await arena.honest()
})

it("[L1] erasures of what never was count, in a log too, as the document's records", async () => {
  const arena = await openArena({ limits: { documentRecords: 10 } })
  const { mallory, trip, segment } = arena
  const erasure = async (): Promise<Draft> => {
    const clock = clockNow()
    const { id: target, publicKey } = mallory.device
    const bodyHash = crypto.getRandomValues(new Uint8Array(24))
    const fields = { target, bodyHash, kind: "message", publicKey, clock, seen: [...trip.heads] } as const
    const record = { ...fields, signature: await mallory.device.sign(recordMessage(segment, fields)) }
    const salt = crypto.getRandomValues(new Uint8Array(BODY_SALT_BYTES))
    return {
      class: "erase",
      clock,
      body: concat([Uint8Array.of(KIND_BODY), salt, encodeRecord(record)]),
      seen: [...trip.heads],
    }
  }
  const log = trip.log(mallory)
  const allowed = await Promise.all(Array.from({ length: 10 }, erasure))
  expect(await mallory.push(segment, await log.seal(...allowed))).toEqual([])
  expect(await mallory.push(segment, await log.seal(await erasure()))).toEqual(["QUOTA_EXCEEDED"])
  expect(await mallory.push(segment, await trip.log(mallory).seal(trip.message("a message may come")))).toEqual([])
  await arena.honest()
})
