import type { Duplex } from "node:stream"
import type { WebSocket } from "ws"
import type { Channel, ChannelEvents } from "../connection/channel.js"
import { guardBytes } from "../limits/guard-bytes.js"

/** A `ws` socket and the stream below it. */
export class WebSocketChannel implements Channel {
  readonly #socket: WebSocket
  readonly #stream: Duplex

  constructor(socket: WebSocket, stream: Duplex) {
    this.#socket = socket
    this.#stream = stream
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount
  }

  send(bytes: Uint8Array, sent: () => void): void {
    this.#socket.send(bytes, { binary: true }, sent)
  }

  cork(): void {
    this.#stream.cork()
  }

  uncork(): void {
    this.#stream.uncork()
  }

  listen(events: ChannelEvents): void {
    const socket = this.#socket
    socket.binaryType = "nodebuffer"
    socket.on("message", (data: Buffer, isBinary: boolean) => {
      events.message(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), isBinary)
    })
    socket.on("pong", () => {
      events.pong()
    })
    socket.on("error", (error: Error & { code?: string }) => {
      // `ws` closes by itself; what it found wrong is only ours to count.
      events.broken(error.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH" ? "FRAME_TOO_LARGE" : "BAD_FRAME")
    })
    socket.on("close", () => {
      events.closed()
    })
  }

  guardBytes(maxBytes: number, call: () => void): () => void {
    return guardBytes(this.#stream, maxBytes, call)
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  ping(): void {
    this.#socket.ping()
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason)
  }

  terminate(): void {
    this.#socket.terminate()
  }
}
