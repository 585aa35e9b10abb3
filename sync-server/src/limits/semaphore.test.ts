import { expect, it } from "vitest"
import { Semaphore } from "./semaphore.js"

it("lets so many in at once, and the others in their order", async () => {
  const semaphore = new Semaphore(2)
  const order: string[] = []
  const enter = async (name: string) => {
    await semaphore.enter()
    order.push(name)
  }
  const entered = [enter("one"), enter("two"), enter("three"), enter("four")]
  await entered[1]
  expect(order).toEqual(["one", "two"])
  semaphore.leave()
  // Who comes now is behind those who wait.
  entered.push(enter("five"))
  await entered[2]
  semaphore.leave()
  semaphore.leave()
  await Promise.all(entered)
  expect(order).toEqual(["one", "two", "three", "four", "five"])
})

it("a place that nobody waits for stays free", () => {
  const semaphore = new Semaphore(1)
  expect(semaphore.enter()).toBeUndefined()
  semaphore.leave()
  expect(semaphore.enter()).toBeUndefined()
  expect(semaphore.enter()).toBeInstanceOf(Promise)
})
