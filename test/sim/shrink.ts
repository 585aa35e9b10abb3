import type { Operation } from "./operations.js"
import { play, type Played } from "./play.js"

/** Fewer operations that still violate the same invariant: leaves out ever smaller parts while time is left. */
export async function shrink(
  seed: number,
  operations: readonly Operation[],
  invariant: string,
  isTimeUp: () => boolean,
  generation?: number,
): Promise<{ readonly operations: readonly Operation[]; readonly played: Played | undefined }> {
  let least = operations
  let played: Played | undefined
  for (let size = Math.ceil(operations.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < least.length && !isTimeUp();) {
      const fewer = [...least.slice(0, from), ...least.slice(from + size)]
      const again = await play(seed, fewer, { generation })
      if (again.failure?.invariant === invariant) {
        least = fewer
        played = again
      } else from += size
    }
    if (isTimeUp()) break
  }
  return { operations: least, played }
}
