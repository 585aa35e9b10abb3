import type { Env } from "@weft/sdk/protocol"

/** Time that stands still until told: timers that come due are called in order. */
export interface ManualEnv extends Env {
  advance(ms: number): void
}

export function manualEnv(start = Date.UTC(2025, 0, 1)): ManualEnv {
  let now = start
  let timers: { readonly at: number; readonly call: () => void }[] = []
  return {
    now: () => now,
    setTimer(ms, call) {
      const timer = { at: now + ms, call }
      timers.push(timer)
      return timer
    },
    clearTimer(timer) {
      timers = timers.filter((other) => other !== timer)
    },
    randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
    advance(ms) {
      const end = now + ms
      for (;;) {
        const [next] = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)
        if (next === undefined) break
        timers = timers.filter((timer) => timer !== next)
        now = Math.max(now, next.at)
        next.call()
      }
      now = end
    },
  }
}
