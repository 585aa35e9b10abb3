import { segmentDocument, sha256, utf8, type ConversationId } from "@weft/sdk/protocol"
import { expect, it } from "vitest"
import { DigestTable } from "./digest-table.js"

const conversation = "AAAAAAAAAAAAAAAAAAAAAAAA" as ConversationId
const document = segmentDocument(conversation, 1)
const [contents, registers] = [sha256(utf8("contents")), sha256(utf8("registers"))]

it("[D2, P5] registers that are durable a moment before the first document count in the digest", () => {
  const [one, other] = [new DigestTable(), new DigestTable()]
  one.set(document, contents)
  one.setRegisters(conversation, registers)
  other.setRegisters(conversation, registers)
  expect([Array.from(other.conversations()), other.root(conversation)]).toEqual([[], undefined])
  other.set(document, contents)
  expect(other.root(conversation)).toEqual(one.root(conversation))
  expect(Array.from(other.conversations())).toEqual([conversation])
})
