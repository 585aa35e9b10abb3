import type { Env, Timer } from "../base/env.js"
import { randomFraction } from "../base/env.js"
import { WeftError, type ErrorCode } from "../base/errors.js"
import { createStore, type Subscribable } from "../base/store.js"
import { PROBE_KEY } from "../log/keys.js"
import type { Storage } from "../storage/storage.js"

const FIRST_RETRY_MS = 250
const LAST_RETRY_MS = 30_000

/** How the storage is doing. While it fails, nothing is reported as saved. */
export type StorageHealth =
  { readonly kind: "ok" } | { readonly kind: "failing"; readonly code: ErrorCode; readonly error: unknown }

export interface HealthPorts {
  readonly env: Env
  readonly storage: Pick<Storage, "write">
  /** A write failed as it was made under a guard that holds no more. */
  fenced(): void
  /** Tries again, after a failure with this code. */
  retry(code: ErrorCode): Promise<void>
}

/** Knows how a device's storage is doing, and has what failed tried again: later each time, until a write succeeds. */
export class HealthKeeper {
  private readonly current = createStore<StorageHealth>({ kind: "ok" })
  private retryMs = FIRST_RETRY_MS
  private retryTimer: Timer
  private closed = false

  constructor(private readonly ports: HealthPorts) {}

  get health(): Subscribable<StorageHealth> {
    return this.current
  }

  get isOk(): boolean {
    return this.current.get().kind === "ok"
  }

  /** What failed is no concern now. */
  beOk(): void {
    this.current.set({ kind: "ok" })
  }

  /** It takes what is written. */
  succeeded(): void {
    this.beOk()
    this.retryMs = FIRST_RETRY_MS
  }

  /** It fails, and no retry helps. */
  failed(error: WeftError): void {
    this.current.set({ kind: "failing", code: error.code, error })
  }

  /** Takes a storage failure: says so, and tries again later. Losing the writer's guard is no failure. */
  report(error: unknown): void {
    const code = error instanceof WeftError ? error.code : "STORE_FAILED"
    if (code === "STORE_FENCED") this.ports.fenced()
    else this.current.set({ kind: "failing", code, error })
    if (code === "STORE_CLOSED" || this.closed || this.retryTimer !== undefined) return
    const wait = this.retryMs * (0.5 + randomFraction(this.ports.env) / 2)
    this.retryMs = Math.min(this.retryMs * 2, LAST_RETRY_MS)
    this.retryTimer = this.ports.env.setTimer(wait, () => {
      this.retryTimer = undefined
      this.ports.retry(code).catch((next: unknown) => {
        this.report(next)
      })
    })
  }

  /** What failed may never be written again, a receipt for example: whether there is room again is found by writing. */
  async probe(code: ErrorCode): Promise<void> {
    if (code !== "STORE_QUOTA" && code !== "STORE_FAILED") return
    const value = new Uint8Array(1)
    await this.ports.storage.write([{ kind: "put", key: PROBE_KEY, value }], { durability: "strict" })
    this.succeeded()
  }

  /** What was to be tried again is not, until something fails anew. */
  forgetRetry(): void {
    this.ports.env.clearTimer(this.retryTimer)
    this.retryTimer = undefined
  }

  /** Nothing is tried again from now on. */
  close(): void {
    this.closed = true
    this.forgetRetry()
  }
}
