import { cp } from "node:fs/promises"
import { join } from "node:path"
import { encodeUpdate, readContents, type DocumentName } from "@weft/sdk/protocol"
import { LeveldbPersistence, keyEncoding } from "y-leveldb"
import * as Y from "yjs"
import { expect, it, onTestFinished } from "vitest"
import { encodeParts, updateKey } from "../../sync-server/src/store/keys.js"
import { openLevelStore } from "../../sync-server/src/store/level-store.js"
import { createMerger } from "../../sync-server/src/store/merge.js"
import type { Store } from "../../sync-server/src/store/store.js"
import { encodeStateVectorRecord, stateVectorOf } from "../../sync-server/src/store/values.js"
import { anyDocument, makeDevice, makeLog, type TestLog } from "../support/device.js"
import { manualEnv } from "../support/manual-env.js"
import { seededRandom } from "../support/seed.js"
import { temporaryDirectory } from "../support/temporary.js"

// y-leveldb is the oracle for our layout. Its reader writes (it merges what it reads), so it gets copies of our folders.

async function ours(directory: string): Promise<Store> {
  const store = await openLevelStore({ directory })
  onTestFinished(() => store.close())
  return store
}

function theirs(directory: string): LeveldbPersistence {
  const persistence = new LeveldbPersistence(directory)
  onTestFinished(() => persistence.destroy())
  return persistence
}

async function copyOf(directory: string): Promise<string> {
  const copy = join(await temporaryDirectory(), "copy")
  await cp(directory, copy, { recursive: true, filter: (source) => !source.endsWith("LOCK") })
  return copy
}

/** Some logs of some devices in a document, a run of one of them at a time. */
async function writeRuns(document: DocumentName, runs: number, take: (update: Uint8Array) => Promise<unknown>) {
  const random = seededRandom("y-leveldb")
  const devices = await Promise.all([makeDevice(random.bytes(32)), makeDevice(random.bytes(32))])
  const logs = [0, 1, 2, 3].map((index) => makeLog(devices[index % 2]!, document, random.bytes(3)))
  for (let index = 0; index < runs; index++) {
    const texts = Array.from({ length: 1 + random.below(3) }, () => "text ".repeat(1 + random.below(20)))
    await take(encodeUpdate([await random.pick(logs).seal(...texts)]))
  }
  return logs.filter(({ summary }) => summary !== undefined)
}

function expectDocument(doc: Y.Doc, logs: readonly TestLog[]): void {
  expect(Array.from(doc.share.keys()).sort()).toEqual(logs.map(({ id }) => id).sort())
  for (const log of logs) expect(doc.getArray(log.id).toArray()).toEqual(log.whole.elements)
  const wholes = logs.map(({ whole }) => whole)
  expect(Buffer.from(Y.encodeStateAsUpdate(doc)).equals(encodeUpdate(wholes))).toBe(true)
  expect(Y.encodeStateVector(doc)).toEqual(stateVectorOf(wholes))
}

it("keys have y-leveldb's bytes", () => {
  const random = seededRandom("keys")
  for (let round = 0; round < 500; round++) {
    const parts = Array.from({ length: random.below(5) }, () =>
      random.oneIn(2) ? random.below(2 ** 32) : "xä€😀/".repeat(random.below(40)),
    )
    const encoded = keyEncoding.encode(parts)
    expect(encodeParts(...parts)).toEqual(new Uint8Array(encoded))
  }
  expect(keyEncoding.decode(updateKey("name", 2 ** 32 - 2))).toEqual(["v1", "name", "update", 2 ** 32 - 2])
})

it("y-leveldb lists and reads our documents, appended and merged, and nothing else of ours", async () => {
  const directory = await temporaryDirectory()
  const store = await ours(directory)
  const [appended, merged] = [anyDocument(1), anyDocument(2)]
  const writer = (document: DocumentName) => (update: Uint8Array) =>
    store.append({ document, update, summary: Uint8Array.of(1, 2), digest: Uint8Array.of(3) })
  const logs = await writeRuns(appended, 30, writer(appended))
  const mergedLogs = await writeRuns(merged, 30, writer(merged))
  await store.putSetting("key", Uint8Array.of(1))
  await store.putAside(appended, "name", Uint8Array.of(1))
  const merger = createMerger({
    store,
    env: { ...manualEnv(), setTimer: (_, call) => setImmediate(call) },
    contextOf: async () => ({
      isErased: () => false,
      end: () => undefined,
      describe: () => ({ summary: Uint8Array.of(1), digest: Uint8Array.of(2), nextErasure: Infinity }),
    }),
    onFailure: (document, error) => expect.unreachable(`${document}: ${error.message}`),
  })
  merger.request(merged)
  await merger.idle()
  await store.close()

  const persistence = theirs(await copyOf(directory))
  expect((await persistence.getAllDocNames()).sort()).toEqual([appended, merged].sort())
  expectDocument(await persistence.getYDoc(appended), logs)
  expectDocument(await persistence.getYDoc(merged), mergedLogs)
  const vector = (await persistence.getAllDocStateVectors()).find(({ name }) => name === merged)
  expect(vector?.clock).toBe(29)
  expect(Array.from(vector!.sv)).toEqual(Array.from(stateVectorOf(mergedLogs.map(({ whole }) => whole))))
  expect(await persistence.getStateVector(appended)).toEqual(stateVectorOf(logs.map(({ whole }) => whole)))
  expect(Array.from((await persistence.getMetas(appended)).keys())).toEqual(["weft-summary"])
  await persistence.clearDocument(appended)
  expect(await persistence.getAllDocNames()).toEqual([merged])
})

it("y-leveldb reads erased bodies as deleted", async () => {
  const directory = await temporaryDirectory()
  const store = await ours(directory)
  const document = anyDocument()
  const log = makeLog(await makeDevice(), document)
  await log.seal("one", "two")
  await log.seal("three")
  const elements = log.whole.elements.map((element, index) => (index === 1 || index === 6 ? null : element))
  const update = encodeUpdate([{ ...log.whole, elements }])
  await store.append({ document, update })
  await store.close()
  const doc = await theirs(await copyOf(directory)).getYDoc(document)
  expect(doc.getArray(log.id).toArray()).toEqual(elements.filter((element) => element !== null))
  expect(Buffer.from(Y.encodeStateAsUpdate(doc)).equals(update)).toBe(true)
})

it("we read what y-leveldb has stored, merged by itself or not, and write on", async () => {
  const directory = await temporaryDirectory()
  const [flushed, document] = [anyDocument(1), anyDocument(2)]
  const persistence = new LeveldbPersistence(directory)
  const updates: Uint8Array[] = []
  const logs = await writeRuns(document, 20, (update) => {
    updates.push(update)
    return persistence.storeUpdate(document, update)
  })
  const flushedLogs = await writeRuns(flushed, 20, (update) => persistence.storeUpdate(flushed, update))
  await persistence.flushDocument(flushed)
  await persistence.destroy()

  const store = await ours(directory)
  expect(await store.documents()).toEqual([flushed, document].sort())
  expect(await store.digestsAfter(undefined)).toEqual([])
  const loaded = (await store.load(document))!
  expect(loaded).toMatchObject({ summary: undefined, updates: 20, clock: 19 })
  expect(loaded.later).toEqual(updates)
  const contents = readContents((await store.load(flushed))!.later)
  expect(encodeUpdate(Array.from(contents.values()))).toEqual(encodeUpdate(flushedLogs.map(({ whole }) => whole)))

  const more = await logs[0]!.seal("more")
  await store.append({ document, update: encodeUpdate([more]) })
  await store.close()
  expectDocument(await theirs(await copyOf(directory)).getYDoc(document), logs)
})

it("a state vector is stored as y-leveldb stores it", async () => {
  const directory = await temporaryDirectory()
  const persistence = new LeveldbPersistence(directory)
  const document = anyDocument()
  const [log] = await writeRuns(document, 1, (update) => persistence.storeUpdate(document, update))
  const [stored] = await persistence.getAllDocStateVectors()
  await persistence.destroy()
  const vector = stateVectorOf([log!.whole])
  expect(stored?.clock).toBe(0)
  expect(Array.from(stored!.sv)).toEqual(Array.from(vector))
  expect(encodeStateVectorRecord(0, vector)).toEqual(Uint8Array.of(0, vector.length, ...vector))
})
