// eslint-disable-next-line no-restricted-imports -- the delay of this very process is measured, which no environment has
import { monitorEventLoopDelay } from "node:perf_hooks"

const RESOLUTION_MS = 20

/** By how much the event loop was late; milliseconds. */
export interface LoopDelay {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** Measures how late this process's event loop is. */
export interface LoopMonitor {
  /** Since the last call. */
  read(): LoopDelay
  close(): void
}

export function startLoopMonitor(): LoopMonitor {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  histogram.enable()
  // What Node reports is the time between two samples.
  const late = (nanoseconds: number): number => Math.max(0, Math.round(nanoseconds / 1e4 - RESOLUTION_MS * 100) / 100)
  return {
    read() {
      const delay = {
        p50Ms: late(histogram.percentile(50)),
        p99Ms: late(histogram.percentile(99)),
        maxMs: late(histogram.max),
      }
      histogram.reset()
      return delay
    },
    close: () => void histogram.disable(),
  }
}
