/** What an outbox needs of a WebSocket and the stream below it. */
export interface Sink {
  /** Bytes that were not handed to the network yet. */
  readonly bufferedAmount: number
  /** `sent` is called when the bytes were handed over, or never will be. */
  send(bytes: Uint8Array, sent: () => void): void
  cork(): void
  uncork(): void
}

export interface OutboxPorts {
  /** Bytes that the other side may leave unread. */
  readonly maxUnsentBytes: number
  /** The end of this turn. */
  defer(call: () => void): void
  /** The other side reads too slowly; called once. */
  onSlow(): void
}

/** What goes out on one connection: everything of one turn in one write, and never more than its bound. [SPEC S10] */
export class Outbox {
  readonly #sink: Sink
  readonly #ports: OutboxPorts
  readonly #waiting: (() => void)[] = []
  #corked = false
  #ended = false

  constructor(sink: Sink, ports: OutboxPorts) {
    this.#sink = sink
    this.#ports = ports
  }

  get unsentBytes(): number {
    return this.#ended ? 0 : this.#sink.bufferedAmount
  }

  send(bytes: Uint8Array): void {
    if (this.#ended) return
    if (this.#sink.bufferedAmount + bytes.length > this.#ports.maxUnsentBytes) {
      this.end()
      this.#ports.onSlow()
      return
    }
    if (!this.#corked) {
      this.#corked = true
      this.#sink.cork()
      this.#ports.defer(() => {
        this.#corked = false
        this.#sink.uncork()
      })
    }
    this.#sink.send(bytes, () => {
      this.#look()
    })
  }

  /** Resolves when a good part of the bound is free, or the connection has ended: for answers that have no haste. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      this.#look()
    })
  }

  /** Sends nothing more. */
  end(): void {
    this.#ended = true
    this.#look()
  }

  #look(): void {
    if (!this.#ended && this.#sink.bufferedAmount > this.#ports.maxUnsentBytes / 4) return
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
