/* A member whom two people added, neither knowing of the other. [SPEC A6, A8, A9] */
import { expect, it } from "vitest"
import type { UserId } from "../protocol/names.js"
import { projectControl } from "./project.js"
import { deviceNamed, Scenario } from "./scenario.js"

const stateOf = (scenario: Scenario) => projectControl(scenario.conversation, scenario.entries)
const roleOf = (scenario: Scenario, user: string) => stateOf(scenario).members.get(user as UserId)?.role

/** Ann owns it, cat is an admin; both add dan. */
function twice(byAnn: "admin" | "member" | "reader" = "admin", byCat: "admin" | "member" | "reader" = "member") {
  const scenario = new Scenario({ cat: "admin" })
  const first = scenario.add("ann", "dan", byAnn)
  const second = scenario.add("cat", "dan", byCat)
  return { scenario, first, second }
}

it("[A6] two concurrent additions give the lower of both roles, whichever comes first", () => {
  expect(roleOf(twice("admin", "member").scenario, "dan")).toBe("member")
  expect(roleOf(twice("reader", "admin").scenario, "dan")).toBe("reader")
  const { scenario } = twice("reader", "admin")
  const state = projectControl(scenario.conversation, [...scenario.entries].reverse())
  expect(state.members.get("dan" as UserId)?.role).toBe("reader")
})

it("[A6] a role that saw both is the role; one that saw one of them is lowered by the other", () => {
  const both = twice("reader", "member")
  both.scenario.role("ann", "dan", "admin", [both.first, both.second])
  expect(roleOf(both.scenario, "dan")).toBe("admin")
  const one = twice("reader", "member")
  one.scenario.role("ann", "dan", "admin", [one.first])
  expect(roleOf(one.scenario, "dan")).toBe("member")
})

it("[A8] when who added a member is removed, the other addition stands, in its own role", () => {
  const { scenario } = twice("admin", "member")
  scenario.remove("ann", "cat")
  expect(roleOf(scenario, "dan")).toBe("admin")
})

it("[A8] what the member did by the addition that stands, stands; what rested on the one that fell, falls", () => {
  const { scenario, first, second } = twice("admin", "admin")
  const introduced = scenario.introduce("dan", [first])
  scenario.add("dan", "eve", "member", [introduced])
  const other = scenario.introduce("dan#2", [second])
  scenario.add("dan#2", "fay", "member", [other])
  expect([roleOf(scenario, "eve"), roleOf(scenario, "fay")]).toEqual(["member", "member"])
  scenario.remove("ann", "cat")
  expect([roleOf(scenario, "dan"), roleOf(scenario, "eve"), roleOf(scenario, "fay")]).toEqual([
    "admin",
    "member",
    undefined,
  ])
  const { devices } = stateOf(scenario)
  expect(devices.get(deviceNamed("dan"))?.certified).toBe(true)
})

it("[A6, A10] a removal that saw one addition beats the other; only an addition that saw the removal lets in again", () => {
  const { scenario, first } = twice("member", "member")
  const removed = scenario.remove("ann", "dan", [first])
  expect(roleOf(scenario, "dan")).toBeUndefined()
  scenario.add("cat", "dan", "reader")
  expect(roleOf(scenario, "dan")).toBeUndefined()
  scenario.add("cat", "dan", "reader", [removed])
  expect(roleOf(scenario, "dan")).toBe("reader")
})
