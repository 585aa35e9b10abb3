import { expect, it } from "vitest"
import { projectControl } from "../authority/project.js"
import { deviceNamed, Scenario } from "../authority/scenario.js"
import type { UserId } from "../protocol/names.js"
import { directOrder, orderDirect, partnerOf } from "./direct.js"

const [ann, bob, eve] = ["ann", "bob", "eve"] as UserId[] as [UserId, UserId, UserId]
const stateOf = (scenario: Scenario) => projectControl(scenario.conversation, scenario.entries)
const direct = () => new Scenario({ bob: "owner" }, { direct: true })

it("[A20] a direct conversation is with the other of its two, for each of them", () => {
  const state = stateOf(direct())
  expect([partnerOf(state, ann), partnerOf(state, bob)]).toEqual(["bob", "ann"])
  expect(partnerOf(state, eve)).toBeUndefined()
})

it("[A20] it stays so when one of them left, and one that is none never is", () => {
  const left = direct()
  left.remove("bob", "bob")
  expect([partnerOf(stateOf(left), ann), partnerOf(stateOf(left), bob)]).toEqual(["bob", "ann"])
  expect(partnerOf(stateOf(new Scenario({ bob: "owner" })), ann)).toBeUndefined()
})

it("[A20] of several the first is the one with the lowest clock, then id, whose creating device is introduced", () => {
  const [one, two, three] = [direct(), direct(), direct()]
  // Nobody but its creator knows that this device acts for ann.
  const unknown = new Scenario({ bob: "owner" }, { direct: true })
  unknown.entries.splice(1)
  const several = [one, two, three, unknown].map((scenario) => ({ scenario, state: stateOf(scenario) }))
  const ids = (device: string, list = several): string[] =>
    orderDirect(
      list.map(({ state }) => ({ id: state.conversation, order: directOrder(state, deviceNamed(device)) })),
    ).map(({ id }) => id)
  const sound = [one, two, three].map(({ conversation }) => conversation).sort()
  expect(ids("bob")).toEqual([...sound, unknown.conversation])
  // The same whatever order they were found in.
  expect(ids("bob", [...several].reverse())).toEqual(ids("bob"))
  // The creator knows its own device.
  expect(ids("ann")).toEqual([...sound, unknown.conversation].sort())
})
