import { expect, it } from "vitest"
import type { Clock } from "../protocol/entry.js"
import { tick, TIME_LIMIT_MS } from "./clock.js"

it("[E2] a clock is the greater of the wall clock and the last one + 1", () => {
  expect(tick(0 as Clock, 5)).toBe(5 * 1024)
  expect(tick((6 * 1024) as Clock, 5)).toBe(6 * 1024 + 1)
})

it("[E2] there is no clock that could not be read again", () => {
  const outOfRange: unknown = expect.objectContaining({ code: "CLOCK_OUT_OF_RANGE" })
  const last = Number.MAX_SAFE_INTEGER as Clock
  expect(tick((last - 1) as Clock, TIME_LIMIT_MS)).toBe(last)
  expect(() => tick(last, 0)).toThrow(outOfRange)
  expect(() => tick(0 as Clock, 2 ** 43)).toThrow(outOfRange)
  expect(() => tick(0 as Clock, NaN)).toThrow(outOfRange)
})
