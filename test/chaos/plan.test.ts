/* The plan of a chaos run is its seed's. */
import { expect, it } from "vitest"
import { seededRandom } from "../support/seed.js"
import { faultKinds, planRound, SMALL_DISK } from "./plan.js"

const rounds = Array.from({ length: faultKinds.length }, (_, index) => index + 1)

it("is the same for the same seed, and another one for another", () => {
  const { seed } = seededRandom("plan")
  const plan = (of: number) => rounds.map((round) => planRound(of, round, 50))
  expect(plan(seed)).toEqual(plan(seed))
  expect(plan(seed)).not.toEqual(plan(seed + 1))
})

it("has every kind of fault once in as many rounds as there are kinds, except those that can't be", () => {
  const { seed } = seededRandom("kinds")
  const planned = (without: Parameters<typeof planRound>[3]) =>
    new Set(rounds.flatMap((round) => planRound(seed, round, 50, without).faults.map(({ kind }) => kind)))
  expect(planned([]).size).toBe(faultKinds.length)
  expect(planned(["full disk"])).not.toContain("full disk")
})

it("never has two faults of one process at once", () => {
  const { seed } = seededRandom("seats")
  for (let round = 1; round <= 300; round++) {
    const { faults } = planRound(seed, round, 50)
    const struck = faults.flatMap(({ kind, server = -1 }) => {
      if (kind === "kill all" || kind === "wipe all") return [0, 1, 2]
      if (kind === "full disk") return [SMALL_DISK]
      return kind === "kill" || kind === "wipe" || kind === "freeze" ? [server] : []
    })
    expect(new Set(struck).size).toBe(struck.length)
    for (const { from, until } of faults) expect(from).toBeLessThan(until)
  }
})
