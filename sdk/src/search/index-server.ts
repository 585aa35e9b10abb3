import { systemEnv } from "../base/env.js"
import type { Storage } from "../storage/storage.js"
import { Calls, type Channel, type IndexCall, type StorageCall, type ToPage, type ToWorker } from "./channel.js"
import { StoredIndex } from "./stored-index.js"

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
