/** A way to a server: binary messages, whole and in order, until it closes. */
export interface Transport {
  /** Whether its connections carry packed frames. [SPEC S14] */
  readonly packs?: boolean
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
  /** From now on large frames are packed, and packed ones are taken. Of a transport that packs. */
  pack?(): void
  /** Bytes that were given to `send` and have not left. */
  readonly unsentBytes: number
  close(code?: number): void
}
