import { CLOCK_UNITS_PER_MS, clockMs, clockOf, type Clock } from "../protocol/entry.js"
import { MAX_CLOCK_AHEAD_MS } from "../protocol/limits.js"

/** The next reading of a hybrid clock: of the wall clock, or just above the last reading. [SPEC E2] */
export function tick(last: Clock, now: number): Clock {
  return Math.max(clockOf(now), last + 1) as Clock
}

/** The clock after seeing another's: above both, but one that is too far ahead never enters. [SPEC E3] */
export function observe(last: Clock, seen: Clock, now: number): Clock {
  return clockMs(seen) - now > MAX_CLOCK_AHEAD_MS ? last : (Math.max(last, seen) as Clock)
}

/** Milliseconds by which a clock is ahead of a time. */
export function aheadMs(clock: Clock, now: number): number {
  return clock / CLOCK_UNITS_PER_MS - now
}
