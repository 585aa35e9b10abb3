import type { Storage } from "../storage/storage.js"
import type { SearchHit, SearchQuery, SegmentName, SegmentTexts } from "./search.js"

/** One end of a channel to another thread: a `Worker`, or a worker's own scope. */
export interface Channel {
  postMessage(message: unknown): void
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void
}

/** What the worker asks of the page. */
export type StorageCall =
  | { readonly method: "get"; readonly args: Parameters<Storage["get"]> }
  | { readonly method: "scan"; readonly args: Parameters<Storage["scan"]> }
  | { readonly method: "write"; readonly args: Parameters<Storage["write"]> }

/** What the page asks of the worker. */
export type IndexCall =
  | { readonly method: "version"; readonly args: readonly [SegmentName] }
  | { readonly method: "put"; readonly args: readonly [SegmentTexts] }
  | { readonly method: "erase"; readonly args: readonly [SegmentName, readonly string[]] }
  | { readonly method: "search"; readonly args: readonly [SearchQuery] }

/** What the page says. It owns the storage; the worker asks it for bytes. */
export type ToWorker =
  | { readonly kind: "index"; readonly id: number; readonly call: IndexCall }
  | { readonly kind: "over"; readonly id: number }
  | { readonly kind: "stored"; readonly id: number; readonly value: unknown }
  | { readonly kind: "failed"; readonly id: number; readonly error: unknown }

/** What the worker says. */
export type ToPage =
  | { readonly kind: "storage"; readonly id: number; readonly call: StorageCall }
  | { readonly kind: "found"; readonly id: number; readonly hits: readonly SearchHit[] }
  | { readonly kind: "done"; readonly id: number; readonly value: unknown }
  | { readonly kind: "broken"; readonly id: number; readonly error: unknown }

/** Who waits for an answer, and what is told meanwhile. */
export interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  readonly found?: (hits: readonly SearchHit[]) => void
  readonly isOver?: () => boolean
}

/** Calls under way, by number. */
export class Calls {
  private readonly waiting = new Map<number, Waiting>()
  private last = 0

  start(send: (id: number) => void, more: Omit<Waiting, "resolve" | "reject"> = {}): Promise<unknown> {
    const id = ++this.last
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { ...more, resolve, reject })
      send(id)
    })
  }

  get(id: number): Waiting | undefined {
    return this.waiting.get(id)
  }

  end(id: number): Waiting | undefined {
    const call = this.waiting.get(id)
    this.waiting.delete(id)
    return call
  }

  fail(error: unknown): void {
    for (const { reject } of this.waiting.values()) reject(error)
    this.waiting.clear()
  }
}
