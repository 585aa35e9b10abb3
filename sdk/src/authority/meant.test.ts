/* For whom a message is, by what its author had seen. [SPEC P8] */
import { expect, it } from "vitest"
import type { ControlId } from "../protocol/entry.js"
import type { UserId } from "../protocol/names.js"
import { projectControl } from "./project.js"
import { Scenario } from "./scenario.js"

const dan = "dan" as UserId

function stateOf(scenario: Scenario) {
  const states = [scenario.entries, [...scenario.entries].reverse()].map((entries) =>
    projectControl(scenario.conversation, entries),
  )
  const [state, turned] = states
  if (state === undefined || turned === undefined) throw new Error("there are two")
  return {
    isFor: (...seen: ControlId[]): boolean => {
      expect(turned.isFor(dan, seen)).toBe(state.isFor(dan, seen))
      return state.isFor(dan, seen)
    },
    mayHoldFor: (firstSeen: ControlId, seen: ControlId): boolean =>
      state.mayHoldFor(dan, { firstSeen: [firstSeen], seen: [seen] }),
  }
}

it("[P8] a message is for whom its author knew as a member, by any addition", () => {
  const scenario = new Scenario({ cat: "admin" })
  const [first, second] = [scenario.add("ann", "dan"), scenario.add("cat", "dan")]
  const state = stateOf(scenario)
  expect(state.isFor(scenario.base)).toBe(false)
  expect([state.isFor(first), state.isFor(second), state.isFor(first, second)]).toEqual([true, true, true])
  expect([state.mayHoldFor(scenario.base, scenario.base), state.mayHoldFor(scenario.base, first)]).toEqual([
    false,
    true,
  ])
})

it("[P8] it is for no one whom its author knew as removed, and for who was added again", () => {
  const scenario = new Scenario({ cat: "admin", dan: "member" })
  const removal = scenario.remove("ann", "dan")
  const gone = scenario.role("ann", "cat", "member", [removal])
  const again = scenario.add("ann", "dan", "member", [gone])
  const state = stateOf(scenario)
  expect([scenario.base, removal, gone, again].map((seen) => state.isFor(seen))).toEqual([true, false, false, true])
  expect(state.mayHoldFor(scenario.base, gone)).toBe(true)
  expect(state.mayHoldFor(removal, gone)).toBe(false)
  expect(state.mayHoldFor(removal, again)).toBe(true)
  const once = scenario.remove("ann", "dan", [again])
  // In between it may be.
  expect(stateOf(scenario).mayHoldFor(removal, once)).toBe(true)
})

it("[P8] additions that fell let nobody in, and removals that fell nobody out", () => {
  const added = new Scenario({ cat: "admin" })
  const byCat = added.add("cat", "dan")
  expect(stateOf(added).isFor(byCat)).toBe(true)
  added.remove("ann", "cat")
  added.add("ann", "dan")
  expect(stateOf(added).isFor(byCat)).toBe(false)
  const removed = new Scenario({ cat: "admin", dan: "member" })
  const removal = removed.remove("cat", "dan")
  expect(stateOf(removed).isFor(removal)).toBe(false)
  removed.remove("ann", "cat")
  expect(stateOf(removed).isFor(removal)).toBe(true)
})

it("[P8] in a direct conversation all is for both, and what nobody knows the past of may be", () => {
  const scenario = new Scenario({ dan: "owner" }, { direct: true })
  const state = stateOf(scenario)
  expect(state.isFor(scenario.create)).toBe(true)
  const unknown = "x".repeat(24) as ControlId
  expect([state.isFor(unknown), state.mayHoldFor(scenario.base, unknown)]).toEqual([true, true])
})
