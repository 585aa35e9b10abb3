import { describe, expect, test } from "vitest"
import type { ControlId } from "../protocol/entry.js"
import type { UserId } from "../protocol/names.js"
import { projectControl } from "./project.js"
import { deviceNamed, Scenario } from "./scenario.js"

const stateOf = (scenario: Scenario) => projectControl(scenario.conversation, scenario.entries)
const membersOf = (scenario: Scenario) => Array.from(stateOf(scenario).members.keys())

function outcomes(scenario: Scenario, ...ids: ControlId[]): string[] {
  const state = stateOf(scenario)
  return ids.map((id) => {
    const result = state.outcomeOf(id)
    return result.kind === "valid" ? "valid" : result.code
  })
}

describe("what a removal strikes", () => {
  test("[A8] what the removed had written and the remover had seen stays", () => {
    const scenario = new Scenario({ bob: "admin" })
    const seen = scenario.add("bob", "cat")
    scenario.remove("ann", "bob", [seen])
    expect(membersOf(scenario)).toEqual(["ann", "cat"])
  })

  test("[A8] a removal beats a concurrent grant by the removed", () => {
    const scenario = new Scenario({ bob: "admin" })
    const grant = scenario.add("bob", "cat")
    const removal = scenario.remove("ann", "bob")
    expect(outcomes(scenario, grant, removal)).toEqual(["PAST_CUT", "valid"])
    expect(membersOf(scenario)).toEqual(["ann"])
  })

  test("[A6] a removal beats a concurrent grant to the removed", () => {
    const scenario = new Scenario({ own: "owner", bob: "member" })
    const grant = scenario.role("own", "bob", "admin")
    scenario.remove("ann", "bob")
    expect(outcomes(scenario, grant)).toEqual(["valid"])
    expect(membersOf(scenario)).toEqual(["ann", "own"])
    scenario.add("own", "bob")
    expect(membersOf(scenario)).toEqual(["ann", "own"])
  })

  test("[A8] concurrent introductions of a removed member's devices fall, and what these devices did", () => {
    const scenario = new Scenario({ bob: "admin" })
    const introduction = scenario.introduce("bob#2")
    const grant = scenario.add("bob#2", "cat", "member", [introduction])
    scenario.remove("ann", "bob")
    expect(outcomes(scenario, introduction, grant)).toEqual(["PAST_CUT", "NOT_MEMBER"])
    expect(stateOf(scenario).devices.has(deviceNamed("bob#2"))).toBe(false)
    expect(stateOf(scenario).devices.has(deviceNamed("bob"))).toBe(true)
  })

  test("[A8] dependants fall with their cause: the added, their devices, whom they added", () => {
    const scenario = new Scenario({ bob: "admin" })
    const cat = scenario.add("bob", "cat", "admin")
    const device = scenario.introduce("cat", [cat])
    const dan = scenario.add("cat", "dan", "member", [device])
    scenario.remove("ann", "bob")
    expect(outcomes(scenario, cat, device, dan)).toEqual(["PAST_CUT", "NOT_MEMBER", "NOT_MEMBER"])
    expect(stateOf(scenario).everMembers).toEqual(new Set(["ann", "bob"]))
  })

  test("[A8] after a removal the removed does nothing, whether he names it or not", () => {
    const scenario = new Scenario({ bob: "admin" })
    const removal = scenario.remove("ann", "bob")
    const named = scenario.add("bob", "cat", "member", [removal])
    const unnamed = scenario.add("bob", "dan")
    expect(outcomes(scenario, named, unnamed)).toEqual(["PAST_CUT", "PAST_CUT"])
  })

  test("[A8] leaving strikes one's own other devices, but not the other parts of the same farewell", () => {
    const scenario = new Scenario({ bob: "admin" })
    const second = scenario.introduce("bob#2")
    const grant = scenario.add("bob#2", "cat", "member", [second])
    const parts = [scenario.remove("bob", "bob", [second]), scenario.remove("bob", "bob", [second])]
    expect(outcomes(scenario, grant, ...parts)).toEqual(["PAST_CUT", "valid", "valid"])
  })

  test("[A8] a removal beats the concurrent leaving of the removed, and so decides the cut", () => {
    const scenario = new Scenario({ bob: "member" })
    const left = scenario.remove("bob", "bob")
    const removal = scenario.remove("ann", "bob")
    expect(outcomes(scenario, left, removal)).toEqual(["PAST_CUT", "valid"])
  })

  test("[A7] one who left may be removed again, by those who could have removed him before", () => {
    const scenario = new Scenario({ own: "owner", bob: "admin", cat: "moderator" })
    const left = scenario.remove("own", "own")
    const ids = ["bob", "cat", "ann"].map((author) => scenario.remove(author, "own", [left]))
    expect(outcomes(scenario, ...ids)).toEqual(["ROLE_TOO_LOW", "ROLE_TOO_LOW", "valid"])
  })
})

describe("coming back", () => {
  test("[A10] what follows an addition that had seen the removal counts; old introductions that were seen too", () => {
    const scenario = new Scenario({ bob: "admin" })
    const lost = scenario.introduce("bob#2")
    const removal = scenario.remove("ann", "bob")
    const back = scenario.add("ann", "bob", "admin", [removal])
    const again = scenario.introduce("bob#2", [back, lost])
    const grant = scenario.add("bob", "cat", "member", [back])
    const other = scenario.add("bob#2", "dan", "member", [again])
    expect(outcomes(scenario, lost, again, grant, other)).toEqual(["PAST_CUT", "valid", "valid", "valid"])
    expect(membersOf(scenario)).toEqual(["ann", "bob", "cat", "dan"])
    expect(stateOf(scenario).members.get("bob" as UserId)?.since).toBe(scenario.entry(back).clock)
  })

  test("[A10] an addition that had not seen the removal brings nobody back", () => {
    const scenario = new Scenario({ own: "owner", bob: "admin" })
    const removal = scenario.remove("ann", "bob")
    const added = scenario.add("own", "bob", "admin")
    const grant = scenario.add("bob", "cat", "member", [added, removal])
    expect(outcomes(scenario, added, grant)).toEqual(["valid", "PAST_CUT"])
    expect(membersOf(scenario)).toEqual(["ann", "own"])
  })

  test("[A10] a second, concurrent removal still holds after the first was answered", () => {
    const scenario = new Scenario({ own: "owner", bob: "member" })
    const first = scenario.remove("ann", "bob")
    scenario.remove("own", "bob")
    scenario.add("ann", "bob", "member", [first])
    expect(membersOf(scenario)).toEqual(["ann", "own"])
  })
})

describe("removals against one another", () => {
  test("[A9] of mutual removals the senior's stands, whoever was first and whatever the depth", () => {
    for (const order of ["senior first", "junior first"]) {
      const scenario = new Scenario({ bob: "admin", cat: "admin" })
      const later = [scenario.title("ann", "x")]
      const [bob, cat] = order === "senior first" ? [undefined, later] : [later, undefined]
      const senior = scenario.remove("bob", "cat", bob)
      const junior = scenario.remove("cat", "bob", cat)
      expect(outcomes(scenario, senior, junior)).toEqual(["valid", "PAST_CUT"])
      expect(membersOf(scenario)).toEqual(["ann", "bob"])
    }
  })

  test("[A9] an owner's removal of an admin stands; the admin's of an owner is void", () => {
    const scenario = new Scenario({ bob: "admin", own: "owner" })
    const up = scenario.remove("bob", "own")
    const down = scenario.remove("own", "bob")
    expect(outcomes(scenario, up, down)).toEqual(["PAST_CUT", "valid"])
  })

  test("[A9] one who has seen his removal can't strike back", () => {
    const scenario = new Scenario({ bob: "admin", cat: "admin" })
    const removal = scenario.remove("cat", "bob")
    const back = scenario.remove("bob", "cat", [removal])
    const next = scenario.remove("cat", "bob", [back])
    expect(outcomes(scenario, removal, back, next)).toEqual(["valid", "PAST_CUT", "valid"])
  })

  test("[A9] two owners who remove each other: the creator stays", () => {
    const scenario = new Scenario({ own: "owner" })
    scenario.remove("own", "ann")
    scenario.remove("ann", "own")
    expect(membersOf(scenario)).toEqual(["ann"])
  })

  test("[A9] an unopposed removal beats the concurrent removals by the removed, seniors' too, and without trace", () => {
    const scenario = new Scenario({ bob: "admin", cat: "admin", dan: "admin" })
    const removal = scenario.remove("cat", "bob")
    const late = scenario.remove("bob", "dan")
    const grant = scenario.add("dan", "eve")
    expect(outcomes(scenario, removal, late, grant)).toEqual(["valid", "PAST_CUT", "valid"])
    expect(membersOf(scenario)).toEqual(["ann", "cat", "dan", "eve"])
  })

  test("[A9] a chain is decided from its unopposed end", () => {
    const scenario = new Scenario({ bob: "admin", cat: "admin", dan: "admin", eve: "admin" })
    const ids = [scenario.remove("bob", "cat"), scenario.remove("cat", "dan"), scenario.remove("dan", "eve")]
    expect(outcomes(scenario, ...ids)).toEqual(["valid", "PAST_CUT", "valid"])
    expect(membersOf(scenario)).toEqual(["ann", "bob", "dan"])
  })

  test("[A9] in a circle the most senior's removal stands, and the rest follows from it", () => {
    const scenario = new Scenario({ bob: "admin", cat: "admin", dan: "admin" })
    const ids = [scenario.remove("cat", "dan"), scenario.remove("dan", "bob"), scenario.remove("bob", "cat")]
    expect(outcomes(scenario, ...ids)).toEqual(["PAST_CUT", "valid", "valid"])
    expect(membersOf(scenario)).toEqual(["ann", "dan"])
  })

  test("[A9] a crony whom the removed promoted can't undo a senior's removal", () => {
    const scenario = new Scenario({ cat: "admin", bob: "admin", dan: "member" })
    const removal = scenario.remove("cat", "bob")
    const promotion = scenario.role("bob", "dan", "admin")
    const revenge = scenario.remove("dan", "cat", [promotion])
    expect(outcomes(scenario, removal, promotion, revenge)).toEqual(["valid", "PAST_CUT", "ROLE_TOO_LOW"])
  })

  test("[A9] a crony is junior to the one who added him, however early the entry says it is", () => {
    const scenario = new Scenario({ cat: "admin", bob: "admin" })
    const crony = scenario.add("bob", "dan", "admin")
    const device = scenario.introduce("dan", [crony])
    const removal = scenario.remove("cat", "dan", [scenario.title("ann", "x", [device])])
    const revenge = scenario.remove("dan", "cat", [device])
    expect(outcomes(scenario, removal, revenge)).toEqual(["valid", "PAST_CUT"])
  })

  test("[A9] what depended on a removal that fell is restored, for those too who had seen it", () => {
    const scenario = new Scenario({ bob: "admin", cat: "admin", dan: "admin" })
    const unjust = scenario.remove("bob", "dan")
    const justice = scenario.remove("cat", "bob")
    const grant = scenario.add("dan", "eve", "member", [unjust, justice])
    expect(outcomes(scenario, unjust, justice, grant)).toEqual(["PAST_CUT", "valid", "valid"])
    const sequel = scenario.remove("dan", "eve", [grant])
    expect(outcomes(scenario, sequel)).toEqual(["valid"])
  })
})
