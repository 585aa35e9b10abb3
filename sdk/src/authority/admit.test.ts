import { describe, expect, test } from "vitest"
import type { ControlId } from "../protocol/entry.js"
import type { LogId, UserId } from "../protocol/names.js"
import { admitEntry, cutOf, mayErase, movesCuts } from "./admit.js"
import type { Cut } from "./cut.js"
import { projectControl } from "./project.js"
import { deviceNamed, logNamed, Scenario } from "./scenario.js"

const stateOf = (scenario: Scenario) => projectControl(scenario.conversation, scenario.entries)

interface Place {
  readonly seen?: readonly ControlId[]
  readonly firstSeen?: readonly ControlId[]
  readonly position?: number
  readonly class?: "message" | "erase"
  readonly segment?: number
}

function admit(scenario: Scenario, log: LogId, place: Place = {}) {
  const seen = place.seen ?? [scenario.base]
  const rest = { segment: place.segment ?? 1, position: place.position ?? 0, class: place.class ?? "message" } as const
  return admitEntry(stateOf(scenario), { log, seen, firstSeen: place.firstSeen ?? seen, ...rest })
}

const cutAt = (log: LogId, kept: number, segment = 1): Cut => new Map([[segment, new Map([[log, kept]])]])

describe("admission", () => {
  test("[A11] a member's message stands", () => {
    const scenario = new Scenario({ bob: "member" })
    expect(admit(scenario, logNamed("bob"))).toBeUndefined()
  })

  test("[A11] what names an unknown control entry waits; so does a member's device that is not introduced yet", () => {
    const scenario = new Scenario({ bob: "member" })
    const unknown = new Scenario({ eve: "member" }).create
    expect(admit(scenario, logNamed("bob"), { seen: [unknown] })).toBe("CONTROL_UNKNOWN")
    expect(admit(scenario, logNamed("bob"), { firstSeen: [unknown] })).toBe("CONTROL_UNKNOWN")
    expect(admit(scenario, logNamed("bob#2"))).toBe("CONTROL_UNKNOWN")
  })

  test("[A11] the creator's device needs a certificate too", () => {
    const scenario = new Scenario()
    const state = projectControl(scenario.conversation, [scenario.entry(scenario.create)])
    const seen = [scenario.create]
    const entry = { log: logNamed("ann"), segment: 1, position: 0, class: "message", seen, firstSeen: seen } as const
    expect(admitEntry(state, entry)).toBe("CONTROL_UNKNOWN")
    expect(admit(scenario, logNamed("ann"))).toBeUndefined()
  })

  test("[A11] a stranger's device is refused, introduced or not", () => {
    const scenario = new Scenario()
    scenario.introduce("mallory")
    expect(admit(scenario, logNamed("mallory"))).toBe("NOT_MEMBER")
  })

  test("[A11] an entry that had not seen its author's addition is refused", () => {
    const scenario = new Scenario()
    const added = scenario.add("ann", "bob")
    scenario.introduce("bob", [added])
    expect(admit(scenario, logNamed("bob"))).toBe("NOT_MEMBER")
    expect(admit(scenario, logNamed("bob"), { seen: [added] })).toBeUndefined()
  })

  test("[A11] a reader erases, but writes no messages; by what the entry had seen", () => {
    const scenario = new Scenario({ bob: "member" })
    const lowered = scenario.role("ann", "bob", "reader")
    expect(admit(scenario, logNamed("bob"), { seen: [lowered] })).toBe("ROLE_TOO_LOW")
    expect(admit(scenario, logNamed("bob"), { seen: [lowered], class: "erase" })).toBeUndefined()
    expect(admit(scenario, logNamed("bob"))).toBeUndefined()
  })

  test("[A11, I6] what was written in a role that falls later stands, whoever hears of it when", () => {
    const scenario = new Scenario({ cat: "admin", dan: "reader" })
    const raised = scenario.role("cat", "dan", "member")
    const message = { seen: [raised], firstSeen: [scenario.base] }
    expect(admit(scenario, logNamed("dan"), message)).toBeUndefined()
    const removal = scenario.remove("ann", "cat")
    expect(stateOf(scenario).members.get("dan" as UserId)?.role).toBe("reader")
    expect(admit(scenario, logNamed("dan"), message)).toBeUndefined()
    // Who knows that it fell writes no more in it.
    expect(admit(scenario, logNamed("dan"), { ...message, seen: [raised, removal] })).toBe("ROLE_TOO_LOW")
  })
})

describe("cuts", () => {
  const log = logNamed("bob")

  test("[A11] a removal cuts each log where it says, and those that it does not name at 0", () => {
    const scenario = new Scenario({ bob: "member" })
    scenario.remove("ann", "bob", undefined, cutAt(log, 6))
    expect(admit(scenario, log, { position: 3 })).toBeUndefined()
    expect(admit(scenario, log, { position: 6 })).toBe("PAST_CUT")
    expect(admit(scenario, log, { segment: 2 })).toBe("PAST_CUT")
    expect(admit(scenario, logNamed("bob", 2))).toBe("PAST_CUT")
    const state = stateOf(scenario)
    expect([cutOf(state, log, 1, [scenario.base]), cutOf(state, logNamed("ann"), 1, [])]).toEqual([6, Infinity])
  })

  test("[A11] an entry that had seen the removal is past the cut wherever it stands", () => {
    const scenario = new Scenario({ bob: "member" })
    const removal = scenario.remove("ann", "bob", undefined, cutAt(log, 6))
    expect(admit(scenario, log, { seen: [removal], firstSeen: [scenario.base] })).toBe("PAST_CUT")
  })

  test("[A11] of concurrent removals, or the parts of one, the greatest cut counts; a later one replaces them", () => {
    const scenario = new Scenario({ own: "owner", bob: "member" })
    const one = scenario.remove("ann", "bob", undefined, cutAt(log, 6))
    const two = scenario.remove("own", "bob", undefined, cutAt(log, 9))
    expect(cutOf(stateOf(scenario), log, 1, [scenario.base])).toBe(9)
    scenario.remove("ann", "bob", [one, two], cutAt(log, 3))
    expect(cutOf(stateOf(scenario), log, 1, [scenario.base])).toBe(3)
  })

  test("[A11] after a re-add a new session is free, the old log stays cut", () => {
    const scenario = new Scenario({ bob: "member" })
    const removal = scenario.remove("ann", "bob", undefined, cutAt(log, 6))
    const back = scenario.add("ann", "bob", "member", [removal])
    const renewed = logNamed("bob", 2)
    expect(admit(scenario, renewed, { seen: [back], position: 100 })).toBeUndefined()
    expect(admit(scenario, log, { seen: [back], firstSeen: [scenario.base], position: 6 })).toBe("PAST_CUT")
    const again = scenario.remove("ann", "bob", [back], new Map([[1, new Map([[renewed, 4]])]]))
    expect(cutOf(stateOf(scenario), renewed, 1, [back])).toBe(4)
    expect(admit(scenario, renewed, { seen: [back], position: 4 })).toBe("PAST_CUT")
    expect(admit(scenario, renewed, { seen: [again] })).toBe("PAST_CUT")
  })

  test("[A11] a log that claims an addition older than the removal is cut", () => {
    const scenario = new Scenario({ own: "owner" })
    const added = scenario.add("ann", "bob")
    scenario.introduce("bob", [added])
    scenario.remove("own", "bob", [added])
    expect(admit(scenario, log, { seen: [added] })).toBe("PAST_CUT")
  })

  test("[A11] a device whose introduction a removal struck is past the cut, or waits where its user is back", () => {
    const scenario = new Scenario({ bob: "member" })
    scenario.introduce("bob#2")
    const removal = scenario.remove("ann", "bob")
    expect(admit(scenario, logNamed("bob#2"))).toBe("PAST_CUT")
    const back = scenario.add("ann", "bob", "member", [removal])
    expect(admit(scenario, logNamed("bob#2"), { seen: [back] })).toBe("CONTROL_UNKNOWN")
    scenario.introduce("bob#2", [back])
    expect(admit(scenario, logNamed("bob#2"), { seen: [back] })).toBeUndefined()
  })
})

describe("whether segments are to be brought in line", () => {
  const then = (scenario: Scenario, write: () => void): boolean => {
    const before = stateOf(scenario)
    write()
    return movesCuts(before, stateOf(scenario))
  }

  test("[A11] at a start: where anybody was removed, or was let in by what fell", () => {
    const scenario = new Scenario({ bob: "admin" })
    expect(movesCuts(undefined, stateOf(scenario))).toBe(false)
    const removed = new Scenario({ bob: "admin" })
    removed.remove("ann", "bob")
    expect(movesCuts(undefined, stateOf(removed))).toBe(true)
    // Bob's removal strikes what let eve in.
    const fallen = new Scenario({ bob: "admin" })
    fallen.introduce("eve", [fallen.add("bob", "eve")])
    fallen.remove("ann", "bob")
    expect(stateOf(fallen).fallen.has("eve" as UserId)).toBe(true)
    expect(movesCuts(undefined, stateOf(fallen))).toBe(true)
  })

  test("[A11] when a removal comes, and when one falls", () => {
    const scenario = new Scenario({ bob: "admin", cat: "member" })
    expect(then(scenario, () => scenario.title("ann", "Lisbon"))).toBe(false)
    expect(then(scenario, () => scenario.add("ann", "dan"))).toBe(false)
    expect(then(scenario, () => scenario.remove("bob", "cat"))).toBe(true)
    // Ann, who is senior, removes bob at once: his removal of cat falls, and hers is another one.
    expect(then(scenario, () => scenario.remove("ann", "bob"))).toBe(true)
    expect(stateOf(scenario).removals.map(({ user }) => user)).toEqual(["bob"])
  })

  test("[A11] not when a stranger is introduced without effect; but when a member turns out to have been let in by what fell", () => {
    const scenario = new Scenario({ bob: "admin", cat: "admin" })
    expect(then(scenario, () => scenario.introduce("stranger"))).toBe(false)
    const added = scenario.add("bob", "eve")
    scenario.introduce("eve", [added])
    scenario.remove("ann", "bob", [added])
    // Cat had removed bob before eve was added, and nobody knew: what let eve in falls.
    expect(then(scenario, () => scenario.remove("cat", "bob"))).toBe(true)
    expect(stateOf(scenario).members.has("eve" as UserId)).toBe(false)
  })

  test("[A11] when an addition falls that had answered a removal, with no other removal to be seen", () => {
    const scenario = new Scenario({ bob: "member", cat: "admin" })
    scenario.introduce("bob")
    const removed = scenario.remove("ann", "bob")
    const added = scenario.add("cat", "bob", "member", [removed])
    const log = logNamed("bob")
    expect(cutOf(stateOf(scenario), log, 1, [added])).toBe(Infinity)
    // Another device of cat's left and came back, having seen none of that: what cat did meanwhile stays void.
    const leaveAndReturn = (): void => {
      scenario.comeBack("cat", [scenario.remove("cat", "cat", [scenario.base])])
    }
    expect(then(scenario, leaveAndReturn)).toBe(true)
    expect(stateOf(scenario).removals.map(({ id }) => id)).toEqual([removed])
    expect(cutOf(stateOf(scenario), log, 1, [added])).toBe(0)
  })

  test("[A11] when a device is introduced again that was let in before; not for one that is new", () => {
    const scenario = new Scenario({ bob: "admin" })
    const added = scenario.add("bob", "cat")
    scenario.introduce("cat", [added])
    const removal = scenario.remove("ann", "bob")
    const back = scenario.add("ann", "cat", "member", [removal])
    expect(admit(scenario, logNamed("cat"), { seen: [back] })).toBe("CONTROL_UNKNOWN")
    expect(then(scenario, () => scenario.introduce("cat#2", [back]))).toBe(false)
    expect(then(scenario, () => scenario.introduce("cat", [back]))).toBe(true)
  })
})

describe("erasure", () => {
  const people = { adm: "admin", mod: "moderator", mob: "moderator", mem: "member" } as const

  test.each([
    ["mem", "mem", "author"],
    ["mem", "mem#2", "author"],
    ["mem", "mod", undefined],
    ["mod", "mem", "moderator"],
    ["mod", "mob", "moderator"],
    ["mod", "adm", undefined],
    ["adm", "mod", "moderator"],
    ["adm", "ann", undefined],
    ["ann", "adm", "moderator"],
    ["mod", "stranger", undefined],
    ["stranger", "mem", undefined],
  ])("[A13] %s erasing a message of %s: %s", (eraser, target, right) => {
    const scenario = new Scenario(people)
    scenario.introduce("mem#2")
    const claim = { eraser: deviceNamed(eraser), target: deviceNamed(target), seen: [scenario.base] }
    expect(mayErase(stateOf(scenario), claim)).toBe(right)
  })

  test("[A13, A20] in a direct conversation nobody erases the other's words", () => {
    const scenario = new Scenario({ bob: "owner" }, { direct: true })
    const rights = (["ann", "bob"] as const).map((target) =>
      mayErase(stateOf(scenario), { eraser: deviceNamed("ann"), target: deviceNamed(target), seen: [scenario.base] }),
    )
    expect(rights).toEqual(["author", undefined])
  })

  test("[A13] the right is that of the signer's past; authors keep theirs after they left", () => {
    const scenario = new Scenario(people)
    const lowered = scenario.role("ann", "mod", "member")
    scenario.introduce("mem#2")
    const left = scenario.remove("ann", "mem")
    const state = stateOf(scenario)
    const [eraser, target] = [deviceNamed("mod"), deviceNamed("mem")]
    expect(mayErase(state, { eraser, target, seen: [scenario.base] })).toBe("moderator")
    expect(mayErase(state, { eraser, target, seen: [lowered] })).toBeUndefined()
    expect(mayErase(state, { eraser: target, target, seen: [left] })).toBe("author")
    expect(mayErase(state, { eraser: deviceNamed("adm"), target, seen: [left] })).toBe("moderator")
  })

  test("[A13, I6] a record in a role that falls later, or by a device whose introduction does, stands", () => {
    const scenario = new Scenario(people)
    const raised = scenario.role("adm", "mem", "moderator")
    const introduced = scenario.introduce("mem#2")
    const claims = [
      { eraser: deviceNamed("mem"), target: deviceNamed("mod"), seen: [raised] },
      { eraser: deviceNamed("mem#2"), target: deviceNamed("mem"), seen: [introduced] },
    ]
    const rights = () => claims.map((claim) => mayErase(stateOf(scenario), claim))
    expect(rights()).toEqual(["moderator", "author"])
    scenario.remove("ann", "adm")
    scenario.remove("ann", "mem")
    expect(rights()).toEqual(["moderator", "author"])
  })

  test("[A13] a device that nobody introduced yet takes back what it wrote", () => {
    const scenario = new Scenario({ bob: "member" })
    const device = deviceNamed("bob#2")
    expect(mayErase(stateOf(scenario), { eraser: device, target: device, seen: [scenario.base] })).toBe("author")
  })

  test("[A13] a removed moderator's erase entry counts within the cut of its log, where its place is given", () => {
    const scenario = new Scenario(people)
    const log = logNamed("mod")
    scenario.remove("ann", "mod", undefined, cutAt(log, 3))
    const claim = { eraser: deviceNamed("mod"), target: deviceNamed("mem"), seen: [scenario.base] }
    const at = (position: number) => ({ log, segment: 1, position, firstSeen: [scenario.base] })
    expect(mayErase(stateOf(scenario), { ...claim, place: at(0) })).toBe("moderator")
    expect(mayErase(stateOf(scenario), { ...claim, place: at(3) })).toBeUndefined()
  })
})
