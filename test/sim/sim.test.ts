import { expect, it } from "vitest"
import { operationsOf, play } from "./play.js"

/** More: `npm run sim`. */
const SEEDS = [2, 8, 13]

it.each(SEEDS)(
  "[I1-I7] whatever happens to devices, servers and the network, seed %d ends in agreement",
  async (seed) => {
    const played = await play(seed, operationsOf(seed, 120))
    expect(played.failure).toBeUndefined()
    expect(played.acknowledged).toBeGreaterThan(0)
  },
)

it("a seed happens again exactly as it did", async () => {
  const [one, again] = [await play(7, operationsOf(7, 80)), await play(7, operationsOf(7, 80))]
  expect(again).toEqual(one)
  const other = await play(9, operationsOf(9, 80))
  expect(other.hash).not.toBe(one.hash)
})
