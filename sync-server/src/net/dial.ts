import type { Duplex } from "node:stream"
import { WebSocket } from "ws"
import type { Dial } from "../connection/channel.js"
import { PEER_TOLERANCE } from "../limits/limits.js"
import { WebSocketChannel } from "./web-socket-channel.js"

const HANDSHAKE_MS = 10_000

/** Calls other servers by WebSocket. */
export function webSocketDial(maxFrameBytes: number): Dial {
  return (url, events) => {
    const socket = new WebSocket(url, {
      perMessageDeflate: false,
      maxPayload: PEER_TOLERANCE * maxFrameBytes,
      handshakeTimeout: HANDSHAKE_MS,
    })
    let stream: Duplex | undefined
    let failure: unknown
    socket.on("upgrade", (response) => {
      stream = response.socket
    })
    const fail = (error: unknown): void => {
      failure ??= error
    }
    const end = (): void => {
      events.failed(failure)
    }
    socket.on("error", fail)
    socket.on("close", end)
    socket.on("open", () => {
      socket.off("error", fail)
      socket.off("close", end)
      if (stream !== undefined) events.opened(new WebSocketChannel(socket, stream))
    })
    return {
      abandon: () => {
        socket.terminate()
      },
    }
  }
}
