import { compareText, segmentDocument, sha256, utf8, type ConversationId, type DocumentName } from "@weft/sdk/protocol"
import { expect, it } from "vitest"
import { temporaryDirectory } from "../../../test/support/temporary.js"
import { openLevelStore } from "../store/level-store.js"
import type { ConversationDigests, Store } from "../store/store.js"
import { DigestTable } from "./digest-table.js"

const conversation = "AAAAAAAAAAAAAAAAAAAAAAAA" as ConversationId
const document = segmentDocument(conversation, 1)
const [contents, registers] = [sha256(utf8("contents")), sha256(utf8("registers"))]

/** A store of one conversation. */
function storeOf(stored: Partial<ConversationDigests>): Pick<Store, "digests" | "digestsAfter"> {
  const all = { conversation, documents: [], registers: undefined, ...stored }
  return { digests: async () => all, digestsAfter: async (after) => (after === undefined ? [all] : []) }
}

it("[D2, P5] registers that are durable a moment before the first document count in the digest", async () => {
  const [one, other] = [new DigestTable(storeOf({})), new DigestTable(storeOf({}))]
  const [row, later] = [await one.of(conversation), await other.of(conversation)]
  one.set(document, contents)
  one.setRegisters(conversation, registers)
  other.setRegisters(conversation, registers)
  expect([later.count, later.root]).toEqual([0, undefined])
  other.set(document, contents)
  expect(later.root).toEqual(row.root)
  expect(later.documents.map(({ document: name }) => name)).toEqual([document])
})

it("[S4] what becomes durable while a conversation's digests are read counts, whichever moment the read saw", async () => {
  const [before, after] = [sha256(utf8("before")), sha256(utf8("after"))]
  for (const seen of [before, after]) {
    const table = new DigestTable(storeOf({ documents: [{ document, digest: seen }] }))
    const reading = table.of(conversation)
    table.set(document, after)
    const expected = new DigestTable(storeOf({ documents: [{ document, digest: after }] }))
    expect((await reading).root).toEqual((await expected.of(conversation)).root)
    for await (const row of table.all()) expect(row.root).toEqual((await reading).root)
  }
})

it("[S4] conversations that are not in memory are told of as the store has them, after a restart too", async () => {
  const directory = await temporaryDirectory()
  const ids = Array.from({ length: 200 }, (_, index) => {
    const bytes = Buffer.alloc(18)
    bytes.writeUInt32BE(index)
    return bytes.toString("base64url") as ConversationId
  }).sort(compareText)
  const first: DocumentName[] = ids.map((id) => segmentDocument(id, 1))
  let store = await openLevelStore({ directory })
  let table = new DigestTable(store, 8)
  for (const id of ids) await table.of(id)
  await Promise.all(
    first.map(async (name) => {
      await store.append({ document: name, update: Uint8Array.of(0, 0), digest: sha256(utf8(name)) })
      table.set(name, sha256(utf8(name)))
    }),
  )
  const roots = await Promise.all(ids.map(async (id) => (await table.of(id)).root))
  await store.close()
  store = await openLevelStore({ directory })
  table = new DigestTable(store, 8)
  const again: (Uint8Array | undefined)[] = []
  for await (const { root } of table.all()) again.push(root)
  expect(again).toEqual(roots)
  await store.close()
})
