import { expect, it } from "vitest"
import { manualEnv, type ManualEnv } from "../../../test/support/manual-env.js"
import { systemEnv, type Env } from "../base/env.js"
import { WeftError } from "../base/errors.js"
import { TIME_LIMIT_MS } from "../log/clock.js"
import { readContents } from "../log/contents.js"
import { draftHash } from "../log/draft.js"
import {
  asidePrefix,
  documentKey,
  draftPrefix,
  GUARD_KEY,
  imprintPrefix,
  IMPRINTS_KEY,
  refusedKey,
  registerPrefix,
  regroundKey,
  updatePrefix,
} from "../log/keys.js"
import { deviceNamed } from "../log/scenario.js"
import { hashBody } from "../protocol/entry.js"
import { documentParts, segmentDocument, type DocumentName, type LogId, type UserId } from "../protocol/names.js"
import { createMemoryStorage } from "../storage/memory.js"
import { prefixRange, type KeyRange, type Storage, type StorageOperation } from "../storage/storage.js"
import { encodeRefused } from "./refused.js"
import { Replica } from "./replica.js"

/** Ann's, in the tab that writes. */
async function openWriter(storage: Storage = createMemoryStorage()): Promise<Replica> {
  const replica = await Replica.open({
    storage,
    env: systemEnv,
    user: "ann" as UserId,
    signer: await deviceNamed("ann"),
    verify: async () => true,
    refusesKey: () => false,
  })
  await replica.becomeWriter()
  return replica
}

it("[R5] control entries are sealed before the messages that rest on them", async () => {
  const device = await deviceNamed("ann")
  const replica = await Replica.open({
    storage: createMemoryStorage(),
    env: systemEnv,
    user: "ann" as UserId,
    // The later a signature was asked for, the sooner it is there.
    signer: { ...device, sign: async (message) => (await turns(40 / ++signatures), device.sign(message)) },
    verify: async () => true,
    refusesKey: () => false,
  })
  let signatures = 0
  const sealed: DocumentName[] = []
  const both = new Promise<void>((resolve) => {
    replica.changes.on(({ change }) => {
      if (change.kind !== "document" || change.change.kind !== "accepted") return
      if (sealed.push(change.document.name) === 2) resolve()
    })
  })
  await replica.becomeWriter()
  const trip = await replica.create("Trip", [], [])
  trip.post(new Map([["t", "hello"]]))
  replica.setCarrier("any", true)
  await replica.wakeAll()
  await both
  expect(sealed.map((name) => documentParts(name).kind)).toEqual(["control", "segment"])
  await replica.close()
})

it("[R3] a segment that is opened by writing while it is looked for in the storage is one document", async () => {
  const replica = await Replica.open({
    storage: createMemoryStorage(),
    env: systemEnv,
    user: "ann" as UserId,
    signer: await deviceNamed("ann"),
    verify: async () => true,
    refusesKey: () => false,
    segmentMessages: 1,
  })
  const trip = await replica.create("Trip", [], [])
  trip.post(new Map([["t", "fills the first"]]))
  const looked = trip.segment(2)
  const { document } = trip.post(new Map([["t", "opens the second"]]))
  expect(await looked).toBe(document)
  expect(await trip.segment(2)).toBe(document)
  // The same where it was found empty, as when something arrives for it.
  const found = await trip.segment(3)
  expect(trip.post(new Map([["t", "opens the third"]])).document).toBe(found)
  await replica.close()
})

it("[D2, X2] a segment of which a cut left nothing but erase records is in the digest", async () => {
  const replica = await openWriter()
  const trip = await replica.create("Trip", [], [])
  const { document, draft } = trip.post(new Map([["t", "said"]]))
  await document.flush()
  await trip.erase(document, [{ device: replica.device, bodyHash: hashBody(draft.body), kind: "message" }])
  await document.flush()
  await document.applyCuts(
    () => 0,
    () => undefined,
  )
  expect([document.summary.logs.size, document.summary.records.size]).toEqual([0, 1])
  expect((await trip.digests()).map(({ name }) => name)).toContain(document.name)
  await replica.close()
})

it("[W1] closing saves what was written while another write was under way", async () => {
  const device = await deviceNamed("ann")
  const storage = createMemoryStorage()
  let release = (): void => undefined
  const gate: { held?: Promise<void> } = {}
  let begin = (): void => undefined
  const replica = await Replica.open({
    storage: new Proxy(storage, {
      get(target, name, receiver) {
        if (name !== "write" || gate.held === undefined) return Reflect.get(target, name, receiver) as unknown
        return async (...args: Parameters<typeof storage.write>) => {
          begin()
          await gate.held
          await storage.write(...args)
        }
      },
    }),
    env: systemEnv,
    user: "ann" as UserId,
    signer: device,
    verify: async () => true,
    refusesKey: () => false,
  })
  const trip = await replica.create("Trip", [], [])
  await trip.idle()
  gate.held = new Promise((resolve) => (release = resolve))
  const begun = new Promise<void>((resolve) => (begin = resolve))
  trip.post(new Map([["t", "under way"]]))
  await begun
  const { document, draft } = trip.post(new Map([["t", "behind it"]]))
  const closed = replica.close()
  release()
  await closed
  expect(document.isDurable(draft)).toBe(true)
  expect(await storage.scan(prefixRange(draftPrefix(document.name)))).toHaveLength(2)
})

it("becoming the writer reads what is in memory, however much is stored, and tells of what changed alone", async () => {
  const device = await deviceNamed("ann")
  const ports = {
    env: systemEnv,
    user: "ann" as UserId,
    signer: device,
    verify: async () => true,
    refusesKey: () => false,
  }
  const start = async (segments: number): Promise<{ scans: number; told: string[] }> => {
    const storage = createMemoryStorage()
    const first = await Replica.open({ ...ports, storage })
    const trip = await first.create("Trip", [], [])
    await trip.save()
    await first.close()
    const names = Array.from({ length: segments }, (_, index) => segmentDocument(trip.id, index + 1))
    await storage
      .share()
      .write(names.map((name) => ({ kind: "put", key: documentKey(name), value: new Uint8Array(0) })))
    let scans = 0
    const replica = await Replica.open({
      ...ports,
      storage: new Proxy(storage.share(), {
        get(target, name, receiver) {
          if (name === "scan") scans++
          return Reflect.get(target, name, receiver) as unknown
        },
      }),
    })
    const told: string[] = []
    replica.changes.on(({ change }) => told.push(change.kind))
    await replica.becomeWriter()
    await replica.close()
    return { scans, told }
  }
  const [few, many] = [await start(20), await start(40)]
  expect(many.scans).toBe(few.scans)
  expect(many.told).toEqual(["control"])
})

it("[R1] what was refused is there also while a new writer reads it again", async () => {
  const device = await deviceNamed("ann")
  const ports = {
    env: systemEnv,
    user: "ann" as UserId,
    signer: device,
    verify: async () => true,
    refusesKey: () => false,
  }
  const storage = createMemoryStorage()
  const first = await Replica.open({ ...ports, storage })
  const trip = await first.create("Trip", [], [])
  const { document, draft } = trip.post(new Map([["t", "one"]]))
  await trip.save()
  await first.close()
  const key = refusedKey(document.name, draftHash(draft))
  await storage.share().write([{ kind: "put", key, value: encodeRefused({ code: "WRONG_CLASS", draft }) }])
  const seen: (number | undefined)[] = []
  let isOpen = false
  const shared = storage.share()
  const replica: Replica = await Replica.open({
    ...ports,
    storage: new Proxy(shared, {
      get(target, name, receiver) {
        if (name !== "scan") return Reflect.get(target, name, receiver) as unknown
        return (range: Parameters<typeof shared.scan>[0]) => {
          if (isOpen && range.from.startsWith("r/")) queueMicrotask(() => seen.push(refused()))
          return target.scan(range)
        }
      },
    }),
  })
  const refused = () => replica.conversations.get().get(trip.id)?.refused.size
  await replica.conversation(trip.id)
  isOpen = true
  await replica.becomeWriter()
  expect(seen).toEqual([1])
  await replica.close()
})

it("[A11] who may do what is told at once, not when segments were brought in line with it, and again then", async () => {
  const shared = createMemoryStorage()
  let where = ""
  let release = (): void => undefined
  const held = new Promise<void>((resolve) => (release = resolve))
  let begin = (): void => undefined
  const begun = new Promise<void>((resolve) => (begin = resolve))
  const replica = await Replica.open({
    storage: new Proxy(shared, {
      get(target, name, receiver) {
        if (name !== "scan") return Reflect.get(target, name, receiver) as unknown
        return async (range: Parameters<typeof shared.scan>[0]) => {
          if (range.from === where) {
            begin()
            await held
          }
          return target.scan(range)
        }
      },
    }),
    env: systemEnv,
    user: "ann" as UserId,
    signer: await deviceNamed("ann"),
    verify: async () => true,
    refusesKey: () => false,
  })
  await replica.becomeWriter()
  const bob = "bob" as UserId
  const trip = await replica.create("Trip", [{ user: bob, role: "member" }], [])
  where = asidePrefix(segmentDocument(trip.id, 1))
  const told: boolean[] = []
  trip.changes.on(({ kind }) => {
    if (kind === "control") told.push(trip.state.members.has(bob))
  })
  const removed = trip.propose({ kind: "remove", user: bob, cut: new Map() })
  await begun
  expect(told).toEqual([false])
  release()
  await removed
  expect(told).toEqual([false, false])
  await replica.close()
})

it("[A11] what a cut set aside stays there when an earlier one follows", async () => {
  const storage = createMemoryStorage()
  const replica = await openWriter(storage)
  replica.setCarrier("any", true)
  const trip = await replica.create("Trip", [], [])
  const document = await trip.segment(1)
  for (const text of ["one", "two", "three"]) {
    trip.post(new Map([["t", text]]))
    await document.flush()
  }
  const written = await document.entries()
  const whole = await document.contents()
  for (const { position } of written.slice(1).reverse()) {
    await document.applyCuts(
      () => position,
      () => undefined,
    )
  }
  expect(await document.entries()).toHaveLength(1)
  const [aside] = await storage.scan(prefixRange(asidePrefix(document.name)))
  expect(readContents([aside!.value])).toEqual(whole)
  await replica.close()
})

it("[A11] a removal that another tab wrote, or that a crash cut short, is carried out by the writer", async () => {
  const storage = createMemoryStorage()
  const ports = {
    env: systemEnv,
    user: "ann" as UserId,
    signer: await deviceNamed("ann"),
    verify: async () => true,
    refusesKey: () => false,
  }
  const open = (on = storage): Promise<Replica> => Replica.open({ ...ports, storage: on.share() })
  const cutting = (replica: Replica): Promise<number> =>
    new Promise((resolve) => {
      replica.changes.on(({ conversation, change }) => {
        if (change.kind === "refused") resolve(conversation.refused.size)
      })
    })
  const seal = async (replica: Replica): Promise<void> => {
    for (const document of await (await replica.conversation(id)).waiting()) await document.flush()
  }
  const writer = await open()
  await writer.becomeWriter()
  const { id } = await writer.create("Trip", [], [])
  const trip = await writer.conversation(id)
  const { document } = trip.post(new Map([["t", "one"]]))
  await seal(writer)
  expect(await document.entries()).toHaveLength(1)

  const other = await open()
  const trips = await other.conversation(id)
  await trips.propose({ kind: "remove", user: ports.user, cut: new Map() })
  await trips.save()
  const image = storage.snapshot()
  const cut = cutting(writer)
  await trip.reload(trip.controlDocument.name)
  expect([await cut, await document.entries()]).toEqual([1, []])

  const next = await open(createMemoryStorage({ snapshot: image }))
  const { document: held } = await next.document(document.name)
  expect(await held.entries()).toHaveLength(1)
  const late = cutting(next)
  await next.becomeWriter()
  expect([await late, await held.entries()]).toEqual([1, []])
  await Promise.all([writer.close(), other.close(), next.close()])
})

it("[A11] a removal that a full disk does not let be carried out, is when there is room again", async () => {
  const env = manualEnv()
  const { storage, failing } = failingStorage("write", (batch: readonly StorageOperation[]) =>
    batch.some(({ key }) => key.startsWith(asidePrefix(segmentDocument(trip.id, 1)))),
  )
  const replica = await openAnn({ storage, env })
  const trip = await replica.create("Trip", [], [])
  const { document } = trip.post(new Map([["t", "one"]]))
  for (const each of await trip.waiting()) await each.flush()
  failing.now = true
  await trip.govern({ kind: "remove", user: replica.ports.user, cut: new Map() })
  expect([trip.state.members.size, await document.entries()]).toMatchObject([0, [{}]])
  await untilHealth(replica, env, "failing")
  failing.now = false
  await untilHealth(replica, env, "ok")
  await trip.idle()
  expect(await document.entries()).toEqual([])
  await replica.close()
})

it("[A1] after a merge that failed, authority is that of what is stored, and what follows is taken", async () => {
  const ann = await openAnn()
  const trip = await ann.create("Trip", [{ user: "bob" as UserId, role: "member" }], [])
  const updates: Uint8Array[] = []
  trip.controlDocument.changes.on((change) => {
    if (change.kind === "accepted") updates.push(change.update)
  })
  await trip.controlDocument.flush()
  for (let count = 0; count < 40; count++) {
    await trip.govern({ kind: "title", title: `Title ${count}` })
    await trip.controlDocument.flush()
  }
  let merges = 0
  const { storage, failing } = failingStorage("write", (batch: readonly StorageOperation[]) => {
    const isMerge = batch.some(({ kind, key }) => kind === "delete" && key.startsWith(updatePrefix(name)))
    return isMerge && ++merges === 1
  })
  failing.now = true
  const { name } = trip.controlDocument
  const twins = await openAnn({ storage })
  const twin = await twins.conversation(trip.id)
  for (const update of updates) {
    const verdicts = await twin.receive(twin.controlDocument, update, "server")
    expect(verdicts?.map(({ refusal }) => refusal)).toEqual([undefined])
  }
  expect([twin.state.title, merges > 1]).toEqual(["Title 39", true])
  await Promise.all([ann.close(), twins.close()])
})

it("a segment that could not be read once is read when it is asked for again", async () => {
  const shared = createMemoryStorage()
  const first = await openAnn({ storage: shared.share() })
  const { id } = await first.create("Trip", [], [])
  const trip = await first.conversation(id)
  for (const text of ["a", "b", "c"]) trip.post(new Map([["t", text]]))
  for (const document of await trip.waiting()) await document.flush()
  await first.close()
  const { storage, failing } = failingStorage(
    "scan",
    ({ from }: KeyRange) => from === updatePrefix(segmentDocument(id, 1)),
    shared,
  )
  const replica = await openAnn({ storage })
  const back = await replica.conversation(id)
  failing.now = true
  await expect(back.segment(1)).rejects.toMatchObject({ code: "STORE_QUOTA" })
  failing.now = false
  expect(await (await back.segment(1)).entries()).toHaveLength(2)
  await replica.close()
})

/** What of one method fails with STORE_QUOTA while `failing.now`. */
function failingStorage<Argument>(
  method: "write" | "scan",
  fails: (argument: Argument) => boolean,
  storage: Storage = createMemoryStorage(),
): { readonly storage: Storage; readonly failing: { now: boolean } } {
  const failing = { now: false }
  const proxy = new Proxy(storage, {
    get(target, name, receiver) {
      const own = Reflect.get(target, name, receiver) as unknown
      if (name !== method || typeof own !== "function") return own
      return (...args: [Argument]): unknown =>
        failing.now && fails(args[0]) ? Promise.reject(new WeftError("STORE_QUOTA", "full")) : own.apply(target, args)
    },
  })
  return { storage: proxy, failing }
}

/** Ann's writer, with two messages a segment. */
async function openAnn(options: { readonly storage?: Storage; readonly env?: Env } = {}): Promise<Replica> {
  const { storage = createMemoryStorage(), env = systemEnv } = options
  const replica = await Replica.open({
    ...{ storage, env, user: "ann" as UserId, signer: await deviceNamed("ann"), segmentMessages: 2 },
    verify: async () => true,
    refusesKey: () => false,
  })
  await replica.becomeWriter()
  return replica
}

it("[A11] logs are brought in line where somebody who was added again falls out, though the removals stay the same", async () => {
  const [ann, bob, dan] = ["ann", "bob", "dan"] as [UserId, UserId, UserId]
  const storage = createMemoryStorage()
  const ports = {
    env: systemEnv,
    user: ann,
    signer: await deviceNamed("ann"),
    verify: async () => true,
    refusesKey: () => false,
  }
  const writer = await Replica.open({ ...ports, storage: storage.share() })
  await writer.becomeWriter()
  const members = [{ user: bob, role: "member" } as const, { user: dan, role: "owner" } as const]
  const trip = await writer.create("Trip", members, [])
  await trip.govern({ kind: "remove", user: bob, cut: new Map() })
  const removed = trip.state.heads
  await trip.govern({ kind: "add", user: bob, role: "member" })
  await trip.save()
  expect(trip.state.members.has(bob)).toBe(true)

  // Ann left without having seen that she had added bob, and came back: the addition is void.
  const other = await Replica.open({ ...ports, storage: storage.share() })
  const trips = await other.conversation(trip.id)
  const before = new Set(trips.state.heads)
  await trips.govern({ kind: "remove", user: ann, cut: new Map() }, removed)
  await trips.govern(
    { kind: "return" },
    trips.state.heads.filter((id) => !before.has(id)),
  )
  await trips.save()
  let told = 0
  trip.changes.on(({ kind }) => {
    if (kind === "control") told++
  })
  await trip.reload(trip.controlDocument.name)
  expect(Array.from(trip.state.members.keys())).toEqual([ann, dan])
  expect(trip.state.removals.map(({ id }) => id)).toEqual(removed)
  // Once for who may do what, and once for what was cut.
  expect(told).toBe(2)
  await Promise.all([writer.close(), other.close()])
})

it("[W3] takes in, as it becomes the writer, what the one before wrote and did not live to tell", async () => {
  const device = await deviceNamed("ann")
  const storage = createMemoryStorage()
  const open = (): Promise<Replica> =>
    Replica.open({
      ...{ storage: storage.share(), env: systemEnv, user: "ann" as UserId, signer: device },
      verify: async () => true,
      refusesKey: () => false,
    })
  const writer = await open()
  await writer.becomeWriter()
  const trip = await writer.create("Trip", [], [])
  await trip.save()
  const next = await open()
  await next.conversation(trip.id)
  const { document } = trip.post(new Map([["t", "one"]]))
  await trip.save()
  const other = await writer.create("Other", [], [])
  await other.save()
  await writer.close()
  const told: string[] = []
  next.changes.on(({ change }) => told.push(change.kind === "document" ? change.change.kind : change.kind))
  await next.becomeWriter()
  expect((await next.document(document.name)).document.drafts).toHaveLength(1)
  expect(next.conversations.get().get(other.id)?.state.title).toBe("Other")
  expect(told).toContain("rewritten")
  await next.close()
})

it("[R6] a crash between a refusal and what follows from it: the next start writes the messages again", async () => {
  const device = await deviceNamed("ann")
  const storage = createMemoryStorage()
  const open = (): Promise<Replica> =>
    Replica.open({
      ...{ storage, env: systemEnv, user: "ann" as UserId, signer: device },
      verify: async () => true,
      refusesKey: () => false,
    })
  const seal = async (replica: Replica): Promise<void> => {
    await replica.becomeWriter()
    for (const conversation of replica.conversations.get().values()) {
      for (const document of await conversation.waiting()) await document.flush()
    }
  }
  const before = await open()
  const { id } = await before.create("Trip", [], [])
  await seal(before)
  const conversation = await before.conversation(id)
  const heads = conversation.state.headsFor(device.id)
  await conversation.govern({ kind: "title", title: "Refused" })
  const { document } = conversation.post(new Map([["t", "on it"]]))
  await seal(before)
  const log = Array.from(conversation.controlDocument.summary.logs.values()).at(-1)
  // The refusal reaches the disk, and nothing after it.
  await conversation.controlDocument.takeBack(log?.log as LogId, 0, "ROLE_TOO_LOW")
  await before.close()

  const after = await open()
  const again = await after.conversation(id)
  const segment = await again.segment(1)
  expect(await segment.entries()).toHaveLength(1)
  await after.becomeWriter()
  const old = Array.from(segment.summary.logs.keys())
  expect([old, segment.drafts.map(({ seen }) => seen)]).toEqual([[], [heads]])
  await seal(after)
  expect(Array.from(again.state.heads)).toEqual(Array.from(heads))
  expect((await segment.entries()).map(({ seen }) => seen)).toEqual([heads])
  expect(segment.name).toBe(document.name)
  expect(await storage.get(regroundKey(id))).toBeUndefined()
  await after.close()
})

/** Ann's writer with a conversation, all sealed; `scans` is told what is read, and may keep it back. */
async function writing(scans: (from: string) => Promise<void> = async () => undefined) {
  const { id, publicKey } = await deviceNamed("ann")
  const storage = createMemoryStorage()
  const replica = await Replica.open({
    storage: new Proxy(storage, {
      get(target, name, receiver) {
        if (name !== "scan") return Reflect.get(target, name, receiver) as unknown
        return async (range: Parameters<typeof storage.scan>[0]) => {
          const found = await target.scan(range)
          await scans(range.from)
          return found
        }
      },
    }),
    env: systemEnv,
    user: "ann" as UserId,
    // Asks nobody: what can go on has gone on after some turns.
    signer: { publicKey, sign: async () => new Uint8Array(64) },
    verify: async () => true,
    refusesKey: () => false,
  })
  await replica.becomeWriter()
  const trip = await replica.create("Trip", [], [])
  const { controlDocument: control } = trip
  await control.flush()
  const unknown = async (): Promise<number> => {
    const names = (await control.entries()).flatMap((entry) => entry.control ?? [])
    return names.filter((name) => !trip.state.has(name)).length
  }
  const log = Array.from(control.summary.logs.values(), (summary) => summary.log)[0] as LogId
  return { replica, trip, control, log, device: id, unknown }
}

it("[A1, R6] what is sealed while authority is read again after a refusal is not missing from it", async () => {
  let where = ""
  let held: Promise<void> | undefined
  const { replica, trip, control, log, unknown } = await writing(async (from) => {
    if (from === where) await held
  })
  where = updatePrefix(control.name)
  await trip.govern({ kind: "title", title: "Refused" })
  await control.flush()
  await trip.govern({ kind: "topic", topic: "Behind it" })
  await control.flush()
  let release = (): void => undefined
  control.changes.on(({ kind }) => {
    if (kind === "rewritten") held = new Promise((resolve) => (release = resolve))
  })
  const taken = trip.takeBack(control, log, 3, "ROLE_TOO_LOW")
  await turns(200)
  const sealed = control.flush()
  await turns(200)
  held = undefined
  release()
  await Promise.all([taken, sealed])
  expect([trip.state.topic, await unknown()]).toEqual(["Behind it", 0])
  await replica.close()
})

it("[R6] a control entry that gets its name as it is sealed is known under it, and what names it follows", async () => {
  const { replica, trip, control, log, device, unknown } = await writing()
  await trip.govern({ kind: "title", title: "Refused" })
  await control.flush()
  const refused = trip.state.headsFor(device)
  // The refusal is durable before authority was read again: what is written meanwhile rests on what was refused.
  await control.takeBack(log, 3, "ROLE_TOO_LOW")
  await trip.govern({ kind: "topic", topic: "On it" })
  const { document } = trip.post(new Map([["t", "on that"]]))
  await control.flush()
  await document.flush()
  await trip.idle()
  expect([trip.state.title, trip.state.topic, await unknown()]).toEqual(["Trip", "On it", 0])
  const heads = trip.state.headsFor(device)
  expect(heads).not.toEqual(refused)
  expect((await document.entries()).map(({ seen }) => seen)).toEqual([heads])
  await replica.close()
})

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await Promise.resolve()
}

it("[W1] storage that failed is well again as soon as it takes writes, also where nothing waits to be written", async () => {
  const env = manualEnv()
  const full = { now: false }
  const storage = createMemoryStorage()
  const replica = await Replica.open({
    storage: new Proxy(storage, {
      get(target, name, receiver) {
        if (name !== "write" || !full.now) return Reflect.get(target, name, receiver) as unknown
        return () => Promise.reject(new WeftError("STORE_QUOTA", "full"))
      },
    }),
    env,
    user: "ann" as UserId,
    signer: await deviceNamed("ann"),
    verify: async () => true,
    refusesKey: () => false,
  })
  await replica.becomeWriter()
  full.now = true
  // A receipt, which is said anew when there is more to say.
  replica.report(new WeftError("STORE_QUOTA", "full"))
  await untilHealth(replica, env, "failing")
  full.now = false
  await untilHealth(replica, env, "ok")
  await replica.close()
})

async function untilHealth(replica: Replica, env: ManualEnv, kind: "ok" | "failing"): Promise<void> {
  for (let left = 20; left > 0; left--) {
    env.advance(1_000)
    await turns(20)
    if (replica.health.get().kind === kind) return
  }
  expect(replica.health.get().kind).toBe(kind)
}

/** A storage with a conversation's imprint, and the writer that stored it. */
async function imprinted() {
  const device = await deviceNamed("ann")
  const storage = createMemoryStorage()
  const env = manualEnv()
  const open = (through: Storage): Promise<Replica> =>
    Replica.open({
      ...{ storage: through, env, user: "ann" as UserId, signer: device },
      verify: async () => true,
      refusesKey: () => false,
    })
  const first = await open(storage.share())
  await first.becomeWriter()
  const conversation = await first.create("Trip", [], [])
  const { id, controlDocument } = conversation
  await controlDocument.flush()
  // What it has to say of receipts is said, or is nothing.
  env.advance(5_000)
  await first.registersOf(conversation).reload()
  await conversation.idle()
  await first.prepareImprint(id)
  const stored = first.storeImprint(id, "s".repeat(12))
  if (stored === undefined) throw new Error("it is at rest")
  await storage.write([stored.operation])
  stored.ended(true)
  return { storage, open, first, conversation }
}

it("[S13] what a tab looked up before it took over does not count after", async () => {
  const { storage, open, first, conversation } = await imprinted()
  let release = (): void => undefined
  const gate = new Promise<void>((resolve) => (release = resolve))
  let isHeld = true
  const shared = storage.share()
  const second = await open({
    ...shared,
    scan: async (range) => {
      const found = await shared.scan(range)
      if (range.from !== imprintPrefix || !isHeld) return found
      isHeld = false
      await gate
      return found
    },
  })
  const looking = second.look()
  await turns(50)
  expect(isHeld).toBe(false)
  const { document } = conversation.post(new Map([["t", "one more"]]))
  await document.flush()
  const [truth] = await first.digests()
  await second.becomeWriter()
  release()
  await looking
  const [said] = await second.digests()
  expect(said?.digest).toEqual(truth?.digest)
  await Promise.all([first.close(), second.close()])
})

it("[P7, P12] what its user lets others know, and whom, is told where that changed while a conversation was being read", async () => {
  const { storage, open, first, conversation } = await imprinted()
  const { id } = conversation
  await first.close()
  for (const change of [
    (replica: Replica): void => {
      replica.shareReads(false)
    },
    (replica: Replica): void => {
      replica.setBlocked(new Set(["bob" as UserId]))
    },
  ]) {
    const { storage: held, hold } = heldScan(storage.share(), registerPrefix(id))
    const replica = await open(held)
    await replica.becomeWriter()
    const reading = replica.conversation(id)
    await hold.begun
    change(replica)
    hold.release()
    expect(replica.registersOf(await reading).isAtRest).toBe(false)
    await replica.close()
  }
})

it("[S13] a tab that takes the guard while another one does voids nothing that this one writes, and believes nothing old", async () => {
  const device = await deviceNamed("ann")
  const storage = createMemoryStorage()
  const shared = storage.share()
  const old = { kind: "put", key: `${imprintPrefix}${"a".repeat(24)}`, value: new Uint8Array(3) } as const
  await shared.write([old, { kind: "put", key: GUARD_KEY, value: new Uint8Array(16) }])
  let others = 2
  const replica = await Replica.open({
    storage: {
      ...shared,
      // An older version takes it, twice, just before.
      write: async (batch, options) => {
        if (options?.guard?.key === GUARD_KEY && others-- > 0) {
          await shared.write([{ kind: "put", key: GUARD_KEY, value: new Uint8Array(16).fill(others + 1) }])
        }
        await shared.write(batch, options)
      },
    },
    ...{ env: manualEnv(), user: "ann" as UserId, signer: device },
    verify: async () => true,
    refusesKey: () => false,
  })
  await replica.becomeWriter()
  expect(replica.writing.get()).toBe(true)
  expect(await shared.get(old.key)).toBeUndefined()
  expect(await shared.get(IMPRINTS_KEY)).toEqual(await shared.get(GUARD_KEY))
  await replica.close()
})

it("[W3] a tab that loses the guard while it reads what the one before wrote is no writer then", async () => {
  const { storage, hold } = heldScan(createMemoryStorage(), imprintPrefix)
  const replica = await Replica.open({
    ...{ storage, env: manualEnv(), user: "ann" as UserId, signer: await deviceNamed("ann") },
    verify: async () => true,
    refusesKey: () => false,
  })
  const leading = replica.becomeWriter()
  await hold.begun
  replica.loseWriter()
  hold.release()
  await leading
  expect([replica.writing.get(), replica.writeGuard]).toEqual([false, undefined])
  await replica.becomeWriter()
  expect([replica.writing.get(), replica.writeGuard?.key]).toEqual([true, GUARD_KEY])
  await replica.close()
})

/** Keeps back what a scan finds that begins there. */
function heldScan(storage: Storage, from: string) {
  let begin = (): void => undefined
  let release = (): void => undefined
  const begun = new Promise<void>((resolve) => (begin = resolve))
  const gate = new Promise<void>((resolve) => (release = resolve))
  const hold = {
    begun,
    release: () => {
      release()
    },
  }
  const held: Storage = {
    ...storage,
    scan: async (range) => {
      const found = await storage.scan(range)
      if (range.from !== from) return found
      begin()
      await gate
      return found
    },
  }
  return { storage: held, hold }
}

it("[W3] a writer whose guard another tab had taken, and that could not take it back at once, does when it can", async () => {
  const env = manualEnv()
  const { storage, failing } = failingStorage("write", (batch: readonly StorageOperation[]) =>
    batch.some(({ key }) => key === GUARD_KEY),
  )
  const replica = await openAnn({ storage, env })
  // What was under way when another tab took over; and that one ends.
  replica.report(new WeftError("STORE_FENCED", "another tab is the writer"))
  replica.loseWriter()
  failing.now = true
  await replica.becomeWriter()
  expect(replica.health.get()).toMatchObject({ kind: "failing", code: "STORE_QUOTA" })
  failing.now = false
  const leads = new Promise<boolean>((resolve) => replica.writing.subscribe(resolve))
  await untilHealth(replica, env, "ok")
  expect(await leads).toBe(true)
  await replica.close()
})

it("[E2, W1] by a clock that no entry can have nothing is written; what was there can be read at the next start, and goes on", async () => {
  const storage = createMemoryStorage()
  const env = manualEnv()
  let off = 0
  const jumping = { ...env, now: () => env.now() + off }
  const replica = await openAnn({ storage: storage.share(), env: jumping })
  const trip = await replica.create("Trip", [], [])
  await trip.post(new Map([["t", "before"]])).document.save()
  off = env.now() * 1000
  expect(() => trip.post(new Map([["t", "lost"]]))).toThrow(expect.objectContaining({ code: "CLOCK_OUT_OF_RANGE" }))
  off = 0
  await trip.post(new Map([["t", "after"]])).document.save()
  await replica.close()
  const again = await openAnn({ storage: storage.share(), env })
  const segment = await (await again.conversation(trip.id)).segment(1)
  expect([segment.drafts.length, again.health.get().kind]).toEqual([2, "ok"])
  await again.close()
})

it.each([TIME_LIMIT_MS, 2 ** 53 - 1])("[W4] a server's time that no clock is set to is not taken: %d", async (time) => {
  const replica = await openWriter()
  await expect(replica.setTime(time)).rejects.toThrow(RangeError)
  expect([replica.skew.get(), replica.measuredSkewMs]).toEqual([undefined, undefined])
  await replica.setTime(TIME_LIMIT_MS - 1)
  expect(replica.now()).toBeGreaterThan(TIME_LIMIT_MS - 60_000)
  await replica.close()
})
