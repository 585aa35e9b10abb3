/** A value that changes and says so; fits React's `useSyncExternalStore`. `get` returns the same object until it changes. */
export interface Subscribable<T> {
  /** The value now. */
  get(): T
  /** Calls after every change, until the returned function is called. A listener's failure does not reach the others. */
  subscribe(listener: (value: T) => void): () => void
}

export interface Store<T> extends Subscribable<T> {
  set(value: T): void
}

export function createStore<T>(initial: T, onListeners?: (count: number) => void): Store<T> {
  let value = initial
  const listeners = new Set<(value: T) => void>()
  return {
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return
      value = next
      for (const listener of Array.from(listeners)) call(listener, next)
    },
    subscribe(listener) {
      // A listener of its own for every call, so that one function may subscribe twice.
      const own = (next: T): void => {
        listener(next)
      }
      listeners.add(own)
      onListeners?.(listeners.size)
      return () => {
        if (listeners.delete(own)) onListeners?.(listeners.size)
      }
    },
  }
}

/** Calls a listener; what it throws is reported as an uncaught error of its own, after everybody was told. */
function call<T>(listener: (value: T) => void, value: T): void {
  try {
    listener(value)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}

/** Listeners of events that leave no value behind. */
export interface Signal<T> {
  on(listener: (event: T) => void): () => void
  emit(event: T): void
}

export function createSignal<T>(): Signal<T> {
  const listeners = new Set<(event: T) => void>()
  return {
    on(listener) {
      const own = (event: T): void => {
        listener(event)
      }
      listeners.add(own)
      return () => {
        listeners.delete(own)
      }
    },
    emit(event) {
      for (const listener of Array.from(listeners)) call(listener, event)
    },
  }
}
