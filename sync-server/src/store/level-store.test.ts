import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { ClassicLevel } from "classic-level"
import {
  compareText,
  controlDocument,
  conversationOf,
  encodeUpdate,
  idBytes,
  segmentDocument,
  WeftError,
  type AccountName,
  type ConversationId,
  type DocumentName,
  type UserId,
} from "@weft/sdk/protocol"
import { describe, expect, it, onTestFinished, vi } from "vitest"
import { anyDocument, makeDevice, makeLog, sealedRun, type TestDevice } from "../../../test/support/device.js"
import { manualEnv } from "../../../test/support/manual-env.js"
import { seededRandom } from "../../../test/support/seed.js"
import { temporaryDirectory } from "../../../test/support/temporary.js"
import { SUMMARY } from "./document-state.js"
import {
  digestKey,
  encodeParts,
  MAX_UPDATE_CLOCK,
  metaKey,
  settingKey,
  standingKey,
  stateVectorKey,
  storeKey,
  updateKey,
} from "./keys.js"
import { LevelDatabase } from "./level-database.js"
import { openLevelStore, openStore, type Commit, type LevelStoreOptions } from "./level-store.js"
import type { Append, ConversationDigests, Replace, Store } from "./store.js"
import { stateVectorOfUpdates } from "./values.js"

const device = await makeDevice()

async function open(directory: string, options: Omit<LevelStoreOptions, "directory"> = {}): Promise<Store> {
  const store = await openLevelStore({ directory, ...options })
  onTestFinished(() => store.close())
  return store
}

const temporary = async (options?: Omit<LevelStoreOptions, "directory">) => open(await temporaryDirectory(), options)

/** Reads and writes LevelDB as it is. The store must be closed. */
async function raw<T>(directory: string, use: (level: ClassicLevel<Uint8Array, Uint8Array>) => Promise<T>): Promise<T> {
  const level = new ClassicLevel<Uint8Array, Uint8Array>(directory, { keyEncoding: "view", valueEncoding: "view" })
  try {
    return await use(level)
  } finally {
    await level.close()
  }
}

/** Sealed runs of one log, each as an update. */
async function updatesOf(document: DocumentName, count: number, by: TestDevice = device): Promise<Uint8Array[]> {
  const log = makeLog(by, document)
  const updates: Uint8Array[] = []
  for (let index = 0; index < count; index++) updates.push(encodeUpdate([await log.seal(`message ${index}`)]))
  return updates
}

/** All that the store knows the digests of, page by page. */
async function digestsOf(store: Store): Promise<ConversationDigests["documents"]> {
  const found: ConversationDigests["documents"][number][] = []
  for (let after: ConversationId | undefined; ;) {
    const page = await store.digestsAfter(after)
    if (page.length === 0) return found
    found.push(...page.flatMap(({ documents }) => documents))
    after = page.at(-1)?.conversation
  }
}

const bytes = (...values: number[]) => Uint8Array.from(values)

function replacing(document: DocumentName, update: Uint8Array, covers: number, mark = 9): Replace {
  return {
    document,
    update,
    covers,
    summary: bytes(mark),
    digest: bytes(mark),
    stateVector: stateVectorOfUpdates(document, [update]),
  }
}

describe("append and load", () => {
  it("[I1] what was appended is there after the store was opened again, in order, with summary and digest", async () => {
    const directory = await temporaryDirectory()
    const store = await open(directory)
    const document = anyDocument()
    const [a, b, c] = (await updatesOf(document, 3)) as [Uint8Array, Uint8Array, Uint8Array]
    expect(await store.load(document)).toBeUndefined()
    expect(await store.updates(document)).toEqual([])
    await Promise.all([
      store.append({ document, update: a, summary: bytes(1), digest: bytes(1) }),
      store.append({ document, update: b, summary: bytes(2), digest: bytes(2) }),
      store.append({ document, update: c, digest: bytes(3) }),
    ])
    const stored = { summary: bytes(2), later: [c], updates: 3, clock: 2, bytes: a.length + b.length + c.length }
    expect(await store.load(document)).toMatchObject(stored)
    await store.close()

    const again = await open(directory)
    expect(await again.load(document)).toMatchObject(stored)
    expect(await again.updates(document)).toEqual([a, b, c])
    expect(await digestsOf(again)).toEqual([{ document, digest: bytes(3) }])
    expect(again.incarnation).toEqual(store.incarnation)
    expect(store.incarnation.length).toBe(16)
    const d = bytes(0, 0)
    await again.append({ document, update: d })
    expect(await again.load(document)).toMatchObject({ later: [c, d], clock: 3, updates: 4 })
  })

  it("[R7] a part of the database that can't be read keeps nobody from writing elsewhere", async () => {
    const [damaged, whole] = [anyDocument(1), anyDocument(2)]
    const damage = stateVectorKey(damaged)
    const database = new Proxy(await LevelDatabase.open(await temporaryDirectory()), {
      get(target, name) {
        if (name === "hasMany") {
          return async (keys: readonly Uint8Array[]) => {
            if (keys.some((key) => Buffer.from(key).equals(damage))) throw new WeftError("STORE_CORRUPT", "a bad block")
            return target.hasMany(keys)
          }
        }
        const value: unknown = Reflect.get(target, name)
        return typeof value === "function" ? (value.bind(target) as unknown) : value
      },
    })
    const store = await openStore(database, {})
    onTestFinished(() => store.close())
    const append = (document: DocumentName) => store.append({ document, update: bytes(0, 0) })
    await Promise.all([append(damaged), append(whole)])
    expect(store.failed).toBe(false)
    expect(await store.updates(whole)).toEqual([bytes(0, 0)])
    // What it holds itself can be read.
    expect(await store.updates(damaged)).toEqual([bytes(0, 0)])
  })

  it("[I1] nothing is written without fsync", async () => {
    const batch = vi.spyOn(ClassicLevel.prototype, "batch")
    onTestFinished(() => batch.mockRestore())
    const put = vi.spyOn(ClassicLevel.prototype, "put")
    onTestFinished(() => put.mockRestore())
    const store = await temporary()
    const document = anyDocument()
    await store.append({ document, update: bytes(0, 0) })
    await store.replace(replacing(document, bytes(0, 0), 0))
    await store.putSetting("key", bytes(1))
    await store.putAside(document, "name", bytes(1))
    await store.putStandings(conversationOf(document), [["alice" as UserId, "member"]])
    const calls: readonly (readonly unknown[])[] = batch.mock.calls
    expect(calls.map(([, options]) => options)).toEqual(Array.from({ length: 6 }, () => ({ sync: true })))
    expect(put).not.toHaveBeenCalled()
  })

  it("a digest is listed only while it is that of the last append", async () => {
    const store = await temporary()
    const document = anyDocument()
    await store.append({ document, update: bytes(0, 0), digest: bytes(1) })
    await store.append({ document, update: bytes(0, 0) })
    expect(await digestsOf(store)).toEqual([])
    expect(await store.documents()).toEqual([document])
    await store.append({ document, update: bytes(0, 0), digest: bytes(2) })
    expect(await digestsOf(store)).toEqual([{ document, digest: bytes(2) }])
  })

  it("digests are read conversation by conversation, whole ones, however many there are", async () => {
    const store = await temporary()
    const ids = Array.from({ length: 40 }, () => conversationOf(anyDocument())).sort(compareText)
    const expected = new Map<ConversationId, { document: DocumentName; digest: Uint8Array }[]>()
    for (const [index, id] of ids.entries()) {
      const segments = Array.from({ length: 3 * index }, (_, number) => segmentDocument(id, number + 1))
      const documents = [controlDocument(id), ...segments].map((document, at) => ({
        document,
        digest: bytes(index, at % 256),
      }))
      await Promise.all(documents.map((document) => store.append({ ...document, update: bytes(0, 0) })))
      expected.set(id, documents)
    }
    expect(await digestsOf(store)).toEqual(Array.from(expected.values()).flat())
    expect(await store.digests(ids[39]!)).toEqual({
      conversation: ids[39],
      documents: expected.get(ids[39]!),
      registers: undefined,
    })
    expect(await store.digestsAfter(ids[39])).toEqual([])
    expect(await store.countDocuments()).toBe(40 + (3 * 40 * 39) / 2)
  })

  it("a store of format 1 is read with its digests, also where a crash stopped the change", async () => {
    const directory = await temporaryDirectory()
    const [document, account] = [anyDocument(), "u/YWxpY2U/account" as AccountName]
    const id = conversationOf(document)
    const store = await open(directory)
    await store.append({ document, update: bytes(0, 0) })
    await store.close()
    await raw(directory, (level) =>
      level.batch([
        { type: "put", key: storeKey("format"), value: bytes(1) },
        { type: "put", key: encodeParts("weft", "digest", document), value: bytes(2) },
        { type: "put", key: encodeParts("weft", "digest", account), value: bytes(3) },
        { type: "put", key: encodeParts("weft", "registers", id), value: bytes(4) },
        { type: "put", key: digestKey(controlDocument(id)), value: bytes(5) },
      ]),
    )
    const again = await open(directory)
    expect(await again.digests(id)).toEqual({
      conversation: id,
      documents: [
        { document: controlDocument(id), digest: bytes(5) },
        { document, digest: bytes(2) },
      ],
      registers: bytes(4),
    })
    expect(await again.accountDigests()).toEqual([{ account, digest: bytes(3) }])
    await again.close()
    expect(await raw(directory, (level) => level.get(storeKey("format")))).toEqual(Buffer.of(3))
    expect(await raw(directory, (level) => level.get(encodeParts("weft", "digest", document)))).toBeUndefined()
  })

  it.each([1, 2])(
    "lists of conversations of format %i are read, also where a crash stopped the change",
    async (format) => {
      const directory = await temporaryDirectory()
      await (await open(directory)).close()
      const listed = Array.from({ length: 2_500 }, () => conversationOf(anyDocument()))
      const listOf = (ids: readonly ConversationId[], standing: number) =>
        Buffer.concat(ids.map((id) => Buffer.of(...idBytes(id), standing)))
      const [carol, dave] = [settingKey("conversations/carol"), settingKey("conversations/dave")]
      await raw(directory, (level) =>
        level.batch([
          { type: "put", key: storeKey("format"), value: bytes(format) },
          { type: "put", key: carol, value: Buffer.concat([listOf(listed, 1), listOf(listed.slice(0, 1), 0)]) },
          { type: "put", key: dave, value: listOf(listed.slice(0, 2), 1) },
          // As far as a change came.
          { type: "put", key: standingKey("carol", listed[7]!), value: bytes(1) },
          { type: "put", key: standingKey("erin", listed[1]!), value: bytes(0) },
          { type: "put", key: settingKey("key"), value: bytes(1) },
        ]),
      )
      for (let start = 0; start < 2; start++) {
        const store = await open(directory)
        const standings = await store.standings("carol" as UserId)
        expect(standings).toEqual(new Map(listed.map((id, index) => [id, index === 0 ? "former" : "member"])))
        expect((await store.standings("dave" as UserId)).size).toBe(2)
        expect(await store.standings("erin" as UserId)).toEqual(new Map([[listed[1], "former"]]))
        expect(await store.getSetting("key")).toEqual(bytes(1))
        await store.close()
      }
      const left = await raw(directory, (level) => level.getMany([carol, dave, storeKey("format")]))
      expect(left).toEqual([undefined, undefined, Buffer.of(3)])
    },
  )

  it.each([1, 2])(
    "of format %i none is left that a change began and did not end: an older server would miss what has moved",
    async (format) => {
      const users = Array.from({ length: 120 }, (_, index) => `user${index}` as UserId)
      const listed = Array.from({ length: 20 }, () => conversationOf(anyDocument()))
      const list = Buffer.concat(listed.map((id) => Buffer.of(...idBytes(id), 1)))
      const keys = users.map((user) => settingKey(`conversations/${user}`))
      let writes = 0
      for (let failsAt = 1; writes >= failsAt - 1; failsAt++) {
        const directory = await temporaryDirectory()
        await (await open(directory)).close()
        await raw(directory, async (level) => {
          await level.put(storeKey("format"), bytes(format))
          await level.batch(keys.map((key) => ({ type: "put", key, value: list })))
        })
        const database = await LevelDatabase.open(directory)
        const write = database.write.bind(database)
        writes = 0
        database.write = (batch) =>
          ++writes === failsAt ? Promise.reject(new WeftError("STORE_QUOTA", "the disk is full")) : write(batch)
        const opened = await openStore(database, {}).catch(() => undefined)
        await opened?.close()
        const [found, ...lists] = await raw(directory, (level) => level.getMany([storeKey("format"), ...keys]))
        expect(found?.[0] === format && lists.includes(undefined)).toBe(false)
        const store = await open(directory)
        for (const user of users) expect((await store.standings(user)).size).toBe(20)
        await store.close()
        expect(await raw(directory, (level) => level.get(storeKey("format")))).toEqual(Buffer.of(3))
      }
      expect(writes).toBeGreaterThan(3)
    },
  )

  it("documents are listed sorted, all or those of a conversation", async () => {
    const store = await temporary()
    const mine = anyDocument().slice(2, 26) as ConversationId
    const names = ["1", "2", "10", "2147483647", "control"].map((last) => `c/${mine}/${last}` as DocumentName)
    const other = anyDocument(3)
    await Promise.all([other, ...names].map((document) => store.append({ document, update: bytes(0, 0) })))
    expect(await store.documents(mine)).toEqual(names.slice().sort())
    expect(await store.documents()).toEqual([other, ...names].sort())
    expect(await store.documents(anyDocument().slice(2, 26) as ConversationId)).toEqual([])
  })

  it("settings and asides are kept beside the documents", async () => {
    const directory = await temporaryDirectory()
    const store = await open(directory)
    const document = anyDocument()
    expect(await store.getSetting("key")).toBeUndefined()
    await store.putSetting("key", bytes(1))
    await store.putAside(document, "b", bytes(2))
    await store.putAside(document, "a", bytes(3))
    await store.putAside(anyDocument(), "c", bytes(4))
    expect(await store.documents()).toEqual([])
    await store.close()
    const again = await open(directory)
    expect(await again.getSetting("key")).toEqual(bytes(1))
    expect(await again.asides(document)).toEqual([
      { name: "a", update: bytes(3) },
      { name: "b", update: bytes(2) },
    ])
    await again.putAside(document, "a", undefined)
    expect(await again.asides(document)).toEqual([{ name: "b", update: bytes(2) }])
  })

  it("a commit tells how many writes it made durable, and how long that took", async () => {
    const commits: Commit[] = []
    let time = 0
    const store = await temporary({ elapsed: () => (time += 0.25), onCommit: (commit) => commits.push(commit) })
    const document = anyDocument()
    await Promise.all(Array.from({ length: 10 }, () => store.append({ document, update: bytes(0, 0) })))
    expect(commits).toEqual([{ writes: 10, bytes: expect.any(Number) as number, ms: 0.25 }])
  })

  it("clocks are 32-bit numbers: at their end the updates move to the lowest ones", async () => {
    const directory = await temporaryDirectory()
    const document = anyDocument()
    const updates = await updatesOf(document, 5)
    const top = MAX_UPDATE_CLOCK
    await raw(directory, async (level) => {
      await level.put(stateVectorKey(document), bytes(0, 1, 0))
      await level.put(updateKey(document, top - 1), updates[0]!)
      await level.put(updateKey(document, top), updates[1]!)
    })
    const store = await open(directory)
    expect(await store.load(document)).toMatchObject({ clock: top, updates: 2 })
    await Promise.all([
      store.append({ document, update: updates[2]!, summary: bytes(7) }),
      store.append({ document, update: updates[3]! }),
    ])
    await store.append({ document, update: updates[4]! })
    expect(await store.load(document)).toMatchObject({
      clock: 4,
      updates: 5,
      summary: bytes(7),
      later: updates.slice(3),
    })
    expect(await store.updates(document)).toEqual(updates)
  })

  it("what a store of another writer holds is loaded as what no summary covers", async () => {
    const directory = await temporaryDirectory()
    const document = anyDocument()
    const updates = await updatesOf(document, 2)
    await raw(directory, async (level) => {
      await level.put(stateVectorKey("notes of mine"), bytes(0, 1, 0))
      await level.put(stateVectorKey(document), bytes(0, 1, 0))
      for (const [clock, update] of updates.entries()) await level.put(updateKey(document, clock), update)
    })
    const store = await open(directory)
    expect(await store.documents()).toEqual([document])
    expect(await store.load(document)).toMatchObject({ summary: undefined, later: updates, clock: 1 })
  })
})

describe("replace", () => {
  it("puts one update in the place of all that it covers; later ones stay", async () => {
    const directory = await temporaryDirectory()
    const store = await open(directory)
    const document = anyDocument()
    const [a, b, c, d] = (await updatesOf(document, 4)) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
    for (const update of [a, b, c]) await store.append({ document, update, digest: bytes(1) })
    const merged = encodeUpdate([(await sealedRun(device, document, "merged")).run])
    await store.replace(replacing(document, merged, 1))
    expect(await store.updates(document)).toEqual([merged, c])
    expect(await store.load(document)).toMatchObject({
      summary: bytes(9),
      later: [c],
      updates: 2,
      clock: 2,
      bytes: merged.length + c.length,
    })
    expect(await digestsOf(store)).toEqual([{ document, digest: bytes(1) }])
    await store.append({ document, update: d })
    await store.replace(replacing(document, merged, 3, 8))
    await store.close()
    const again = await open(directory)
    expect(await again.updates(document)).toEqual([merged])
    expect(await digestsOf(again)).toEqual([{ document, digest: bytes(8) }])
    expect(await again.load(document)).toMatchObject({ clock: 3, updates: 1, bytes: merged.length })
  })

  it("a summary and digest of a later append stay", async () => {
    const store = await temporary()
    const document = anyDocument()
    const updates = await updatesOf(document, 3)
    for (const update of updates) await store.append({ document, update, summary: bytes(2), digest: bytes(2) })
    await store.replace(replacing(document, updates[0]!, 1))
    expect(await store.load(document)).toMatchObject({ summary: bytes(2), later: [], updates: 2 })
    expect(await digestsOf(store)).toEqual([{ document, digest: bytes(2) }])
  })

  it("one that comes too late writes nothing: what it was made from is gone", async () => {
    const store = await temporary()
    const document = anyDocument()
    const updates = await updatesOf(document, 3)
    for (const update of updates) await store.append({ document, update })
    await store.replace(replacing(document, updates[0]!, 2))
    for (const covers of [0, 1, 3]) {
      await expect(store.replace(replacing(document, updates[1]!, covers))).rejects.toMatchObject({
        code: "STORE_FENCED",
      })
    }
    await expect(store.replace(replacing(anyDocument(), updates[1]!, 0))).rejects.toMatchObject({
      code: "STORE_FENCED",
    })
    expect(await store.updates(document)).toEqual([updates[0]])

    const { clock: covers, generation } = (await store.load(document))!
    await store.append({ document: anyDocument(), update: bytes(0, 0) })
    await store.replace({ ...replacing(document, updates[1]!, covers), generation })
    await expect(store.replace({ ...replacing(document, updates[2]!, covers), generation })).rejects.toMatchObject({
      code: "STORE_FENCED",
    })
    expect(await store.updates(document)).toEqual([updates[1]])
  })

  it("[X3, X7] what is to be erased is remembered until it was, also when more comes meanwhile", async () => {
    const directory = await temporaryDirectory()
    const store = await open(directory)
    const document = anyDocument()
    const [one, two, whole] = (await updatesOf(document, 3)) as [Uint8Array, Uint8Array, Uint8Array]
    await store.append({ document, update: one })
    expect(await store.erasing(0)).toEqual([])
    await store.append({ document, update: two, erases: true })
    expect(await store.erasing(0)).toEqual([document])
    // Of the second update it knows nothing, nor does what replaces for another reason.
    await store.replace({ ...replacing(document, one, 0), nextErasure: Infinity })
    await store.replace(replacing(document, whole, 1))
    await store.close()

    const again = await open(directory)
    expect(await again.erasing(0)).toEqual([document])
    await again.replace({ ...replacing(document, whole, 1), nextErasure: 1_000 })
    expect([await again.erasing(999), await again.erasing(1_000)]).toEqual([[], [document]])
    await again.replace({ ...replacing(document, whole, 1), nextErasure: Infinity })
    expect(await again.erasing(Infinity)).toEqual([])
  })

  it("any order of appends, replacements and reopenings, in one commit or many, keeps what a list would", async () => {
    const random = seededRandom("appends and replacements")
    const directory = await temporaryDirectory()
    let store = await open(directory)
    const documents = [anyDocument(1), anyDocument(2), anyDocument(3)]
    const model = new Map(documents.map((document) => [document, { updates: [] as Uint8Array[], clock: -1 }]))
    const { whole } = makeLog(device, anyDocument())
    let mark = 0
    for (let round = 0; round < 60; round++) {
      const writes: Promise<void>[] = []
      for (let count = random.below(12); count >= 0; count--) {
        const document = random.pick(documents)
        const held = model.get(document)!
        const update = encodeUpdate([{ ...whole, elements: [random.bytes(1 + random.below(9))] }])
        if (random.oneIn(4) && held.clock >= 0) {
          const after = random.below(held.updates.length)
          writes.push(store.replace(replacing(document, update, held.clock - after)))
          held.updates = [update, ...held.updates.slice(held.updates.length - after)]
        } else {
          const append: Append = { document, update, summary: bytes(mark % 256), digest: bytes(mark++ % 256) }
          writes.push(store.append(random.oneIn(2) ? append : { document, update }))
          held.updates = [...held.updates, update]
          held.clock++
        }
      }
      await Promise.all(writes)
      if (random.oneIn(6)) {
        await store.close()
        store = await open(directory)
      }
      for (const [document, { updates, clock }] of model) {
        expect(await store.updates(document)).toEqual(updates)
        if (clock < 0) continue
        const loaded = await store.load(document)
        expect(loaded).toMatchObject({ updates: updates.length, clock })
        expect(loaded?.later).toEqual(updates.slice(updates.length - (loaded?.later.length ?? 0)))
        expect(loaded?.summary === undefined).toBe(loaded?.later.length === updates.length)
      }
    }
  })
})

describe("what can go wrong", () => {
  it("a store has one owner", async () => {
    const directory = await temporaryDirectory()
    const store = await open(directory)
    const second = openLevelStore({ directory })
    await expect(second).rejects.toMatchObject({ code: "STORE_LOCKED" })
    await expect(second).rejects.toThrow(directory)
    await store.close()
    await (await open(directory)).close()
  })

  it("a directory that can't be made or read says so", async () => {
    const directory = await temporaryDirectory()
    await writeFile(join(directory, "file"), "")
    const opening = openLevelStore({ directory: join(directory, "file") })
    await expect(opening).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" })
  })

  it("a store of a newer format is left alone", async () => {
    const directory = await temporaryDirectory()
    await (await open(directory)).close()
    await raw(directory, (level) => level.put(storeKey("format"), bytes(4)))
    await expect(openLevelStore({ directory })).rejects.toMatchObject({ code: "STORE_BLOCKED" })
  })

  it("a closed store refuses, after it has finished what was under way", async () => {
    const directory = await temporaryDirectory()
    const store = await open(directory)
    const document = anyDocument()
    const append = store.append({ document, update: bytes(0, 0) })
    await store.close()
    await append
    await expect(store.append({ document, update: bytes(0, 0) })).rejects.toMatchObject({ code: "STORE_CLOSED" })
    await expect(store.load(document)).rejects.toMatchObject({ code: "STORE_CLOSED" })
    expect(await (await open(directory)).load(document)).toMatchObject({ updates: 1 })
  })

  it.each<[string, (level: ClassicLevel<Uint8Array, Uint8Array>, document: DocumentName) => Promise<void>]>([
    ["a summary that is cut off", (level, document) => level.put(metaKey(document, SUMMARY), bytes(116, 9, 1))],
    ["a summary without updates", (level, document) => level.del(updateKey(document, 0))],
    [
      "a summary of updates that are not there",
      async (level, document) => {
        const update = await level.get(updateKey(document, 0))
        await level.del(updateKey(document, 0))
        await level.put(updateKey(document, 5), update!)
      },
    ],
    [
      "a summary with a wrong bit",
      async (level, document) => {
        const value = await level.get(metaKey(document, SUMMARY))
        value![7]! ^= 1
        await level.put(metaKey(document, SUMMARY), value!)
      },
    ],
    [
      "an update that can't be read",
      async (level, document) => {
        await level.del(metaKey(document, SUMMARY))
        await level.put(updateKey(document, 0), bytes(1, 2, 3))
      },
    ],
  ])("%s concerns its document alone", async (_, damage) => {
    const directory = await temporaryDirectory()
    const store = await open(directory)
    const [broken, whole] = [anyDocument(1), anyDocument(2)]
    for (const document of [broken, whole]) {
      const [update] = await updatesOf(document, 1)
      await store.append({ document, update: update!, summary: bytes(1, 2, 3), digest: bytes(1) })
    }
    await store.close()
    await raw(directory, (level) => damage(level, broken))

    const again = await open(directory)
    await expect(again.load(broken)).rejects.toMatchObject({ code: "STORE_CORRUPT" })
    expect((await digestsOf(again)).length).toBe(2)
    await again.append({ document: whole, update: bytes(0, 0) })
    expect(await again.load(whole)).toMatchObject({ updates: 2 })
    expect(again.failed).toBe(false)

    // [R7] Whatever is stored of it, one update takes its place; or nothing.
    const [update] = await updatesOf(broken, 1)
    const mended = { update: update!, summary: bytes(7), digest: bytes(7), stateVector: bytes(0) }
    await again.mend(broken, mended)
    const loaded = { summary: bytes(7), later: [], updates: 1, clock: 0, bytes: update!.length }
    expect(await again.load(broken)).toMatchObject(loaded)
    expect(await again.updates(broken)).toEqual([update])
    await again.append({ document: broken, update: bytes(0, 0) })
    expect(await again.load(broken)).toMatchObject({ updates: 2, clock: 1 })
    await again.mend(broken, undefined)
    expect([await again.load(broken), await again.updates(broken)]).toEqual([undefined, []])
    expect(await again.documents()).toEqual([whole])
    expect((await digestsOf(again)).map(({ document }) => document)).not.toContain(broken)
  })

  it("an append to a damaged document is refused, and those beside it in the same commit are not", async () => {
    const directory = await temporaryDirectory()
    const store = await open(directory)
    const [broken, whole] = [anyDocument(1), anyDocument(2)]
    for (const document of [broken, whole]) {
      const [update] = await updatesOf(document, 1)
      await store.append({ document, update: update!, summary: bytes(1) })
    }
    await store.close()
    await raw(directory, (level) => level.put(metaKey(broken, SUMMARY), bytes(1, 2, 3)))
    const again = await open(directory)
    const [refused, taken] = await Promise.allSettled([
      again.append({ document: broken, update: bytes(0, 0) }),
      again.append({ document: whole, update: bytes(0, 0) }),
    ])
    expect(refused).toMatchObject({ status: "rejected", reason: { code: "STORE_CORRUPT" } })
    expect(taken.status).toBe("fulfilled")
    expect(again.failed).toBe(false)
  })

  it("[P6] registers are kept with the digest of them all, and go where they are said to be gone", async () => {
    const store = await temporary()
    const { id: one } = await makeDevice()
    const { id: other } = await makeDevice()
    const id = "cccccccccccccccccccccccc" as ConversationId
    await store.putRegisters(
      id,
      new Map([
        [one, bytes(1)],
        [other, bytes(2)],
      ]),
      bytes(3),
    )
    expect((await store.registers(id)).map(([byte]) => byte).sort()).toEqual([1, 2])
    expect(await store.digests(id)).toEqual({ conversation: id, documents: [], registers: bytes(3) })
    await store.putRegisters(id, new Map([[one, undefined]]), bytes(4))
    expect(await store.registers(id)).toEqual([bytes(2)])
    expect(await store.digestsAfter(undefined)).toEqual([await store.digests(id)])
    expect(await store.digests(id)).toEqual({ conversation: id, documents: [], registers: bytes(4) })
    await store.putRegisters(id, new Map([[other, undefined]]), undefined)
    expect([await store.registers(id), await store.digestsAfter(undefined)]).toEqual([[], []])
  })

  it("[I1] after a failed write nothing is acknowledged before a probe was synced; reads go on", async () => {
    const directory = await temporaryDirectory()
    const env = manualEnv()
    const events: string[] = []
    const store = await open(directory, {
      env,
      onFailure: (error) => events.push(error.code),
      onRecovery: () => events.push("recovered"),
    })
    const document = anyDocument()
    const [a, b, c, d] = (await updatesOf(document, 4)) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
    await store.append({ document, update: a, summary: bytes(1), digest: bytes(1) })

    const batch = vi.spyOn(ClassicLevel.prototype, "batch")
    onTestFinished(() => batch.mockRestore())
    batch.mockRejectedValue(new Error("input/output error"))
    const failing = store.append({ document, update: b, summary: bytes(2), digest: bytes(2) })
    const behind = store.append({ document, update: c })
    await expect(failing).rejects.toMatchObject({ code: "STORE_FAILED" })
    await expect(behind).rejects.toMatchObject({ code: "STORE_FAILED" })
    expect(store.failed).toBe(true)
    await expect(store.putSetting("key", bytes(1))).rejects.toMatchObject({ code: "STORE_FAILED" })
    expect(await store.load(document)).toMatchObject({ summary: bytes(1), later: [], updates: 1 })
    env.advance(1000)
    await settled(() => batch.mock.calls.length === 2)
    expect(store.failed).toBe(true)

    // The failed batch shows up when the database is opened again, as after a failed fsync.
    batch.mockRestore()
    const close = vi.spyOn(ClassicLevel.prototype, "close")
    onTestFinished(() => close.mockRestore())
    close.mockImplementationOnce(async function (this: ClassicLevel<Uint8Array, Uint8Array>) {
      await this.batch([
        { type: "put", key: updateKey(document, 1), value: b },
        { type: "put", key: metaKey(document, SUMMARY), value: bytes(2) },
        { type: "put", key: digestKey(document), value: bytes(2) },
      ])
      close.mockRestore()
      await this.close()
    })
    env.advance(2000)
    await settled(() => !store.failed)
    expect(events).toEqual(["STORE_FAILED", "recovered"])
    expect(await store.load(document)).toMatchObject({ summary: bytes(1), later: [], updates: 1 })
    expect(await digestsOf(store)).toEqual([{ document, digest: bytes(1) }])
    await store.append({ document, update: d })
    await store.close()
    expect(await (await open(directory)).updates(document)).toEqual([a, d])
  })

  it("a failed store can be closed and opened again", async () => {
    const directory = await temporaryDirectory()
    const store = await open(directory)
    const batch = vi.spyOn(ClassicLevel.prototype, "batch").mockRejectedValueOnce(new Error("input/output error"))
    onTestFinished(() => batch.mockRestore())
    const document = anyDocument()
    await expect(store.append({ document, update: bytes(0, 0) })).rejects.toBeInstanceOf(WeftError)
    await store.close()
    const again = await open(directory)
    await again.append({ document, update: bytes(0, 0) })
    expect(await again.load(document)).toMatchObject({ clock: 0 })
  })
})

/** Waits for what real time brings. */
async function settled(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1))
}
