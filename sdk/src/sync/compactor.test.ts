import { expect, it } from "vitest"
import { manualEnv } from "../../../test/support/manual-env.js"
import { WeftError } from "../base/errors.js"
import { anyDocument } from "../log/scenario.js"
import { conversationRowKey, draftKey, erasedKey, erasedPrefix } from "../log/keys.js"
import { conversationOf } from "../protocol/names.js"
import { createMemoryStorage, type MemoryStorage } from "../storage/memory.js"
import { prefixRange, type KeyRange, type Storage } from "../storage/storage.js"
import { Compactor } from "./compactor.js"

const HOUR = 60 * 60_000
const [first, second] = [anyDocument(), anyDocument(2)]

type Ranges = readonly Pick<KeyRange, "from" | "to">[]

/** A storage of which each compaction ends when told. */
class Scene {
  readonly env = manualEnv()
  readonly memory: MemoryStorage = createMemoryStorage()
  readonly compactions: Ranges[] = []
  readonly failures: unknown[] = []
  private end: ((error?: Error) => void) | undefined

  open(compactEveryMs?: number): Compactor {
    const storage: Storage = {
      ...this.memory,
      ...(compactEveryMs === undefined ? {} : { compactEveryMs }),
      compact: (ranges, signal) =>
        new Promise((resolve, reject) => {
          this.compactions.push(ranges)
          this.end = (error) => (error === undefined ? resolve() : reject(error))
          signal?.addEventListener("abort", () => reject(new WeftError("STORE_CLOSED", "ended early")))
        }),
    }
    return new Compactor({ storage, env: this.env, report: (error) => this.failures.push(error) })
  }

  /** Ends the compaction under way, and lets what follows of it happen. */
  async finish(error?: Error): Promise<void> {
    this.end?.(error)
    await settled()
  }

  async advance(ms: number): Promise<void> {
    this.env.advance(ms)
    await settled()
  }

  /** The batch of an erasure, and the request that follows. */
  async erase(compactor: Compactor, document = first): Promise<void> {
    await this.memory.write(compactor.operations(document))
    compactor.request(document)
    await settled()
  }

  async marks(): Promise<string[]> {
    return (await this.memory.scan(prefixRange(erasedPrefix))).map(({ key }) => key)
  }
}

/** Nothing of a scene waits for anything but promises. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve()
}

it("[X7] compacts at once, one document after another, where ranges are what it costs", async () => {
  const scene = new Scene()
  const compactor = scene.open()
  await scene.erase(compactor)
  await scene.erase(compactor, second)
  expect(scene.compactions).toHaveLength(1)
  expect(await scene.marks()).toEqual([first, second].map(erasedKey).sort())
  await scene.finish()
  expect(await scene.marks()).toEqual([erasedKey(second)])
  await scene.finish()
  expect(await scene.marks()).toEqual([])
  const text = draftKey(second, 1, "hash")
  const holds = (ranges: Ranges | undefined, key: string): boolean | undefined =>
    ranges?.some(({ from, to }) => from <= key && key < to)
  expect(scene.compactions.map((ranges) => holds(ranges, text))).toEqual([false, true])
  expect(holds(scene.compactions[1], conversationRowKey(conversationOf(second)))).toBe(true)
})

it("[X7] compacts all at once, a while after the first of a burst, where it costs all that is stored", async () => {
  const scene = new Scene()
  const compactor = scene.open(HOUR)
  await scene.erase(compactor)
  await scene.advance(9_000)
  await scene.erase(compactor, second)
  await compactor.requestRow(conversationOf(first))
  expect(scene.compactions).toHaveLength(0)
  await scene.advance(1_000)
  expect(scene.compactions).toHaveLength(1)
  await scene.finish()
  expect(await scene.marks()).toEqual([])
  await scene.advance(2 * HOUR)
  expect(scene.compactions).toHaveLength(1)
})

it("[X7] compacts all that is stored once an hour at most, over starts too; what was erased meanwhile waits", async () => {
  const scene = new Scene()
  const compactor = scene.open(HOUR)
  await scene.erase(compactor)
  await scene.advance(10_000)
  await scene.erase(compactor) // while it is under way
  await scene.finish()
  expect(await scene.marks()).toEqual([erasedKey(first)])
  await scene.advance(HOUR / 2)
  await compactor.close()
  const again = scene.open(HOUR)
  await again.resume()
  await scene.advance(HOUR / 2 - 1)
  expect(scene.compactions).toHaveLength(1)
  await scene.advance(1)
  expect(scene.compactions).toHaveLength(2)
  await scene.finish()
  expect(await scene.marks()).toEqual([])
  expect(scene.failures).toEqual([])
})

it("[X7] makes good at the next start what a close or a crash kept it from", async () => {
  const scene = new Scene()
  const compactor = scene.open(HOUR)
  await scene.erase(compactor)
  await scene.advance(10_000)
  await compactor.close()
  expect(await scene.marks()).toEqual([erasedKey(first)])
  const again = scene.open(HOUR)
  await again.resume()
  await scene.advance(10_000)
  expect(scene.compactions).toHaveLength(2)
  await scene.finish()
  expect(await scene.marks()).toEqual([])
  expect(scene.failures).toEqual([])
})

it("[X7] tries again in an hour where there is no room for it, and says nothing: what is written goes on", async () => {
  const scene = new Scene()
  const compactor = scene.open(HOUR)
  await scene.erase(compactor)
  await scene.advance(10_000)
  await scene.finish(new WeftError("STORE_QUOTA", "full"))
  expect(scene.failures).toEqual([])
  await scene.advance(HOUR - 1)
  expect(scene.compactions).toHaveLength(1)
  await scene.advance(1)
  const failure = new WeftError("STORE_FAILED", "broken")
  await scene.finish(failure)
  expect(scene.failures).toEqual([failure])
  await scene.advance(HOUR)
  await scene.finish()
  expect(scene.compactions).toHaveLength(3)
  expect(await scene.marks()).toEqual([])
})

it("[X7, U15] what is let go of is worth a compaction only where that costs no more", async () => {
  for (const [every, count] of [
    [undefined, 1],
    [HOUR, 0],
  ] as const) {
    const scene = new Scene()
    const compactor = scene.open(every)
    await scene.memory.write(compactor.releaseOperations(first))
    compactor.requestRelease(first)
    await scene.advance(HOUR)
    expect(scene.compactions).toHaveLength(count)
    expect(await scene.marks()).toHaveLength(count)
  }
})

it.each([undefined, HOUR])(
  "[X7] what another tab erases meanwhile is to be compacted yet, also where that tab is gone; every %s ms",
  async (every) => {
    const scene = new Scene()
    const compactor = scene.open(every)
    await scene.erase(compactor)
    await scene.advance(10_000)
    // Another tab's, which dies before it asks for anything.
    await scene.memory.write(scene.open(every).operations(first))
    await scene.finish()
    expect(await scene.marks()).toEqual([erasedKey(first)])
    expect(scene.failures).toEqual([])
  },
)

it.each([undefined, HOUR])(
  "[X7] takes texts out of the index first, and compacts where that is stored, too; every %s ms",
  async (every) => {
    const scene = new Scene()
    const compactor = scene.open(every)
    const range = { from: "i/", to: "i0" }
    const asked: string[] = []
    compactor.useDerived((document) => {
      asked.push(`${document} after ${scene.compactions.length}`)
      return Promise.resolve([range])
    })
    await scene.erase(compactor)
    await scene.advance(10_000)
    await scene.finish()
    expect(asked).toEqual([`${first} after 0`])
    expect(scene.compactions[0]).toContainEqual(range)
    expect(await scene.marks()).toEqual([])
  },
)

it.each([undefined, HOUR])(
  "[X7] one that can't be read stays marked, and keeps no other waiting; every %s ms",
  async (every) => {
    const scene = new Scene()
    const compactor = scene.open(every)
    const failure = new WeftError("STORE_CORRUPT", "damaged")
    compactor.useDerived((document) => (document === first ? Promise.reject(failure) : Promise.resolve([])))
    await scene.erase(compactor)
    await scene.erase(compactor, second)
    await scene.advance(10_000)
    await scene.finish()
    expect(scene.compactions).toHaveLength(1)
    expect(await scene.marks()).toEqual([erasedKey(first)])
    expect(scene.failures).toEqual([failure])
  },
)

it("[X7] a row that was stored anew is compacted after a crash, too", async () => {
  const scene = new Scene()
  await scene.open(HOUR).requestRow(conversationOf(first))
  const again = scene.open(HOUR)
  await again.resume()
  await scene.advance(10_000)
  const key = conversationRowKey(conversationOf(first))
  expect(scene.compactions[0]?.some(({ from, to }) => from <= key && key < to)).toBe(true)
})

it("[X7] copies nothing where no document that waits can be read", async () => {
  const scene = new Scene()
  const compactor = scene.open(HOUR)
  compactor.useDerived(() => Promise.reject(new WeftError("STORE_CORRUPT", "damaged")))
  await scene.erase(compactor)
  await scene.advance(10_000)
  expect(scene.compactions).toHaveLength(0)
  expect(await scene.marks()).toEqual([erasedKey(first)])
})
