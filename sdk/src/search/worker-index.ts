import { WeftError } from "../base/errors.js"
import type { Storage } from "../storage/storage.js"
import {
  Calls,
  type Channel,
  type IndexCall,
  type StorageCall,
  type ToPage,
  type ToWorker,
  type Waiting,
} from "./channel.js"
import type { SearchHit, SearchIndex, SearchQuery, SegmentName, SegmentTexts } from "./search.js"

/** A channel to a worker, as the page holds it. */
export interface WorkerChannel extends Channel {
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void
  addEventListener(type: "error" | "messageerror", listener: () => void): void
  terminate(): void
}

const broken = Symbol("broken")

/**
 * An index whose work is done in a worker; its bytes are stored by the page. A worker that does not start, or fails, is
 * replaced by an index in this thread, which also takes what was under way.
 */
export class WorkerIndex implements SearchIndex {
  private readonly calls = new Calls()
  private instead: SearchIndex | undefined
  private closed = false

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
    this.closed = true
    this.worker.terminate()
    this.calls.fail(closed())
    await this.instead?.close()
  }

  private async run(
    call: IndexCall,
    otherwise: (index: SearchIndex) => Promise<unknown>,
    more: Omit<Waiting, "resolve" | "reject"> = {},
  ): Promise<unknown> {
    // A worker that is gone answers nothing.
    if (this.closed) throw closed()
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

function closed(): WeftError {
  return new WeftError("CLIENT_CLOSED", "this client was closed")
}
