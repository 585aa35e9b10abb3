import {
  certificateMessage,
  controlIdOf,
  conversationIdOf,
  conversationOf,
  encodeControl,
  encodeUpdate,
  controlDocument,
  encodeRecord,
  hashBody,
  hex,
  recordMessage,
  segmentDocument,
  systemEnv,
  WeftError,
  type ConversationId,
  type DocumentName,
  type Draft,
  type InitialMember,
  type UserId,
} from "@weft/sdk/protocol"
import { expect, it, onTestFinished, vi } from "vitest"
import { makeDevice, makeLog, type TestDevice, type TestLog } from "../../../test/support/device.js"
import { clockNow } from "../../../test/support/raw-client.js"
import { makeRegister } from "../../../test/support/registers.js"
import { openRegistry } from "../../../test/support/registry.js"
import { temporaryDirectory } from "../../../test/support/temporary.js"
import { openLevelStore } from "../store/level-store.js"
import { createMerger } from "../store/merge.js"
import type { Store } from "../store/store.js"
import type { Registry } from "./registry.js"
import type { Source } from "./source.js"

const alice = "alice" as UserId

/** A real store whose appends fail, or wait, while told so; loads of one document wait, too. */
async function openFailingStore(): Promise<{
  store: Store
  fail(failing: boolean): void
  wait(until: Promise<void>): void
  waitToLoad(document: DocumentName, until: Promise<void>): void
}> {
  const real = await openLevelStore({ directory: await temporaryDirectory() })
  onTestFinished(() => real.close())
  let failing = false
  let until: Promise<void> | undefined
  const loads = new Map<DocumentName, Promise<void>>()
  const store = new Proxy(real, {
    get(target, name) {
      if (name === "append" && until !== undefined) {
        return async (...args: Parameters<Store["append"]>) => {
          await until
          if (failing) throw new WeftError("STORE_QUOTA", "the disk is full")
          return target.append(...args)
        }
      }
      if (name === "load") {
        return async (document: DocumentName) => {
          await loads.get(document)
          return target.load(document)
        }
      }
      if ((name === "append" || name === "putRegisters") && failing) {
        return async () => {
          await new Promise((resolve) => setTimeout(resolve, 5))
          throw new WeftError("STORE_QUOTA", "the disk is full")
        }
      }
      const value: unknown = Reflect.get(target, name)
      return typeof value === "function" ? (value.bind(target) as unknown) : value
    },
  })
  return {
    store,
    fail: (now) => {
      failing = now
    },
    wait: (moment) => {
      until = moment
    },
    waitToLoad: (document, moment) => {
      loads.set(document, moment)
    },
  }
}

/** A conversation of one device, as updates that its server takes. */
async function writeConversation(
  device: TestDevice,
  members: readonly InitialMember[] = [],
): Promise<{
  id: ConversationId
  control: Uint8Array
  /** What its owner writes next in the control document: that somebody is out, and nothing of theirs stays. */
  remove(user: UserId): Promise<Uint8Array>
  log: TestLog
  message(text?: string): Draft
}> {
  const salt = (): Uint8Array => systemEnv.randomBytes(12)
  const body = encodeControl({ kind: "create", user: alice, title: "", trust: [device.publicKey], members }, salt())
  const id = conversationIdOf(device.id, body)
  const log = makeLog(device, controlDocument(id))
  const create: Draft = { class: "control", clock: clockNow(), body, seen: [] }
  const created = controlIdOf(device.id, (await log.seal(create)).elements[0] ?? new Uint8Array())
  // The test's device is its own issuer.
  const fields = { user: alice, publicKey: device.publicKey, issuedAt: 1, issuer: device.publicKey }
  const certificate = { ...fields, signature: await device.sign(certificateMessage(fields)) }
  const introduction = encodeControl({ kind: "introduce", certificate }, salt())
  const run = await log.seal({ class: "control", clock: clockNow(), body: introduction, seen: [created] })
  const introduced = controlIdOf(device.id, run.elements[0] ?? new Uint8Array())
  return {
    id,
    control: encodeUpdate([log.whole]),
    remove: async (user) => {
      const body = encodeControl({ kind: "remove", user, cut: new Map() }, salt())
      return encodeUpdate([await log.seal({ class: "control", clock: clockNow(), body, seen: [introduced] })])
    },
    log: makeLog(device, segmentDocument(id, 1)),
    message: () => ({
      class: "message",
      clock: clockNow(),
      body: Uint8Array.of(2, ...salt(), 126, 1),
      seen: [introduced],
    }),
  }
}

it("[I1] what could not be stored is refused for now, is not relayed, and may come again", async () => {
  const { store, fail, wait } = await openFailingStore()
  const { registry, relayed } = openRegistry(store)
  const device = await makeDevice()
  const { id, control, log, message } = await writeConversation(device)
  const source: Source = { kind: "device", user: alice, device: device.id, origin: {} }
  const opened = await registry.conversation(id).submit(source, controlDocument(id), control)
  expect(opened.refused).toEqual([])
  await opened.durable

  const name = segmentDocument(id, 1)
  const first = encodeUpdate([await log.seal(message("one"))])
  const second = encodeUpdate([await log.seal(message("two"))])
  fail(true)
  let fall = (): void => undefined
  wait(new Promise((resolve) => (fall = resolve)))
  const one = await registry.conversation(id).submit(source, name, first)
  const two = await registry.conversation(id).submit(source, name, second)
  fall()
  // Both pass the check; neither is durable, the second because the first is not.
  await expect(one.durable).rejects.toMatchObject({ code: "STORE_QUOTA" })
  await expect(two.durable).rejects.toMatchObject({ code: "STORE_QUOTA" })
  expect(relayed.filter(({ document }) => document === name)).toEqual([])

  const later = await registry.conversation(id).submit(source, name, second)
  expect(later.refused.map(({ code }) => code)).toEqual(["GAP"])
  fail(false)
  await (
    await registry.conversation(id).submit(source, name, first)
  ).durable
  await (
    await registry.conversation(id).submit(source, name, second)
  ).durable
  await registry.settled()
  expect(relayed.filter(({ document }) => document === name).length).toBe(2)
  expect((await store.updates(name)).length).toBe(2)
})

it("[S6] what is sent again is acknowledged when the first copy is durable, not before", async () => {
  const { store, fail, wait } = await openFailingStore()
  const { registry } = openRegistry(store)
  const device = await makeDevice()
  const { id, control } = await writeConversation(device)
  const source: Source = { kind: "device", user: alice, device: device.id, origin: {} }
  let release = (): void => undefined
  wait(new Promise((resolve) => (release = resolve)))
  fail(true)
  const [one, two] = await Promise.all([
    registry.conversation(id).submit(source, controlDocument(id), control),
    registry.conversation(id).submit(source, controlDocument(id), control),
  ])
  expect([one.refused, two.refused]).toEqual([[], []])
  const ended = Promise.allSettled([one.durable, two.durable])
  release()
  expect((await ended).map(({ status }) => status)).toEqual(["rejected", "rejected"])
})

/** A conversation whose control document is stored, and its first segment, in which nothing is written yet. */
async function storedConversation(store: Store) {
  const { registry } = openRegistry(store)
  const device = await makeDevice()
  const { id, control, log, message } = await writeConversation(device)
  const source: Source = { kind: "device", user: alice, device: device.id, origin: {} }
  const conversation = registry.conversation(id)
  const { durable } = await conversation.submit(source, controlDocument(id), control)
  await durable
  return { conversation, source, name: segmentDocument(id, 1), log, message }
}

it("[C8] what comes again soon is taken, and its fork refused, without reading what is stored", async () => {
  const { store } = await openFailingStore()
  const { conversation, source, name, log, message } = await storedConversation(store)
  const [first, second] = [await log.seal(message("one")), await log.seal(message("two"))]
  for (const run of [first, second]) await (await conversation.submit(source, name, encodeUpdate([run]))).durable
  const read = vi.spyOn(store, "updates")
  const both = { ...first, elements: [...first.elements, ...second.elements] }
  for (const run of [first, second, both]) {
    expect((await conversation.submit(source, name, encodeUpdate([run]))).refused).toEqual([])
  }
  const seal = second.elements.at(-1)!.slice()
  seal[seal.length - 1]! ^= 1
  const other = [...second.elements.slice(0, -1), seal]
  const { refused } = await conversation.submit(source, name, encodeUpdate([{ ...second, elements: other }]))
  expect(refused.map(({ code }) => code)).toEqual(["FORK"])
  expect(read).not.toHaveBeenCalled()
})

it("[X3] a document is merged when all is stored that was accepted before", async () => {
  const { store, wait } = await openFailingStore()
  const { conversation, source, name, log, message } = await storedConversation(store)
  const order: string[] = []
  let release = (): void => undefined
  wait(new Promise((resolve) => (release = resolve)))
  const { durable } = await conversation.submit(source, name, encodeUpdate([await log.seal(message("one"))]))
  const merged = conversation.mergeContext(name).then(() => order.push("merged"))
  // As many turns as the merge takes that does not wait.
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
  order.push("stored")
  release()
  await Promise.all([durable, merged])
  expect(order).toEqual(["stored", "merged"])
})

/** A conversation with one message, and the record that erases it. */
async function writeErasure(submit: (document: DocumentName, update: Uint8Array, by: TestDevice) => Promise<void>) {
  const device = await makeDevice()
  const { id, control, log, message } = await writeConversation(device)
  const name = segmentDocument(id, 1)
  const draft = message()
  await submit(controlDocument(id), control, device)
  await submit(name, encodeUpdate([await log.seal(draft)]), device)
  const target = { target: device.id, bodyHash: hashBody(draft.body), kind: "message" } as const
  const fields = { ...target, publicKey: device.publicKey, clock: clockNow(), seen: draft.seen }
  const record = encodeRecord({ ...fields, signature: await device.sign(recordMessage(name, fields)) })
  return { id, name, draft, record, source: sourceOf(device) }
}

const sourceOf = (device: TestDevice): Source => ({ kind: "device", user: alice, device: device.id, origin: {} })

async function submitTo(registry: Registry, document: DocumentName, update: Uint8Array, by: TestDevice): Promise<void> {
  const conversation = registry.conversation(conversationOf(document))
  const { refused, durable } = await conversation.submit(sourceOf(by), document, update)
  expect(refused).toEqual([])
  await durable
}

it("[X7] an erasure that comes while its document is merged is remembered until it is carried out", async () => {
  const { store } = await openFailingStore()
  const { registry } = openRegistry(store)
  const { id, name, draft, record, source } = await writeErasure((...what) => submitTo(registry, ...what))
  const conversation = registry.conversation(id)
  const merger = createMerger({
    store,
    env: systemEnv,
    contextOf: async () => {
      const context = await conversation.mergeContext(name)
      const { refused, durable } = await conversation.submitRecords(source, name, [record])
      expect(refused).toEqual([])
      await durable
      return context
    },
    onFailure: (_, error) => expect.unreachable(error.message),
  })
  merger.request(name)
  await merger.idle()
  // The next merge carries it out: this server, or after a crash the next one.
  expect(await store.erasing(systemEnv.now())).toEqual([name])
  merger.request(name)
  await merger.idle()
  expect(await store.erasing(systemEnv.now())).toEqual([])
  expect(Buffer.concat(await store.updates(name)).includes(Buffer.from(draft.body))).toBe(false)
})

it("[R7] a document is left alone where what was set aside of it can't be read; the rest is served", async () => {
  const { store } = await openFailingStore()
  const writing = openRegistry(store)
  const { id, name, record, source } = await writeErasure((...what) => submitTo(writing.registry, ...what))
  await (
    await writing.registry.conversation(id).submitRecords(source, name, [record])
  ).durable
  await store.putAside(name, "damaged@0", Uint8Array.of(255))

  const { registry } = openRegistry(store)
  const read = (document: DocumentName) =>
    registry.conversation(id).read(alice, document, { logs: new Map(), records: new Set() }, () => undefined)
  await read(name)
  const kept = registry.active(id)
  await registry.settled()
  expect(await read(name)).toMatchObject({ refusal: "QUARANTINED" })
  expect(await read(controlDocument(id))).toMatchObject({ refusal: undefined })
  expect(registry.active(id)).toBe(kept)
})

it("[P6] registers that could not be stored are not taken for told", async () => {
  const { store, fail } = await openFailingStore()
  const { registry } = openRegistry(store)
  const device = await makeDevice()
  const { id, control } = await writeConversation(device)
  const source: Source = { kind: "device", user: alice, device: device.id, origin: {} }
  await (
    await registry.conversation(id).submit(source, controlDocument(id), control)
  ).durable
  const { bytes } = await makeRegister(device, id)
  fail(true)
  const lost = await registry.conversation(id).submitRegisters(source, [bytes])
  expect(lost.refused).toEqual([])
  await expect(lost.durable).rejects.toMatchObject({ code: "STORE_QUOTA" })
  fail(false)
  const again = await registry.conversation(id).submitRegisters(source, [bytes])
  expect(again.refused).toEqual([])
  await again.durable
  expect((await store.registers(id)).map(hex)).toEqual([hex(bytes)])
})

it("a name that stands for nothing takes no memory", async () => {
  const { store } = await openFailingStore()
  const { registry } = openRegistry(store)
  const device = await makeDevice()
  const { id } = await writeConversation(device)
  const snapshot = await registry
    .conversation(id)
    .read(alice, controlDocument(id), { logs: new Map(), records: new Set() }, () => undefined)
  expect(snapshot).toMatchObject({ refusal: "FORBIDDEN", runs: [] })
  await Promise.resolve()
  expect(registry.active(id)).toBeUndefined()
})

it("[L1] quotas: logs of a document, control entries, conversations of a user", async () => {
  const { store } = await openFailingStore()
  const { registry } = openRegistry(store, { documentLogs: 2, controlEntries: 2, conversationsPerUser: 1 })
  const device = await makeDevice()
  const source: Source = { kind: "device", user: alice, device: device.id, origin: {} }
  const { id, control, message } = await writeConversation(device)
  await (
    await registry.conversation(id).submit(source, controlDocument(id), control)
  ).durable
  const name = segmentDocument(id, 1)
  const codes: string[] = []
  for (let index = 0; index < 3; index++) {
    const run = await makeLog(device, name).seal(message(`${index}`))
    const { refused } = await registry.conversation(id).submit(source, name, encodeUpdate([run]))
    codes.push(refused[0]?.code ?? "taken")
  }
  expect(codes).toEqual(["taken", "taken", "QUOTA_EXCEEDED"])
  const other = await writeConversation(device)
  const second = await registry.conversation(other.id).submit(source, controlDocument(other.id), other.control)
  expect(second.refused[0]?.code).toBe("QUOTA_EXCEEDED")
  await registry.settled()
})

it("[A11] a removal also cuts what was taken a moment before, and is on its way to the disk", async () => {
  const { store, wait } = await openFailingStore()
  const { registry } = openRegistry(store)
  const device = await makeDevice()
  const { id, control, remove, log, message } = await writeConversation(device)
  const source: Source = { kind: "device", user: alice, device: device.id, origin: {} }
  const name = segmentDocument(id, 1)
  let release = (): void => undefined
  wait(new Promise((resolve) => (release = resolve)))
  const submit = (document: typeof name, update: Uint8Array) =>
    registry.conversation(id).submit(source, document, update)
  const outcomes = [
    await submit(controlDocument(id), control),
    await submit(name, encodeUpdate([await log.seal(message("one"))])),
  ]
  const leaving = submit(controlDocument(id), await remove(alice))
  release()
  outcomes.push(await leaving)
  expect(outcomes.map(({ refused }) => refused)).toEqual([[], [], []])
  await Promise.all(outcomes.map(({ durable }) => durable))
  await registry.settled()
  // An update that holds nothing.
  expect(await store.updates(name)).toEqual([Uint8Array.of(0, 0)])
})

it("[R7] a store that fails while a document is read leaves no task that fails for want of the conversation", async () => {
  const { store, fail, wait, waitToLoad } = await openFailingStore()
  const device = await makeDevice()
  const bob = "bob" as UserId
  const { id, control, remove, log, message } = await writeConversation(device, [{ user: bob, role: "member" }])
  const source: Source = { kind: "device", user: alice, device: device.id, origin: {} }
  const first = segmentDocument(id, 1)
  const { registry: before } = openRegistry(store)
  for (const [document, update] of [
    [controlDocument(id), control],
    [first, encodeUpdate([await log.seal(message("one"))])],
    // Whoever reads a segment from now on looks for what is to be cut.
    [controlDocument(id), await remove(bob)],
  ] as const) {
    // Asked for anew each time: it leaves memory when it is at rest.
    const { refused, durable } = await before.conversation(id).submit(source, document, update)
    expect(refused).toEqual([])
    await durable
  }

  const { registry } = openRegistry(store)
  const conversation = registry.conversation(id)
  let fall = (): void => undefined
  wait(new Promise((resolve) => (fall = resolve)))
  let load = (): void => undefined
  fail(true)
  const name = segmentDocument(id, 2)
  const update = encodeUpdate([await makeLog(device, name).seal(message("two"))])
  const failing = await conversation.submit(source, name, update)
  waitToLoad(first, new Promise((resolve) => (load = resolve)))
  const read = conversation.read(undefined, first, { logs: new Map(), records: new Set() }, () => undefined)
  fall()
  await expect(failing.durable).rejects.toMatchObject({ code: "STORE_QUOTA" })
  load()
  expect(await read).toMatchObject({ refusal: "STORAGE_FAILED", runs: [] })
})

/** A removal whose cut is not carried out: there is no room for what it sets aside. */
async function removeWithoutCut() {
  const { store: real } = await openFailingStore()
  let full = true
  const store = new Proxy(real, {
    get(target, name) {
      if (name === "putAside" && full) return () => Promise.reject(new WeftError("STORE_QUOTA", "the disk is full"))
      const value: unknown = Reflect.get(target, name)
      return typeof value === "function" ? (value.bind(target) as unknown) : value
    },
  })
  const { registry } = openRegistry(store)
  const device = await makeDevice()
  const { id, control, remove, log, message } = await writeConversation(device)
  const source: Source = { kind: "device", user: alice, device: device.id, origin: {} }
  const name = segmentDocument(id, 1)
  for (const [document, update] of [
    [controlDocument(id), control],
    [name, encodeUpdate([await log.seal(message("one"))])],
    [controlDocument(id), await remove(alice)],
  ] as const) {
    await (
      await registry.conversation(id).submit(source, document, update)
    ).durable
  }
  await registry.settled()
  return {
    read: () =>
      registry.conversation(id).read(undefined, name, { logs: new Map(), records: new Set() }, () => undefined),
    makeRoom: () => {
      full = false
    },
  }
}

it("[A11] what could not be cut when it was opened is cut when it is opened again, and not served meanwhile", async () => {
  const { read, makeRoom } = await removeWithoutCut()
  await read()
  makeRoom()
  expect(await read()).toMatchObject({ refusal: undefined, runs: [], heads: { logs: [] } })
})

it("[R1] a document that a full disk keeps from being cut is answered for now, and ends no connection", async () => {
  const { read, makeRoom } = await removeWithoutCut()
  expect(await read()).toMatchObject({ refusal: "STORAGE_FAILED", runs: [] })
  makeRoom()
  expect(await read()).toMatchObject({ refusal: undefined })
})

it("[S4] a store that does not read says of nobody that they are in no conversation", async () => {
  const { store, waitToLoad } = await openFailingStore()
  const { registry } = openRegistry(store)
  const { id } = await writeConversation(await makeDevice())
  waitToLoad(controlDocument(id), Promise.reject(new WeftError("STORE_FAILED", "the disk is gone")))
  await expect(registry.conversation(id).standings()).rejects.toMatchObject({ code: "STORE_FAILED" })
})

it("what nobody asks for leaves memory, and is the same when it is asked again", async () => {
  const { store } = await openFailingStore()
  let now = systemEnv.now()
  const { registry, relayed } = openRegistry(store, {}, () => now)
  const device = await makeDevice()
  const { id, control, log, message } = await writeConversation(device)
  const source: Source = { kind: "device", user: alice, device: device.id, origin: {} }
  const name = segmentDocument(id, 1)
  const submit = async (document: typeof name, update: Uint8Array) => {
    const { refused, durable } = await registry.conversation(id).submit(source, document, update)
    await durable
    return refused
  }
  const first = encodeUpdate([await log.seal(message("one"))])
  const second = encodeUpdate([await log.seal(message("two"))])
  expect(await submit(controlDocument(id), control)).toEqual([])
  expect(await submit(name, first)).toEqual([])
  await registry.settled()
  const nothing = { logs: new Map(), records: new Set<string>() }
  const read = () => registry.conversation(id).read(alice, name, nothing, () => undefined)
  const [before, standings] = [await read(), await registry.conversation(id).standings()]
  const held = registry.conversation(id)
  registry.sweep()
  expect(registry.active(id)).toBe(held)
  now += 60_000
  registry.sweep()
  expect(registry.active(id)).toBeUndefined()
  expect(await read()).toEqual(before)
  expect(await registry.conversation(id).standings()).toEqual(standings)
  now += 60_000
  registry.sweep()
  expect(registry.active(id)).toBeUndefined()
  // What was there comes again, and what follows it is taken and told.
  expect(await submit(name, first)).toEqual([])
  expect(await submit(name, second)).toEqual([])
  expect(relayed.filter(({ document }) => document === name).length).toBe(2)
  expect((await store.updates(name)).length).toBe(2)
  // Whoever still has the object of before can't write by it: there would be two queues for one document.
  await expect(held.submit(source, name, second)).rejects.toThrow(TypeError)
})

it("a burst in more conversations than are kept leaves as many, and none before it is on the disk", async () => {
  const { store, wait } = await openFailingStore()
  const { registry } = openRegistry(store, { activeConversations: 1 })
  const device = await makeDevice()
  const source: Source = { kind: "device", user: alice, device: device.id, origin: {} }
  const written = await Promise.all(Array.from({ length: 5 }, () => writeConversation(device)))
  let release = (): void => undefined
  wait(new Promise((resolve) => (release = resolve)))
  const submitted = written.map(({ id, control }) =>
    registry.conversation(id).submit(source, controlDocument(id), control),
  )
  const outcomes = await Promise.all(submitted)
  expect(registry.conversationCount).toBe(5)
  release()
  await Promise.all(outcomes.map(({ durable }) => durable))
  await registry.settled()
  expect(registry.conversationCount).toBe(1)
})

it("[X3] a conversation stays in memory while a document of it is merged", async () => {
  const { store } = await openFailingStore()
  let now = systemEnv.now()
  const { registry } = openRegistry(store, { activeConversations: 0 }, () => now)
  const device = await makeDevice()
  const { id, control, log, message } = await writeConversation(device)
  const source: Source = { kind: "device", user: alice, device: device.id, origin: {} }
  const name = segmentDocument(id, 1)
  for (const [document, update] of [
    [controlDocument(id), control],
    [name, encodeUpdate([await log.seal(message("one"))])],
  ] as const) {
    await (
      await registry.conversation(id).submit(source, document, update)
    ).durable
  }
  await registry.settled()
  expect(registry.active(id)).toBeUndefined()
  const merged = registry.conversation(id)
  const context = await merged.mergeContext(name)
  now += 600_000
  registry.sweep()
  expect(registry.active(id)).toBe(merged)
  expect(context?.describe(new Map()).digest).toHaveLength(32)
  context?.end()
  expect(registry.active(id)).toBeUndefined()
  // One that can't be merged is not kept for it.
  expect(await registry.conversation(id).mergeContext(segmentDocument(id, 2))).toBeUndefined()
  expect(registry.active(id)).toBeUndefined()
})

it("[L1] how much a former member brought is remembered where nobody asks for the conversation for a while", async () => {
  const { store } = await openFailingStore()
  let now = systemEnv.now()
  const { registry } = openRegistry(store, { formerMemberEntries: 1 }, () => now)
  const device = await makeDevice()
  const { id, control, remove } = await writeConversation(device)
  const source: Source = { kind: "device", user: alice, device: device.id, origin: {} }
  const submit = async (update: Uint8Array) => {
    const { refused, durable } = await registry.conversation(id).submit(source, controlDocument(id), update)
    await durable
    return refused.map(({ code }) => code)
  }
  expect(await submit(control)).toEqual([])
  expect(await submit(await remove(alice))).toEqual([])
  expect(await submit(await remove(alice))).toEqual([])
  const third = await remove(alice)
  expect(await submit(third)).toEqual(["QUOTA_EXCEEDED"])
  await registry.settled()
  now += 60_000
  registry.sweep()
  expect(await submit(third)).toEqual(["QUOTA_EXCEEDED"])
  now += 600_000
  registry.sweep()
  expect(await submit(third)).toEqual([])
})
