import { isPackable, Line, type LinePorts } from "@weft/sdk/protocol"
import type { Packer } from "./packer.js"

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
  /** Something of it was handed to the network. */
  onTaken(): void
  /** The other side reads too slowly; called once. */
  onSlow(): void
}

/** What goes out on one connection: everything of one turn in one write, and never more than its bound. [SPEC S10] */
export class Outbox implements LinePorts<Uint8Array> {
  readonly #sink: Sink
  readonly #ports: OutboxPorts
  /** Who waits for room. */
  #waiting: (() => void)[] | undefined
  #packer: Packer | undefined
  /** What is being packed, and what waits behind it; made when something is. */
  #line: Line<Uint8Array> | undefined
  #lineBytes = 0
  #corked = false
  #ended = false

  constructor(sink: Sink, ports: OutboxPorts) {
    this.#sink = sink
    this.#ports = ports
  }

  get unsentBytes(): number {
    return this.#ended ? 0 : this.#takenBytes
  }

  get #takenBytes(): number {
    return this.#sink.bufferedAmount + this.#lineBytes
  }

  /** From now on large frames are packed; the order stays. [SPEC S14] */
  pack(packer: Packer): void {
    this.#packer = packer
  }

  ready(bytes: Uint8Array): Promise<Uint8Array> | undefined {
    return this.#packer?.pack(bytes)
  }

  hand(bytes: Uint8Array, { length }: Uint8Array): void {
    this.#lineBytes -= length
    this.#put(bytes)
  }

  failed(): void {
    this.end()
  }

  send(bytes: Uint8Array): void {
    if (this.#ended) return
    if (this.#takenBytes + bytes.length > this.#ports.maxUnsentBytes) {
      this.end()
      this.#ports.onSlow()
      return
    }
    if (this.#packer !== undefined && isPackable(bytes)) this.#line ??= new Line(this)
    if (this.#line === undefined) this.#put(bytes)
    else {
      this.#lineBytes += bytes.length
      this.#line.put(bytes)
      // It would count as unread, and the reader was not offered it: packing gives way where it takes too long.
      if (this.#lineBytes > this.#ports.maxUnsentBytes / 2) this.#line.flush()
    }
  }

  /** Sends what is being packed, and what waits behind it, as it is. */
  flush(): void {
    this.#line?.flush()
  }

  #put(bytes: Uint8Array): void {
    if (!this.#corked) {
      this.#corked = true
      this.#sink.cork()
      this.#ports.defer(() => {
        this.#corked = false
        this.#sink.uncork()
      })
    }
    this.#sink.send(bytes, () => {
      this.#ports.onTaken()
      this.#look()
    })
  }

  /** Resolves when a good part of the bound is free, or the connection has ended: for answers that have no haste. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      ;(this.#waiting ??= []).push(resolve)
      this.#look()
    })
  }

  /** Sends nothing more. */
  end(): void {
    this.#ended = true
    this.#line?.clear()
    this.#look()
  }

  #look(): void {
    const waiting = this.#waiting
    if (waiting === undefined) return
    if (!this.#ended && this.#takenBytes > this.#ports.maxUnsentBytes / 4) return
    this.#waiting = undefined
    for (const resolve of waiting) resolve()
  }
}
