import { systemEnv, type Env } from "@weft/sdk/protocol"

/** Waits up to this long gather changes, or come before another try; longer ones bound how long something may take. */
const LONGEST_WAIT_MS = 2_000
const TIMES_SHORTER = 20

/**
 * The real clock and chance, with short waits made shorter: what a replica gathers before it writes or sends, it gathers for
 * less long, so that a test waits for work and not for a timer. Bounds on silence and on answers stay as they are.
 */
export const quickEnv: Env = {
  ...systemEnv,
  setTimer: (ms, call) => systemEnv.setTimer(ms > LONGEST_WAIT_MS ? ms : ms / TIMES_SHORTER, call),
}
