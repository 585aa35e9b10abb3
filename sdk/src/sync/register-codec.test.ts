import { expect, it } from "vitest"
import { threadName } from "../log/thread-name.js"
import { messageIdOf } from "../protocol/entry.js"
import type { DeviceId } from "../protocol/names.js"
import { decodeProgress, encodeProgress } from "./register-codec.js"

it("[P8] what others have of a log comes back as it was, and as it was stored before there were threads", () => {
  const device = "dddddddddddddddddddddddd" as DeviceId
  const [one, other] = [1, 2].map((byte) => threadName(messageIdOf(device, new Uint8Array(24).fill(byte))))
  const progress = { delivered: [{ count: 9, at: 1 }], read: [{ count: 3, at: 2 }], threads: new Map() }
  const without = new Map([
    [7, progress],
    [2 ** 53 - 1, { ...progress, read: [] }],
  ])
  expect(decodeProgress(encodeProgress(without))).toEqual(without)
  const steps = [
    { count: 3, at: 4 },
    { count: 6, at: 2 ** 42 },
  ]
  const threads = new Map([
    [one!, steps],
    [other!, steps.slice(1)],
  ])
  const logs = new Map(without).set(7, { ...progress, threads })
  const bytes = encodeProgress(logs)
  expect(decodeProgress(bytes)).toEqual(logs)
  // What is stored before the threads is what an older version stored.
  const old = encodeProgress(without)
  expect(Buffer.compare(bytes.subarray(0, old.length), old)).toBe(0)
})
