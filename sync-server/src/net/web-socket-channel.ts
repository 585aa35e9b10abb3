import type { Duplex } from "node:stream"
import type { WebSocket } from "ws"
import type { Channel, ChannelEvents } from "../connection/channel.js"
import { guardBytes } from "../limits/guard-bytes.js"

/** Who listens to a socket. The functions are shared: an open connection would keep its own for as long as it is idle. */
const listeners = new WeakMap<WebSocket, ChannelEvents>()

function onMessage(this: WebSocket, data: Buffer, isBinary: boolean): void {
  listeners.get(this)?.message(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), isBinary)
}

function onPong(this: WebSocket): void {
  listeners.get(this)?.pong()
}

/** `ws` closes by itself; what it found wrong is only ours to count. */
function onError(this: WebSocket, error: Error & { code?: string }): void {
  listeners.get(this)?.broken(error.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH" ? "FRAME_TOO_LARGE" : "BAD_FRAME")
}

function onClose(this: WebSocket): void {
  listeners.get(this)?.closed()
}

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
    listeners.set(this.#socket, events)
    this.#socket.on("message", onMessage).on("error", onError).on("close", onClose)
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
    if (this.#socket.listenerCount("pong") === 0) this.#socket.on("pong", onPong)
    this.#socket.ping()
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason)
  }

  terminate(): void {
    this.#socket.terminate()
  }
}
