import type { Origin } from "../document/source.js"

/** One origin for each peer, whichever of its connections brought something: it is not sent back on another. */
export class PeerOrigins {
  readonly #origins = new Map<string, Origin>()

  of(key: string): Origin {
    const origin = this.#origins.get(key) ?? {}
    this.#origins.set(key, origin)
    return origin
  }
}
