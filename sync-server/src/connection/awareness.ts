import { encodeBytes, type UserId } from "@weft/sdk/protocol"
import * as decoding from "lib0/decoding"
import * as encoding from "lib0/encoding"

/** A connection that says something of itself. */
interface Owner {
  readonly user: UserId
}

/** Presence of one y-websocket client: JSON that means nothing here, under a clock that only grows. */
interface Presence {
  readonly clock: number
  readonly isGone: boolean
  readonly owner: Owner
  /** As it goes out: client, clock and JSON. */
  readonly bytes: Uint8Array
}

/** Client ids that one connection may speak for: its own, and some from before it reconnected. */
const MAX_CLIENTS_EACH = 16
/** Client ids of one connection of which there is something to tell: of those that it speaks for, and of some that are gone. */
const MAX_UNTOLD_EACH = 64
/** Clients count on from what they hear, and can't read what is beyond 2^53. */
const MAX_CLOCK = 2 ** 52
/** No client's own state comes near; stock clients compare states by recursion, which runs out of stack at some depth. */
const MAX_LEVELS = 64

/** Presence on one document of the stock protocol: relayed, never stored. [SPEC S12] */
export class AwarenessRoom {
  readonly #present = new Map<number, Presence>()
  /** The latest of each client that the others are still to be told. */
  readonly #untold = new Map<Owner, Map<number, Presence>>()
  /** Of a message, and of all that one user's connections say of themselves. */
  readonly #maxBytes: number

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Takes what a connection says of itself; false where it is malformed. */
  take(owner: Owner, bytes: Uint8Array): boolean {
    if (bytes.length > this.#maxBytes) return false
    const news = new Map<number, Presence>()
    try {
      const decoder = decoding.createDecoder(bytes)
      for (let left = decoding.readVarUint(decoder); left > 0; left--) {
        const client = decoding.readVarUint(decoder)
        const clock = decoding.readVarUint(decoder)
        const text = decoding.readVarString(decoder)
        const known = news.get(client) ?? this.#present.get(client)
        // Nobody speaks for another. Stock clients echo all they are told: however much that is, it is passed over.
        if (clock > MAX_CLOCK || (known !== undefined && (known.owner !== owner || known.clock >= clock))) continue
        const state: unknown = JSON.parse(text)
        if (!isWithin(MAX_LEVELS, state)) return false
        news.set(client, presence(client, clock, state, owner))
      }
      if (decoding.hasContent(decoder)) return false
    } catch {
      return false
    }
    this.#admit(owner, news)
    return true
  }

  /** Takes what is within the bounds; the rest is no news. */
  #admit(owner: Owner, news: ReadonlyMap<number, Presence>): void {
    const untold = this.#untold.get(owner) ?? new Map<number, Presence>()
    let clients = 0
    let size = 0
    for (const present of this.#present.values()) {
      if (present.owner === owner) clients++
      if (present.owner.user === owner.user) size += sizeOf(present)
    }
    for (const [client, next] of news) {
      if (untold.size >= MAX_UNTOLD_EACH && !untold.has(client)) continue
      const held = this.#present.get(client)
      const nextClients = clients + (next.isGone ? 0 : 1) - (held ? 1 : 0)
      const nextSize = size + (next.isGone ? 0 : sizeOf(next)) - (held ? sizeOf(held) : 0)
      if (next.isGone) this.#present.delete(client)
      else if (nextClients <= MAX_CLIENTS_EACH && nextSize <= this.#maxBytes) this.#present.set(client, next)
      else continue
      untold.set(client, next)
      clients = nextClients
      size = nextSize
    }
    if (untold.size > 0) this.#untold.set(owner, untold)
  }

  /** Whether there is something to tell the others of a connection. */
  hasNews(owner: Owner): boolean {
    return this.#untold.has(owner)
  }

  /** What the others are to be told of a connection, once. */
  news(owner: Owner): Uint8Array[] {
    const untold = this.#untold.get(owner)
    this.#untold.delete(owner)
    return Array.from(this.#parts(untold?.values() ?? []))
  }

  /** Everybody who is present. */
  all(): Iterable<Uint8Array> {
    // Who comes while this goes out is told of by itself: it must end.
    return this.#parts(this.#stillPresent(Array.from(this.#present.keys())))
  }

  *#stillPresent(clients: readonly number[]): Iterable<Presence> {
    for (const client of clients) {
      const present = this.#present.get(client)
      if (present !== undefined) yield present
    }
  }

  /** Each is as it may come back in an echo. */
  *#parts(presences: Iterable<Presence>): Iterable<Uint8Array> {
    let part: Presence[] = []
    let size = 0
    for (const present of presences) {
      if (size + sizeOf(present) > this.#maxBytes) {
        yield encode(part)
        part = []
        size = 0
      }
      part.push(present)
      size += sizeOf(present)
    }
    if (part.length > 0) yield encode(part)
  }

  /** A connection has ended; returns what the others are to be told. */
  leave(owner: Owner): Uint8Array[] {
    const untold = this.#untold.get(owner) ?? new Map<number, Presence>()
    for (const [client, present] of this.#present) {
      if (present.owner !== owner) continue
      this.#present.delete(client)
      untold.set(client, presence(client, present.clock + 1, null, owner))
    }
    this.#untold.set(owner, untold)
    return this.news(owner)
  }
}

/** The JSON is written anew, as clients do for their echoes: those are as long as what they were told, then. */
function presence(client: number, clock: number, state: unknown, owner: Owner): Presence {
  const bytes = encodeBytes((encoder) => {
    encoding.writeVarUint(encoder, client)
    encoding.writeVarUint(encoder, clock)
    encoding.writeVarString(encoder, JSON.stringify(state))
  })
  return { clock, isGone: state === null, owner, bytes }
}

/** With its share of the count before it. */
function sizeOf({ bytes }: Presence): number {
  return bytes.length + 1
}

function isWithin(levels: number, value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true
  return levels > 0 && Object.values(value).every((item) => isWithin(levels - 1, item))
}

function encode(presences: readonly Presence[]): Uint8Array {
  return encodeBytes((encoder) => {
    encoding.writeVarUint(encoder, presences.length)
    for (const { bytes } of presences) encoding.writeUint8Array(encoder, bytes)
  })
}
