import * as encoding from "lib0/encoding"
import { describe, expect, it } from "vitest"
import type { Clock, ControlId } from "../protocol/entry.js"
import { encodeFrame, MAX_VECTOR_RECORDS } from "../protocol/frame.js"
import { controlDocument, segmentDocument, type ConversationId } from "../protocol/names.js"
import { anyDocument, deviceNamed, recordBy, TestLog } from "./scenario.js"
import { recordIdOf, type RecordId } from "./erasure.js"
import { decodeSummary, digestOf, emptySummary, encodeSummary, headsOf, rootDigestOf, vectorOf } from "./summary.js"

const document = anyDocument()
const ann = await deviceNamed("ann")

async function filled() {
  const summary = emptySummary(document)
  for (const session of [1, 2]) {
    const log = new TestLog(ann, document, session)
    await log.seal("one", "two")
    if (log.summary !== undefined) summary.logs.set(log.client, log.summary)
  }
  const record = await recordBy(ann, document, ann.id, Uint8Array.of(1))
  summary.records.set(recordIdOf(record), record)
  summary.messages = 4
  summary.bytes = 300
  summary.lastClock = (2 ** 50) as Clock
  return summary
}

it("[D1] what grows has the digest of what was made at once", async () => {
  const whole = await filled()
  const growing = emptySummary(document)
  const fresh = (): Uint8Array => digestOf({ ...growing, logs: new Map(growing.logs) })
  // Sessions come in no order of their names, and a log that is there goes on.
  for (const log of Array.from(whole.logs.values()).reverse()) {
    for (const count of [1, log.count]) {
      growing.logs.set(log.client, { ...log, count })
      expect(digestOf(growing)).toEqual(fresh())
    }
  }
  for (const [id, record] of whole.records) growing.records.set(id, record)
  expect(digestOf(growing)).toEqual(digestOf(whole))
})

describe("a stored summary", () => {
  it("is read as it was written", async () => {
    const summary = await filled()
    expect(decodeSummary(document, encodeSummary(summary))).toEqual(summary)
    expect(decodeSummary(document, encodeSummary(emptySummary(document)))).toEqual(emptySummary(document))
  })

  it("of before there was a last clock is read as one without", async () => {
    const summary = await filled()
    const bytes = encodeSummary(summary)
    const { length } = encoding.encode((encoder) => encoding.writeVarUint(encoder, summary.lastClock))
    // A format, 4 messages (1 byte), 300 bytes (2 bytes), the clock.
    const before = Uint8Array.of(1, ...bytes.slice(1, 4), ...bytes.slice(4 + length))
    expect(decodeSummary(document, before)).toEqual({ ...summary, lastClock: 0 })
  })

  it("keeps a log that saw nothing apart from one that did", async () => {
    const summary = await filled()
    const [first] = summary.logs.values()
    if (first !== undefined) summary.logs.set(first.client, { ...first, seen: [], firstSeen: [] as ControlId[] })
    expect(decodeSummary(document, encodeSummary(summary))).toEqual(summary)
  })

  it("that is cut off anywhere, or longer, is damage: an error, and soon", async () => {
    const bytes = encodeSummary(await filled())
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeSummary(document, bytes.slice(0, length))).toThrow()
    }
    expect(() => decodeSummary(document, Uint8Array.of(...bytes, 0))).toThrow("bytes behind a summary")
    expect(() => decodeSummary(document, Uint8Array.of(3))).toThrow("unknown format")
  })

  it("that claims more lists than it has bytes ends with them", () => {
    const bytes = encoding.encode((encoder) => {
      encoding.writeUint8(encoder, 1)
      encoding.writeVarUint(encoder, 0)
      encoding.writeVarUint(encoder, 0)
      encoding.writeVarUint(encoder, 2 ** 50)
    })
    expect(() => decodeSummary(document, bytes)).toThrow(RangeError)
  })

  it("that names a list which is not there, or holds a damaged record, is damage", async () => {
    const summary = await filled()
    summary.records.clear()
    const bytes = encodeSummary(summary)
    // The last log's last number names the list of what it saw; behind it the count of records.
    const unknown = bytes.slice()
    unknown[bytes.length - 2] = 9
    expect(() => decodeSummary(document, unknown)).toThrow("a list that is not there")
    const record = Uint8Array.of(...bytes.slice(0, -1), 1, 2, 0, 0)
    expect(() => decodeSummary(document, record)).toThrow("a damaged erase record")
  })
})

describe("digests", () => {
  it("[D1] depend on logs, counts, links and records, not on their order", async () => {
    const summary = await filled()
    const digest = digestOf(summary)
    const turned = { ...summary, logs: new Map(Array.from(summary.logs).reverse()) }
    expect(digestOf(turned)).toEqual(digest)
    const [first] = summary.logs.values()
    for (const change of [{ count: 1 }, { link: new Uint8Array(32) }]) {
      const logs = new Map(summary.logs)
      if (first !== undefined) logs.set(first.client, { ...first, ...change })
      expect(digestOf({ ...summary, logs })).not.toEqual(digest)
    }
    expect(digestOf({ ...summary, records: new Map() })).not.toEqual(digest)
    expect(digestOf({ ...summary, document: anyDocument(2) })).not.toEqual(digest)
  })

  it("[D2] of a conversation depend on names and digests, not on their order", () => {
    const id = "AAAAAAAAAAAAAAAAAAAAAAAA" as ConversationId
    const parts = [controlDocument(id), segmentDocument(id, 1)].map((name, at) => ({ name, digest: Uint8Array.of(at) }))
    expect(rootDigestOf(id, parts)).toEqual(rootDigestOf(id, parts.slice().reverse()))
    expect(rootDigestOf(id, parts)).not.toEqual(rootDigestOf(id, parts.slice(1)))
  })

  it("[S5] heads name as many records as a vector takes", async () => {
    const summary = await filled()
    const records = new Map(summary.records)
    const [record] = records.values()
    if (record === undefined) throw new TypeError("one was erased")
    for (let count = 0; count <= MAX_VECTOR_RECORDS; count++) {
      records.set(String(count).padStart(24, "A") as RecordId, record)
    }
    const heads = headsOf({ ...summary, records })
    expect([heads.logs.length, heads.records.length]).toEqual([2, MAX_VECTOR_RECORDS])
    encodeFrame({ kind: "vector", document: summary.document, reply: true, ...heads })
  })

  it("vectors say how much of each log is held", async () => {
    const summary = await filled()
    expect(Array.from(vectorOf(summary).values())).toEqual([5, 5])
  })
})
