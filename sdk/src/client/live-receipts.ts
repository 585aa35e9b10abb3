import type { Subscribable } from "../base/store.js"
import type { MessageReceipts } from "../conversation/receipts.js"

export const noReceipts: MessageReceipts = { delivered: [], read: [], waiting: [] }

/** What is known of one message at its readers, read when it is asked for; the same object until it changes. */
export class LiveReceipts implements Subscribable<MessageReceipts> {
  #last: MessageReceipts = noReceipts
  readonly #read: () => MessageReceipts | undefined
  readonly #sources: readonly { subscribe(listener: () => void): () => void }[]

  constructor(
    read: () => MessageReceipts | undefined,
    sources: readonly { subscribe(listener: () => void): () => void }[],
  ) {
    this.#read = read
    this.#sources = sources
  }

  get(): MessageReceipts {
    const next = this.#read() ?? noReceipts
    if (JSON.stringify(next) !== JSON.stringify(this.#last)) this.#last = next
    return this.#last
  }

  subscribe(listener: (receipts: MessageReceipts) => void): () => void {
    let before = this.get()
    const look = (): void => {
      const now = this.get()
      if (now === before) return
      before = now
      listener(now)
    }
    const stops = this.#sources.map((source) => source.subscribe(look))
    return () => {
      for (const stop of stops) stop()
    }
  }
}
