import type { Env, Timer } from "../base/env.js"
import type { RefusalCode } from "../protocol/codes.js"
import type { DocumentName, LogId } from "../protocol/names.js"

/** Why a server refused a log, and from which position on. */
export interface RefusedLog {
  readonly code: RefusalCode
  readonly at: number
}

export type RefusedLogs = ReadonlyMap<LogId, RefusedLog>

const FIRST_WAIT_MS = 500
const LAST_WAIT_MS = 60_000

/**
 * When what a server refused is written again: of each document at once, and from then on later each time. One that refuses
 * whatever it gets would have a device write all its words as fast as it can. [SPEC R1]
 */
export class Rewriting {
  readonly #waiting = new Map<DocumentName, { readonly timer: Timer; readonly logs: Map<LogId, RefusedLog> }>()
  readonly #waitMs = new Map<DocumentName, number>()

  constructor(
    private readonly env: Pick<Env, "setTimer" | "clearTimer">,
    private readonly write: (name: DocumentName, logs: RefusedLogs) => void,
  ) {}

  /** Whether nothing waits to be written again. */
  get isIdle(): boolean {
    return this.#waiting.size === 0
  }

  /** True where it is to be done now; else it is asked for when it is time, in `afterMs` at the earliest. */
  isNow(name: DocumentName, logs: RefusedLogs, afterMs: number): boolean {
    const present = this.#waiting.get(name)
    if (present !== undefined) {
      for (const [log, refused] of logs) present.logs.set(log, refused)
      return false
    }
    const ms = this.#waitMs.get(name)
    this.#waitMs.set(name, ms === undefined ? FIRST_WAIT_MS : Math.min(LAST_WAIT_MS, ms * 2))
    if (ms === undefined) return true
    const waiting = new Map(logs)
    const timer = this.env.setTimer(Math.max(afterMs, ms), () => {
      this.#waiting.delete(name)
      this.write(name, waiting)
    })
    this.#waiting.set(name, { timer, logs: waiting })
    return false
  }

  end(): void {
    for (const { timer } of this.#waiting.values()) this.env.clearTimer(timer)
    this.#waiting.clear()
  }
}
