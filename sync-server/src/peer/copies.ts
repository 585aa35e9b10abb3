import type { Outcome } from "../document/outcome.js"
import type { ServerEnv } from "../env.js"

/** What an acknowledgement promises: durable on this server, or on so many peers as well. */
export type AckLevel = { readonly kind: "local" } | { readonly kind: "peers"; readonly count: number }

export interface CopyPorts {
  readonly env: ServerEnv
  readonly level: AckLevel
  readonly timeoutMs: number
}

/** Waits until an outcome is as durable as the operator asks; false where the copies did not come in time. Rejects where it is not durable here. */
export async function reachLevel(outcome: Pick<Outcome, "durable" | "copies">, ports: CopyPorts): Promise<boolean> {
  await outcome.durable
  const { level, env, timeoutMs } = ports
  const { copies } = outcome
  if (level.kind === "local" || copies === undefined) return true
  return new Promise((resolve) => {
    const timer = env.setTimer(timeoutMs, () => {
      stop()
      resolve(false)
    })
    const stop = copies.onCount(level.count, () => {
      env.clearTimer(timer)
      resolve(true)
    })
  })
}
