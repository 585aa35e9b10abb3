import { encodeBytes } from "@weft/sdk/protocol"
import * as decoding from "lib0/decoding"
import * as encoding from "lib0/encoding"

/** Presence of one y-websocket client: opaque JSON under a clock that only grows. */
interface Presence {
  readonly clock: number
  readonly state: string
  readonly owner: object
}

/** Client ids that one connection may speak for: its own, and some from before it reconnected. */
const MAX_CLIENTS_EACH = 16
const GONE = "null"

/** Presence on one document of the stock protocol: relayed, never stored. */
export class AwarenessRoom {
  readonly #present = new Map<number, Presence>()

  /** Takes what a connection says of itself; returns what is news to the others, or undefined where it is malformed. */
  take(owner: object, bytes: Uint8Array): Uint8Array | undefined {
    const news = new Map<number, Presence>()
    try {
      const decoder = decoding.createDecoder(bytes)
      const count = decoding.readVarUint(decoder)
      if (count > MAX_CLIENTS_EACH) return undefined
      for (let index = 0; index < count; index++) {
        const client = decoding.readVarUint(decoder)
        const clock = decoding.readVarUint(decoder)
        const state = decoding.readVarString(decoder)
        const known = this.#present.get(client)
        // Nobody speaks for another: an echo of what was relayed is passed over.
        if (known !== undefined && (known.owner !== owner || known.clock >= clock)) continue
        news.set(client, { clock, state, owner })
      }
      if (decoding.hasContent(decoder)) return undefined
    } catch {
      return undefined
    }
    let own = 0
    for (const presence of this.#present.values()) if (presence.owner === owner) own++
    for (const [client, presence] of news) {
      if (presence.state === GONE) this.#present.delete(client)
      else if (this.#present.has(client) || own++ < MAX_CLIENTS_EACH) this.#present.set(client, presence)
      else news.delete(client)
    }
    return encode(news)
  }

  /** Everybody who is present. */
  all(): Uint8Array {
    return encode(this.#present)
  }

  /** A connection has ended; returns what the others are to be told. */
  leave(owner: object): Uint8Array {
    const gone = new Map<number, Presence>()
    for (const [client, presence] of this.#present) {
      if (presence.owner !== owner) continue
      this.#present.delete(client)
      gone.set(client, { ...presence, clock: presence.clock + 1, state: GONE })
    }
    return encode(gone)
  }
}

/** No bytes where there is nothing to say. */
function encode(presences: ReadonlyMap<number, Presence>): Uint8Array {
  if (presences.size === 0) return new Uint8Array()
  return encodeBytes((encoder) => {
    encoding.writeVarUint(encoder, presences.size)
    for (const [client, { clock, state }] of presences) {
      encoding.writeVarUint(encoder, client)
      encoding.writeVarUint(encoder, clock)
      encoding.writeVarString(encoder, state)
    }
  })
}
