import type { Env } from "./env.js"

/** Work goes on for so long before others have their turn; milliseconds. */
const TURN_MS = 8

/** Cuts long work into turns, so that whoever shares the thread is never kept waiting. */
export class Turns {
  private began: number

  constructor(private readonly env: Pick<Env, "now" | "setTimer">) {
    this.began = env.now()
  }

  /** To be called between pieces of work that are short; waits where a turn is over. A clock that jumps ends a turn. */
  async next(): Promise<void> {
    const passed = this.env.now() - this.began
    if (passed >= 0 && passed < TURN_MS) return
    await new Promise<void>((resolve) => {
      this.env.setTimer(0, resolve)
    })
    this.began = this.env.now()
  }
}
