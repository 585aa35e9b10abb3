const OUTCOME_LIMIT_MS = 60_000

/** Something that will happen. */
export interface Event {
  readonly time: number
  readonly order: number
  call: (() => void) | undefined
}

/**
 * Time, and everything that happens in it, in one order. Between two events all promises that can go on have gone on: so
 * a run depends on its seed alone.
 */
export class World {
  /** Milliseconds since the world began. */
  now = 0
  /** Events so far. */
  events = 0
  readonly #heap: Event[] = []
  #order = 0

  schedule(ms: number, call: () => void): Event {
    const event: Event = { time: this.now + Math.max(0, ms), order: this.#order++, call }
    push(this.#heap, event)
    return event
  }

  cancel(event: Event): void {
    event.call = undefined
  }

  /** Lets everything happen that is due until then. */
  async run(ms: number): Promise<void> {
    const end = this.now + ms
    await settled()
    for (let next = this.#heap[0]; next !== undefined && next.time <= end; next = this.#heap[0]) {
      pop(this.#heap)
      const { call } = next
      if (call === undefined) continue
      this.now = Math.max(this.now, next.time)
      this.events++
      call()
      await settled()
    }
    this.now = end
  }

  /** What a promise comes to that waits for what happens, such as a slow disk. Fails where that takes a minute. */
  async outcome<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false
    const settle = (): void => {
      isSettled = true
    }
    promise.then(settle, settle)
    const end = this.now + OUTCOME_LIMIT_MS
    await settled()
    while (!isSettled) {
      if (this.now >= end) throw new Error("a minute passed, and nothing came of it")
      await this.run(1)
    }
    return promise
  }
}

/** Resolves when no promise can go on by itself: nothing here waits for threads or the network. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

function before(a: Event, b: Event): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order)
}

function push(heap: Event[], event: Event): void {
  let at = heap.length
  heap.push(event)
  while (at > 0) {
    const parent = (at - 1) >>> 1
    if (!before(event, heap[parent]!)) break
    heap[at] = heap[parent]!
    at = parent
  }
  heap[at] = event
}

function pop(heap: Event[]): void {
  const last = heap.pop()!
  if (heap.length === 0) return
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
    if (!before(heap[child]!, last)) break
    heap[at] = heap[child]!
    at = child
  }
  heap[at] = last
}
