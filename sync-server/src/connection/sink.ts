import type { Duplex } from "node:stream"
import type { WebSocket } from "ws"
import type { Sink } from "./outbox.js"

/** A `ws` socket and the stream below it. */
export function sinkOf(socket: WebSocket, stream: Duplex): Sink {
  return {
    get bufferedAmount() {
      return socket.bufferedAmount
    },
    send: (bytes, sent) => {
      socket.send(bytes, { binary: true }, sent)
    },
    cork: () => {
      stream.cork()
    },
    uncork: () => {
      stream.uncork()
    },
  }
}
