import { expect, it } from "vitest"
import type { MessageId } from "../protocol/entry.js"
import { segmentDocument, type ConversationId, type LogId } from "../protocol/names.js"
import { CatchUpReads } from "./catch-up-reads.js"

it("[U10] what was read while a device catches up is kept by segment and thread, never goes back, and survives a restart", () => {
  const trip = segmentDocument("t".repeat(24) as ConversationId, 1)
  const [log, other] = [`${"b".repeat(24)}/AAAA` as LogId, `${"c".repeat(24)}/AAAA` as LogId]
  const root = `${"b".repeat(24)}.${"r".repeat(32)}` as MessageId
  const reads = new CatchUpReads()
  expect([reads.isEmpty, reads.encode().length]).toEqual([true, 0])
  reads.take(trip, new Map([[log, 7]]), root)
  expect([reads.isEmpty, reads.has(trip)]).toEqual([false, false])
  reads.take(trip, new Map([[log, 5]]))
  reads.take(
    trip,
    new Map([
      [log, 3],
      [other, 1],
    ]),
  )
  const again = new CatchUpReads()
  again.take(trip, new Map([[log, 99]]))
  again.restore(reads.encode())
  for (const one of [reads, again]) {
    expect([one.count(trip, log), one.count(trip, other), one.count(trip, log, root)]).toEqual([5, 1, 7])
    expect(one.has(trip)).toBe(true)
  }
  again.restore(new Uint8Array())
  expect([again.isEmpty, again.count(trip, log)]).toEqual([true, 0])
})
