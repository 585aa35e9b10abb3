import { describe, expect, it, vi } from "vitest"
import { manualEnv } from "../../../test/support/manual-env.js"
import type { ControlState } from "../authority/state.js"
import { WeftError } from "../base/errors.js"
import { createSignal } from "../base/store.js"
import { GUARD_KEY, readPrefix } from "../log/keys.js"
import { signRegister, type RegisterVector, type SignedRegister } from "../log/register.js"
import { deviceNamed, type NamedDevice } from "../log/scenario.js"
import { restHash } from "../log/register-vector.js"
import { emptySummary, type LogSummary } from "../log/summary.js"
import { threadName } from "../log/thread-name.js"
import { utf8 } from "../protocol/bytes.js"
import type { Clock, MessageId } from "../protocol/entry.js"
import { MAX_REGISTER_THREAD_LOGS } from "../protocol/limits.js"
import {
  clientIdOf,
  logIdOf,
  segmentDocument,
  type ConversationId,
  type DeviceId,
  type LogId,
  type UserId,
} from "../protocol/names.js"
import { createMemoryStorage, type MemorySnapshot, type MemoryStorage } from "../storage/memory.js"
import { prefixRange } from "../storage/storage.js"
import type { ReplicaConversation } from "./conversation.js"
import { ImprintKeeper } from "./imprint-keeper.js"
import type { OwnMessage } from "./own-receipts.js"
import { decodeCounts } from "./register-codec.js"
import { ConversationRegisters } from "./registers.js"

const trip = "t".repeat(24) as ConversationId
const segment = segmentDocument(trip, 1)
const [ann, bob] = ["ann" as UserId, "bob" as UserId]
const root = `${"b".repeat(24)}.${"r".repeat(32)}` as MessageId
const COUNT = 4

/** Logs of a device of bob's, each with two messages. */
function logsOf(device: DeviceId, many: number): LogId[] {
  return Array.from({ length: many }, (_, index) => logIdOf(device, Uint8Array.of(0, index >> 8, index & 255)))
}

/** A clone of ann's device, in whose conversation are these logs; `chance`: how long it waits before it speaks. */
async function clone(
  device: NamedDevice,
  logs: readonly LogId[],
  chance: number,
  storage: MemoryStorage = createMemoryStorage(),
) {
  const env = { ...manualEnv(), randomBytes: (length: number) => new Uint8Array(length).fill(chance) }
  const guard = { key: GUARD_KEY, value: utf8("held") }
  await storage.write([{ kind: "put", ...guard }])
  const summaries = logs.map((log): [number, LogSummary] => {
    const client = clientIdOf(segment, log)
    return [client, { log, client, count: COUNT, link: new Uint8Array(32) } as unknown as LogSummary]
  })
  const state = {
    members: new Map([ann, bob].map((user) => [user, "member"])),
    devices: new Map([[device.id, { user: ann, certified: true }]]),
    claimedUser: () => ann,
    disputed: new Set(),
    direct: false,
  } as unknown as ControlState
  const conversation = {
    ...{ id: trip, state, changes: createSignal(), segmentNumbers: [1] },
    imprint: new ImprintKeeper(trip, () => undefined),
    segment: async () => ({ summary: { ...emptySummary(segment), logs: new Map(summaries) } }),
  } as unknown as ReplicaConversation
  const registers = await ConversationRegisters.load({
    ...{ conversation, storage, env, signer: device, device: device.id, user: ann },
    now: () => env.now(),
    guard: () => guard,
    sharesReads: () => true,
    blocked: () => new Set(),
    failed: (error) => {
      throw error
    },
    verify: async () => true,
    refusesKey: () => false,
  })
  const written: SignedRegister[] = []
  registers.written.on((register) => written.push(register))
  return { env, registers, written, conversation, storage }
}

type Clone = Awaited<ReturnType<typeof clone>>

/** Everything that either says is heard by the other, until both are silent; how often each spoke. */
async function converse(clones: readonly [Clone, Clone]): Promise<number[]> {
  const spoken = [0, 0]
  for (let round = 0; round < 20; round++) {
    for (const { env, registers } of clones) {
      env.advance(5_000)
      await registers.take([])
    }
    const said = clones.map(({ written }) => written.splice(0))
    if (said.every(({ length }) => length === 0)) break
    for (const [index, list] of said.entries()) {
      spoken[index] = (spoken[index] ?? 0) + list.length
      await clones[1 - index]?.registers.take(list.map(({ bytes }) => bytes))
    }
  }
  return spoken
}

function read(logs: readonly LogId[], count = COUNT): ReadonlyMap<number, ReadonlyMap<LogId, number>> {
  return new Map([[1, new Map(logs.map((log) => [log, count]))]])
}

describe.each([
  [0, 200],
  [200, 0],
])("registers of clones that wait for %d and %d before they speak", (...chances) => {
  async function makeClones(many: number) {
    const device = await deviceNamed("ann's")
    const logs = logsOf((await deviceNamed("bob's")).id, many)
    return { logs, clones: [await clone(device, logs, chances[0]), await clone(device, logs, chances[1])] as const }
  }

  it("[P4] end the same, and say all that either has read", async () => {
    const { logs, clones } = await makeClones(3)
    const [one, other] = clones
    await one.registers.advanceRead(read(logs.slice(0, 1)))
    await one.registers.advanceRead(read(logs.slice(0, 1)), root)
    await other.registers.advanceRead(read(logs.slice(1, 2), 2))
    await other.registers.advanceRead(read(logs.slice(2)), root)
    for (const spoken of await converse(clones)) expect(spoken).toBeLessThanOrEqual(2)
    expect(one.registers.own?.bytes).toEqual(other.registers.own?.bytes)
    const countsOf = (held: readonly { readonly client: number; readonly count: number }[] = []): number[] =>
      logs.map((log) => held.find(({ client }) => client === clientIdOf(segment, log))?.count ?? 0)
    const own = one.registers.own
    expect(countsOf(own?.read?.logs)).toEqual([4, 2, 0])
    expect(own?.threads.map(({ thread }) => thread)).toEqual([threadName(root)])
    expect(countsOf(own?.threads[0]?.logs)).toEqual([4, 0, 4])
  })

  it("[P4] end, also where each has read what the other's has no room for; and begin again with news", async () => {
    const { logs, clones } = await makeClones(MAX_REGISTER_THREAD_LOGS + 1)
    const [one, other] = clones
    await one.registers.advanceRead(read(logs.slice(0, -1), 2), root)
    await other.registers.advanceRead(read(logs.slice(1), 2), root)
    for (const spoken of await converse(clones)) expect(spoken).toBeLessThanOrEqual(2)
    expect(one.registers.own?.bytes).toEqual(other.registers.own?.bytes)
    await one.registers.advanceRead(read(logs.slice(0, 1)), root)
    const [spoken = 0, answered = 0] = await converse(clones)
    expect(spoken).toBeGreaterThan(0)
    expect(spoken + answered).toBeLessThanOrEqual(4)
    expect(one.registers.own?.bytes).toEqual(other.registers.own?.bytes)
  })
})

/** One that says nothing. */
function registerOf(device: NamedDevice, clock: number): Promise<SignedRegister> {
  const nothing = { through: 0, rest: new Uint8Array(16), logs: [] }
  return signRegister(trip, { clock: clock as Clock, delivered: nothing, read: undefined, threads: [] }, device)
}

it("[P5, S13] one that the storage did not take is not here: the digest says so, and it may come again", async () => {
  const bobs = await deviceNamed("bob's")
  const { registers, conversation, storage } = await clone(await deviceNamed("ann's"), [], 0)
  Object.assign(conversation.state, { devices: new Map([[bobs.id, { user: bob, certified: true }]]) })
  const [first, second] = [await registerOf(bobs, 1), await registerOf(bobs, 2)]
  const refuse = (): void => {
    vi.spyOn(storage, "write").mockRejectedValueOnce(new WeftError("STORE_QUOTA", "full"))
  }
  const clocks: unknown[] = []
  for (const { bytes } of [first, second]) {
    refuse()
    await expect(registers.take([bytes])).rejects.toMatchObject({ code: "STORE_QUOTA" })
    clocks.push(registers.clocks.map(({ clock }) => clock))
    await registers.take([bytes])
    clocks.push(registers.clocks.map(({ clock }) => clock))
  }
  expect(clocks).toEqual([[], [1], [1], [2]])
})

it("[P7] what was read while the storage failed is stored with what is read next", async () => {
  const logs = logsOf((await deviceNamed("bob's")).id, 2)
  const { registers, storage } = await clone(await deviceNamed("ann's"), logs, 0)
  vi.spyOn(storage, "write").mockRejectedValueOnce(new WeftError("STORE_QUOTA", "full"))
  await expect(registers.advanceRead(read(logs))).rejects.toMatchObject({ code: "STORE_QUOTA" })
  expect(await storage.scan(prefixRange(readPrefix(trip)))).toEqual([])
  // The same once more is no news, but for the storage.
  await registers.advanceRead(read(logs.slice(0, 1)))
  const [stored] = await storage.scan(prefixRange(readPrefix(trip)))
  expect(stored && Array.from(decodeCounts(stored.value).values())).toEqual([COUNT, COUNT])
})

it("[P6] one that comes before what lets its user in waits for that, as one does before its device's introduction", async () => {
  const [anns, bobs] = [await deviceNamed("ann's"), await deviceNamed("bob's")]
  const { registers, conversation } = await clone(anns, [], 0)
  const { state } = conversation
  const authority = (user: UserId | undefined, members: readonly UserId[]): void => {
    const devices = new Map(user === undefined ? [] : [[bobs.id, { user, certified: true }]])
    const known = { devices, members: new Map(members.map((member) => [member, "member"])), claimedUser: () => user }
    Object.assign(conversation, { state: { ...state, ...known } })
    conversation.changes.emit({ kind: "control" })
  }
  const nothing = { through: 0, rest: new Uint8Array(16), logs: [] }
  const { bytes } = await signRegister(
    trip,
    { clock: 1 as Clock, delivered: nothing, read: undefined, threads: [] },
    bobs,
  )
  for (const [user, members] of [
    [undefined, []],
    [bob, [ann]],
  ] as const) {
    authority(user, members)
    expect(await registers.take([bytes])).toEqual([])
    expect([registers.holds(bobs.id), registers.isWaiting]).toEqual([false, true])
  }
  authority(bob, [ann, bob])
  await registers.take([])
  expect([registers.holds(bobs.id), registers.isWaiting]).toEqual([true, false])
})

/** Of bob's device, which has so much of ann's log, and whatever the hash stands for. */
function registerOn(
  device: NamedDevice,
  log: LogId,
  more: Partial<RegisterVector> = {},
  clock = 1 as Clock,
): Promise<SignedRegister> {
  const delivered = {
    ...{ through: 0, rest: new Uint8Array(16), logs: [{ segment: 1, client: clientIdOf(segment, log), count: COUNT }] },
    ...more,
  }
  return signRegister(trip, { clock, delivered, read: undefined, threads: [] }, device)
}

/** Ann's, in whose conversation bob's device has its place. */
async function withBob(anns: NamedDevice, bobs: NamedDevice, logs: readonly LogId[], storage?: MemoryStorage) {
  const made = await clone(anns, logs, 0, storage)
  const devices = new Map([anns, bobs].map(({ id }, index) => [id, { user: index === 0 ? ann : bob, certified: true }]))
  const claimedUser = (id: DeviceId) => devices.get(id)?.user
  Object.assign(made.conversation.state, { devices, claimedUser, isFor: () => true })
  return made
}

const messageIn = (log: LogId): OwnMessage => ({
  copies: [{ document: segment, log, position: 0 }],
  seen: [],
  root: undefined,
})

it("[P8] what a register said is stored with it, also where the storage took it at the second try alone", async () => {
  const [anns, bobs] = [await deviceNamed("ann's"), await deviceNamed("bob's")]
  const [log] = logsOf(anns.id, 1) as [LogId]
  const { registers, storage } = await withBob(anns, bobs, [log])
  const { bytes } = await registerOn(bobs, log)
  vi.spyOn(storage, "write").mockRejectedValueOnce(new WeftError("STORE_QUOTA", "full"))
  const told: (readonly number[] | undefined)[] = []
  registers.changes.on((segments) => told.push(segments && Array.from(segments)))
  await expect(registers.take([bytes])).rejects.toMatchObject({ code: "STORE_QUOTA" })
  await registers.take([bytes])
  // What it says is told with it, and not again.
  const { bytes: newer } = await registerOn(bobs, log, {}, 2 as Clock)
  await registers.take([newer])
  expect(told).toEqual([[1], []])
  const after = await withBob(anns, bobs, [log], storage)
  expect(after.registers.receipts.statusOf(messageIn(log))).toBe("delivered")
})

it("[P8] a register that a crash left here has said what it says of own messages", async () => {
  const [anns, bobs] = [await deviceNamed("ann's"), await deviceNamed("bob's")]
  const [log] = logsOf(anns.id, 1) as [LogId]
  const { registers, storage } = await withBob(anns, bobs, [log])
  const images: MemorySnapshot[] = []
  const { write } = storage
  vi.spyOn(storage, "write").mockImplementation(async (...args) => {
    await write(...args)
    images.push(storage.snapshot())
  })
  await registers.take([(await registerOn(bobs, log)).bytes])
  expect(registers.receipts.statusOf(messageIn(log))).toBe("delivered")
  for (const snapshot of images) {
    const after = await withBob(anns, bobs, [log], createMemoryStorage({ snapshot }))
    expect([after.registers.holds(bobs.id), after.registers.receipts.statusOf(messageIn(log))]).toEqual([
      true,
      "delivered",
    ])
  }
})

it("[P8] a register that was not understood as it came is when what it speaks of is here, after a restart too", async () => {
  const [anns, bobs] = [await deviceNamed("ann's"), await deviceNamed("bob's")]
  const [log] = logsOf(anns.id, 1) as [LogId]
  const [late] = logsOf((await deviceNamed("cat's")).id, 1) as [LogId]
  // Bob's has both, and lists neither.
  const { conversation: whole } = await withBob(anns, bobs, [log, late])
  const segments = new Map([[1, (await whole.segment(1)).summary]])
  const { bytes } = await registerOn(bobs, log, {
    ...{ through: 1, logs: [], rest: restHash(trip, bobs.id, segments, 1, []) },
  })
  const before = await withBob(anns, bobs, [log])
  await before.registers.take([bytes])
  expect(before.registers.receipts.statusOf(messageIn(log))).toBeUndefined()
  const { registers, conversation } = await withBob(anns, bobs, [log, late], before.storage)
  const accepted = { kind: "accepted", entries: [{ log: late }], source: "a server" }
  conversation.changes.emit({ kind: "document", document: { name: segment }, change: accepted } as never)
  await registers.take([])
  expect(registers.receipts.statusOf(messageIn(log))).toBe("delivered")
})
