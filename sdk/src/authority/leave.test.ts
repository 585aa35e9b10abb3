import { describe, expect, test } from "vitest"
import type { ControlId } from "../protocol/entry.js"
import type { LogId, UserId } from "../protocol/names.js"
import { admitEntry, cutOf } from "./admit.js"
import { projectControl } from "./project.js"
import { logNamed, Scenario } from "./scenario.js"

const stateOf = (scenario: Scenario) => projectControl(scenario.conversation, scenario.entries)
const roleOf = (scenario: Scenario, user: string) => stateOf(scenario).members.get(user as UserId)?.role

function outcomes(scenario: Scenario, ...ids: ControlId[]): string[] {
  const state = stateOf(scenario)
  return ids.map((id) => {
    const result = state.outcomeOf(id)
    return result.kind === "valid" ? "valid" : result.code
  })
}

function admit(scenario: Scenario, log: LogId, seen: ControlId, firstSeen = seen, position = 0) {
  const entry = { log, segment: 1, position, class: "message", seen: [seen], firstSeen: [firstSeen] } as const
  return admitEntry(stateOf(scenario), entry)
}

describe("leaving, and taking it back", () => {
  test("[A16] who left comes back in the same role, and acts again", () => {
    const scenario = new Scenario({ bob: "admin" })
    const left = scenario.remove("bob", "bob")
    expect([roleOf(scenario, "bob"), stateOf(scenario).mayReturn("bob" as UserId)]).toEqual([undefined, true])
    const back = scenario.comeBack("bob", [left])
    const grant = scenario.add("bob", "cat", "member", [back])
    expect(outcomes(scenario, left, back, grant)).toEqual(["valid", "valid", "valid"])
    expect([roleOf(scenario, "bob"), stateOf(scenario).mayReturn("bob" as UserId)]).toEqual(["admin", false])
    expect(stateOf(scenario).members.get("bob" as UserId)?.since).toBe(scenario.entry(scenario.create).clock)
  })

  test("[A16] a leaving that was taken back cuts nothing: not what other devices had written meanwhile", () => {
    const scenario = new Scenario({ bob: "member" })
    const log = logNamed("bob")
    const left = scenario.remove("bob", "bob", undefined, new Map([[1, new Map([[log, 3]])]]))
    expect(admit(scenario, log, scenario.base, scenario.base, 3)).toBe("PAST_CUT")
    const back = scenario.comeBack("bob", [left])
    expect(admit(scenario, log, scenario.base, scenario.base, 3)).toBeUndefined()
    expect(admit(scenario, log, back, scenario.base, 6)).toBeUndefined()
    expect(cutOf(stateOf(scenario), log, 1, [scenario.base])).toBe(Infinity)
    // Written between leaving and coming back.
    expect(admit(scenario, log, left, scenario.base, 9)).toBe("PAST_CUT")
  })

  test("[A16] who was removed by somebody else does not come back by himself, whatever he claims", () => {
    const scenario = new Scenario({ bob: "admin" })
    const removal = scenario.remove("ann", "bob")
    const plain = scenario.comeBack("bob", [removal])
    const left = scenario.remove("bob", "bob")
    const unseeing = scenario.comeBack("bob", [left])
    const both = scenario.comeBack("bob", [left, removal])
    expect(outcomes(scenario, plain, left, unseeing, both)).toEqual(["PAST_CUT", "PAST_CUT", "PAST_CUT", "PAST_CUT"])
    expect([roleOf(scenario, "bob"), stateOf(scenario).mayReturn("bob" as UserId)]).toEqual([undefined, false])
  })

  test("[A16] one who left is kept out by a removal: seen, concurrent with the return, or later", () => {
    for (const how of ["seen", "concurrent", "later"] as const) {
      const scenario = new Scenario({ bob: "member" })
      const left = scenario.remove("bob", "bob")
      const removal = how === "later" ? undefined : scenario.remove("ann", "bob", [left])
      const back = scenario.comeBack("bob", how === "seen" && removal !== undefined ? [removal] : [left])
      if (how === "later") scenario.remove("ann", "bob", [back])
      expect(outcomes(scenario, back)).toEqual([how === "later" ? "valid" : "PAST_CUT"])
      expect([how, roleOf(scenario, "bob")]).toEqual([how, undefined])
    }
  })

  test("[A16] nobody comes back who did not leave, and nobody for another", () => {
    const scenario = new Scenario({ bob: "member" })
    expect(outcomes(scenario, scenario.comeBack("bob"))).toEqual(["NOT_MEMBER"])
    expect(outcomes(scenario, scenario.comeBack("eve"))).toEqual(["NOT_MEMBER"])
    const left = scenario.remove("bob", "bob")
    expect(outcomes(scenario, scenario.comeBack("ann", [left]))).toEqual(["NOT_MEMBER"])
    expect(roleOf(scenario, "bob")).toBeUndefined()
  })

  test("[A16] no role is won by coming back: what was lowered stays lowered", () => {
    const scenario = new Scenario({ bob: "admin" })
    const left = scenario.remove("bob", "bob")
    const lowered = scenario.role("ann", "bob", "reader")
    const back = scenario.comeBack("bob", [left])
    expect([outcomes(scenario, lowered, back), roleOf(scenario, "bob")]).toEqual([["valid", "valid"], "reader"])
    const other = new Scenario({ bob: "admin" })
    const seen = [other.remove("bob", "bob"), other.role("ann", "bob", "reader")]
    other.comeBack("bob", seen)
    expect(roleOf(other, "bob")).toBe("reader")
  })

  test("[A16] of two leavings at once both must be seen", () => {
    const scenario = new Scenario({ bob: "member" })
    const second = scenario.introduce("bob#2")
    const one = scenario.remove("bob", "bob", [second])
    const two = scenario.remove("bob#2", "bob", [second])
    const early = scenario.comeBack("bob", [one])
    expect([outcomes(scenario, early), roleOf(scenario, "bob")]).toEqual([["PAST_CUT"], undefined])
    const back = scenario.comeBack("bob", [one, two])
    expect([outcomes(scenario, back), roleOf(scenario, "bob")]).toEqual([["valid"], "member"])
  })

  test("[A16] leaving and coming back again and again ends as the last says", () => {
    const scenario = new Scenario({ bob: "moderator" })
    let last = scenario.base
    for (let round = 0; round < 3; round++) {
      last = scenario.remove("bob", "bob", [last])
      expect(roleOf(scenario, "bob")).toBeUndefined()
      last = scenario.comeBack("bob", [last])
      expect(roleOf(scenario, "bob")).toBe("moderator")
    }
  })

  test("[A16] after a removal was answered by an addition, leaving and coming back give the role of that addition", () => {
    const scenario = new Scenario({ bob: "admin" })
    const removal = scenario.remove("ann", "bob")
    const added = scenario.add("ann", "bob", "reader", [removal])
    const left = scenario.remove("bob", "bob", [added])
    const back = scenario.comeBack("bob", [left])
    expect([outcomes(scenario, back), roleOf(scenario, "bob")]).toEqual([["valid"], "reader"])
  })

  test("[A7, A16] the last owner who left, and came back, is owner again", () => {
    const scenario = new Scenario()
    const left = scenario.remove("ann", "ann")
    scenario.comeBack("ann", [left])
    expect(roleOf(scenario, "ann")).toBe("owner")
  })
})
