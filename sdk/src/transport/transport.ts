/** A way to a server: binary messages, whole and in order, until it closes. */
export interface Transport {
  /** Begins to connect; everything else is told by events, never thrown. After `closed` nothing follows. */
  connect(url: string, events: TransportEvents): Connection
}

interface TransportEvents {
  opened(): void
  message(bytes: Uint8Array): void
  /** `code` is the WebSocket close code; 1006 where the connection never was or broke. */
  closed(code: number): void
}

export interface Connection {
  send(bytes: Uint8Array): void
  /** Bytes that were given to `send` and have not left. */
  readonly unsentBytes: number
  close(code?: number): void
}
