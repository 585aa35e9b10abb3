import { closeCode, type RefusalCode, type Timer } from "@weft/sdk/protocol"
import type { ServerEnv } from "../env.js"
import type { Channel, ChannelEvents } from "./channel.js"
import { Inbox, type InboxPorts } from "./inbox.js"
import { Outbox, type OutboxPorts } from "./outbox.js"

/** How long the other side may take to answer a close. */
export const CLOSE_MS = 2_000

export interface SocketPorts {
  readonly env: ServerEnv
  readonly maxUnsentBytes: number
  /** Lets others have their turn, when this one has gone on for long. */
  breathe(): Promise<void> | undefined
  /** A binary message. What it returns is waited for before the next one. */
  onMessage(bytes: Uint8Array): Promise<void> | undefined
  /** Before the socket closes with a code: the last thing that can be said. */
  onRefuse?(code: RefusalCode, message: string): void
  /** Once, whoever ended it. `code`: why it was refused. */
  onClosed(code: RefusalCode | undefined): void
}

/** An open channel: binary messages in, a bounded outbox, one ordered close. Nothing in it throws. */
export class Socket implements ChannelEvents, InboxPorts, OutboxPorts {
  readonly outbox: Outbox
  #heardAt: number
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
    this.#heardAt = ports.env.now()
    this.outbox = new Outbox(channel, this)
    this.#inbox = new Inbox(this)
    channel.listen(this)
  }

  /**
   * When the other side gave its last sign of life. While it is not read here it can't be heard: then it gives one by taking
   * what is sent, and owes none where nothing is left to take. [SPEC S10]
   */
  get heardAt(): number {
    return this.#pauses > 0 && this.outbox.unsentBytes === 0 ? this.#ports.env.now() : this.#heardAt
  }

  message(bytes: Uint8Array, isBinary: boolean): void {
    if (this.#closing) return
    this.#heardAt = this.#ports.env.now()
    if (!isBinary) this.refuse("TEXT_FRAME", "only binary messages are frames")
    else this.#inbox.take(bytes)
  }

  pong(): void {
    this.#heardAt = this.#ports.env.now()
  }

  broken(code: RefusalCode): void {
    this.#refusal ??= code
  }

  /** What came in before is still handed on, where the other side ended it. */
  closed(): void {
    this.outbox.end()
    const end = (): void => {
      this.#closing = true
      this.#inbox.end()
      this.#ports.env.clearTimer(this.#closeTimer)
      this.#ports.onClosed(this.#refusal)
    }
    if (this.#closing || !this.#inbox.isBusy) end()
    else this.#inbox.idle().then(end, end)
  }

  breathe(): Promise<void> | undefined {
    return this.#ports.breathe()
  }

  handle(bytes: Uint8Array): Promise<void> | undefined {
    return this.#closing ? undefined : this.#ports.onMessage(bytes)
  }

  get maxUnsentBytes(): number {
    return this.#ports.maxUnsentBytes
  }

  defer(call: () => void): void {
    this.#ports.env.defer(call)
  }

  onTaken(): void {
    if (this.#pauses > 0) this.#heardAt = this.#ports.env.now()
  }

  onSlow(): void {
    this.refuse("SLOW_READER", "this connection does not read")
  }

  get isOpen(): boolean {
    return !this.#closing
  }

  /** Reads no more, until as many calls of `resume` as of this. */
  pause(): void {
    if (this.#pauses++ === 0) this.#channel.pause()
  }

  resume(): void {
    if (--this.#pauses > 0) return
    this.#heardAt = this.#ports.env.now()
    this.#channel.resume()
  }

  /** Resolves when everything that came in was handed on. */
  taken(): Promise<void> {
    return this.#inbox.idle()
  }

  ping(): void {
    if (!this.#closing) this.#channel.ping()
  }

  /** Ends a connection that gave no sign of life. */
  expire(message: string): void {
    if (this.#pauses > 0) this.onSlow()
    else this.refuse("AUTH_TIMEOUT", message)
  }

  /** Ends the connection and says why. */
  refuse(code: RefusalCode, message: string): void {
    if (this.#closing) return
    this.#refusal = code
    if (code !== "SLOW_READER") {
      this.outbox.flush()
      this.#ports.onRefuse?.(code, message)
    }
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
