import { describe, expect, test } from "vitest"
import type { ControlId } from "../protocol/entry.js"
import { MAX_SEEN } from "../protocol/limits.js"
import type { UserId } from "../protocol/names.js"
import { projectControl } from "./project.js"
import type { Role } from "./role.js"
import { creation, deviceNamed, entryOf, keyNamed, Scenario } from "./scenario.js"

const stateOf = (scenario: Scenario) => projectControl(scenario.conversation, scenario.entries)

function rolesOf(scenario: Scenario): Record<string, Role> {
  return Object.fromEntries(Array.from(stateOf(scenario).members, ([user, { role }]) => [user, role]))
}

/** "valid" or the code of the refusal. */
function outcome(scenario: Scenario, id: ControlId): string {
  const result = stateOf(scenario).outcomeOf(id)
  return result.kind === "valid" ? "valid" : result.code
}

describe("creation", () => {
  test("[A2] the creator is owner, the members have their roles, and all are in order of seniority", () => {
    const scenario = new Scenario({ bob: "admin", eve: "reader" })
    expect(Array.from(stateOf(scenario).members.keys())).toEqual(["ann", "bob", "eve"])
    expect(rolesOf(scenario)).toEqual({ ann: "owner", bob: "admin", eve: "reader" })
    const state = stateOf(scenario)
    expect(state.created).toMatchObject({ user: "ann", device: deviceNamed("ann") })
    expect(state.title).toBe("Trip")
    expect(state.trust).toEqual([keyNamed("server")])
  })

  test("[A2] without the create entry nothing has an effect", () => {
    const scenario = new Scenario({ bob: "admin" })
    const rest = scenario.entries.filter(({ id }) => id !== scenario.create)
    const state = projectControl(scenario.conversation, rest)
    expect([state.created, state.members.size, state.heads.length, state.title]).toEqual([undefined, 0, 0, ""])
  })

  test("[A2] a create entry copied into another conversation, or signed by another device, is void", () => {
    const scenario = new Scenario({ bob: "admin" })
    const other = new Scenario({ eve: "admin" })
    const copy = other.entry(other.create)
    const stolen = entryOf("eve", scenario.entry(scenario.create).body, creation({ bob: "admin" }), [], 1)
    scenario.entries.push(copy, stolen)
    expect([outcome(scenario, copy.id), outcome(scenario, stolen.id)]).toEqual(["CREATE_MISMATCH", "CREATE_MISMATCH"])
    expect(rolesOf(scenario)).toEqual({ ann: "owner", bob: "admin" })
  })

  test("[A2] create entries with one body are one entry: a later one undoes nothing", () => {
    const scenario = new Scenario({ bob: "member" })
    scenario.role("ann", "bob", "admin")
    scenario.title("ann", "Journey")
    const { body, action } = scenario.entry(scenario.create)
    const again = entryOf("ann", body, action, [], 99)
    scenario.entries.push(again)
    expect(rolesOf(scenario)).toEqual({ ann: "owner", bob: "admin" })
    expect(stateOf(scenario).title).toBe("Journey")
    expect(outcome(scenario, scenario.add("ann", "cat", "member", [again.id]))).toBe("valid")
  })

  test("[A1] an entry with an unknown past, and all after it, is held back", () => {
    const scenario = new Scenario()
    const missing = scenario.title("ann", "a")
    const held = scenario.title("ann", "b", [missing])
    scenario.entries.splice(scenario.entries.indexOf(scenario.entry(missing)), 1)
    const after = scenario.title("ann", "c", [held, scenario.base])
    const state = stateOf(scenario)
    expect([state.has(held), state.has(after), state.title]).toEqual([false, false, "Trip"])
    expect(outcome(scenario, after)).toBe("CONTROL_UNKNOWN")
    expect(state.heads).toEqual([scenario.base])
  })

  test("[A2] another entry that names nothing as seen is void", () => {
    const scenario = new Scenario()
    expect(outcome(scenario, scenario.title("ann", "b", []))).toBe("CREATE_MISMATCH")
  })

  test("[A3] an entry without a readable action is void, but is seen as any other", () => {
    const scenario = new Scenario()
    const odd = entryOf("ann", Uint8Array.of(2), undefined, [scenario.base], 50)
    scenario.entries.push(odd)
    expect(outcome(scenario, odd.id)).toBe("MALFORMED")
    expect(outcome(scenario, scenario.title("ann", "b", [odd.id]))).toBe("valid")
  })
})

describe("devices", () => {
  test("[A5] an introduction makes a device act for its user; the creator's acts before, uncertified", () => {
    const scenario = new Scenario({ bob: "admin" })
    const first = projectControl(scenario.conversation, [scenario.entry(scenario.create)])
    expect(first.devices.get(deviceNamed("ann"))).toEqual({ user: "ann", publicKey: undefined, certified: false })
    const bob = { user: "bob", publicKey: keyNamed("bob"), certified: true }
    expect(stateOf(scenario).devices.get(deviceNamed("bob"))).toEqual(bob)
    expect(stateOf(scenario).devices.get(deviceNamed("ann"))?.certified).toBe(true)
  })

  test.each([
    ["a forged certificate", { certified: false }, "KEY_REFUSED"],
    ["a certificate by a server that the conversation does not trust", { issuer: "other" }, "UNTRUSTED_SERVER_KEY"],
    ["a certificate for somebody who is no member", { user: "mallory" }, "NOT_MEMBER"],
  ])("[A5] %s introduces nobody", (_, options, code) => {
    const scenario = new Scenario({ bob: "member" })
    const id = scenario.introduce("bob#2", undefined, options)
    expect(outcome(scenario, id)).toBe(code)
    expect(stateOf(scenario).devices.has(deviceNamed("bob#2"))).toBe(false)
    expect(outcome(scenario, scenario.remove("bob#2", "bob", [id]))).toBe("NOT_MEMBER")
  })

  test("[A5] a key counts for what follows the policy that trusts it", () => {
    const scenario = new Scenario({ bob: "admin" })
    const policy = scenario.trust("ann", "other")
    const before = scenario.introduce("bob#2", undefined, { issuer: "other" })
    const after = scenario.introduce("bob#3", [policy], { issuer: "other" })
    expect([before, after].map((id) => outcome(scenario, id))).toEqual(["UNTRUSTED_SERVER_KEY", "valid"])
    expect(stateOf(scenario).trust).toHaveLength(2)
    expect(outcome(scenario, scenario.trust("bob", "third"))).toBe("ROLE_TOO_LOW")
  })

  test("[A5] a device acts for one user, the first", () => {
    const scenario = new Scenario({ bob: "member", eve: "member" })
    expect(outcome(scenario, scenario.introduce("bob", undefined, { user: "eve" }))).toBe("KEY_REFUSED")
    expect(outcome(scenario, scenario.introduce("ann", undefined, { user: "eve" }))).toBe("KEY_REFUSED")
    expect(stateOf(scenario).devices.get(deviceNamed("bob"))?.user).toBe("bob")
  })

  test("[A5] an unknown device acts for nobody", () => {
    const scenario = new Scenario({ bob: "admin" })
    expect(outcome(scenario, scenario.add("bob#2", "cat"))).toBe("NOT_MEMBER")
  })
})

describe("roles", () => {
  const everyRole: readonly Role[] = ["owner", "admin", "moderator", "member", "reader"]
  const people: Record<string, Role> = { own: "owner", adm: "admin", mod: "moderator", mem: "member", rea: "reader" }

  // Who may make whom what: rows are authors, letters the first letters of granted roles.
  test.each([
    ["own", "add", "zoe", everyRole],
    ["own", "role", "own", everyRole],
    ["own", "role", "rea", everyRole],
    ["adm", "add", "zoe", everyRole.slice(1)],
    ["adm", "role", "mem", everyRole.slice(1)],
    ["adm", "role", "adm", everyRole.slice(1)],
    ["adm", "role", "own", []],
    ["mod", "add", "zoe", []],
    ["mod", "role", "mem", []],
    ["mem", "add", "zoe", []],
    ["rea", "role", "rea", []],
  ] as const)("[A7] %s may %s %s as %j", (author, kind, user, allowed) => {
    const scenario = new Scenario(people)
    const granted = everyRole.filter((role) => outcome(scenario, scenario[kind](author, user, role)) === "valid")
    expect(granted).toEqual(allowed)
  })

  test.each([
    ["own", ["own", "adm", "mod", "mem", "rea", "ann"]],
    ["adm", ["adm", "mod", "mem", "rea"]],
    ["mod", ["mod"]],
    ["mem", ["mem"]],
    ["rea", ["rea"]],
  ])("[A7] %s may remove %j", (author, allowed) => {
    const users = ["own", "adm", "mod", "mem", "rea", "ann"]
    const removed = users.filter((user) => {
      const scenario = new Scenario(people)
      return outcome(scenario, scenario.remove(author, user)) === "valid"
    })
    expect(removed).toEqual(allowed)
  })

  test.each([
    ["own", "valid"],
    ["adm", "valid"],
    ["mod", "ROLE_TOO_LOW"],
    ["mem", "ROLE_TOO_LOW"],
    ["rea", "ROLE_TOO_LOW"],
  ])("[A7] a title by %s: %s", (author, expected) => {
    const scenario = new Scenario(people)
    expect(outcome(scenario, scenario.title(author, "x"))).toBe(expected)
  })

  test("[A7] a role, or the removal, of somebody who was never a member is void", () => {
    const scenario = new Scenario()
    expect(outcome(scenario, scenario.role("ann", "zoe", "member"))).toBe("NOT_MEMBER")
    expect(outcome(scenario, scenario.remove("ann", "zoe"))).toBe("NOT_MEMBER")
  })

  test("[A7] the only owner stays while others are there, and may leave alone", () => {
    const scenario = new Scenario({ bob: "admin" })
    expect(outcome(scenario, scenario.remove("ann", "ann"))).toBe("ROLE_TOO_LOW")
    expect(outcome(scenario, scenario.role("ann", "ann", "member"))).toBe("ROLE_TOO_LOW")
    const alone = scenario.remove("ann", "bob")
    expect(outcome(scenario, scenario.remove("ann", "ann", [alone]))).toBe("valid")
    expect(rolesOf(scenario)).toEqual({})
  })

  test("[A7] with two owners either may leave; if both leave at once, nobody is owner", () => {
    const one = new Scenario({ own: "owner", bob: "admin" })
    one.remove("ann", "ann")
    expect(rolesOf(one)).toEqual({ own: "owner", bob: "admin" })
    one.remove("own", "own")
    expect(rolesOf(one)).toEqual({ bob: "admin" })
    expect(outcome(one, one.add("bob", "cat", "admin", stateOf(one).heads))).toBe("valid")
  })

  test("[A6] the role is that of the author's own past", () => {
    const scenario = new Scenario({ bob: "admin" })
    const lowered = scenario.role("ann", "bob", "reader")
    const concurrent = scenario.title("bob", "before")
    expect(outcome(scenario, concurrent)).toBe("valid")
    expect(outcome(scenario, scenario.title("bob", "after", [lowered, concurrent]))).toBe("ROLE_TOO_LOW")
    const state = stateOf(scenario)
    expect(state.standingIn("bob" as UserId, [scenario.base])).toEqual({ kind: "member", role: "admin" })
    expect(state.standingIn("bob" as UserId, [lowered])).toEqual({ kind: "member", role: "reader" })
  })

  test("[A6] of concurrent roles the lowest counts, until a later one", () => {
    const scenario = new Scenario({ own: "owner", bob: "member" })
    const high = scenario.role("ann", "bob", "admin")
    const low = scenario.role("own", "bob", "moderator")
    expect(rolesOf(scenario).bob).toBe("moderator")
    scenario.role("ann", "bob", "admin", [high, low])
    expect(rolesOf(scenario).bob).toBe("admin")
  })

  test("[A15] of concurrent titles the highest clock is shown, of others the later entry", () => {
    const scenario = new Scenario({ bob: "admin" })
    const one = scenario.title("ann", "one", undefined, 900)
    const two = scenario.title("bob", "two", undefined, 800)
    expect(stateOf(scenario).title).toBe("one")
    scenario.title("bob", "three", [one, two], 5)
    expect(stateOf(scenario).title).toBe("three")
  })
})

describe("heads", () => {
  test("[A14] heads are the entries that no other names, void ones too", () => {
    const scenario = new Scenario({ bob: "member" })
    const one = scenario.title("ann", "one")
    const refused = scenario.title("bob", "two")
    expect(new Set(stateOf(scenario).heads)).toEqual(new Set([one, refused]))
  })

  test("[A14] of too many heads, those that decide come first, and the device's own introduction", () => {
    const users = Object.fromEntries(Array.from({ length: 80 }, (_, at) => [`u${String(at)}`, "member" as const]))
    const scenario = new Scenario(users)
    const removal = scenario.remove("ann", "u3")
    for (const user of Object.keys(users)) scenario.introduce(`${user}#2`)
    const state = stateOf(scenario)
    expect(state.heads).toHaveLength(MAX_SEEN)
    expect(state.heads).toContain(removal)
    for (const user of Object.keys(users).slice(4)) {
      const heads = state.headsFor(deviceNamed(`${user}#2`))
      expect(heads).toHaveLength(MAX_SEEN)
      expect(heads).toContain(removal)
      expect(outcome(scenario, scenario.remove(`${user}#2`, user, heads))).toBe("valid")
      scenario.entries.pop()
    }
  })
})
