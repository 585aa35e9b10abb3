/** What makes values ready, and takes them. */
export interface LinePorts<T> {
  /** Undefined: the value is ready as it is. Never rejects. */
  ready(value: T): Promise<T> | undefined
  /** Takes what is ready, and what it was made of. */
  hand(ready: T, value: T): void
  /** `hand` threw where nobody else hears of it; what waited is forgotten. */
  failed(error: unknown): void
}

/**
 * Hands values on in the order in which they came. One that has to be made ready keeps those behind it waiting; where none
 * is being made ready, each is handed on at once.
 */
export class Line<T> {
  /** The first is being made ready. */
  private waiting: T[] | undefined

  constructor(private readonly ports: LinePorts<T>) {}

  /** Hands it on when it is ready, and all before it were handed on. */
  put(value: T): void {
    if (this.waiting !== undefined) {
      this.waiting.push(value)
      return
    }
    const { ports } = this
    const later = ports.ready(value)
    if (later === undefined) ports.hand(value, value)
    else {
      this.run([value], later).catch((error: unknown) => {
        ports.failed(error)
      })
    }
  }

  /** Hands on what waits, as it is. */
  flush(): void {
    const waiting = this.waiting ?? []
    this.waiting = undefined
    for (const value of waiting) this.ports.hand(value, value)
  }

  /** Forgets what waits. */
  clear(): void {
    this.waiting = undefined
  }

  private async run(waiting: T[], first: Promise<T>): Promise<void> {
    const { ports } = this
    this.waiting = waiting
    let later: Promise<T> | undefined = first
    try {
      for (let value = waiting[0]; value !== undefined; value = waiting[0]) {
        const ready: T = later === undefined ? value : await later
        if (this.waiting !== waiting) return
        waiting.shift()
        ports.hand(ready, value)
        later = waiting[0] === undefined ? undefined : ports.ready(waiting[0])
      }
    } finally {
      if (this.waiting === waiting) this.waiting = undefined
    }
  }
}
