import { anyDocument } from "../../../test/support/device.js"
import { seededRandom } from "../../../test/support/seed.js"
import { controlDocument, conversationOf, segmentDocument, type ConversationId } from "@weft/sdk/protocol"
import { expect, it } from "vitest"
import {
  asideKey,
  asideRange,
  digestKey,
  digestRange,
  digestsAfterRange,
  MAX_UPDATE_CLOCK,
  metaKey,
  parseKey,
  openedKey,
  openedRange,
  registersKey,
  settingKey,
  standingKey,
  standingRange,
  stateVectorKey,
  stateVectorPrefixRange,
  stateVectorRange,
  storeKey,
  updateKey,
  updateRange,
  type Key,
  type KeyRange,
} from "./keys.js"

const document = anyDocument()
const conversation = conversationOf(document)
const MAX_SEGMENT = 2 ** 31 - 1

it.each<[Uint8Array, Key]>([
  [stateVectorKey(document), { kind: "stateVector", document }],
  [updateKey(document, MAX_UPDATE_CLOCK), { kind: "update", document, clock: MAX_UPDATE_CLOCK }],
  [metaKey(document, "name"), { kind: "meta", document, name: "name" }],
  [asideKey(document, "ä\0"), { kind: "aside", document, name: "ä\0" }],
  [digestKey(controlDocument(conversation)), { kind: "digest", conversation, segment: 0 }],
  [digestKey(segmentDocument(conversation, MAX_SEGMENT)), { kind: "digest", conversation, segment: MAX_SEGMENT }],
  [registersKey(conversation), { kind: "registers", conversation }],
  [digestKey("u/YWxpY2U/account"), { kind: "account", account: "u/YWxpY2U/account" }],
  [standingKey("älice", conversation), { kind: "standing", user: "älice", conversation }],
  [openedKey("älice", conversation), { kind: "opened", user: "älice", conversation }],
  [settingKey("key"), { kind: "setting", name: "key" }],
  [storeKey("format"), { kind: "store", name: "format" }],
])("a key is parsed as it was built", (key, parsed) => {
  expect(parseKey(key)).toEqual(parsed)
})

it("other bytes are no key", () => {
  const update = updateKey(document, 1)
  for (let end = 0; end < update.length; end++) expect(parseKey(update.subarray(0, end))).toBeUndefined()
  expect(parseKey(Uint8Array.of(2, 1, 1))).toBeUndefined()
  expect(parseKey(Uint8Array.of(...update, 0, 0))).toBeUndefined()
})

it("updates sort by clock", () => {
  const random = seededRandom("updates sort by clock")
  for (let round = 0; round < 1000; round++) {
    const [a, b] = [random.below(MAX_UPDATE_CLOCK + 1), random.below(MAX_UPDATE_CLOCK + 1)]
    expect(Math.sign(Buffer.compare(updateKey(document, a), updateKey(document, b)))).toBe(Math.sign(a - b))
  }
})

it("a range holds its kind and nothing else", () => {
  // Behind it in the order of ids.
  const other = segmentDocument("zzzzzzzzzzzzzzzzzzzzzzzw" as ConversationId, 12)
  const keys = [document, other].flatMap((name) => [
    stateVectorKey(name),
    updateKey(name, 0),
    updateKey(name, MAX_UPDATE_CLOCK),
    metaKey(name, "a"),
    metaKey(name, "zzzzzzzzzz"),
    asideKey(name, ""),
    asideKey(name, "zzzzzzzzzz"),
    digestKey(name),
  ])
  keys.push(...["al", "alice", "alicf", "alice2"].map((user) => standingKey(user, conversation)))
  keys.push(...["al", "alice", "alicf", "alice2"].map((user) => openedKey(user, conversation)))
  keys.push(settingKey("a"), settingKey("zzzzzzzzzzzzzzzzzz"), storeKey("a"))
  const inside = (range: KeyRange) =>
    keys.filter((key) => Buffer.compare(key, range.gte) >= 0 && Buffer.compare(key, range.lt) < 0).map(parseKey)
  const kinds = (range: KeyRange) => inside(range).map((key) => key?.kind)

  expect(kinds(stateVectorRange)).toEqual(["stateVector", "stateVector"])
  expect(kinds(digestsAfterRange(undefined))).toEqual(["digest", "digest"])
  expect(inside(digestRange(conversation))).toEqual([{ kind: "digest", conversation, segment: 1 }])
  expect(inside(digestsAfterRange(conversation))).toEqual(inside(digestRange(conversationOf(other))))
  expect(inside(standingRange("alice"))).toEqual([{ kind: "standing", user: "alice", conversation }])
  expect(inside(openedRange("alice"))).toEqual([{ kind: "opened", user: "alice", conversation }])
  expect(inside(asideRange(document))).toMatchObject([
    { kind: "aside", document },
    { kind: "aside", document },
  ])
  expect(inside(updateRange(document))).toMatchObject([
    { kind: "update", document, clock: 0 },
    { kind: "update", document, clock: MAX_UPDATE_CLOCK },
  ])
  expect(kinds(updateRange(document, 1, MAX_UPDATE_CLOCK))).toEqual([])
  const prefix = document.slice(0, -1)
  expect(inside(stateVectorPrefixRange(prefix, prefix.length + 1))).toMatchObject([{ kind: "stateVector", document }])
  expect(inside(stateVectorPrefixRange(prefix, prefix.length + 2))).toEqual([])
})
