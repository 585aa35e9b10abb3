import { describe, expect, test } from "vitest"
import type { ControlId } from "../protocol/entry.js"
import { MAX_PINS } from "../protocol/limits.js"
import { admitEntry, type SegmentEntry } from "./admit.js"
import { projectControl } from "./project.js"
import type { Role } from "./role.js"
import { logNamed, messageNamed, Scenario } from "./scenario.js"

const stateOf = (scenario: Scenario) => projectControl(scenario.conversation, scenario.entries)
const people: Record<string, Role> = { own: "owner", adm: "admin", mod: "moderator", mem: "member", rea: "reader" }

function outcomes(scenario: Scenario, ...ids: ControlId[]): string[] {
  const state = stateOf(scenario)
  return ids.map((id) => {
    const result = state.outcomeOf(id)
    return result.kind === "valid" ? "valid" : result.code
  })
}

const authorsOf = (write: (scenario: Scenario, author: string) => ControlId): string[] =>
  Object.keys(people).filter((author) => {
    const scenario = new Scenario(people)
    return outcomes(scenario, write(scenario, author))[0] === "valid"
  })

describe("what a conversation is set to", () => {
  test("[A7] title, topic and announcements are the admins', pins the moderators' too", () => {
    expect(authorsOf((scenario, author) => scenario.topic(author, "x"))).toEqual(["own", "adm"])
    expect(authorsOf((scenario, author) => scenario.announce(author, true))).toEqual(["own", "adm"])
    expect(authorsOf((scenario, author) => scenario.pin(author, "x"))).toEqual(["own", "adm", "mod"])
  })

  test("[A15] of concurrent topics the highest clock is shown, of others the later entry", () => {
    const scenario = new Scenario({ bob: "admin" })
    expect(stateOf(scenario).topic).toBe("")
    const one = scenario.topic("ann", "one", undefined, 900)
    const two = scenario.topic("bob", "two", undefined, 800)
    expect(stateOf(scenario).topic).toBe("one")
    scenario.topic("bob", "three", [one, two], 5)
    expect([stateOf(scenario).topic, stateOf(scenario).title]).toEqual(["three", "Trip"])
  })
})

describe("pins", () => {
  const shown = (scenario: Scenario) => stateOf(scenario).pins.map(({ message }) => message)

  test("[A17] each message by its own last entry, what was pinned last first", () => {
    const scenario = new Scenario({ mod: "moderator" })
    const one = scenario.pin("ann", "one", true, undefined, 100)
    scenario.pin("mod", "two", true, undefined, 200)
    expect(shown(scenario)).toEqual([messageNamed("two"), messageNamed("one")])
    scenario.pin("mod", "one", false, [one], 50)
    expect(shown(scenario)).toEqual([messageNamed("two")])
    expect(stateOf(scenario).pins[0]?.by).toBe("mod")
  })

  test("[A17] pinned and unpinned at once: the highest clock counts", () => {
    for (const [pin, unpin] of [
      [100, 200],
      [200, 100],
    ] as const) {
      // prettier-ignore
      const scenario = new Scenario({ mod: "moderator" })
      scenario.pin("ann", "one", true, undefined, pin)
      scenario.pin("mod", "one", false, undefined, unpin)
      expect(shown(scenario)).toHaveLength(pin > unpin ? 1 : 0)
    }
  })

  test("[A17] the last of many are shown", () => {
    const scenario = new Scenario()
    for (let at = 0; at < MAX_PINS + 8; at++) scenario.pin("ann", `message ${String(at)}`, true, undefined, 100 + at)
    expect(shown(scenario)).toHaveLength(MAX_PINS)
    expect(shown(scenario)[0]).toEqual(messageNamed(`message ${String(MAX_PINS + 7)}`))
  })

  test("[A8, A17] a removed moderator's pins that the remover had not seen fall", () => {
    const scenario = new Scenario({ mod: "moderator" })
    scenario.pin("mod", "one")
    scenario.remove("ann", "mod")
    expect(shown(scenario)).toEqual([])
  })
})

describe("announcements", () => {
  const admit = (scenario: Scenario, who: string, seen: ControlId, kind: SegmentEntry["class"] = "message") =>
    admitEntry(stateOf(scenario), {
      log: logNamed(who),
      segment: 1,
      position: 0,
      class: kind,
      seen: [seen],
      firstSeen: [seen],
    })

  test("[A18] who had seen it writes as a moderator or above, or not at all; others erase still", () => {
    const scenario = new Scenario(people)
    const on = scenario.announce("adm", true)
    const codes = Object.keys(people).map((who) => admit(scenario, who, on))
    expect(codes).toEqual([undefined, undefined, undefined, "ROLE_TOO_LOW", "ROLE_TOO_LOW"])
    expect(admit(scenario, "mem", on, "erase")).toBeUndefined()
    const reactions = Object.keys(people).map((who) => admit(scenario, who, on, "reaction"))
    expect(reactions).toEqual([undefined, undefined, undefined, undefined, "ROLE_TOO_LOW"])
    expect(stateOf(scenario).announcing).toBe(true)
  })

  test("[A18] what was written without knowing of it stands", () => {
    const scenario = new Scenario(people)
    scenario.announce("adm", true)
    expect(admit(scenario, "mem", scenario.base)).toBeUndefined()
  })

  test("[A18] a later entry opens the conversation again; of concurrent ones the stricter counts", () => {
    const scenario = new Scenario(people)
    const on = scenario.announce("adm", true)
    const off = scenario.announce("own", false, [on])
    expect([admit(scenario, "mem", off), stateOf(scenario).announcing]).toEqual([undefined, false])
    scenario.announce("adm", true, [on])
    expect(stateOf(scenario).announcing).toBe(true)
  })
})

describe("direct conversations", () => {
  const between = () => new Scenario({ bob: "owner" }, { direct: true })

  test("[A20] two owners, for good: nobody is added, removed, lowered or invited, and nobody is silenced", () => {
    const scenario = between()
    const ids = [
      scenario.add("ann", "cat"),
      scenario.remove("ann", "bob"),
      scenario.role("ann", "bob", "member"),
      scenario.role("ann", "ann", "member"),
      scenario.invite("bob"),
      scenario.announce("bob", true),
    ]
    expect(outcomes(scenario, ...ids)).toEqual(ids.map(() => "ROLE_TOO_LOW"))
    expect([stateOf(scenario).direct, stateOf(scenario).members.size]).toEqual([true, 2])
  })

  test("[A20] titles, topics, pins and server keys are both's, and either may leave and return", () => {
    const scenario = between()
    const left = scenario.remove("bob", "bob")
    const ids = [
      scenario.title("bob", "x"),
      scenario.topic("ann", "y"),
      scenario.pin("bob", "z"),
      scenario.trust("bob", "other"),
    ]
    expect(outcomes(scenario, left, ...ids)).toEqual(["valid", "PAST_CUT", "valid", "PAST_CUT", "PAST_CUT"])
    expect(outcomes(scenario, scenario.comeBack("bob", [left]))).toEqual(["valid"])
    const other = between()
    const all = [other.title("bob", "x"), other.topic("ann", "y"), other.pin("bob", "z"), other.trust("bob", "other")]
    expect(outcomes(other, ...all)).toEqual(all.map(() => "valid"))
  })
})
