import type { Case } from "./cases.ts"
import type { Corpus, Writer } from "./corpus.ts"
import { greet, openStock, pingedAfterEach, stepped, Wire } from "./wire.ts"

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

  /** Resolves when the server is done with the cases. */
  async play(cases: readonly Case[]): Promise<void> {
    const sync = cases.filter(({ door }) => door === "sync")
    const others = cases.filter(({ door }) => door !== "sync")
    await Promise.all([this.#playSync(sync), this.#playOneByOne(others)])
  }

  /** One after another without waiting between them: a ping follows each, and its answer says that the case is done. */
  async #playSync(cases: readonly Case[]): Promise<void> {
    for (let from = 0; from < cases.length;) {
      if (this.#sync?.end !== undefined) this.#sync = undefined
      this.#sync ??= await this.#opened(greet(this.#url, this.#writer))
      const rest = cases.slice(from).map(({ bytes }) => bytes)
      const done = await pingedAfterEach(this.#sync, rest)
      // The first that has no answer ended the connection; what came behind it was not read.
      from += Math.min(rest.length, done + 1)
    }
  }

  async #playOneByOne(cases: readonly Case[]): Promise<void> {
    for (const { door, bytes } of cases) {
      if (door === "greeting") {
        const wire = await this.#opened(Wire.open(`${this.#url}/sync`))
        wire.send(bytes)
        // Nothing is answered before hello; the next frame ends what the first did not.
        wire.send(Uint8Array.of(0))
        await wire.ended
        continue
      }
      if (this.#stock?.end !== undefined) this.#stock = undefined
      this.#stock ??= await this.#opened(openStock(this.#url, this.#corpus.segment, this.#writer.user))
      this.#stock.send(bytes)
      await stepped(this.#stock)
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
