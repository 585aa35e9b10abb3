/** What a frame takes in memory beside its bytes while it waits, about: the smallest have three. */
const FRAME_BYTES = 1024

/** Bytes of one connection's frames that are being worked on: beyond the bound the socket is not read. */
export class Backlog {
  readonly #maxBytes: number
  readonly #wire: { pause(): void; resume(): void }
  /** Who waits until nothing is under way. */
  #idle: (() => void)[] | undefined
  #bytes = 0
  #tasks = 0
  #paused = false

  constructor(maxBytes: number, wire: { pause(): void; resume(): void }) {
    this.#maxBytes = maxBytes
    this.#wire = wire
  }

  /** Runs a task that holds so many bytes until it ends. */
  async hold(frameBytes: number, task: () => Promise<void>): Promise<void> {
    const bytes = frameBytes + FRAME_BYTES
    this.#bytes += bytes
    if (!this.#paused && this.#bytes > this.#maxBytes) {
      this.#paused = true
      this.#wire.pause()
    }
    try {
      await this.run(task)
    } finally {
      this.#bytes -= bytes
      if (this.#paused && this.#bytes <= this.#maxBytes / 2) {
        this.#paused = false
        this.#wire.resume()
      }
    }
  }

  /** Runs a task that never stops the reading: something else bounds how many there are. */
  async run(task: () => Promise<void>): Promise<void> {
    this.#tasks++
    try {
      await task()
    } finally {
      this.#tasks--
      if (this.isIdle) this.#rest()
    }
  }

  get isIdle(): boolean {
    return this.#tasks === 0
  }

  /** Resolves when nothing is under way. */
  idle(): Promise<void> {
    return this.isIdle ? Promise.resolve() : new Promise((resolve) => (this.#idle ??= []).push(resolve))
  }

  #rest(): void {
    const idle = this.#idle ?? []
    this.#idle = undefined
    for (const resolve of idle) resolve()
  }
}
