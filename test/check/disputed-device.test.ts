/* A device whose key two users have certificates for, and what became of it on replicas that heard of them one after the other. */
import {
  decodeRecord,
  digestOf,
  encodeRecord,
  encodeUpdate,
  hex,
  readRun,
  type ConversationId,
  type DocumentName,
  type Draft,
  type EraseRecord,
  type LogRun,
  type UserId,
  wireDigest,
} from "@weft/sdk/protocol"
import { expect, it, onTestFinished } from "vitest"
import { openLevelStore } from "../../sync-server/src/store/level-store.js"
import { anyMessage, ControlLog, eraseDraft, signRecord } from "../support/control-log.js"
import { makeDevice, makeLog } from "../support/device.js"
import { makeRegister } from "../support/registers.js"
import { openRegistry } from "../support/registry.js"
import { randomOf } from "../support/seed.js"
import { temporaryDirectory } from "../support/temporary.js"
import { CheckDevice } from "./device.js"

const [alice, bob, cat] = ["alice" as UserId, "bob" as UserId, "cat" as UserId]

/** Bob, a member, and cat, a reader, are one person, who introduces one device for both of them. */
async function writeTwice() {
  const [hers, both, his] = [await makeDevice(), await makeDevice(), await makeDevice()]
  const { control, base } = await ControlLog.begin(hers, alice, [
    { user: bob, role: "member" },
    { user: cat, role: "reader" },
  ])
  const title = await control.write(hers, { kind: "title", title: "Lisbon" }, [base])
  const introduced = await control.introduce(his, bob, [base])
  const known = control.whole
  // Of two sessions, neither of which had seen the other; the deeper one is the second in order. [SPEC A2]
  const forBob = await control.introduce(both, bob, [title])
  const asBob = control.last
  await control.introduce({ ...both }, cat, [base])
  const asCat = control.last
  const segment = control.segment()
  const said = Array.from({ length: 3 }, () => anyMessage([forBob]))
  const [, taken, erased] = said as [Draft, Draft, Draft]
  const own = await signRecord(segment, both, { author: both, body: erased.body }, [forBob])
  const log = makeLog(both, segment)
  const runs = [
    await makeLog(hers, segment).seal(anyMessage([base])),
    await log.seal(...said),
    await log.seal(eraseDraft(own, [forBob])),
  ]
  return {
    control,
    both,
    known,
    asBob,
    asCat,
    segment,
    honest: encodeUpdate(runs.slice(0, 1)),
    disputed: encodeUpdate([log.whole]),
    /** By bob's other device, which had not heard of this one. */
    record: await signRecord(segment, his, { author: both, body: taken.body }, [introduced]),
  }
}

interface Party {
  take(document: DocumentName, update: Uint8Array): Promise<string[]>
  takeRecords(document: DocumentName, records: readonly EraseRecord[]): Promise<void>
  holds(document: DocumentName): Promise<{
    readonly runs: readonly LogRun[]
    readonly records: readonly EraseRecord[]
    readonly digest: Uint8Array
  }>
}

interface Server extends Party {
  takeRegister(bytes: Uint8Array): Promise<string[]>
  registers(): Promise<readonly Uint8Array[]>
}

async function openServer(id: ConversationId): Promise<Server> {
  const store = await openLevelStore({ directory: await temporaryDirectory() })
  onTestFinished(() => store.close())
  const { registry } = openRegistry(store)
  const source = { kind: "peer", origin: {} } as const
  return {
    take: async (document, update) => {
      const { refused, durable } = await registry.conversation(id).submit(source, document, update)
      await durable
      await registry.settled()
      return refused.map(({ code }) => code)
    },
    takeRecords: async (document, records) => {
      const { durable } = await registry.conversation(id).submitRecords(source, document, records.map(encodeRecord))
      await durable
    },
    takeRegister: async (bytes) => {
      const { refused, durable } = await registry.conversation(id).submitRegisters(source, [bytes])
      await durable
      return refused.map(({ code }) => code)
    },
    registers: async () => (await registry.conversation(id).readRegisters(undefined, [])).registers,
    holds: async (document) => {
      const held = { logs: new Map(), records: new Set<never>() }
      const { runs, records, digest } = await registry.conversation(id).read(undefined, document, held, () => undefined)
      return { runs, records: records.flatMap((record) => decodeRecord(record) ?? []), digest }
    },
  }
}

interface Device extends Party {
  /** What a person would see. */
  screen(): Promise<readonly unknown[]>
}

async function openDevice(id: ConversationId, name: string): Promise<Device> {
  const device = await CheckDevice.start(name, name, id, randomOf(1), { now: Date.now() })
  return {
    take: (document, update) => device.take(document, update),
    takeRecords: (document, records) => device.takeRecords(document, records),
    holds: async (document) => {
      const summary = await device.summary(document)
      const runs = Array.from((await device.contents(document)).values())
      return { runs, records: Array.from(summary.records.values()), digest: wireDigest(digestOf(summary)) }
    },
    screen: () => device.screen(),
  }
}

/** Each gives the others what it holds. */
async function meet(parties: readonly Party[], documents: readonly DocumentName[]): Promise<void> {
  for (const document of documents) {
    for (const from of parties) {
      const { runs, records } = await from.holds(document)
      for (const to of parties) {
        if (records.length > 0) await to.takeRecords(document, records)
        if (runs.length > 0) await to.take(document, encodeUpdate(runs))
      }
    }
  }
}

/** One hears of both users after the messages, the other before; then they meet, and must agree. */
async function judge(parties: readonly [Party, Party], written: Awaited<ReturnType<typeof writeTwice>>) {
  const { control, known, asBob, asCat, segment, honest, disputed, record } = written
  const [one, two] = parties
  for (const party of parties) {
    expect(await party.take(control.name, known)).toEqual([])
    expect(await party.take(segment, honest)).toEqual([])
  }
  expect(await one.take(control.name, asBob)).toEqual([])
  expect(await one.take(segment, disputed)).toEqual([])
  await one.takeRecords(segment, [record])
  const before = await one.holds(segment)
  expect([before.runs.length, before.records.length]).toEqual([2, 2])
  expect(await one.take(control.name, asCat)).toEqual([])
  expect(await two.take(control.name, asCat)).toEqual([])
  expect(await two.take(control.name, asBob)).toEqual([])
  const refused = await two.take(segment, disputed)
  await meet(parties, [control.name, segment])
  const [first, second] = [await one.holds(segment), await two.holds(segment)]
  expect(first.digest).toEqual(second.digest)
  expect(first.runs).toEqual(second.runs)
  expect(first.runs.flatMap((run) => readRun(run))).toHaveLength(1)
  // What it erased, and what was erased of it, stays so.
  const records = (party: typeof first): string[] => party.records.map((each) => hex(encodeRecord(each))).sort()
  expect(records(first)).toEqual(records(second))
  expect(first.records).toHaveLength(2)
  expect((await one.holds(control.name)).digest).toEqual((await two.holds(control.name)).digest)
  expect(refused).toEqual(["PAST_CUT"])
}

const title = "of a device that two users' certificates name nothing stands, whichever of them came first"

it(`[A5, A11, I4] ${title}: servers`, async () => {
  const written = await writeTwice()
  const { both, control, known, asBob } = written
  const [one, two] = [await openServer(control.id), await openServer(control.id)]
  await judge([one, two], written)
  const { bytes } = await makeRegister(both, control.id)
  expect(await two.takeRegister(bytes)).toEqual(["KEY_REFUSED"])
  const three = await openServer(control.id)
  await three.take(control.name, known)
  await three.take(control.name, asBob)
  expect(await three.takeRegister(bytes)).toEqual([])
  expect(await three.registers()).toEqual([bytes])
  await three.take(control.name, written.asCat)
  expect(await three.registers()).toEqual([])
})

it(`[A5, A11, I4] ${title}: devices`, async () => {
  const written = await writeTwice()
  const { id } = written.control
  const [one, two] = [await openDevice(id, "one"), await openDevice(id, "two")]
  await judge([one, two], written)
  const screen = await one.screen()
  expect(screen).toHaveLength(1)
  expect(screen).toEqual(await two.screen())
})
