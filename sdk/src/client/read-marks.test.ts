import { describe, expect, it } from "vitest"
import * as Y from "yjs"
import { compactNative, readNativeContents } from "../native/contents.js"
import { encodeNative } from "../native/codec.js"
import { segmentDocument, type ConversationId, type DeviceId, type LogId } from "../protocol/names.js"
import { ReadMarks } from "./read-marks.js"

const trip = "t".repeat(24) as ConversationId
const phone = "p".repeat(24) as DeviceId
const laptop = "l".repeat(24) as DeviceId
const log = `${"b".repeat(24)}/AAAA` as LogId

function open(device: DeviceId, state?: Uint8Array): { doc: Y.Doc; marks: ReadMarks } {
  const doc = new Y.Doc()
  if (state !== undefined) Y.applyUpdate(doc, state)
  const marks = new ReadMarks(doc, device)
  doc.on("afterTransaction", (transaction: Y.Transaction) => {
    marks.onTransaction(transaction)
  })
  return { doc, marks }
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

  it("[U10] of two tabs that begin a device's map at once are both there in the end", () => {
    const [one, other] = [open(phone), open(phone)]
    one.marks.mark(segmentDocument(trip, 1), new Map([[log, 7]]))
    other.marks.mark(segmentDocument(trip, 2), new Map([[log, 3]]))
    exchange(one.doc, other.doc)
    for (const { marks } of [one, other]) marks.restore()
    exchange(one.doc, other.doc)
    const later = open(laptop, Y.encodeStateAsUpdate(one.doc)).marks
    expect([later.count(segmentDocument(trip, 1), log), later.count(segmentDocument(trip, 2), log)]).toEqual([7, 3])
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
    const doc = new Y.Doc()
    doc.getMap("reads").set(phone, "nonsense")
    doc.getMap("reads").set(laptop, new Y.Map([[`${trip}/1`, Uint8Array.of(9, 1)]]))
    const marks = new ReadMarks(doc, phone)
    expect(marks.count(segmentDocument(trip, 1), log)).toBe(0)
    expect(marks.mark(segmentDocument(trip, 1), new Map([[log, 2]]))).toBe(true)
  })
})
