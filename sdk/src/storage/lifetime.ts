import { WeftError } from "../base/errors.js"

/** From open to closed: lets operations in, and ends when those under way have. */
export class Lifetime {
  readonly #underWay = new Set<Promise<void>>()
  #ended: Promise<void> | undefined

  /** Starts the operation before it returns, so that a close that follows waits for it. */
  run<T>(operation: () => Promise<T>): Promise<T> {
    if (this.#ended !== undefined) return Promise.reject(new WeftError("STORE_CLOSED", "this store has been closed"))
    const result = operation()
    const settled: Promise<void> = result.then(
      () => void this.#underWay.delete(settled),
      () => void this.#underWay.delete(settled),
    )
    this.#underWay.add(settled)
    return result
  }

  /** Refuses what comes later, waits for what is under way, then calls `finish`, once however often this is called. */
  end(finish: () => Promise<void> | void): Promise<void> {
    this.#ended ??= Promise.all(this.#underWay).then(finish)
    return this.#ended
  }
}
