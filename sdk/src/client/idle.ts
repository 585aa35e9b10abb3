import { inBackground, type Env, type Timer } from "../base/env.js"
import { Turns } from "../base/turns.js"
import type { ConversationHandle } from "./conversation.js"

export interface IdlePorts {
  readonly env: Pick<Env, "now" | "setTimer" | "clearTimer">
  /** How long what nobody looks at stays; milliseconds. */
  readonly afterMs: number | undefined
  /** Conversations that were read. */
  open(): readonly ConversationHandle[]
  /** False where something is under way, or not stored yet. */
  release(handle: ConversationHandle): boolean
  /** Lets go of older messages of one that stays. */
  shrink(handle: ConversationHandle): void
  failed(error: unknown): void
}

const AFTER_MS = 5 * 60_000
/** Looks in that time, each at what was asked for since the one before. */
const LOOKS = 4

/** Lets conversations that nobody asked for in a while go out of memory. [SPEC U14] */
export class Idle {
  /** How many looks in a row found nobody. */
  private looks = new WeakMap<ConversationHandle, number>()
  private timer: Timer
  private closed = false

  constructor(private readonly ports: IdlePorts) {}

  /** Something was read. */
  watch(): void {
    const { env, afterMs = AFTER_MS } = this.ports
    if (this.closed || afterMs === Infinity) return
    const look = (): void => {
      this.look().catch((error: unknown) => {
        this.ports.failed(error)
      })
    }
    this.timer ??= inBackground(env.setTimer(afterMs / LOOKS, look))
  }

  close(): void {
    this.closed = true
    this.ports.env.clearTimer(this.timer)
  }

  private async look(): Promise<void> {
    const turns = new Turns(this.ports.env)
    try {
      for (const handle of this.ports.open()) {
        if (this.closed) return
        this.lookAt(handle)
        await turns.next()
      }
    } finally {
      this.timer = undefined
      if (this.ports.open().length > 0) this.watch()
    }
  }

  private lookAt(handle: ConversationHandle): void {
    // One that is shown as one with another went with that.
    if (!handle.isOpen) return
    const looks = handle.takeInterest() ? 0 : (this.looks.get(handle) ?? 0) + 1
    this.looks.set(handle, looks)
    if (looks < LOOKS) return
    if (this.ports.release(handle)) this.looks.delete(handle)
    else if (looks === LOOKS) this.ports.shrink(handle)
  }
}
