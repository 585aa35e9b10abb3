/** A connection, as the server sees it that opened it. */
export interface Client {
  /** When it gave its last sign of life. */
  readonly heardAt: number
  readonly unsentBytes: number
  /** Asks for a sign of life, where the protocol has none of its own. */
  stir?(): void
  /** Ends a connection that has been silent for too long. */
  expire(): void
  /** Reads nothing more, answers what came in, and closes. */
  drain(): Promise<void>
  /** Closes now. */
  end(): void
}

/** Connections that `slowest` names, at most. */
const SLOWEST = 10

/** All open connections. */
export class Clients {
  readonly #open = new Set<Client>()

  get size(): number {
    return this.#open.size
  }

  get unsentBytes(): number {
    let bytes = 0
    for (const { unsentBytes } of this.#open) bytes += unsentBytes
    return bytes
  }

  /** Those that leave something unread, most first. */
  get slowest(): readonly Client[] {
    return Array.from(this.#open)
      .filter(({ unsentBytes }) => unsentBytes > 0)
      .sort((a, b) => b.unsentBytes - a.unsentBytes)
      .slice(0, SLOWEST)
  }

  add(client: Client): void {
    this.#open.add(client)
  }

  delete(client: Client): void {
    this.#open.delete(client)
  }

  /** Ends those that were silent since then, and asks the others for a sign of life. */
  expire(before: number): void {
    for (const client of Array.from(this.#open)) {
      if (client.heardAt < before) client.expire()
      else client.stir?.()
    }
  }

  /** Whatever fails on one, the others are answered. */
  async drain(): Promise<void> {
    await Promise.allSettled(Array.from(this.#open, (client) => client.drain()))
  }

  end(): void {
    for (const client of Array.from(this.#open)) client.end()
  }
}
