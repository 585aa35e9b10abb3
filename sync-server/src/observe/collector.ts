// eslint-disable-next-line no-restricted-imports -- how busy this very process is, which no environment has
import { performance } from "node:perf_hooks"
import { getHeapStatistics, setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { repeat, type ServerEnv } from "../env.js"

/** Longer than a conversation is kept that nobody asks for: what it takes is garbage by then. */
const LOOK_MS = 20_000
/** Part of the time in which the event loop does something: below it few notice a pause. */
const REST = 0.02
/** What V8 may keep beyond what it had after the last collection. */
const ROOM_BYTES = 16 * 1024 * 1024
/** A pause that somebody may notice: one that was longer is the last. */
const MAX_PAUSE_MS = 50

/** Whether a collection gives back much, and is in nobody's way. */
export function isCollectionDue(utilization: number, heapBytes: number, keptBytes: number): boolean {
  return utilization < REST && heapBytes >= keptBytes + ROOM_BYTES
}

/**
 * Has V8 give back what a burst took, once the process has been at rest for a while: by itself it keeps that until it
 * needs the room for something else. A pause once for each time that the heap has grown, the longer the more is in use; where one
 * was too long it is left to V8. Returns what ends it.
 */
export function collectAtRest(env: ServerEnv): () => void {
  // What V8 itself offers no other way to: a context that is made from now on has it.
  setFlagsFromString("--expose-gc")
  const collect = runInNewContext("gc") as () => void
  const heapBytes = (): number => getHeapStatistics().total_heap_size
  let kept = heapBytes()
  let since = performance.eventLoopUtilization()
  const stop = repeat(env, LOOK_MS, () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, since)
    since = now
    if (!isCollectionDue(utilization, heapBytes(), kept)) return
    const start = env.now()
    collect()
    // What the first one found to be free is given back by the second.
    collect()
    kept = heapBytes()
    if (env.now() - start > MAX_PAUSE_MS) stop()
  })
  return stop
}
