import { expect, it } from "vitest"
import { systemEnv } from "../base/env.js"
import { deviceNamed } from "../log/scenario.js"
import { updatePrefix } from "../log/keys.js"
import type { Clock } from "../protocol/entry.js"
import type { DocumentName, LogId, UserId } from "../protocol/names.js"
import { segmentDocument } from "../protocol/names.js"
import { createMemoryStorage } from "../storage/memory.js"
import { Replica } from "../sync/replica.js"
import { EarlierUnread } from "./earlier-unread.js"
import { SegmentEnds } from "./segment-ends.js"

it("[U10] a segment in which everything was read is not read again, one with a message more is", async () => {
  const device = await deviceNamed("ann")
  const storage = createMemoryStorage()
  const scanned: string[] = []
  const user = "ann" as UserId
  const replica = await Replica.open({
    storage: {
      ...storage,
      scan: (range) => {
        scanned.push(range.from)
        return storage.scan(range)
      },
    },
    ...{ env: systemEnv, user, signer: device, verify: async () => true, refusesKey: () => false },
  })
  await replica.becomeWriter()
  replica.setCarrier("any", true)
  const trip = await replica.create("Trip", [], [])
  for (const text of ["one", "two", "three"]) trip.post(new Map([["t", text]]))
  const document = await trip.segment(1)
  await document.flush()
  await trip.idle()
  // What an account keeps of a log: so many elements, up to the head of the last message that was read.
  const heads = (await document.entries()).map(({ position }) => position + 1)
  let readCount = Math.max(...heads)
  let readVersion = 1
  const nobody = new Set<UserId>()
  const earlier = new EarlierUnread({
    conversation: trip,
    reader: { user, device: replica.device, env: systemEnv },
    ends: new SegmentEnds(storage),
    account: {
      readCount: (_: DocumentName, log: LogId) => (log === undefined ? 0 : readCount),
      get readVersion() {
        return readVersion
      },
      marksOf: () => [],
    },
    oldestListed: () => 2,
    isWatched: () => true,
    isListed: () => false,
    readHereUpTo: () => 0 as Clock,
    passOver: () => undefined,
    blocked: () => nobody,
    failed: (error) => {
      throw error
    },
  })
  const prefix = updatePrefix(segmentDocument(trip.id, 1))
  const reads = (): number => scanned.filter((from) => from === prefix).length
  const before = reads()
  const looked = (): Promise<void> => {
    earlier.look()
    return earlier.passed()
  }
  await looked()
  // Once, for its threads: it has none.
  expect([earlier.inputs(), reads()]).toEqual([[], before + 1])
  readVersion++
  await looked()
  expect(reads()).toBe(before + 1)
  ;[readCount = 0] = heads.slice(-2)
  readVersion++
  await looked()
  expect([earlier.inputs().length, reads()]).toEqual([3, before + 2])
  earlier.close()
  await replica.close()
})
