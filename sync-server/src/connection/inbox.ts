/** What an inbox needs of its surroundings. */
export interface InboxPorts {
  /** A wait for the next turn of the event loop, when this one has gone on for long. */
  breathe(): Promise<void> | undefined
  /** Handles a message. What it returns is waited for before the next one. */
  handle(bytes: Uint8Array): Promise<void> | undefined
  /** Reads on, or not. */
  pause(): void
  resume(): void
}

/**
 * What comes in on one connection, in order. One read brings as many messages as fit into it, and each costs what its sender
 * likes: beyond a turn's time they wait for the next turn, as they do behind one that takes longer, and the socket is not
 * read. What waits is at most what one read brought.
 */
export class Inbox {
  readonly #ports: InboxPorts
  /** An idle connection keeps no list. */
  #waiting: Uint8Array[] | undefined
  #draining: Promise<void> | undefined

  constructor(ports: InboxPorts) {
    this.#ports = ports
  }

  take(bytes: Uint8Array): void {
    if (this.#draining === undefined && this.#ports.breathe() === undefined) {
      const first = this.#ports.handle(bytes)
      if (first !== undefined) this.#draining = this.#drain(first)
      return
    }
    ;(this.#waiting ??= []).push(bytes)
    this.#draining ??= this.#drain()
  }

  get isBusy(): boolean {
    return this.#draining !== undefined
  }

  /** Resolves when everything that came in was handled. */
  async idle(): Promise<void> {
    await this.#draining
  }

  /** Forgets what waits. */
  end(): void {
    this.#waiting = undefined
  }

  async #drain(first?: Promise<void>): Promise<void> {
    const ports = this.#ports
    ports.pause()
    await first
    while (this.#waiting !== undefined && this.#waiting.length > 0) {
      for (let turn = ports.breathe(); turn !== undefined; turn = ports.breathe()) await turn
      const next = this.#waiting?.shift()
      const later = next && ports.handle(next)
      if (later !== undefined) await later
    }
    this.#waiting = undefined
    this.#draining = undefined
    ports.resume()
  }
}
