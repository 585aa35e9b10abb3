import type { Duplex } from "node:stream"
import type { WebSocket } from "ws"
import type { Channel, ChannelEvents } from "../connection/channel.js"
import { guardBytes } from "../limits/guard-bytes.js"

/** A `ws` socket and the stream below it. */
export function webSocketChannel(socket: WebSocket, stream: Duplex): Channel {
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
    listen: (events) => {
      listen(socket, events)
    },
    guardBytes: (maxBytes, call) => guardBytes(stream, maxBytes, call),
    pause: () => {
      socket.pause()
    },
    resume: () => {
      socket.resume()
    },
    ping: () => {
      socket.ping()
    },
    close: (code, reason) => {
      socket.close(code, reason)
    },
    terminate: () => {
      socket.terminate()
    },
  }
}

function listen(socket: WebSocket, events: ChannelEvents): void {
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
