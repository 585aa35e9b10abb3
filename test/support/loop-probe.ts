import { closeSync, openSync, readSync } from "node:fs"
import { PerformanceObserver, performance } from "node:perf_hooks"

/** Between two looks of the probe, milliseconds: what an idle loop sleeps at most. */
const INTERVAL_MS = 10
/** Stalls shorter than this are not kept one by one. */
const KEPT_MS = 5
const MAX_KEPT = 1_000

/** A time in which the event loop took nothing up. */
interface Stall {
  readonly endedAt: number
  /** How long this thread was on the processor. */
  readonly cpuMs: number
}

export interface LoopReport {
  /** The longest stall since the last report: processor time of this thread from one look of the probe to the next. */
  readonly stallMs: number
  /** Of that, garbage collections, by the wall clock. */
  readonly gcMs: number
  /** The longest time between two looks by the wall clock, without the interval: with what other processes took. */
  readonly wallMs: number
}

/**
 * How long this process's event loop was held up. A wall clock would blame it for what the machine's other processes took;
 * so what counts is how long the thread was on the processor between two turns of a short timer, as Linux counts it for
 * each thread. That is at least what the longest turn used, and at most the interval more. It includes collections of garbage,
 * which stand beside it. It leaves out waiting for the disk within a turn, which this code never does. Elsewhere than on
 * Linux the time of the whole process stands for it.
 */
export class LoopProbe {
  readonly #schedule = openSchedule()
  readonly #buffer = Buffer.alloc(128)
  #stalls: Stall[] = []
  #collections: { readonly start: number; readonly end: number }[] = []
  #wallMs = 0
  #last = this.#read()

  constructor() {
    const timer = setInterval(() => this.#look(), INTERVAL_MS)
    timer.unref()
    new PerformanceObserver((list) => {
      for (const { startTime, duration } of list.getEntries()) {
        this.#collections.push({ start: startTime, end: startTime + duration })
        if (this.#collections.length > MAX_KEPT) this.#collections.shift()
      }
    }).observe({ entryTypes: ["gc"] })
  }

  /** What happened since the last report. Resolves a turn later: collections are told of with delay. */
  async report(): Promise<LoopReport> {
    await new Promise((resolve) => setTimeout(resolve, 2 * INTERVAL_MS))
    const worst = this.#stalls.reduce<Stall | undefined>((a, b) => (a && a.cpuMs >= b.cpuMs ? a : b), undefined)
    const { cpuMs: stallMs, endedAt } = worst ?? { cpuMs: 0, endedAt: 0 }
    const from = endedAt - stallMs - INTERVAL_MS
    const gcMs = this.#collections.reduce((sum, { start, end }) => {
      return sum + Math.max(0, Math.min(end, endedAt) - Math.max(start, from))
    }, 0)
    const report = { stallMs, gcMs, wallMs: this.#wallMs }
    this.#stalls = []
    this.#collections = []
    this.#wallMs = 0
    return report
  }

  #look(): void {
    const now = this.#read()
    const cpuMs = now.ran - this.#last.ran
    this.#wallMs = Math.max(this.#wallMs, now.wall - this.#last.wall - INTERVAL_MS)
    this.#last = now
    if (cpuMs > KEPT_MS && this.#stalls.length < MAX_KEPT) this.#stalls.push({ endedAt: now.wall, cpuMs })
  }

  #read(): { wall: number; ran: number } {
    const wall = performance.now()
    if (this.#schedule === undefined) {
      const { user, system } = process.cpuUsage()
      return { wall, ran: (user + system) / 1000 }
    }
    const length = readSync(this.#schedule, this.#buffer, 0, this.#buffer.length, 0)
    return { wall, ran: Number(this.#buffer.toString("latin1", 0, length).split(" ")[0]) / 1e6 }
  }
}

/** This thread's counters; the first is how many nanoseconds it ran. */
function openSchedule(): number | undefined {
  try {
    const file = openSync(`/proc/self/task/${String(process.pid)}/schedstat`, "r")
    process.once("exit", () => closeSync(file))
    return file
  } catch {
    return undefined
  }
}
