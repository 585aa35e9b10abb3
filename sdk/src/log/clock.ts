import { WeftError } from "../base/errors.js"
import { CLOCK_UNITS_PER_MS, clockMs, clockOf, type Clock } from "../protocol/entry.js"
import { MAX_CLOCK_AHEAD_MS } from "../protocol/limits.js"

/**
 * The first time that no clock is set to, milliseconds since 1970: half a century before the last that an entry can hold,
 * since clocks go on from there. [SPEC W4]
 */
export const TIME_LIMIT_MS = Date.UTC(2200)

/**
 * The next reading of a hybrid clock: of the wall clock, or just above the last reading. Throws CLOCK_OUT_OF_RANGE. [SPEC E2]
 */
export function tick(last: Clock, now: number): Clock {
  const next = Math.max(clockOf(now), last + 1)
  // Once stored it could not be read again, and all else in its document with it.
  if (!Number.isSafeInteger(next)) {
    throw new WeftError("CLOCK_OUT_OF_RANGE", "this device's clock is set to a time that no message can have")
  }
  return next as Clock
}

/** The clock after seeing another's: above both, but one that is too far ahead never enters. [SPEC E3] */
export function observe(last: Clock, seen: Clock, now: number): Clock {
  return clockMs(seen) - now > MAX_CLOCK_AHEAD_MS ? last : (Math.max(last, seen) as Clock)
}

/** Milliseconds by which a clock is ahead of a time. */
export function aheadMs(clock: Clock, now: number): number {
  return clock / CLOCK_UNITS_PER_MS - now
}
