import {
  conversationOf,
  decodeUpdate,
  encodeUpdate,
  messageIdOf,
  readContents,
  decodeHead,
  systemEnv,
  type Contents,
  type DocumentName,
  type MessageId,
} from "@weft/sdk/protocol"
import { expect, it, onTestFinished } from "vitest"
import { anyDocument, makeDevice, makeLog, type TestLog } from "../../../test/support/device.js"
import { manualEnv } from "../../../test/support/manual-env.js"
import { temporaryDirectory } from "../../../test/support/temporary.js"
import { openLevelStore } from "./level-store.js"
import { createMerger, isMergeDue, type MergerOptions } from "./merge.js"

const device = await makeDevice()
const end = () => undefined
const describe = () => ({ summary: Uint8Array.of(1), digest: Uint8Array.of(2), nextErasure: Infinity })

async function setup(options: Partial<MergerOptions> = {}) {
  const directory = await temporaryDirectory()
  const store = await openLevelStore({ directory })
  onTestFinished(() => store.close())
  const failures: [DocumentName, string][] = []
  const merger = createMerger({
    store,
    env: systemEnv,
    contextOf: async () => ({ isErased: () => false, describe, end }),
    onFailure: (document, error) => failures.push([document, error.code]),
    ...options,
  })
  onTestFinished(() => merger.close())
  return { store, merger, failures }
}

/** Seals one message and appends it. */
async function write(log: TestLog, document: DocumentName, store: Awaited<ReturnType<typeof setup>>["store"]) {
  const run = await log.seal("text")
  await store.append({ document, update: encodeUpdate([run]) })
  return run
}

it.each([
  [{ updates: 1, bytes: 100 }, false],
  [{ updates: 63, bytes: 63 * 100 }, false],
  [{ updates: 64, bytes: 64 * 100 }, true],
  [{ updates: 64, bytes: 64 * 1024 }, true],
  [{ updates: 64, bytes: 64 * 1024 + 1 }, false],
  [{ updates: 65, bytes: 256 * 1024 }, false],
  [{ updates: 257, bytes: 256 * 1024 + 257 * 200 }, false],
  [{ updates: 330, bytes: 256 * 1024 + 330 * 200 }, true],
  [{ updates: 1023, bytes: 1e9 }, false],
  [{ updates: 1024, bytes: 1e9 }, true],
])("a merge of %j is due: %s", (stored, due) => {
  expect(isMergeDue(stored)).toBe(due)
})

it("a merge leaves one update with the same contents, in canonical form", async () => {
  const document = anyDocument()
  const fewer: number[] = []
  const { store, merger, failures } = await setup({ onMerged: (_, count) => fewer.push(count) })
  const logs = [makeLog(device, document), makeLog(device, document)]
  for (let index = 0; index < 10; index++) await write(logs[index % 2]!, document, store)
  const before = readContents(await store.updates(document))
  merger.request(document)
  merger.request(document)
  await merger.idle()
  const updates = await store.updates(document)
  expect(updates).toEqual([encodeUpdate(logs.map(({ whole }) => whole))])
  expect(readContents(updates)).toEqual(before)
  expect(await store.load(document)).toMatchObject({ updates: 1, summary: describe().summary, later: [] })
  expect((await store.digests(conversationOf(document))).documents).toEqual([{ document, digest: describe().digest }])
  expect([fewer, failures]).toEqual([[9], []])
})

it("[X3] a merge takes the bodies of erased messages out", async () => {
  const document = anyDocument()
  const erased = new Set<MessageId>()
  const { store, merger } = await setup({
    contextOf: async () => ({ isErased: (message) => erased.has(message), describe, end }),
  })
  const log = makeLog(device, document)
  const { elements } = await write(log, document, store)
  await write(log, document, store)
  erased.add(messageIdOf(device.id, decodeHead(elements[0]!)!.bodyHash))
  merger.request(document)
  await merger.idle()
  const [update] = await store.updates(document)
  expect(Buffer.from(update!).includes(Buffer.from(elements[1]!))).toBe(false)
  expect(decodeUpdate(update!)?.[0]?.elements).toEqual(
    log.whole.elements.map((element, index) => (index === 1 ? null : element)),
  )
})

it("appends during a merge stay, and its summary may be newer than what it covers", async () => {
  const document = anyDocument()
  const log = makeLog(device, document)
  let during: Contents | undefined
  const { store, merger } = await setup({
    contextOf: async () => ({
      isErased: () => false,
      end,
      describe(contents) {
        during = contents
        return describe()
      },
    }),
  })
  for (let index = 0; index < 5; index++) await write(log, document, store)
  merger.request(document)
  for (let index = 0; index < 20; index++) await write(log, document, store)
  await merger.idle()
  expect(during?.size).toBe(1)
  expect(readContents(await store.updates(document)).get(log.client)).toEqual(log.whole)
  expect((await store.load(document))!.updates).toBeLessThan(25)
})

it("a merge that another replacement overtook is made again from what that left", async () => {
  const document = anyDocument()
  const log = makeLog(device, document)
  const kept = encodeUpdate([{ ...log.whole, elements: (await log.seal("kept")).elements }])
  let overtaken = false
  const setting = await setup({
    contextOf: async () => ({
      isErased: () => false,
      end,
      describe() {
        if (!overtaken) {
          overtaken = true
          const stateVector = new Uint8Array([0])
          overtaking = setting.store.replace({ document, update: kept, covers: 2, stateVector, ...describe() })
        }
        return describe()
      },
    }),
  })
  let overtaking: Promise<void> | undefined
  const { store, merger, failures } = setting
  await store.append({ document, update: kept })
  for (let index = 0; index < 2; index++) await write(log, document, store)
  merger.request(document)
  await merger.idle()
  await overtaking
  expect(await store.updates(document)).toEqual([kept])
  expect(failures).toEqual([])
})

it("a damaged document is told and left; others are merged", async () => {
  const [damaged, whole] = [anyDocument(1), anyDocument(2)]
  const { store, merger, failures } = await setup()
  const log = makeLog(device, damaged)
  await log.seal("lost")
  await write(log, damaged, store)
  await write(makeLog(device, whole), whole, store)
  merger.request(damaged)
  merger.request(whole)
  await merger.idle()
  expect(failures).toEqual([[damaged, "STORE_CORRUPT"]])
  expect(await store.load(whole)).toMatchObject({ summary: describe().summary })
})

it("[R7, X7] a document of which a part that was set aside can't be read is told as damaged", async () => {
  const document = anyDocument()
  const { store, merger, failures } = await setup()
  await write(makeLog(device, document), document, store)
  await store.putAside(document, "damaged@0", Uint8Array.of(255))
  merger.request(document)
  await merger.idle()
  expect(failures).toEqual([[document, "STORE_CORRUPT"]])
})

it("closing finishes the merge under way and forgets the rest", async () => {
  const env = manualEnv()
  const asked: DocumentName[] = []
  let answer = (): void => undefined
  const { merger } = await setup({
    env,
    contextOf: (document) => {
      asked.push(document)
      return new Promise((resolve) => {
        answer = () => {
          resolve(undefined)
        }
      })
    },
  })
  const documents = [anyDocument(1), anyDocument(2), anyDocument(3)]
  for (const document of documents) merger.request(document)
  env.advance(0)
  await Promise.resolve()
  const closing = merger.close()
  merger.request(anyDocument())
  answer()
  await new Promise((resolve) => setImmediate(resolve))
  env.advance(0)
  await closing
  expect(asked).toEqual(documents.slice(0, 1))
})
