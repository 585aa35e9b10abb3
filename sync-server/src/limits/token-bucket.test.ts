import { expect, it } from "vitest"
import { Rates } from "./rates.js"
import { allowance, fullBucket, refill, take, waitMs } from "./token-bucket.js"

const rate = { perSecond: 10, burst: 20 }

it("gives the burst at once and the rate in the long run", () => {
  let bucket = take(fullBucket(rate, 0), 15)
  expect(allowance(bucket, rate)).toBe(5)
  bucket = refill(bucket, rate, 500)
  expect(allowance(bucket, rate)).toBe(10)
  expect(waitMs(bucket, rate, 20)).toBe(1000)
  expect(waitMs(bucket, rate, 10)).toBe(0)
  expect(refill(bucket, rate, 60_000).tokens).toBe(20)
})

it("lets a run that is larger than the burst through when it is full, and takes it back over time", () => {
  expect(allowance(fullBucket(rate, 0), rate)).toBe(Infinity)
  const bucket = take(fullBucket(rate, 0), 120)
  expect(allowance(bucket, rate)).toBe(0)
  expect(waitMs(bucket, rate, 1)).toBe(10_100)
  expect(allowance(refill(bucket, rate, 10_500), rate)).toBe(5)
})

it("gives nothing for a clock that goes back", () => {
  const bucket = take(fullBucket(rate, 1000), 20)
  expect(refill(bucket, rate, 0).tokens).toBe(0)
})

it("forgets who is quiet", () => {
  const rates = new Rates(rate)
  rates.take("a", 5, 0)
  expect(rates.allowance("a", 0)).toBe(15)
  rates.sweep(100)
  expect(rates.allowance("a", 100)).toBe(16)
  rates.sweep(1000)
  expect(rates.allowance("a", 0)).toBe(Infinity)
})
