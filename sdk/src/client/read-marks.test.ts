import { describe, expect, it } from "vitest"
import * as Y from "yjs"
import { compactNative, readNativeContents } from "../native/contents.js"
import { encodeNative } from "../native/codec.js"
import { segmentDocument, type ConversationId, type DeviceId, type LogId } from "../protocol/names.js"
import { ReadMarks } from "./read-marks.js"

const trip = "t".repeat(24) as ConversationId
const phone = "p".repeat(24) as DeviceId
const laptop = "l".repeat(24) as DeviceId
const [log, otherLog] = [`${"b".repeat(24)}/AAAA` as LogId, `${"c".repeat(24)}/AAAA` as LogId]

interface Opened {
  readonly doc: Y.Doc
  readonly marks: ReadMarks
}

/** `writer`: the Yjs client id of that start. */
function open(device: DeviceId, state?: Uint8Array, writer?: number): Opened {
  const doc = new Y.Doc()
  if (writer !== undefined) doc.clientID = writer
  if (state !== undefined) Y.applyUpdate(doc, state)
  const marks = new ReadMarks(doc, device)
  doc.on("afterTransaction", (transaction: Y.Transaction) => {
    marks.onTransaction(transaction)
  })
  return { doc, marks }
}

/** Everything here is about one segment. */
function read(opened: Opened, ...counts: [LogId, number][]): Opened {
  opened.marks.mark(segmentDocument(trip, 1), new Map(counts))
  return opened
}

function countsOf({ marks }: Opened): number[] {
  return [log, otherLog].map((one) => marks.count(segmentDocument(trip, 1), one))
}

function exchange(a: Y.Doc, b: Y.Doc): void {
  Y.applyUpdate(b, Y.encodeStateAsUpdate(a))
  Y.applyUpdate(a, Y.encodeStateAsUpdate(b))
}

describe("read marks", () => {
  it("[U10] are the greatest over the devices, and never less than before", () => {
    const [one, other] = [open(phone), open(laptop)]
    expect(one.marks.mark(segmentDocument(trip, 1), new Map([[log, 7]]))).toBe(true)
    expect(other.marks.mark(segmentDocument(trip, 1), new Map([[log, 3]]))).toBe(true)
    exchange(one.doc, other.doc)
    for (const { marks } of [one, other]) {
      expect(marks.count(segmentDocument(trip, 1), log)).toBe(7)
      expect(marks.mark(segmentDocument(trip, 1), new Map([[log, 5]]))).toBe(false)
      expect(marks.count(segmentDocument(trip, 2), log)).toBe(0)
    }
  })

  it("[U2, U10] of two tabs of a device that begin at once are both there in the end", () => {
    const [one, other] = [open(phone), open(phone)]
    one.marks.mark(segmentDocument(trip, 1), new Map([[log, 7]]))
    other.marks.mark(segmentDocument(trip, 2), new Map([[log, 3]]))
    exchange(one.doc, other.doc)
    const later = open(laptop, Y.encodeStateAsUpdate(one.doc)).marks
    expect([later.count(segmentDocument(trip, 1), log), later.count(segmentDocument(trip, 2), log)]).toEqual([7, 3])
  })

  it.each([
    [1, 2],
    [2, 1],
  ])(
    "[U2, U10] what a device read before it was set back, as writer %d, counts beside what it read since, as %d",
    (...writers) => {
      const backup = Y.encodeStateAsUpdate(read(open(phone), [log, 1]).doc)
      const before = read(open(phone, backup, writers[0]), [log, 40], [otherLog, 2])
      const since = read(open(phone, backup, writers[1]), [log, 9], [otherLog, 5])
      // A server merges what no device saw together: what is lost there nobody can write again.
      const updates = [before, since].map(({ doc }) => Y.encodeStateAsUpdate(doc))
      const merged = encodeNative(compactNative(readNativeContents(updates)))
      for (const { doc } of [before, since]) Y.applyUpdate(doc, merged)
      for (const one of [before, since, open(phone, merged), open(laptop, merged)])
        expect(countsOf(one)).toEqual([40, 5])
    },
  )

  it("[U2, U10] clones of a device lose nothing of what either reads, and write nothing but what they read", () => {
    const first = read(open(phone), [log, 1])
    const clone = open(phone, Y.encodeStateAsUpdate(first.doc))
    for (let count = 10; count <= 50; count += 10) {
      read(first, [log, count])
      read(clone, [otherLog, count])
      const vectors = [first, clone].map(({ doc }) => Y.getState(doc.store, doc.clientID))
      exchange(first.doc, clone.doc)
      expect([first, clone].map(({ doc }) => Y.getState(doc.store, doc.clientID))).toEqual(vectors)
      for (const one of [first, clone, open(laptop, Y.encodeStateAsUpdate(first.doc))])
        expect(countsOf(one)).toEqual([count, count])
    }
    // What is said by one mark needs no others.
    read(clone, [otherLog, 60])
    expect(clone.doc.getArray(`reads/${phone}`)).toHaveLength(1)
  })

  it("[U6] take little room, however often they change", () => {
    const { doc, marks } = open(phone)
    const bytes = (): number => encodeNative(compactNative(readNativeContents([Y.encodeStateAsUpdate(doc)]))).length
    for (let count = 1; count <= 5000; count++)
      marks.mark(segmentDocument(trip, 1 + (count % 7)), new Map([[log, count]]))
    expect(bytes()).toBeLessThan(4096)
    expect(marks.count(segmentDocument(trip, 1 + (5000 % 7)), log)).toBe(5000)
  })

  it("[U2] of another form count as none", () => {
    const [doc, theirs] = [new Y.Doc(), new Y.Doc()]
    const key = `${trip}/1`
    doc.getArray(`reads/${laptop}`).push(["nonsense", 1, null, [], [7, 7], [key], [key, Uint8Array.of(9, 1)]])
    theirs.getMap(`reads/${phone}`).set(key, 1)
    theirs.getText(`reads/${laptop}x`).insert(0, "nonsense")
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(theirs))
    const marks = new ReadMarks(doc, phone)
    expect(marks.count(segmentDocument(trip, 1), log)).toBe(0)
    expect(marks.mark(segmentDocument(trip, 1), new Map([[log, 2]]))).toBe(true)
  })
})
