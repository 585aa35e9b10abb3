/** Says that something outside React changed; fits `useSyncExternalStore`. */
export interface Signal {
  readonly subscribe: (listener: () => void) => () => void
  readonly emit: () => void
}

export function createSignal(): Signal {
  const listeners = new Set<() => void>()
  return {
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    emit: () => {
      for (const listener of Array.from(listeners)) listener()
    },
  }
}
