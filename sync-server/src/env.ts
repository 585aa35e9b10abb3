import { systemEnv, type Env } from "@weft/sdk/protocol"

/** What the server takes from its surroundings: the SDK's time, timers and chance, and the end of this turn. */
export interface ServerEnv extends Env {
  /** Calls after the input that is already there was handled: what happens in one turn goes out together. */
  readonly defer: (call: () => void) => void
}

export const systemServerEnv: ServerEnv = {
  ...systemEnv,
  defer: (call) => {
    // eslint-disable-next-line no-restricted-globals -- the one place that names it, beside the SDK's env.ts
    setImmediate(call)
  },
}

/** Runs a task every `ms` until the returned function is called. A run that is late is not made up for. */
export function repeat(env: ServerEnv, ms: number, task: () => void): () => void {
  let stopped = false
  let timer = env.setTimer(ms, run)
  function run(): void {
    if (stopped) return
    task()
    timer = env.setTimer(ms, run)
  }
  return () => {
    stopped = true
    env.clearTimer(timer)
  }
}

/** Node fires longer timers at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** Calls at a time, however far away; returns what cancels it. */
export function callAt(env: ServerEnv, time: number, call: () => void): () => void {
  let timer = wait()
  function wait(): unknown {
    const ms = Math.max(0, time - env.now())
    return env.setTimer(Math.min(ms, LONGEST_TIMER_MS), () => {
      if (env.now() >= time) call()
      else timer = wait()
    })
  }
  return () => {
    env.clearTimer(timer)
  }
}

/** How long checks may run before sockets and disk get their turn. */
const TURN_MS = 8

/**
 * A wait for the next turn of the event loop, when this one has gone on for long: what is checked is read, hashed and
 * often verified in this thread, and a long queue of it must not hold up everybody's answers.
 */
export function createBreather(env: ServerEnv): () => Promise<void> | undefined {
  let since = env.now()
  let waiting: Promise<void> | undefined
  return () => {
    if (env.now() - since < TURN_MS) return waiting
    waiting ??= new Promise((resolve) => {
      env.defer(() => {
        since = env.now()
        waiting = undefined
        resolve()
      })
    })
    return waiting
  }
}

/** Waits for a task, but not longer. */
export function within(env: ServerEnv, ms: number, task: () => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = env.setTimer(ms, resolve)
    task()
      .then(resolve, reject)
      .finally(() => {
        env.clearTimer(timer)
      })
  })
}
