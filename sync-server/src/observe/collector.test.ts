import { expect, it } from "vitest"
import { isCollectionDue } from "./collector.js"

const MB = 1024 * 1024

it.each([
  ["at rest, after a burst", 0.001, 100 * MB, 20 * MB, true],
  ["at rest, and nothing has grown since", 0.001, 21 * MB, 20 * MB, false],
  ["at rest, with less than before", 0, 10 * MB, 20 * MB, false],
  ["at work", 0.02, 100 * MB, 20 * MB, false],
  ["under load", 0.9, 1000 * MB, 20 * MB, false],
])("memory is given back: %s", (_, utilization, heap, kept, due) => {
  expect(isCollectionDue(utilization, heap, kept)).toBe(due)
})
