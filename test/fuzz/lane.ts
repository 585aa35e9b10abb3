import type { Case } from "./cases.ts"
import type { Corpus, Writer } from "./corpus.ts"
import { greet, openStock, pinged, stepped, Wire } from "./wire.ts"

/** One connection after another at each door of a server: a case that ends one does not spare the next. */
export class Lane {
  readonly #url: string
  readonly #corpus: Corpus
  readonly #writer: Writer
  #sync: Wire | undefined
  #stock: Wire | undefined
  connections = 0

  constructor(url: string, corpus: Corpus, number: number) {
    this.#url = url
    this.#corpus = corpus
    // Strangers knock too.
    const who = [...corpus.writers, corpus.stranger]
    this.#writer = who[number % who.length] ?? corpus.stranger
  }

  /** Resolves when the server is done with the case. */
  async play({ door, bytes }: Case): Promise<void> {
    switch (door) {
      case "greeting": {
        const wire = await this.#opened(Wire.open(`${this.#url}/sync`))
        wire.send(bytes)
        // Nothing is answered before hello; the next frame ends what the first did not.
        wire.send(Uint8Array.of(0))
        await wire.ended
        return
      }
      case "sync": {
        if (this.#sync?.end !== undefined) this.#sync = undefined
        this.#sync ??= await this.#opened(greet(this.#url, this.#writer))
        this.#sync.send(bytes)
        await pinged(this.#sync)
        return
      }
      case "stock": {
        if (this.#stock?.end !== undefined) this.#stock = undefined
        this.#stock ??= await this.#opened(openStock(this.#url, this.#corpus.segment, this.#writer.user))
        this.#stock.send(bytes)
        await stepped(this.#stock)
      }
    }
  }

  end(): void {
    this.#sync?.cut()
    this.#stock?.cut()
  }

  async #opened(wire: Promise<Wire>): Promise<Wire> {
    this.connections++
    return wire
  }
}
