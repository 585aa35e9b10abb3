import { expect, it } from "vitest"
import { fitLine } from "./slope.js"

it("finds the slope of a line, how sure it is, and how much it explains", () => {
  expect(fitLine([1, 2, 3, 4].map((x) => [x, 5 + 3 * x] as const))).toEqual({ slope: 3, error: 0, fit: 1 })
  const noisy = fitLine([
    [0, 1],
    [1, -1],
    [2, 1],
    [3, -1],
    [4, 1],
  ])
  expect(noisy.slope).toBeCloseTo(0)
  expect(noisy.fit).toBeCloseTo(0)
  expect(noisy.error).toBeGreaterThan(0.3)
  expect(
    fitLine([
      [1, 1],
      [1, 2],
    ]).slope,
  ).toBeNaN()
})
