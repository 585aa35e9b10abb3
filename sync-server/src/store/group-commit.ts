import type { WeftError } from "@weft/sdk/protocol"
import { storeFailure } from "./failure.js"

/** Bounds of one commit: how much may be lost, retried or waited for at once. */
export const MAX_GROUP_WRITES = 4096
export const MAX_GROUP_BYTES = 4 * 1024 * 1024

/**
 * One commit after another, in the order of the calls: whatever is asked for while one is being synced goes into the
 * next. The queue is bounded by its callers, who wait for each write before they acknowledge it.
 */
export class GroupCommit<Write extends { readonly bytes: number }> {
  readonly #commit: (group: readonly Write[]) => Promise<ReadonlyMap<Write, WeftError>>
  readonly #queue: Queued<Write>[] = []
  #underWay = 0
  #running: Promise<void> | undefined

  /** `commit` makes a group durable, but for the writes that it returns; where it fails, nothing of the group is kept. */
  constructor(commit: (group: readonly Write[]) => Promise<ReadonlyMap<Write, WeftError>>) {
    this.#commit = commit
  }

  /** Writes that are not durable yet. */
  get size(): number {
    return this.#queue.length + this.#underWay
  }

  add(write: Write): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ write, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** Resolves when nothing is queued or under way. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  async #run(): Promise<void> {
    await Promise.resolve() // calls made in one go share the first commit
    while (this.#queue.length > 0) {
      const group = this.#takeGroup()
      this.#underWay = group.length
      try {
        const refused = await this.#commit(group.map(({ write }) => write))
        for (const { write, resolve, reject } of group) {
          const error = refused.get(write)
          if (error === undefined) resolve()
          else reject(error)
        }
      } catch (error) {
        const failure = storeFailure(error)
        // Those behind it too: a later update of a document must not be kept where an earlier one was not.
        for (const { reject } of group.concat(this.#queue.splice(0))) reject(failure)
      }
    }
    this.#underWay = 0
    this.#running = undefined
  }

  #takeGroup(): Queued<Write>[] {
    let bytes = 0
    let count = 0
    for (const { write } of this.#queue) {
      bytes += write.bytes
      if (count > 0 && (bytes > MAX_GROUP_BYTES || count === MAX_GROUP_WRITES)) break
      count++
    }
    return this.#queue.splice(0, count)
  }
}

interface Queued<Write> {
  readonly write: Write
  readonly resolve: () => void
  readonly reject: (error: WeftError) => void
}
