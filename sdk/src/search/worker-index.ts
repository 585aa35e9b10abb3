import { systemEnv } from "../base/env.js"
import { WeftError } from "../base/errors.js"
import type { Storage } from "../storage/storage.js"
import type { SearchHit, SearchIndex, SearchQuery, SegmentName, SegmentTexts } from "./search.js"
import { StoredIndex } from "./stored-index.js"

/** One end of a channel to another thread: a `Worker`, or a worker's own scope. */
export interface Channel {
  postMessage(message: unknown): void
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void
}

/** A channel to a worker, as the page holds it. */
export interface WorkerChannel extends Channel {
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void
  addEventListener(type: "error" | "messageerror", listener: () => void): void
  terminate(): void
}

type StorageCall =
  | { readonly method: "get"; readonly args: Parameters<Storage["get"]> }
  | { readonly method: "scan"; readonly args: Parameters<Storage["scan"]> }
  | { readonly method: "write"; readonly args: Parameters<Storage["write"]> }

type IndexCall =
  | { readonly method: "version"; readonly args: readonly [SegmentName] }
  | { readonly method: "put"; readonly args: readonly [SegmentTexts] }
  | { readonly method: "erase"; readonly args: readonly [SegmentName, readonly string[]] }
  | { readonly method: "search"; readonly args: readonly [SearchQuery] }

/** What goes over the channel. The page owns the storage; the worker asks it for bytes. */
type ToWorker =
  | { readonly kind: "index"; readonly id: number; readonly call: IndexCall }
  | { readonly kind: "over"; readonly id: number }
  | { readonly kind: "stored"; readonly id: number; readonly value: unknown }
  | { readonly kind: "failed"; readonly id: number; readonly error: unknown }

type ToPage =
  | { readonly kind: "storage"; readonly id: number; readonly call: StorageCall }
  | { readonly kind: "found"; readonly id: number; readonly hits: readonly SearchHit[] }
  | { readonly kind: "done"; readonly id: number; readonly value: unknown }
  | { readonly kind: "broken"; readonly id: number; readonly error: unknown }

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  readonly found?: (hits: readonly SearchHit[]) => void
  readonly isOver?: () => boolean
}

/** Calls under way, by number. */
class Calls {
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

const broken = Symbol("broken")

/**
 * An index whose work is done in a worker; its bytes are stored by the page. A worker that does not start, or fails, is
 * replaced by an index in this thread, which also takes what was under way.
 */
export class WorkerIndex implements SearchIndex {
  private readonly calls = new Calls()
  private instead: SearchIndex | undefined

  constructor(
    private readonly worker: WorkerChannel,
    private readonly storage: Pick<Storage, "get" | "scan" | "write">,
    private readonly replace: () => SearchIndex,
  ) {
    worker.addEventListener("message", ({ data }) => {
      this.hear(data as ToPage)
    })
    const fail = (): void => {
      this.instead ??= this.replace()
      this.worker.terminate()
      this.calls.fail(broken)
    }
    worker.addEventListener("error", fail)
    worker.addEventListener("messageerror", fail)
  }

  async version(segment: SegmentName): Promise<string | undefined> {
    return this.run({ method: "version", args: [segment] }, (index) => index.version(segment)) as Promise<
      string | undefined
    >
  }

  async put(segment: SegmentTexts): Promise<void> {
    await this.run({ method: "put", args: [segment] }, (index) => index.put(segment))
  }

  async erase(segment: SegmentName, ids: readonly string[]): Promise<void> {
    await this.run({ method: "erase", args: [segment, ids] }, (index) => index.erase(segment, ids))
  }

  async search(query: SearchQuery, found: (hits: readonly SearchHit[]) => void, isOver: () => boolean): Promise<void> {
    await this.run({ method: "search", args: [query] }, (index) => index.search(query, found, isOver), {
      found,
      isOver,
    })
  }

  async close(): Promise<void> {
    this.worker.terminate()
    this.calls.fail(new WeftError("CLIENT_CLOSED", "this client was closed"))
    await this.instead?.close()
  }

  private async run(
    call: IndexCall,
    otherwise: (index: SearchIndex) => Promise<unknown>,
    more: Omit<Waiting, "resolve" | "reject"> = {},
  ): Promise<unknown> {
    if (this.instead === undefined) {
      try {
        return await this.call(call, more)
      } catch (error) {
        if (error !== broken || this.instead === undefined) throw error
      }
    }
    return otherwise(this.instead)
  }

  private call(call: IndexCall, more: Omit<Waiting, "resolve" | "reject"> = {}): Promise<unknown> {
    return this.calls.start((id) => {
      this.post({ kind: "index", id, call })
    }, more)
  }

  private post(message: ToWorker): void {
    this.worker.postMessage(message)
  }

  private hear(message: ToPage): void {
    switch (message.kind) {
      case "storage":
        run(this.storage, message.call).then(
          (value) => {
            this.post({ kind: "stored", id: message.id, value })
          },
          (error: unknown) => {
            this.post({ kind: "failed", id: message.id, error })
          },
        )
        break
      case "found": {
        const call = this.calls.get(message.id)
        if (call?.isOver?.() === true) this.post({ kind: "over", id: message.id })
        else call?.found?.(message.hits)
        break
      }
      case "done":
        this.calls.end(message.id)?.resolve(message.value)
        break
      case "broken":
        this.calls.end(message.id)?.reject(message.error)
    }
  }
}

/** The worker's side: an index over a storage that is at the other end. */
export function serveIndex(page: Channel): void {
  const calls = new Calls()
  const over = new Set<number>()
  const post = (message: ToPage): void => {
    page.postMessage(message)
  }
  const ask = (call: StorageCall): Promise<unknown> =>
    calls.start((id) => {
      post({ kind: "storage", id, call })
    })
  const storage = {
    get: async (...args: Parameters<Storage["get"]>) => (await ask({ method: "get", args })) as Uint8Array | undefined,
    scan: async (...args: Parameters<Storage["scan"]>) =>
      (await ask({ method: "scan", args })) as Awaited<ReturnType<Storage["scan"]>>,
    write: async (...args: Parameters<Storage["write"]>) => {
      await ask({ method: "write", args })
    },
  }
  const index = new StoredIndex(storage, systemEnv)

  const answer = (id: number, call: IndexCall): Promise<unknown> => {
    switch (call.method) {
      case "version":
        return index.version(...call.args)
      case "put":
        return index.put(...call.args)
      case "erase":
        return index.erase(...call.args)
      case "search":
        return index.search(
          ...call.args,
          (hits) => {
            post({ kind: "found", id, hits })
          },
          () => over.has(id),
        )
    }
  }

  page.addEventListener("message", ({ data }) => {
    const message = data as ToWorker
    switch (message.kind) {
      case "index":
        answer(message.id, message.call).then(
          (value) => {
            over.delete(message.id)
            post({ kind: "done", id: message.id, value })
          },
          (error: unknown) => {
            over.delete(message.id)
            post({ kind: "broken", id: message.id, error })
          },
        )
        break
      case "over":
        over.add(message.id)
        break
      case "stored":
        calls.end(message.id)?.resolve(message.value)
        break
      case "failed":
        calls.end(message.id)?.reject(message.error)
    }
  })
}

function run(storage: Pick<Storage, "get" | "scan" | "write">, call: StorageCall): Promise<unknown> {
  switch (call.method) {
    case "get":
      return storage.get(...call.args)
    case "scan":
      return storage.scan(...call.args)
    case "write":
      return storage.write(...call.args)
  }
}
