/* What a device makes of a server's answers, frame by frame. */
import { expect, it, onTestFinished, vi } from "vitest"
import { systemEnv } from "../base/env.js"
import type { LogVerdict } from "../log/check.js"
import type { EraseRecord, RecordId } from "../log/erasure.js"
import { anyControlId, deviceNamed } from "../log/scenario.js"
import { digestOf } from "../log/summary.js"
import { encodeUpdate } from "../log/update.js"
import type { RefusalCode } from "../protocol/codes.js"
import {
  MAX_FRAME_UPDATE_BYTES,
  MAX_VECTOR_RECORDS,
  RECORDS_PER_FRAME,
  wireDigest,
  type Frame,
  type FrameOf,
} from "../protocol/frame.js"
import { clientIdOf, logIdBytes, type DocumentName, type LogId, type UserId } from "../protocol/names.js"
import { createMemoryStorage } from "../storage/memory.js"
import { manualEnv } from "../../../test/support/manual-env.js"
import { AccountReplica } from "./account-replica.js"
import { Acks } from "./acks.js"
import { Exchange } from "./exchange.js"
import { Replica } from "./replica.js"

const server = "ws://server"

/** Ann's device with two sealed runs of two messages each, sent and not answered; a message has a head and a body. */
async function sent(isRenewed = false, env = systemEnv) {
  const device = await deviceNamed("ann")
  const storage = createMemoryStorage()
  const replica = await Replica.open({
    ...{ storage, env: systemEnv, user: "ann" as UserId, signer: device },
    verify: async () => true,
    refusesKey: () => false,
  })
  await replica.becomeWriter()
  const trip = await replica.create("Trip", [], [])
  await trip.controlDocument.flush()
  const acks = await Acks.load(storage)
  await acks.meet(server, new Uint8Array(16))
  const failures: unknown[] = []
  const frames: Frame[] = []
  const exchange = new Exchange({
    replica,
    acks,
    server,
    isRenewed,
    env,
    account: await AccountReplica.open({
      ...{ storage, env: systemEnv, user: "ann" as UserId },
      guard: () => replica.writeGuard,
      report: (error) => failures.push(error),
    }),
    send: (frame) => frames.push(frame),
    drained: () => Promise.resolve(),
    askTime: () => Promise.resolve(),
    changed: () => undefined,
    failed: (error) => failures.push(error),
  })
  onTestFinished(async () => {
    exchange.end()
    await replica.close()
    expect(failures).toEqual([])
  })
  const post = async (...texts: string[]) => {
    for (const text of texts) trip.post(new Map([["t", text]]))
    const segment = await trip.segment(1)
    await segment.flush()
    return segment
  }
  await post("one", "two")
  const segment = await post("three", "four")
  const [log] = Array.from(segment.summary.logs.values(), (summary) => summary.log)
  if (log === undefined) throw new TypeError("one log")
  await expect.poll(() => updates(frames, segment.name)).toHaveLength(2)
  const [, last] = updates(frames, segment.name)
  const refuse = async (
    code: RefusalCode,
    at: number,
    retryAfterMs = 60_000,
    refused = log,
    document = segment.name,
  ): Promise<void> => {
    const items = [{ log: logIdBytes(refused), code, at }]
    exchange.take({ kind: "reject", id: last?.id ?? 0, document, copies: 1, retryAfterMs, items })
    // Answered behind everything that came in before it.
    exchange.take({ kind: "vector", document: trip.controlDocument.name, reply: false, logs: [], records: [] })
    const before = updates(frames, trip.controlDocument.name).length
    await expect.poll(() => updates(frames, trip.controlDocument.name)).toHaveLength(before + 1)
  }
  return { acks, exchange, frames, segment, log, refuse, replica, trip }
}

/** What the check says of a log of which nothing is taken. */
function refusing(document: DocumentName, log: LogId, refusal: LogVerdict["refusal"]): LogVerdict {
  const nothing = { run: undefined, entries: [], records: [], next: undefined }
  return { client: clientIdOf(document, log), log, ...nothing, refusal }
}

function updates(frames: readonly Frame[], document: DocumentName): FrameOf<"update">[] {
  return frames.filter((frame): frame is FrameOf<"update"> => frame.kind === "update" && frame.document === document)
}

it("[S6] of a run that a refusal stopped in nothing is acknowledged, of the one before it all is", async () => {
  const { acks, segment, log, refuse } = await sent()
  // The head of the fourth message: the third stands before it in the same run.
  await refuse("RATE_LIMITED", 7)
  expect(acks.count(segment.name, log)).toBe(5)
  expect(segment.summary.logs.size).toBe(1)
})

it("[P6] a server that can't read registers now is asked for them again", async () => {
  const env = manualEnv()
  const { exchange, frames, refuse, trip } = await sent(false, env)
  exchange.take({ kind: "declined", conversation: trip.id, device: [], code: "STORAGE_FAILED", retryAfterMs: 0 })
  await refuse("RATE_LIMITED", 0)
  const asked = () => frames.filter((frame) => frame.kind === "clocks" && frame.conversation === trip.id)
  expect(asked()).toEqual([])
  env.advance(1_000)
  expect(asked()).toHaveLength(1)
})

it("[R1] of a log that forked nothing counts as taken: all of it is written again, in another session", async () => {
  const { acks, segment, log, refuse } = await sent()
  await refuse("FORK", 5)
  expect(acks.count(segment.name, log)).toBe(0)
  expect([segment.summary.logs.size, segment.drafts.length]).toEqual([0, 4])
  await segment.flush()
  const [again] = Array.from(segment.summary.logs.values())
  expect([again?.log === log, (await segment.entries()).length]).toEqual([false, 4])
})

it.each<RefusalCode>(["FORK", "CLOCK_FAR_AHEAD"])(
  "[R1] to a server that refuses whatever it gets words are written again after a while, and not at once each time: %s",
  async (code) => {
    const env = manualEnv()
    const { exchange, segment, log, refuse } = await sent(false, env)
    const inLogAndWaiting = async () => [(await segment.entries()).length, segment.drafts.length]
    await refuse(code, 0)
    // Said of each update that the log had been sent in.
    await refuse(code, 0)
    expect(await inLogAndWaiting()).toEqual([0, 4])
    await segment.flush()
    const [again] = Array.from(segment.summary.logs.values(), (summary) => summary.log)
    expect(again).not.toBe(log)
    await refuse(code, 0, 2_000, again)
    env.advance(1_999)
    await refuse(code, 0, 0, again)
    expect(await inLogAndWaiting()).toEqual([4, 0])
    expect(exchange.synced).toBe(false)
    env.advance(1)
    await expect.poll(inLogAndWaiting).toEqual([0, 4])
  },
)

it("[R1] what was refused for good is kept with its code, and what stands before it stays", async () => {
  const { acks, segment, log, refuse, trip } = await sent()
  await refuse("WRONG_CLASS", 5)
  expect(acks.count(segment.name, log)).toBe(5)
  expect((await segment.entries()).length).toBe(2)
  expect(Array.from(trip.refused.values(), ({ document, refused }) => [document, refused.code])).toEqual([
    [segment.name, "WRONG_CLASS"],
    [segment.name, "WRONG_CLASS"],
  ])
})

it("[R4] what another server made durable is never taken back, whatever this one says of it", async () => {
  const { acks, segment, log, refuse, trip } = await sent()
  await acks.meet("ws://other", new Uint8Array(16))
  acks.take("ws://other", segment.name, log, 10)
  for (const code of ["WRONG_CLASS", "CLOCK_FAR_AHEAD"] as const) {
    await refuse(code, 5)
    expect([(await segment.entries()).length, segment.drafts.length, trip.refused.size]).toEqual([4, 0, 0])
  }
})

it("[R4, A19] a join that another server took is not given up where this one does not know its invite", async () => {
  const { acks, refuse, trip } = await sent()
  const { publicKey } = await deviceNamed("ann")
  const [key, proof] = [new Uint8Array(32), new Uint8Array(64)]
  const certificate = { user: "ann" as UserId, publicKey, issuedAt: 0, issuer: key, signature: proof }
  const control = trip.controlDocument
  await trip.govern({ kind: "join", certificate, key, proof }, [anyControlId])
  await control.flush()
  const joins = async () => (await control.entries()).filter(({ head }) => head.seen.includes(anyControlId))
  const [join] = await joins()
  if (join === undefined) throw new TypeError("it was written")
  await acks.meet("ws://other", new Uint8Array(16))
  acks.take("ws://other", control.name, join.log, 3)
  await refuse("CONTROL_UNKNOWN", 0, 60_000, join.log, control.name)
  expect([(await joins()).length, trip.refused.size]).toEqual([1, 0])
})

it("[R2] what another server has is offered again to one that refuses it for its clock, which may be set right", async () => {
  const { acks, exchange, frames, segment, log, refuse } = await sent()
  await acks.meet("ws://other", new Uint8Array(16))
  acks.take("ws://other", segment.name, log, 10)
  await refuse("CLOCK_FAR_AHEAD", 0, 0)
  const asked = () => frames.filter((frame) => frame.kind === "vector" && frame.document === segment.name)
  await expect.poll(asked, { timeout: 5_000 }).toHaveLength(1)
  const before = updates(frames, segment.name).length
  exchange.take({ kind: "vector", document: segment.name, reply: false, logs: [], records: [] })
  await expect.poll(() => updates(frames, segment.name)).toHaveLength(before + 1)
})

it("[R2] what a server refused that did not know who is a member is offered again when it does, also where it was asked in vain before", async () => {
  const { exchange, frames, segment, refuse, trip } = await sent()
  const asked = () => frames.filter((frame) => frame.kind === "vector" && frame.document === segment.name)
  await refuse("FORBIDDEN", 0, 0)
  // Of what it knows nothing of, a server says nothing: the question leads to no vector of its own.
  await expect.poll(asked, { timeout: 5_000 }).toHaveLength(1)
  exchange.take({ kind: "served", document: segment.name, digest: new Uint8Array(8) })
  const control = updates(frames, trip.controlDocument.name).at(-1)
  exchange.take({ kind: "ack", id: control?.id ?? 0, copies: 1 })
  await expect.poll(asked).toHaveLength(2)
})

it.each<RefusalCode>([
  "CONTROL_UNKNOWN",
  // Of an erased message, the record of which was refused.
  "DELETED_UNNAMED",
])(
  "[R2, A11] what a device wrote that nobody introduced waits to be let in, and is offered again with authority; all else is in sync: %s",
  async (code) => {
    const { exchange, frames, segment, refuse, trip } = await sent()
    const asked = () => frames.filter((frame) => frame.kind === "vector" && frame.document === segment.name)
    const [first] = updates(frames, segment.name)
    await exchange.start()
    const account = frames.find((frame): frame is FrameOf<"account"> => frame.kind === "account")
    if (account === undefined) throw new TypeError("the account is compared as well")
    exchange.take({ kind: "accountServed", account: account.account, digest: account.digest })
    exchange.take({ kind: "compared" })
    exchange.take({ kind: "ack", id: first?.id ?? 0, copies: 1 })
    await refuse(code, 5)
    expect([trip.isIntroduced, (await segment.entries()).length]).toEqual([false, 4])
    for (const { id } of updates(frames, trip.controlDocument.name)) exchange.take({ kind: "ack", id, copies: 1 })
    // At once, and not a minute later.
    await expect.poll(asked).toHaveLength(1)
    exchange.take({ kind: "served", document: segment.name, digest: new Uint8Array(8) })
    await expect.poll(() => exchange.synced).toBe(true)
  },
)

it("[X2] a document is compared again when the server sends what lies beyond a cut that it does not know of", async () => {
  const { exchange, frames, segment, log, trip } = await sent()
  vi.spyOn(trip, "receive").mockResolvedValueOnce([refusing(segment.name, log, { code: "PAST_CUT", at: 5 })])
  exchange.take({ kind: "update", id: 0, document: segment.name, update: new Uint8Array() })
  await expect
    .poll(() => frames.filter((frame) => frame.kind === "vector").map(({ document }) => document), { timeout: 5_000 })
    .toEqual([segment.name])
})

it("[R2, R5] who left asks again for what a server has of theirs when it has the control document", async () => {
  const { exchange, frames, segment, log, trip } = await sent()
  const count = segment.summary.logs.get(clientIdOf(segment.name, log))?.count ?? 0
  await trip.govern({ kind: "remove", user: "ann" as UserId, cut: new Map([[1, new Map([[log, count]])]]) })
  await trip.controlDocument.flush()
  const { name: control, summary } = trip.controlDocument
  const asked = (document: DocumentName) =>
    frames.filter((frame) => frame.kind === "vector" && frame.document === document)
  const served = (document: DocumentName, digest: Uint8Array): void => {
    exchange.take({ kind: "served", document, digest: wireDigest(digest) })
  }
  const unlike = new Uint8Array(32)
  exchange.take({ kind: "documents", conversation: trip.id, registers: new Uint8Array(), items: [] })
  await expect.poll(() => asked(control)).toHaveLength(1)
  served(control, unlike)
  await expect.poll(() => asked(segment.name)).toHaveLength(1)
  // It knew nothing of the conversation, and so it says nothing.
  served(segment.name, unlike)
  served(control, digestOf(summary))
  await expect.poll(() => asked(segment.name)).toHaveLength(2)
})

it.each([
  ["bob", "CLOCK_FAR_AHEAD"],
  ["bob", "NOT_MEMBER"],
  ["ann", "NOT_MEMBER"],
] as const)(
  "[P6] a register that is held here, of %s's, is offered again to a server that says %s",
  async (name, code) => {
    const { exchange, frames, replica, trip } = await sent()
    const { id } = await deviceNamed(name)
    const held = vi.spyOn(replica.registersOf(trip), "holds").mockReturnValue(true)
    exchange.take({ kind: "declined", conversation: trip.id, device: [id], code, retryAfterMs: 0 })
    await expect.poll(() => frames.filter(({ kind }) => kind === "clocks"), { timeout: 5_000 }).toHaveLength(1)
    expect(held).toHaveBeenCalledWith(id)
  },
)

it("[S3] a server with another store is known again when all was compared with it", async () => {
  const { acks, exchange } = await sent(true)
  const again = new Uint8Array(16).fill(1)
  expect([await acks.meet(server, again), await acks.meet(server, again)]).toEqual([true, true])
  exchange.take({ kind: "compared" })
  await expect.poll(() => acks.meet(server, again)).toBe(false)
})

it("[C10] where the control document brings nothing that entries of a segment rest on, nothing is asked for at once again", async () => {
  const { exchange, frames, segment, log, trip } = await sent()
  const { name: control, summary } = trip.controlDocument
  const asked = () => frames.flatMap((frame) => (frame.kind === "vector" ? frame.document : []))
  vi.spyOn(trip, "receive").mockResolvedValue([refusing(segment.name, log, { code: "CONTROL_UNKNOWN", at: 0 })])
  exchange.take({ kind: "update", id: 0, document: segment.name, update: new Uint8Array() })
  await expect.poll(asked).toEqual([control])
  exchange.take({ kind: "served", document: control, digest: wireDigest(digestOf(summary)) })
  await expect.poll(asked).toEqual([control, segment.name])
  exchange.take({ kind: "update", id: 0, document: segment.name, update: new Uint8Array() })
  exchange.take({ kind: "served", document: segment.name, digest: new Uint8Array(8) })
  // The segment alone, after a while.
  await expect.poll(asked, { timeout: 5_000 }).toHaveLength(3)
  expect(asked()).toEqual([control, segment.name, segment.name])
})

it("[S2, X4] more erasures at once than a frame takes go in several", async () => {
  const { frames, segment, replica, trip } = await sent()
  const targets = Array.from({ length: 250 }, (_, count) => ({
    device: replica.device,
    bodyHash: new Uint8Array(24).fill(count),
    kind: "message" as const,
  }))
  await trip.erase(segment, targets)
  await segment.flush()
  const records = frames.flatMap((frame) => (frame.kind === "records" ? [frame.records.length] : []))
  expect(Math.max(...records)).toBeLessThanOrEqual(RECORDS_PER_FRAME)
  expect(records.reduce((sum, count) => sum + count)).toBe(250)
})

it("[S2] more than a frame takes, as a mirror may bring it at once, goes in several", async () => {
  const { frames, replica } = await sent()
  const other = await Replica.open({
    ...{ storage: createMemoryStorage(), env: systemEnv, user: "ann" as UserId, signer: await deviceNamed("ann") },
    verify: async () => true,
    refusesKey: () => false,
  })
  await other.becomeWriter()
  const [{ publicKey }, { publicKey: issuer }] = [await deviceNamed("ann"), await deviceNamed("server")]
  const theirs = await other.create("Trip", [], [issuer])
  const signature = new Uint8Array(64)
  const certificate = { user: "ann" as UserId, publicKey, issuedAt: 1, issuer, signature }
  await theirs.govern({ kind: "introduce", certificate })
  await theirs.controlDocument.flush()
  const large = await theirs.segment(1)
  for (let count = 0; count < 12; count++) {
    theirs.post(new Map([["t", "x".repeat(60_000)]]), large)
    await large.flush()
  }
  const ours = await replica.conversation(theirs.id)
  for (const document of [theirs.controlDocument, large]) {
    const whole = encodeUpdate(Array.from((await document.contents()).values()))
    await ours.receive(await ours.document(document.name), whole, "a mirror")
  }
  await expect.poll(() => updates(frames, large.name)).toHaveLength(2)
  for (const { update } of updates(frames, large.name)) expect(update.length).toBeLessThan(MAX_FRAME_UPDATE_BYTES)
  await other.close()
})

it("[S5] a vector names as many records as its frame takes", async () => {
  const { exchange, frames, segment, trip } = await sent()
  const records = segment.summary.records
  for (let count = 0; count <= MAX_VECTOR_RECORDS; count++) {
    records.set(String(count).padStart(24, "A") as RecordId, {} as EraseRecord)
  }
  exchange.take({ kind: "documents", conversation: trip.id, registers: new Uint8Array(), items: [] })
  exchange.take({ kind: "served", document: trip.controlDocument.name, digest: new Uint8Array(8) })
  const named = () =>
    frames.flatMap((frame) => (frame.kind === "vector" && frame.document === segment.name ? frame.records.length : []))
  await expect.poll(named).toEqual([MAX_VECTOR_RECORDS])
})

it("[R2] records that come before the authority that they rest on are asked for again when it is here", async () => {
  const { exchange, frames, segment, trip } = await sent()
  const asked = () => frames.flatMap((frame) => (frame.kind === "vector" ? frame.document : []))
  vi.spyOn(segment, "receiveRecords").mockResolvedValueOnce(1)
  exchange.take({ kind: "records", id: 0, document: segment.name, records: [] })
  await expect.poll(asked).toEqual([trip.controlDocument.name])
  exchange.take({ kind: "served", document: trip.controlDocument.name, digest: new Uint8Array(8) })
  await expect.poll(asked).toEqual([trip.controlDocument.name, segment.name])
})
