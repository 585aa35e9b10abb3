import * as decoding from "lib0/decoding"
import * as encoding from "lib0/encoding"
import { encodeBytes } from "../protocol/encode.js"
import type { HeldLog, ReadThread } from "../log/register.js"
import { compareThreadNames, readThreadName, writeThreadName, type ThreadName } from "../log/thread-name.js"
import { MAX_REGISTER_THREAD_LOGS } from "../protocol/limits.js"

/** What was read of one thread in one log. */
interface ThreadRead extends HeldLog {
  readonly thread: ThreadName
  /** Greater where it was read later. */
  readonly order: number
}

/** How much of a log was read, by segment and client id. */
export type Counts = ReadonlyMap<number, ReadonlyMap<number, number>>

/** Beyond what a register lists, so that a thread with more logs than those is not news each time that it is read. */
const MAX_KEPT = 8 * MAX_REGISTER_THREAD_LOGS

/** What this device's user has read in threads, and in which order: of that the last is told. [SPEC P7] */
export class ThreadReads {
  readonly #reads = new Map<string, ThreadRead>()
  #order = 0

  /**
   * Takes what was read of a thread, beside what was known; returns the segments that are to be stored again. `isOld`: some
   * time ago, nobody knows when.
   */
  take(thread: ThreadName, counts: Counts, isOld = false): Set<number> {
    const changed = new Set<number>()
    const order = isOld ? 0 : this.#order + 1
    for (const [segment, logs] of counts) {
      for (const [client, count] of logs) {
        if (count > 0 && this.#put({ thread, segment, client, count, order })) changed.add(segment)
      }
    }
    if (this.#reads.size <= MAX_KEPT) return changed
    for (const read of this.#latest().slice(MAX_KEPT)) {
      this.#reads.delete(keyOf(read))
      changed.add(read.segment)
    }
    return changed
  }

  #put(read: ThreadRead): boolean {
    const before = this.#reads.get(keyOf(read))
    if (before !== undefined && read.count <= before.count) return false
    const order = Math.max(read.order, before?.order ?? 0)
    this.#reads.set(keyOf(read), { ...read, order })
    this.#order = Math.max(this.#order, order)
    return true
  }

  /** Later ones first; of those that were read at once newer logs. */
  #latest(): ThreadRead[] {
    return Array.from(this.#reads.values()).sort(
      (a, b) => b.order - a.order || b.segment - a.segment || a.client - b.client || (a.thread < b.thread ? -1 : 1),
    )
  }

  /** Those of which a register tells. `held`: elements of a log that may be told of; `fits`: whether there is room. */
  list(
    held: (segment: number, client: number) => number,
    fits: (threads: readonly ReadThread[]) => boolean,
  ): readonly ReadThread[] {
    const told: ThreadRead[] = []
    for (const read of this.#latest()) {
      if (told.length === MAX_REGISTER_THREAD_LOGS) break
      const count = Math.min(read.count, held(read.segment, read.client))
      if (count > 0) told.push({ ...read, count })
    }
    let threads = byThread(told)
    while (threads.length > 0 && !fits(threads)) {
      told.pop()
      threads = byThread(told)
    }
    return threads
  }

  /** What is kept of one segment; nothing where there is nothing. */
  encode(segment: number): Uint8Array | undefined {
    const reads = Array.from(this.#reads.values()).filter((read) => read.segment === segment)
    if (reads.length === 0) return undefined
    return encodeBytes((encoder) => {
      encoding.writeVarUint(encoder, reads.length)
      for (const { thread, client, count, order } of reads) {
        writeThreadName(encoder, thread)
        encoding.writeVarUint(encoder, client)
        encoding.writeVarUint(encoder, count)
        encoding.writeVarUint(encoder, order)
      }
    })
  }

  /** What was stored, beside what is known. Throws where the bytes are none: the storage is damaged. */
  restore(segment: number, bytes: Uint8Array): void {
    const decoder = decoding.createDecoder(bytes)
    for (let left = decoding.readVarUint(decoder); left > 0; left--) {
      const { name: thread } = readThreadName(decoder)
      const client = decoding.readVarUint(decoder)
      const count = decoding.readVarUint(decoder)
      this.#put({ thread, segment, client, count, order: decoding.readVarUint(decoder) })
    }
  }
}

function keyOf({ thread, segment, client }: ThreadRead): string {
  return `${String(segment)}/${String(client)}/${thread}`
}

function byThread(reads: readonly ThreadRead[]): ReadThread[] {
  const threads = new Map<ThreadName, HeldLog[]>()
  for (const { thread, segment, client, count } of reads) {
    threads.set(thread, [...(threads.get(thread) ?? []), { segment, client, count }])
  }
  return Array.from(threads, ([thread, logs]) => {
    return { thread, logs: logs.sort((a, b) => a.segment - b.segment || a.client - b.client) }
  }).sort((a, b) => compareThreadNames(a.thread, b.thread))
}
