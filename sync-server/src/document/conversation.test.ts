import {
  encodeRecord,
  encodeUpdate,
  WeftError,
  type ConversationId,
  type DocumentName,
  type UserId,
} from "@weft/sdk/protocol"
import { expect, it, onTestFinished } from "vitest"
import { anyMessage, ControlLog, eraseDraft, signRecord } from "../../../test/support/control-log.js"
import { makeDevice, makeLog } from "../../../test/support/device.js"
import { makeRegister } from "../../../test/support/registers.js"
import { openRegistry } from "../../../test/support/registry.js"
import { temporaryDirectory } from "../../../test/support/temporary.js"
import { openLevelStore } from "../store/level-store.js"
import type { Store } from "../store/store.js"
import type { Registry } from "./registry.js"
import type { Snapshot } from "./snapshot.js"
import type { Source } from "./source.js"
import { UserIndex } from "./user-index.js"

const [alice, bob, cat] = ["alice" as UserId, "bob" as UserId, "cat" as UserId]
const peer: Source = { kind: "peer", origin: {} }

/** A real store; `appending` is awaited before each append. */
async function openStore(appending: (document: string) => Promise<void> | void = () => undefined): Promise<Store> {
  const real = await openLevelStore({ directory: await temporaryDirectory() })
  onTestFinished(() => real.close())
  return new Proxy(real, {
    get(target, name) {
      if (name === "append")
        return async (append: Parameters<Store["append"]>[0]) => {
          await appending(append.document)
          return target.append(append)
        }
      const value: unknown = Reflect.get(target, name)
      return typeof value === "function" ? (value.bind(target) as unknown) : value
    },
  })
}

/** The codes with which a server refuses what a source brings, once the rest is durable. */
async function submit(
  registry: Registry,
  id: ConversationId,
  document: DocumentName,
  update: Uint8Array,
  source: Source = peer,
): Promise<string[]> {
  const { refused, durable } = await registry.conversation(id).submit(source, document, update)
  await durable
  return refused.map(({ code }) => code)
}

/** What a peer that holds nothing is given of a document. */
function readAll(registry: Registry, id: ConversationId, document: DocumentName): Promise<Snapshot> {
  return registry.conversation(id).read(undefined, document, { logs: new Map(), records: new Set() }, () => undefined)
}

it("[S4] who is added again before the removal is on the disk is a member in the index", async () => {
  let written: Promise<void> = Promise.resolve()
  const store = await openStore(() => written)
  const { registry } = openRegistry(store)
  const device = await makeDevice()
  const { control, base } = await ControlLog.begin(device, alice, [{ user: bob, role: "member" }])
  expect(await submit(registry, control.id, control.name, control.whole)).toEqual([])

  let write = (): void => undefined
  written = new Promise((resolve) => (write = resolve))
  const conversation = registry.conversation(control.id)
  const removal = await control.remove(device, bob, [base])
  const out = await conversation.submit(peer, control.name, control.last)
  const back = await control.write(device, { kind: "add", user: bob, role: "member" }, [removal])
  const again = await conversation.submit(peer, control.name, control.last)
  write()
  await Promise.all([out.durable, again.durable])
  await registry.settled()
  const indexed = async () => (await new UserIndex(store).conversations(bob)).get(control.id)
  expect([await registry.conversation(control.id).standing(bob), await indexed()]).toEqual(["member", "member"])

  await control.remove(device, bob, [back])
  expect(await submit(registry, control.id, control.name, control.last)).toEqual([])
  await registry.settled()
  expect(await indexed()).toBe("former")
})

/** Bob wrote a segment, and nobody else did; then he left, and the cut emptied it. He returns next. */
async function leaveEmptySegment(registry: Registry) {
  const [device, his] = [await makeDevice(), await makeDevice()]
  const { control, base } = await ControlLog.begin(device, alice, [{ user: bob, role: "member" }])
  const { id, name } = control
  const seen = [await control.introduce(his, bob, [base])]
  expect(await submit(registry, id, name, control.whole)).toEqual([])
  const segment = control.segment()
  const log = makeLog(his, segment)
  expect(await submit(registry, id, segment, encodeUpdate([await log.seal(anyMessage(seen))]))).toEqual([])
  const left = await control.remove(his, bob, seen)
  expect(await submit(registry, id, name, control.last)).toEqual([])
  await registry.settled()
  expect((await readAll(registry, id, segment)).heads.logs).toEqual([])
  await control.write(his, { kind: "return" }, [left])
  return { control, id, segment, whole: [{ log: log.id, count: 3 }] }
}

it("[A16, I2] a segment that a leaving had emptied is whole again when its author returns after a restart", async () => {
  const store = await openStore()
  const { control, id, segment, whole } = await leaveEmptySegment(openRegistry(store).registry)
  const { registry, relayed } = openRegistry(store)
  expect(await submit(registry, id, control.name, control.last)).toEqual([])
  await registry.settled()
  expect(relayed.filter(({ document }) => document === segment)).toHaveLength(1)
  expect((await readAll(registry, id, segment)).heads.logs).toEqual(whole)
  expect(await store.asides(segment)).toEqual([])
})

it.each(["at once", "after a restart"])(
  "[A16, I2] what the disk had no room for when its author returned is back once there is room, %s",
  async (when) => {
    let full: string | undefined
    const store = await openStore((document) => {
      if (document === full) throw new WeftError("STORE_QUOTA", "the disk is full")
    })
    const { registry } = openRegistry(store)
    const { control, id, segment, whole } = await leaveEmptySegment(registry)
    full = segment
    expect(await submit(registry, id, control.name, control.last)).toEqual(["STORAGE_FAILED"])
    await registry.settled()
    full = undefined
    const next = when === "at once" ? registry : openRegistry(store).registry
    // It was stored: only what follows from it was not.
    expect(await next.conversation(id).standing(bob)).toBe("member")
    expect((await readAll(next, id, segment)).heads.logs).toEqual(whole)
    expect(await store.asides(segment)).toEqual([])
  },
)

it("[P6] who asks for registers as a write of the conversation fails hears of that, and gets them the next time", async () => {
  let isFull = false
  const store = await openStore(() => {
    if (isFull) throw new WeftError("STORE_QUOTA", "the disk is full")
  })
  const { registry } = openRegistry(store)
  const device = await makeDevice()
  const { control, base } = await ControlLog.begin(device, alice)
  const { id, name } = control
  await control.introduce(device, alice, [base])
  expect(await submit(registry, id, name, control.whole)).toEqual([])
  const { bytes } = await makeRegister(device, id)
  const conversation = registry.conversation(id)
  expect((await conversation.submitRegisters(peer, [bytes])).refused).toEqual([])
  isFull = true
  await control.write(device, { kind: "title", title: "Trip" }, [base])
  const { durable } = await conversation.submit(peer, name, control.last)
  await expect(durable).rejects.toMatchObject({ code: "STORE_QUOTA" })
  const nothing = { registers: [], clocks: [] }
  expect(await conversation.readRegisters(alice, [])).toEqual({ refusal: "STORAGE_FAILED", ...nothing })
  expect(await registry.conversation(id).readRegisters(alice, [])).toMatchObject({ registers: [bytes] })
})

it("[A11] what was cut since its author's addition fell is back when the author is added, and introduced, again", async () => {
  const { registry } = openRegistry(await openStore())
  const [device, his, hers] = [await makeDevice(), await makeDevice(), await makeDevice()]
  const { control, base } = await ControlLog.begin(device, alice, [{ user: bob, role: "admin" }])
  const introduced = await control.introduce(his, bob, [base])
  const added = await control.write(his, { kind: "add", user: cat, role: "member" }, [introduced])
  const seen = await control.introduce(hers, cat, [added])
  const { id, name } = control
  expect(await submit(registry, id, name, control.whole)).toEqual([])
  const segment = control.segment()
  const log = makeLog(hers, segment)
  expect(await submit(registry, id, segment, encodeUpdate([await log.seal(anyMessage([seen]))]))).toEqual([])
  const heads = async () => (await readAll(registry, id, segment)).heads.logs
  // Alice had not seen whom bob added.
  const removal = await control.remove(device, bob, [introduced])
  expect(await submit(registry, id, name, control.last)).toEqual([])
  expect(await heads()).toEqual([])
  const back = await control.write(device, { kind: "add", user: cat, role: "member" }, [removal, seen])
  expect(await submit(registry, id, name, control.last)).toEqual([])
  expect(await heads()).toEqual([])
  await control.introduce(hers, cat, [back])
  expect(await submit(registry, id, name, control.last)).toEqual([])
  expect(await heads()).toEqual([{ log: log.id, count: 3 }])
})

it("[X2, I1] a record that let a hole in while its own log was refused is stored and relayed", async () => {
  const store = await openStore()
  const { registry, relayed } = openRegistry(store)
  const device = await makeDevice()
  const { control, base } = await ControlLog.begin(device, alice)
  const { id, name } = control
  expect(await submit(registry, id, name, control.whole)).toEqual([])
  const segment = control.segment()
  // So many that the summary is not written anew for little.
  const before = await Promise.all(Array.from({ length: 20 }, () => makeLog(device, segment).seal(anyMessage([base]))))
  expect(await submit(registry, id, segment, encodeUpdate(before))).toEqual([])
  const message = anyMessage([base])
  const run = await makeLog(device, segment).seal(message)
  const [head = null, , seal = null] = run.elements
  const record = await signRecord(segment, device, { author: device, body: message.body }, [base])
  // Its author had seen what is not here yet.
  const unknown = await control.write(device, { kind: "title", title: "Lisbon" }, [base])
  const erasing = await makeLog(device, segment).seal(eraseDraft(record, [unknown]))
  const update = encodeUpdate([{ ...run, elements: [head, null, seal] }, erasing])
  expect(await submit(registry, id, segment, update)).toEqual(["CONTROL_UNKNOWN"])
  await registry.settled()
  expect(relayed.at(-1)?.records).toEqual([record])
  const live = await readAll(registry, id, segment)
  expect(live.records).toEqual([encodeRecord(record)])
  const { records, digest } = await readAll(openRegistry(store).registry, id, segment)
  expect({ records, digest }).toEqual({ records: live.records, digest: live.digest })
})

it("[R3, I6] what a peer let in is taken also where a cut has left a gap before it", async () => {
  const [device, hers] = [await makeDevice(), await makeDevice()]
  const { control, base } = await ControlLog.begin(device, alice, [{ user: cat, role: "member" }])
  const seen = [await control.introduce(hers, cat, [base])]
  const { id, name } = control
  const one = openRegistry(await openStore()).registry
  expect(await submit(one, id, name, control.whole)).toEqual([])
  for (const [author, number] of [
    [device, 1],
    [hers, 9],
    [device, 17],
  ] as const) {
    const update = encodeUpdate([await makeLog(author, control.segment(number)).seal(anyMessage(seen))])
    const source: Source = { kind: "device", user: alice, device: device.id, origin: {} }
    expect(await submit(one, id, control.segment(number), update, source)).toEqual([])
  }
  await control.remove(device, cat, seen)
  expect(await submit(one, id, name, control.last)).toEqual([])

  const other = openRegistry(await openStore()).registry
  expect(await submit(other, id, name, control.whole)).toEqual([])
  for (const number of [1, 17]) {
    const { runs, digest } = await readAll(one, id, control.segment(number))
    expect(await submit(other, id, control.segment(number), encodeUpdate(runs))).toEqual([])
    expect((await readAll(other, id, control.segment(number))).digest).toEqual(digest)
  }
})

it("[L1, I6] how many records a document may have binds users; of a peer all are taken", async () => {
  const device = await makeDevice()
  const { control, base } = await ControlLog.begin(device, alice)
  const { id, name } = control
  const { registry } = openRegistry(await openStore(), { documentRecords: 1 })
  expect(await submit(registry, id, name, control.whole)).toEqual([])
  const segment = control.segment()
  const bring = async (source: Source): Promise<string[]> => {
    const { body } = anyMessage([base])
    const record = encodeRecord(await signRecord(segment, device, { author: device, body }, [base]))
    const { refused, durable } = await registry.conversation(id).submitRecords(source, segment, [record])
    await durable
    return refused.map(({ code }) => code)
  }
  const source: Source = { kind: "device", user: alice, device: device.id, origin: {} }
  expect([await bring(source), await bring(source), await bring(peer)]).toEqual([[], ["QUOTA_EXCEEDED"], []])
  expect((await readAll(registry, id, segment)).records).toHaveLength(2)
})

it("[A13, I7] a removed moderator goes on erasing what it wrote, and nothing of others", async () => {
  const [device, his, hers] = [await makeDevice(), await makeDevice(), await makeDevice()]
  const { control, base } = await ControlLog.begin(device, alice, [
    { user: bob, role: "moderator" },
    { user: cat, role: "member" },
  ])
  const introduced = await control.introduce(his, bob, [base])
  const seen = [await control.introduce(hers, cat, [introduced])]
  const { id, name } = control
  const { registry } = openRegistry(await openStore())
  expect(await submit(registry, id, name, control.whole)).toEqual([])
  const segment = control.segment()
  const source: Source = { kind: "device", user: bob, device: his.id, origin: {} }
  const [mine, other, late] = [anyMessage(seen), anyMessage(seen), anyMessage(seen)]
  const log = makeLog(his, segment)
  const written = [await log.seal(mine), await makeLog(hers, segment).seal(other)]
  expect(await submit(registry, id, segment, encodeUpdate(written))).toEqual([])
  const cut = new Map([[1, new Map([[log.id, 3]])]])
  await control.write(device, { kind: "remove", user: bob, cut }, seen)
  expect(await submit(registry, id, name, control.last)).toEqual([])

  const sign = (author: typeof his, { body }: typeof mine) => signRecord(segment, his, { author, body }, seen)
  const records = [await sign(his, mine), await sign(hers, other)]
  const outcome = await registry.conversation(id).submitRecords(source, segment, records.map(encodeRecord))
  await outcome.durable
  expect(outcome.refused.map(({ code }) => code)).toEqual(["PAST_CUT"])
  // Nor does a hole in what is not here yet bring one along.
  const run = await makeLog(hers, segment).seal(late)
  const [head = null, , seal = null] = run.elements
  const erasing = await makeLog(his, segment).seal(eraseDraft(await sign(hers, late), seen))
  const update = encodeUpdate([{ ...run, elements: [head, null, seal] }, erasing])
  expect((await submit(registry, id, segment, update, source)).sort()).toEqual(["DELETED_UNNAMED", "PAST_CUT"])
  expect((await readAll(registry, id, segment)).records).toEqual(records.slice(0, 1).map(encodeRecord))
})
