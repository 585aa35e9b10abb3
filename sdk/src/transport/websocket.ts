import type { Connection, Transport } from "./transport.js"

/** The part of a WebSocket that the transport uses: a browser's, Node's or that of `ws`. */
interface WebSocketLike {
  binaryType: string
  readonly readyState: number
  readonly bufferedAmount: number
  onopen: ((event: never) => void) | null
  onmessage: ((event: never) => void) | null
  onclose: ((event: never) => void) | null
  onerror: ((event: never) => void) | null
  send(data: Uint8Array<ArrayBuffer>): void
  close(code?: number): void
}

export type WebSocketConstructor = new (url: string) => WebSocketLike

const OPEN = 1

/** A transport over WebSockets of the given kind. */
export function webSocketTransport(WebSocketKind: WebSocketConstructor): Transport {
  return {
    connect(url, events): Connection {
      let ended = false
      const end = (code: number): void => {
        if (ended) return
        ended = true
        events.closed(code)
      }
      let socket: WebSocketLike
      try {
        socket = new WebSocketKind(url)
      } catch {
        // A URL that the platform refuses, for example ws: on an https: page; told later, as every failure.
        queueMicrotask(() => {
          end(1006)
        })
        return { send: () => undefined, unsentBytes: 0, close: () => undefined }
      }
      socket.binaryType = "arraybuffer"
      socket.onopen = () => {
        if (!ended) events.opened()
      }
      socket.onmessage = (event: { data: unknown }) => {
        if (!ended && event.data instanceof ArrayBuffer) events.message(new Uint8Array(event.data))
      }
      socket.onclose = (event: { code: number }) => {
        end(event.code)
      }
      // What went wrong is not told to pages; `close` follows.
      socket.onerror = () => undefined
      return {
        send: (bytes) => {
          if (socket.readyState === OPEN) socket.send(bytes as Uint8Array<ArrayBuffer>)
        },
        get unsentBytes() {
          return socket.bufferedAmount
        },
        close: (code) => {
          // The peer may never answer a close: for us the connection is over now.
          socket.close(code)
          end(code ?? 1000)
        },
      }
    },
  }
}
