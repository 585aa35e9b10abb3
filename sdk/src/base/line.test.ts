import { expect, it } from "vitest"
import { Line } from "./line.js"

/** A line of numbers: odd ones are ready when told. */
function makeLine() {
  const handed: number[] = []
  const begun: number[] = []
  const failures: unknown[] = []
  const done = new Map<number, () => void>()
  const line = new Line<number>({
    ready: (value) => {
      begun.push(value)
      if (value % 2 === 0) return undefined
      return new Promise((resolve) =>
        done.set(value, () => {
          resolve(value * 10)
        }),
      )
    },
    hand: (ready, value) => {
      if (value === 13) throw new Error("no")
      handed.push(ready)
    },
    failed: (error) => failures.push(error),
  })
  const finish = async (value: number): Promise<void> => {
    done.get(value)?.()
    for (let index = 0; index < 20; index++) await Promise.resolve()
  }
  return { line, handed, begun, failures, finish }
}

it("[S14] hands on at once what is ready, while nothing is being made ready", () => {
  const { line, handed } = makeLine()
  line.put(2)
  line.put(4)
  expect(handed).toEqual([2, 4])
})

it("[S14] keeps the order: what is behind one that is being made ready waits, and no second one is begun before", async () => {
  const { line, handed, begun, finish } = makeLine()
  for (const value of [2, 1, 4, 3, 6]) line.put(value)
  expect(handed).toEqual([2])
  expect(begun).toEqual([2, 1])
  await finish(1)
  expect(handed).toEqual([2, 10, 4])
  line.put(8)
  await finish(3)
  expect(handed).toEqual([2, 10, 4, 30, 6, 8])
  line.put(2)
  expect(handed.at(-1)).toBe(2)
})

it("[S14] hands on what waits as it is where that is wanted, and what was being made ready not again", async () => {
  const { line, handed, finish } = makeLine()
  for (const value of [1, 2, 3]) line.put(value)
  line.flush()
  expect(handed).toEqual([1, 2, 3])
  line.put(5)
  await finish(1)
  expect(handed).toEqual([1, 2, 3])
  await finish(5)
  expect(handed).toEqual([1, 2, 3, 50])
})

it("[S14] forgets what waits where nobody wants it any more", async () => {
  const { line, handed, finish } = makeLine()
  for (const value of [1, 2]) line.put(value)
  line.clear()
  await finish(1)
  line.put(4)
  expect(handed).toEqual([4])
})

it("[S14] says so where what was made ready could not be handed on", async () => {
  const { line, handed, failures, finish } = makeLine()
  for (const value of [13, 2]) line.put(value)
  await finish(13)
  expect(failures).toHaveLength(1)
  expect(handed).toEqual([])
  line.put(4)
  expect(handed).toEqual([4])
})
