import type { Duplex } from "node:stream"
import { closeCode, type RefusalCode } from "@weft/sdk/protocol"
import type { WebSocket } from "ws"
import type { ServerEnv } from "../env.js"
import { Outbox } from "./outbox.js"
import { sinkOf } from "./sink.js"

/** How long the other side may take to answer a close. */
const CLOSE_MS = 2_000

export interface SocketPorts {
  readonly env: ServerEnv
  readonly maxUnsentBytes: number
  /** A binary message. */
  onMessage(bytes: Uint8Array): void
  /** Before the socket closes with a code: the last thing that can be said. */
  onRefuse?(code: RefusalCode, message: string): void
  /** Once, whoever ended it. `code`: why it was refused. */
  onClosed(code: RefusalCode | undefined): void
}

/** An accepted WebSocket: binary messages in, a bounded outbox, one ordered close. Nothing in it throws. */
export class Socket {
  readonly outbox: Outbox
  heardAt: number
  readonly #socket: WebSocket
  readonly #ports: SocketPorts
  #refusal: RefusalCode | undefined
  #closing = false

  constructor(socket: WebSocket, stream: Duplex, ports: SocketPorts) {
    this.#socket = socket
    this.#ports = ports
    this.heardAt = ports.env.now()
    this.outbox = new Outbox(sinkOf(socket, stream), {
      maxUnsentBytes: ports.maxUnsentBytes,
      defer: ports.env.defer,
      onSlow: () => {
        this.refuse("SLOW_READER", "this connection does not read")
      },
    })
    socket.binaryType = "nodebuffer"
    socket.on("message", (data: Buffer, isBinary: boolean) => {
      if (this.#closing) return
      this.heardAt = ports.env.now()
      if (!isBinary) this.refuse("TEXT_FRAME", "only binary messages are frames")
      else ports.onMessage(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    })
    socket.on("pong", () => {
      this.heardAt = ports.env.now()
    })
    socket.on("error", (error: Error & { code?: string }) => {
      // `ws` closes by itself; what it found wrong is only ours to count.
      this.#refusal ??= error.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH" ? "FRAME_TOO_LARGE" : "BAD_FRAME"
    })
    socket.on("close", () => {
      this.#closing = true
      this.outbox.end()
      ports.onClosed(this.#refusal)
    })
  }

  get isOpen(): boolean {
    return !this.#closing
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  ping(): void {
    if (!this.#closing) this.#socket.ping()
  }

  /** Ends the connection and says why. */
  refuse(code: RefusalCode, message: string): void {
    if (this.#closing) return
    this.#refusal = code
    if (code !== "SLOW_READER") this.#ports.onRefuse?.(code, message)
    this.#closing = true
    this.outbox.end()
    this.#socket.close(closeCode(code), code)
    this.#socket.resume()
    const { env } = this.#ports
    const timer = env.setTimer(CLOSE_MS, () => {
      this.#socket.terminate()
    })
    this.#socket.once("close", () => {
      env.clearTimer(timer)
    })
  }
}
