import { expect, it } from "vitest"
import { systemEnv } from "../base/env.js"
import { deviceNamed } from "../log/scenario.js"
import { encodeSaid } from "../conversation/said.js"
import { updatePrefix } from "../log/keys.js"
import type { MessageId } from "../protocol/entry.js"
import type { UserId } from "../protocol/names.js"
import { createMemoryStorage } from "../storage/memory.js"
import { Replica } from "../sync/replica.js"
import { SegmentEnds } from "./segment-ends.js"

it("[M9, U10] where a segment ends its last message says, and no edit; it is read for that once", async () => {
  const device = await deviceNamed("ann")
  const user = "ann" as UserId
  const reads: string[] = []
  const inner = createMemoryStorage()
  const scan: typeof inner.scan = (range) => {
    reads.push(range.from)
    return inner.scan(range)
  }
  const storage = { ...inner, scan }
  const replica = await Replica.open({
    ...{ storage, env: systemEnv, user, signer: device, verify: async () => true, refusesKey: () => false },
  })
  await replica.becomeWriter()
  replica.setCarrier("any", true)
  const trip = await replica.create("Trip", [], [])
  const document = await trip.segment(1)
  trip.post(new Map([["t", "one"]]))
  await document.flush()
  const root = `${"R".repeat(24)}.${"r".repeat(32)}` as MessageId
  const reply = { kind: "message", text: "two", mentions: [], replyTo: undefined, forwardedFrom: undefined } as const
  trip.post(encodeSaid({ ...reply, thread: { segment: 7, id: root } }))
  await document.flush()
  trip.post(new Map<string, never>([["k", "edit" as never]]))
  await document.flush()
  const entries = await document.entries()
  const [, last] = entries
  if (last === undefined || entries.length !== 3) throw new Error("there are three")
  const end = {
    clock: last.head.clock,
    replies: [{ root, segment: 7, log: last.log, end: last.position + 1 }],
  }
  expect(document.summary.lastClock).toBeGreaterThan(end.clock)
  expect(await new SegmentEnds(storage).of(document)).toEqual(end)
  expect(reads).toContain(updatePrefix(document.name))
  reads.length = 0
  const again = new SegmentEnds(storage)
  expect(again.peek(document)).toBeUndefined()
  expect(await again.of(document)).toEqual(end)
  expect(again.peek(document)).toEqual(end)
  expect(reads).not.toContain(updatePrefix(document.name))
  again.forget(document)
  expect(again.peek(document)).toBeUndefined()
  await replica.close()
})
