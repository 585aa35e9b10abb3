import { eraserOf, recordIdOf, targetOf, type EraseRecord } from "../log/erasure.js"
import { compareText } from "../protocol/bytes.js"
import type { MessageId } from "../protocol/entry.js"
import type { Erasure } from "./node.js"

/** What records say together, in whatever order they came: who was first, and that a message stood there if one says so. [SPEC M8] */
export function erasuresOf(records: Iterable<EraseRecord>): ReadonlyMap<MessageId, Erasure> {
  const erasures = new Map<MessageId, { first: EraseRecord; kind: Erasure["kind"] }>()
  for (const record of records) {
    const target = targetOf(record)
    const known = erasures.get(target)
    if (known === undefined) erasures.set(target, { first: record, kind: record.kind })
    else {
      if (record.kind === "message") known.kind = "message"
      if (isBefore(record, known.first)) known.first = record
    }
  }
  const result = new Map<MessageId, Erasure>()
  for (const [target, { first, kind }] of erasures) result.set(target, { kind, by: eraserOf(first) })
  return result
}

function isBefore(a: EraseRecord, b: EraseRecord): boolean {
  return (a.clock - b.clock || compareText(recordIdOf(a), recordIdOf(b))) < 0
}
