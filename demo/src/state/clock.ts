import { useSyncExternalStore } from "react"

const clocks = new Map<number, ReturnType<typeof createClock>>()

function createClock(step: number) {
  const listeners = new Set<() => void>()
  let timer: ReturnType<typeof setInterval> | undefined
  const read = (): number => Math.floor(Date.now() / step) * step
  return {
    read,
    subscribe: (listener: () => void): (() => void) => {
      listeners.add(listener)
      timer ??= setInterval(
        () => {
          for (const each of Array.from(listeners)) each()
        },
        Math.min(step, 10_000),
      )
      return () => {
        listeners.delete(listener)
        if (listeners.size > 0) return
        clearInterval(timer)
        timer = undefined
      }
    },
  }
}

/** The time, milliseconds since 1970, rounded down to `step`; renders again when that changes. */
export function useNow(step: 1_000 | 60_000): number {
  let clock = clocks.get(step)
  if (clock === undefined) clocks.set(step, (clock = createClock(step)))
  return useSyncExternalStore(clock.subscribe, clock.read)
}
