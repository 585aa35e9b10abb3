import { closeCode, type RefusalCode, type Timer } from "@weft/sdk/protocol"
import type { ServerEnv } from "../env.js"
import type { Channel } from "./channel.js"
import { Inbox } from "./inbox.js"
import { Outbox } from "./outbox.js"

/** How long the other side may take to answer a close. */
const CLOSE_MS = 2_000

export interface SocketPorts {
  readonly env: ServerEnv
  readonly maxUnsentBytes: number
  /** Lets others have their turn, when this one has gone on for long. */
  breathe(): Promise<void> | undefined
  /** A binary message. */
  onMessage(bytes: Uint8Array): void
  /** Before the socket closes with a code: the last thing that can be said. */
  onRefuse?(code: RefusalCode, message: string): void
  /** Once, whoever ended it. `code`: why it was refused. */
  onClosed(code: RefusalCode | undefined): void
}

/** An open channel: binary messages in, a bounded outbox, one ordered close. Nothing in it throws. */
export class Socket {
  readonly outbox: Outbox
  heardAt: number
  readonly #channel: Channel
  readonly #ports: SocketPorts
  readonly #inbox: Inbox
  /** Who wants nothing read: it is read when nobody does. */
  #pauses = 0
  #refusal: RefusalCode | undefined
  #closing = false
  #closeTimer: Timer

  constructor(channel: Channel, ports: SocketPorts) {
    this.#channel = channel
    this.#ports = ports
    this.heardAt = ports.env.now()
    this.outbox = new Outbox(channel, {
      maxUnsentBytes: ports.maxUnsentBytes,
      defer: ports.env.defer,
      onSlow: () => {
        this.refuse("SLOW_READER", "this connection does not read")
      },
    })
    this.#inbox = new Inbox({
      breathe: () => ports.breathe(),
      handle: (bytes) => {
        if (!this.#closing) ports.onMessage(bytes)
      },
      pause: () => {
        this.pause()
      },
      resume: () => {
        this.resume()
      },
    })
    channel.listen({
      message: (bytes, isBinary) => {
        if (this.#closing) return
        this.heardAt = ports.env.now()
        if (!isBinary) this.refuse("TEXT_FRAME", "only binary messages are frames")
        else this.#inbox.take(bytes)
      },
      pong: () => {
        this.heardAt = ports.env.now()
      },
      broken: (code) => {
        this.#refusal ??= code
      },
      closed: () => {
        this.#closing = true
        this.#inbox.end()
        ports.env.clearTimer(this.#closeTimer)
        this.outbox.end()
        ports.onClosed(this.#refusal)
      },
    })
  }

  get isOpen(): boolean {
    return !this.#closing
  }

  /** Reads no more, until as many calls of `resume` as of this. */
  pause(): void {
    if (this.#pauses++ === 0) this.#channel.pause()
  }

  resume(): void {
    if (--this.#pauses === 0) this.#channel.resume()
  }

  /** Resolves when everything that came in was handed on. */
  taken(): Promise<void> {
    return this.#inbox.idle()
  }

  ping(): void {
    if (!this.#closing) this.#channel.ping()
  }

  /** Ends the connection and says why. */
  refuse(code: RefusalCode, message: string): void {
    if (this.#closing) return
    this.#refusal = code
    if (code !== "SLOW_READER") this.#ports.onRefuse?.(code, message)
    this.#closing = true
    this.#inbox.end()
    this.outbox.end()
    this.#channel.close(closeCode(code), code)
    this.#channel.resume()
    this.#closeTimer = this.#ports.env.setTimer(CLOSE_MS, () => {
      this.#channel.terminate()
    })
  }
}
