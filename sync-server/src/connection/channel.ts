import type { RefusalCode } from "@weft/sdk/protocol"
import type { Sink } from "./outbox.js"

/** What happens on a channel. `closed` comes once, and last. */
export interface ChannelEvents {
  message(bytes: Uint8Array, isBinary: boolean): void
  /** The other side answered a `ping`. */
  pong(): void
  /** The other side broke a rule of the carrier itself; `closed` follows. */
  broken(code: RefusalCode): void
  closed(): void
}

/** The network port below a connection: an open way to somebody that carries whole messages in order, as a WebSocket does. */
export interface Channel extends Sink {
  /** Called once, right after the channel was handed over. */
  listen(events: ChannelEvents): void
  /** Calls when more than so many bytes came in, however few messages they make; returns what ends the watch. */
  guardBytes(maxBytes: number, call: () => void): () => void
  /** Reads no more, or again; what comes meanwhile waits in the network. */
  pause(): void
  resume(): void
  ping(): void
  /** Says goodbye, after what was sent; `closed` follows when the other side has answered. */
  close(code: number, reason: string): void
  /** Ends it now. */
  terminate(): void
}

/** A call to another server, until it is answered. */
export interface Call {
  /** Gives it up: none of its events follow, or `failed` at most. */
  abandon(): void
}

interface CallEvents {
  opened(channel: Channel): void
  failed(error: unknown): void
}

/** Calls another server's address; one of the events follows, later. */
export type Dial = (url: string, events: CallEvents) => Call
