import { aheadMs, observe, tick } from "../log/clock.js"
import type { Draft } from "../log/draft.js"
import { clockOf, type Clock } from "../protocol/entry.js"
import { MAX_CLOCK_AHEAD_MS } from "../protocol/limits.js"

/** The hybrid clock by which a device writes in a conversation. */
export class DraftClock {
  /** `last`: its reading so far. `now`: the wall clock, set right by what a server said; milliseconds since 1970. */
  constructor(
    private last: Clock,
    private readonly now: () => number,
  ) {}

  get reading(): Clock {
    return this.last
  }

  /** For what is written now. */
  next(): Clock {
    this.last = tick(this.last, this.now())
    return this.last
  }

  /** These were written, here or elsewhere. */
  observe(entries: readonly { readonly head: { readonly clock: Clock } }[]): void {
    for (const { head } of entries) this.last = observe(this.last, head.clock, this.now())
  }

  /** What is written from now on gets clocks that fit the servers' time. */
  followTime(): void {
    const now = this.now()
    if (aheadMs(this.last, now) > MAX_CLOCK_AHEAD_MS) this.last = clockOf(now)
  }

  /** The same; the result gives drafts whose clocks are ahead of the servers' time a clock that is not. [SPEC W4] */
  correction(): (draft: Draft) => Draft {
    const now = this.now()
    this.followTime()
    return (draft) => {
      if (aheadMs(draft.clock, now) <= MAX_CLOCK_AHEAD_MS) return draft
      return { ...draft, clock: this.next() }
    }
  }
}
