/** Lets so many work at once; the others wait, in their order. */
export class Semaphore {
  readonly #waiting: (() => void)[] = []
  #free: number

  constructor(permits: number) {
    this.#free = permits
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    await this.enter()
    try {
      return await task()
    } finally {
      this.leave()
    }
  }

  /** Undefined: at once. Each `enter` needs one `leave`. */
  enter(): Promise<void> | undefined {
    if (this.#free > 0) {
      this.#free--
      return undefined
    }
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  leave(): void {
    // The place is handed on: who comes meanwhile waits behind.
    const next = this.#waiting.shift()
    if (next === undefined) this.#free++
    else next()
  }
}
