/* What those can't do who are no members, or none any more. [SPEC A, R] */
import { controlDocument, type ControlAction, type Cut, type LogId, type UserId } from "@weft/sdk/protocol"
import { expect, it, onTestFinished } from "vitest"
import { openLevelStore } from "../../sync-server/src/store/level-store.js"
import { makeConversation, makeDevice } from "../support/device.js"
import { clockNow, RawClient, RawConversation } from "../support/raw-client.js"
import { openArena } from "./arena.js"

function removal(user: string, cut: Cut = new Map()): ControlAction {
  return { kind: "remove", user: user as UserId, cut }
}

it("[N2] a copied create entry opens nothing", async () => {
  const arena = await openArena()
  const { mallory, trip } = arena
  const [, body] = trip.made.run.elements
  const draft = { class: "control", clock: clockNow(), body: body ?? new Uint8Array(), seen: [] } as const
  const copy = await makeConversation(mallory.device, draft)
  // Under its own name it says that alice created it; this device is mallory's.
  expect(await mallory.push(copy.control, copy.run)).toEqual(["FORBIDDEN"])
  // Under the name of the original.
  const copied = await RawConversation.prepare(mallory)
  expect(await mallory.push(trip.made.control, { ...copied.made.run, log: copied.made.log.id })).toEqual([
    "CLIENT_ID_MISMATCH",
  ])
  await arena.honest()
})

it("[R1] who is no member reads and writes nothing, and can't tell what exists", async () => {
  const arena = await openArena()
  const { server, alice, trip, segment } = arena
  await alice.push(segment, await trip.log(alice).seal(trip.message("secret")))
  const eve = await RawClient.connect(server.url, { user: "eve" })
  const unknown = await RawConversation.prepare(await RawClient.connect(server.url, { user: "carol" }))
  for (const conversation of [trip, unknown]) {
    const name = conversation.segment(1)
    expect(await eve.push(name, await conversation.log(eve).seal(conversation.message("hi")))).toEqual(["FORBIDDEN"])
    expect(await eve.push(conversation.made.control, conversation.made.run)).toEqual(["FORBIDDEN"])
    expect((await eve.fetch(name)).updates).toEqual([])
    expect((await eve.fetch(conversation.made.control)).updates).toEqual([])
    const items = [{ conversation: conversation.id, digest: new Uint8Array(12) }]
    eve.connection.send({ kind: "digests", last: true, items })
    expect((await eve.connection.next("documents")).items).toEqual([])
    await eve.connection.next("compared")
  }
  await arena.honest()
  expect(eve.connection.frames.some(({ kind }) => kind === "update")).toBe(false)
})

it("[A5] nobody introduces a device for another user, or without being a member", async () => {
  const arena = await openArena()
  const { server, mallory, alice, trip } = arena
  const stolen = await trip.sealControl(
    { device: await makeDevice() },
    { kind: "introduce", certificate: alice.certificate },
  )
  // Relayed, so it may come in; but it is without effect: the device is not the certificate's.
  expect(await mallory.push(trip.made.control, stolen.run)).toEqual([])
  const other = await RawClient.connect(server.url, { user: "mallory" })
  const own = await trip.sealControl(other, { kind: "introduce", certificate: alice.certificate })
  expect(await other.push(trip.made.control, own.run)).toEqual(["KEY_REFUSED"])
  const promotion = await trip.sealControl(mallory, { kind: "role", user: "mallory" as UserId, role: "owner" })
  expect(await mallory.push(trip.made.control, promotion.run)).toEqual(["ROLE_TOO_LOW"])
  await arena.honest()
})

it("[A11] a removed member writes nothing past the cut, and nobody brings it for them", async () => {
  const arena = await openArena()
  const { alice, bob, mallory, trip, segment } = arena
  const log = trip.log(mallory)
  const before = await log.seal(trip.message("before"))
  expect(await mallory.push(segment, before)).toEqual([])
  const unseen = await log.seal(trip.message("accepted, but past the cut"))
  expect(await mallory.push(segment, unseen)).toEqual([])
  const seen = trip.heads
  const cut: Cut = new Map([[1, new Map<LogId, number>([[log.id, before.elements.length]])]])
  await trip.govern(alice, removal("mallory", cut))
  await mallory.connection.next("update", ({ document }) => document === trip.made.control)

  const after = await log.seal(trip.message("after", { seen }))
  expect(await mallory.push(segment, after)).toEqual(["PAST_CUT"])
  expect(await bob.push(segment, { ...log.whole, from: 0 })).toEqual(["PAST_CUT"])
  const fresh = await trip.log(mallory).seal(trip.message("fresh session", { seen }))
  expect(await bob.push(segment, fresh)).toEqual(["PAST_CUT"])
  // Also what was accepted before the removal was known is gone from what is served.
  const { updates } = await bob.fetch(segment)
  expect(updates.length).toBe(1)
  expect((await mallory.fetch(segment)).updates).toEqual([])
  expect((await mallory.fetch(trip.made.control)).updates.length).toBe(1)
  await arena.honest()
})

it("[R1] a former member may bring what it wrote of authority, but not without end", async () => {
  const arena = await openArena({ limits: { formerMemberEntries: 3 } })
  const { alice, mallory, trip } = arena
  const seen = trip.heads
  await trip.govern(alice, removal("mallory"))
  const leave = (): ReturnType<RawConversation["sealControl"]> => trip.sealControl(mallory, removal("mallory"), seen)
  for (let index = 0; index < 3; index++) {
    expect(await mallory.push(trip.made.control, (await leave()).run)).toEqual([])
  }
  expect(await mallory.push(trip.made.control, (await leave()).run)).toEqual(["QUOTA_EXCEEDED"])
  await arena.honest()
})

it("[L1] strangers that a device names are rows for as many entries as it may write, and none for what is refused", async () => {
  const arena = await openArena({ limits: { entryBurst: 20, entriesPerSecond: 1 } })
  const { server, mallory } = arena
  const strangers = Array.from({ length: 2_000 }, (_, index) => `stranger${index}`)
  const named = []
  for (let count = 0; count < 40; count++) {
    const conversation = await RawConversation.prepare(mallory, strangers)
    const codes = await mallory.push(conversation.made.control, conversation.made.run)
    named.push({ id: conversation.id, codes })
  }
  const taken = named.filter(({ codes }) => codes.length === 0)
  expect(taken.length).toBeGreaterThanOrEqual(19)
  expect(taken.length).toBeLessThan(40)
  // As such, and not as what is no business of theirs: it passes later.
  expect(new Set(named.flatMap(({ codes }) => codes))).toEqual(new Set(["RATE_LIMITED"]))
  await arena.honest()
  await server.close()
  const store = await openLevelStore({ directory: server.data })
  onTestFinished(() => store.close())
  for (const user of [strangers[0]!, strangers[1_999]!]) {
    const standings = await store.standings(user as UserId)
    expect(new Set(standings.keys())).toEqual(new Set(taken.map(({ id }) => id)))
  }
})

it("[N1] names that no document has are refused", async () => {
  const arena = await openArena()
  const { mallory, trip } = arena
  const name = `${controlDocument(trip.id)}/../1` as ReturnType<typeof controlDocument>
  mallory.connection.send({ kind: "update", id: 1, document: name, update: new Uint8Array() })
  expect(await mallory.connection.closed).toBe("BAD_FRAME")
  await arena.honest()
})
