import { describe, expect, it } from "vitest"
import { threadName } from "../log/thread-name.js"
import type { ReadThread } from "../log/register.js"
import { messageIdOf } from "../protocol/entry.js"
import { MAX_REGISTER_THREAD_LOGS } from "../protocol/limits.js"
import type { DeviceId } from "../protocol/names.js"
import { ThreadReads } from "./thread-reads.js"

const device = "dddddddddddddddddddddddd" as DeviceId
const hashOf = (number: number): Uint8Array => new Uint8Array(24).fill(number % 256).fill(number >> 8, 0, 1)
/** The thread below some message. */
const nameOf = (number: number) => threadName(messageIdOf(device, hashOf(number)))
const counts = (segment: number, ...logs: readonly (readonly [client: number, count: number])[]) =>
  new Map([[segment, new Map(logs)]])
const all = (): number => Infinity
const fits = (): boolean => true

function logsOf(threads: readonly ReadThread[]): number {
  return threads.reduce((sum, { logs }) => sum + logs.length, 0)
}

describe("[P7] what was read in threads", () => {
  it("is told by thread and log, never goes backwards, and is news once", () => {
    const reads = new ThreadReads()
    expect(Array.from(reads.take(nameOf(1), counts(1, [7, 3], [5, 6])))).toEqual([1])
    expect(Array.from(reads.take(nameOf(1), counts(2, [7, 9])))).toEqual([2])
    expect(reads.take(nameOf(1), counts(1, [7, 3], [5, 4], [6, 0])).size).toBe(0)
    expect(reads.list(all, fits)).toEqual([
      {
        thread: nameOf(1),
        logs: [
          { segment: 1, client: 5, count: 6 },
          { segment: 1, client: 7, count: 3 },
          { segment: 2, client: 7, count: 9 },
        ],
      },
    ])
    // Of a log that ends before, as after a cut, no more is told than is held; of others nothing.
    expect(reads.list((segment, client) => (segment === 1 && client === 5 ? 2 : 0), fits)).toEqual([
      { thread: nameOf(1), logs: [{ segment: 1, client: 5, count: 2 }] },
    ])
  })

  it("is listed as far as there is room, what was read last first", () => {
    const reads = new ThreadReads()
    for (let number = 0; number < 300; number++) reads.take(nameOf(number), counts(1, [number, 1]))
    reads.take(nameOf(3), counts(1, [3, 2]))
    const listed = reads.list(all, fits)
    expect(logsOf(listed)).toBe(MAX_REGISTER_THREAD_LOGS)
    const names = listed.map(({ thread }) => thread)
    expect(names).toContain(nameOf(3))
    expect(names).toContain(nameOf(299))
    expect(names).toContain(nameOf(300 - (MAX_REGISTER_THREAD_LOGS - 1)))
    expect(names).not.toContain(nameOf(300 - MAX_REGISTER_THREAD_LOGS))
    const few = reads.list(all, (threads) => logsOf(threads) <= 2)
    expect(few.map(({ thread }) => thread).sort()).toEqual([nameOf(3), nameOf(299)].sort())
    expect(reads.list(all, () => false)).toEqual([])
  })

  it("some time ago, nobody knows when, comes last, and moves nothing that was read since", () => {
    const reads = new ThreadReads()
    reads.take(nameOf(1), counts(1, [1, 3]))
    reads.take(nameOf(2), counts(1, [2, 3]))
    expect(reads.take(nameOf(1), counts(1, [1, 3]), true).size).toBe(0)
    expect(Array.from(reads.take(nameOf(3), counts(1, [3, 3]), true))).toEqual([1])
    const most = (count: number) => reads.list(all, (threads) => logsOf(threads) <= count)
    expect(most(1).map(({ thread }) => thread)).toEqual([nameOf(2)])
    expect(
      most(2)
        .map(({ thread }) => thread)
        .sort(),
    ).toEqual([nameOf(1), nameOf(2)].sort())
    expect(most(3)).toHaveLength(3)
  })

  it("of a thread with more logs than a register lists is no news when it is read again", () => {
    const reads = new ThreadReads()
    const logs = Array.from({ length: 3 * MAX_REGISTER_THREAD_LOGS }, (_, client) => [client, 4] as const)
    expect(reads.take(nameOf(1), counts(1, ...logs)).size).toBe(1)
    const listed = reads.list(all, fits)
    expect(reads.take(nameOf(1), counts(1, ...logs)).size).toBe(0)
    expect(reads.list(all, fits)).toEqual(listed)
  })

  it("is stored by segment, with its order; what is forgotten is stored as gone", () => {
    const reads = new ThreadReads()
    reads.take(nameOf(0), counts(9, [1, 1]))
    const segments = new Set([9])
    for (let number = 1; number <= 8 * MAX_REGISTER_THREAD_LOGS; number++) {
      for (const segment of reads.take(nameOf(number), counts(1 + (number % 2), [number, 1]))) segments.add(segment)
    }
    expect(reads.encode(9)).toBeUndefined()
    const again = new ThreadReads()
    for (const segment of segments) {
      const bytes = reads.encode(segment)
      if (bytes !== undefined) again.restore(segment, bytes)
    }
    expect(again.list(all, fits)).toEqual(reads.list(all, fits))
    // What is read from now on is later than what was stored.
    again.take(nameOf(0), counts(9, [1, 1]))
    expect(again.list(all, (threads) => logsOf(threads) <= 1)).toEqual([
      { thread: nameOf(0), logs: [{ segment: 9, client: 1, count: 1 }] },
    ])
    expect(() => {
      again.restore(1, Uint8Array.of(5, 1))
    }).toThrow()
  })
})
