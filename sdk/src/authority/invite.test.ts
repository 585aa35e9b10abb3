import { describe, expect, test } from "vitest"
import type { ControlId } from "../protocol/entry.js"
import type { UserId } from "../protocol/names.js"
import { admitEntry } from "./admit.js"
import { projectControl } from "./project.js"
import type { Role } from "./role.js"
import { deviceNamed, keyNamed, logNamed, Scenario } from "./scenario.js"

const stateOf = (scenario: Scenario) => projectControl(scenario.conversation, scenario.entries)
const membersOf = (scenario: Scenario) => Array.from(stateOf(scenario).members.keys())
const roleOf = (scenario: Scenario, user: string) => stateOf(scenario).members.get(user as UserId)?.role

function outcomes(scenario: Scenario, ...ids: ControlId[]): string[] {
  const state = stateOf(scenario)
  return ids.map((id) => {
    const result = state.outcomeOf(id)
    return result.kind === "valid" ? "valid" : result.code
  })
}

const people: Record<string, Role> = { own: "owner", adm: "admin", mod: "moderator", mem: "member", rea: "reader" }

describe("invites", () => {
  test.each([
    ["own", ["admin", "moderator", "member", "reader"]],
    ["adm", ["admin", "moderator", "member", "reader"]],
    ["mod", []],
    ["mem", []],
    ["rea", []],
  ])("[A19] %s may invite as %j", (author, allowed) => {
    const roles: readonly Role[] = ["owner", "admin", "moderator", "member", "reader"]
    const scenario = new Scenario(people)
    const granted = roles.filter((role) => outcomes(scenario, scenario.invite(author, { role }))[0] === "valid")
    expect(granted).toEqual(allowed)
  })

  test("[A19] who joins is a member in the invite's role, and the device acts at once", () => {
    const scenario = new Scenario()
    const invite = scenario.invite("ann", { role: "moderator" })
    const join = scenario.join("eve", invite)
    expect([outcomes(scenario, join), roleOf(scenario, "eve")]).toEqual([["valid"], "moderator"])
    const state = stateOf(scenario)
    expect(state.devices.get(deviceNamed("eve"))).toEqual({
      user: "eve",
      publicKey: keyNamed("eve"),
      certified: true,
    })
    const entry = { log: logNamed("eve"), segment: 1, position: 0, class: "message", seen: [join], firstSeen: [join] }
    expect(admitEntry(state, { ...entry, class: "message" })).toBeUndefined()
    expect(outcomes(scenario, scenario.pin("eve", "hello", true, [join]))).toEqual(["valid"])
    expect(state.invites.get(invite)).toMatchObject({ by: "ann", uses: 0, joined: new Set(["eve"]) })
  })

  test.each([
    ["with a bad certificate or proof", { certified: false }, "KEY_REFUSED"],
    ["with another invite's key", { name: "other" }, "INVITE_VOID"],
    ["certified by a server that was not trusted", { issuer: "other" }, "UNTRUSTED_SERVER_KEY"],
    ["certified after the end", { issuedAt: 1_001 }, "INVITE_EXPIRED"],
  ])("[A19] a join %s lets nobody in", (_, options, code) => {
    const scenario = new Scenario()
    const invite = scenario.invite("ann", { expires: 1_000 })
    const join = scenario.join("eve", invite, options)
    expect([outcomes(scenario, join), membersOf(scenario)]).toEqual([[code], ["ann"]])
    expect(stateOf(scenario).devices.has(deviceNamed("eve"))).toBe(false)
    expect(outcomes(scenario, scenario.join("eve#2", invite, { issuedAt: 1_000 }))).toEqual(["valid"])
  })

  test("[A19] a join names its invite and nothing else; what is no valid invite lets nobody in", () => {
    const scenario = new Scenario(people)
    const invite = scenario.invite("ann")
    const bad = scenario.invite("mem", { name: "mem" })
    const joins = [
      scenario.join("eve", invite, { seen: [invite, scenario.base] }),
      scenario.join("eve#2", invite, { seen: [scenario.base] }),
      scenario.join("eve#3", bad, { name: "mem" }),
    ]
    expect(outcomes(scenario, bad, ...joins)).toEqual(["ROLE_TOO_LOW", "INVITE_VOID", "INVITE_VOID", "INVITE_VOID"])
    expect(roleOf(scenario, "eve")).toBeUndefined()
  })

  test("[A19] at most so many users as the invite says: those whom servers certified first, whatever the clocks say", () => {
    const scenario = new Scenario()
    const invite = scenario.invite("ann", { uses: 2 })
    const late = scenario.join("zoe", invite, { issuedAt: 30 })
    const first = scenario.join("eve", invite, { issuedAt: 10 })
    expect(outcomes(scenario, first, late)).toEqual(["valid", "valid"])
    const second = scenario.join("dan", invite, { issuedAt: 20 })
    expect(outcomes(scenario, first, second, late)).toEqual(["valid", "valid", "INVITE_USED_UP"])
    expect(membersOf(scenario).sort()).toEqual(["ann", "dan", "eve"])
    // Another device of one who is in takes nobody's place.
    const again = scenario.join("eve#2", invite, { issuedAt: 15 })
    expect(outcomes(scenario, first, again, second)).toEqual(["valid", "valid", "valid"])
  })

  test("[A19] joining again changes no role", () => {
    const scenario = new Scenario()
    const invite = scenario.invite("ann")
    const join = scenario.join("eve", invite, { issuedAt: 1 })
    scenario.role("ann", "eve", "admin", [join])
    scenario.join("eve#2", invite, { issuedAt: 2 })
    expect(roleOf(scenario, "eve")).toBe("admin")
  })

  test("[A19] no role is won by an invite: of concurrent ones the lowest counts", () => {
    const scenario = new Scenario({ rea: "member" })
    const invite = scenario.invite("ann", { role: "admin" })
    scenario.role("ann", "rea", "reader", [invite])
    expect(outcomes(scenario, scenario.join("rea", invite))).toEqual(["INVITE_VOID"])
    scenario.add("ann", "eve", "reader")
    expect(outcomes(scenario, scenario.join("eve", invite))).toEqual(["valid"])
    expect([roleOf(scenario, "rea"), roleOf(scenario, "eve")]).toEqual(["reader", "reader"])
  })

  test("[A19] a link brings nobody back who was removed, or who left", () => {
    const scenario = new Scenario({ bob: "member", cat: "member" })
    const gone = [scenario.remove("ann", "bob"), scenario.remove("cat", "cat")]
    const invite = scenario.invite("ann", {}, gone)
    const early = scenario.invite("ann")
    const joins = [scenario.join("bob", invite), scenario.join("bob#2", early), scenario.join("cat#2", invite)]
    expect(outcomes(scenario, ...joins)).toEqual(["PAST_CUT", "PAST_CUT", "PAST_CUT"])
    const eve = scenario.join("eve", invite)
    scenario.remove("ann", "eve", [eve])
    expect(outcomes(scenario, scenario.join("eve#2", invite), eve)).toEqual(["PAST_CUT", "valid"])
    expect(membersOf(scenario)).toEqual(["ann"])
  })
})

describe("revoking", () => {
  test("[A19] what had joined before stays, what the revocation had not seen falls, and what rests on it", () => {
    const scenario = new Scenario()
    const invite = scenario.invite("ann", { role: "admin" })
    const before = scenario.join("eve", invite)
    const revoked = scenario.revoke("ann", invite, [before])
    const concurrent = scenario.join("zoe", invite)
    const grant = scenario.add("zoe", "dan", "member", [concurrent])
    expect(outcomes(scenario, before, revoked, concurrent, grant)).toEqual([
      "valid",
      "valid",
      "INVITE_REVOKED",
      "NOT_MEMBER",
    ])
    expect([membersOf(scenario), stateOf(scenario).invites.size]).toEqual([["ann", "eve"], 0])
    expect(stateOf(scenario).fallen).toEqual(new Set(["zoe"]))
  })

  test.each([
    ["own", "valid"],
    ["adm", "valid"],
    ["mod", "ROLE_TOO_LOW"],
    ["mem", "ROLE_TOO_LOW"],
  ])("[A19] %s revoking another's invite: %s", (author, expected) => {
    const scenario = new Scenario(people)
    const invite = scenario.invite("ann")
    expect(outcomes(scenario, scenario.revoke(author, invite))).toEqual([expected])
  })

  test("[A19] who invited may revoke that, in whatever role; what is no invite can't be revoked", () => {
    const scenario = new Scenario(people)
    const invite = scenario.invite("adm")
    const lowered = scenario.role("ann", "adm", "reader", [invite])
    expect(outcomes(scenario, scenario.revoke("adm", invite, [lowered]))).toEqual(["valid"])
    expect(outcomes(scenario, scenario.revoke("ann", scenario.base))).toEqual(["INVITE_VOID"])
    expect(outcomes(scenario, scenario.revoke("ann", invite, [scenario.base]))).toEqual(["INVITE_VOID"])
  })

  test("[A9, A19] who came by an invite can't undo its revocation by removing the one who wrote it", () => {
    const scenario = new Scenario({ adm: "admin" })
    const invite = scenario.invite("adm", { role: "admin" })
    const join = scenario.join("eve", invite)
    const revoked = scenario.revoke("adm", invite)
    const revenge = scenario.remove("eve", "adm", [join])
    expect(outcomes(scenario, revoked, join, revenge)).toEqual(["valid", "INVITE_REVOKED", "NOT_MEMBER"])
  })

  test("[A8, A19] the revocation of one who is removed, unseen by the remover, falls", () => {
    const scenario = new Scenario({ adm: "admin" })
    const invite = scenario.invite("ann")
    const join = scenario.join("eve", invite)
    const revoked = scenario.revoke("adm", invite)
    const removal = scenario.remove("ann", "adm")
    expect(outcomes(scenario, revoked, removal, join)).toEqual(["PAST_CUT", "valid", "valid"])
  })
})

describe("inviters who are removed", () => {
  test("[A8, A19] an invite that the removal had not seen falls, with all who joined by it", () => {
    const scenario = new Scenario({ adm: "admin" })
    const invite = scenario.invite("adm", { role: "admin" })
    const join = scenario.join("eve", invite)
    const grant = scenario.add("eve", "dan", "member", [join])
    scenario.remove("ann", "adm")
    expect(outcomes(scenario, invite, join, grant)).toEqual(["PAST_CUT", "INVITE_VOID", "NOT_MEMBER"])
    expect(membersOf(scenario)).toEqual(["ann"])
  })

  test("[A8, A19] of an invite that it had seen, what had joined stays, and nobody else comes in", () => {
    const scenario = new Scenario({ adm: "admin" })
    const invite = scenario.invite("adm")
    const before = scenario.join("eve", invite)
    const removal = scenario.remove("ann", "adm", [before])
    const sock = scenario.join("sock", invite)
    expect(outcomes(scenario, invite, before, sock)).toEqual(["valid", "valid", "INVITE_VOID"])
    scenario.add("ann", "adm", "admin", [removal])
    expect(outcomes(scenario, sock)).toEqual(["INVITE_VOID"])
    expect([membersOf(scenario).sort(), stateOf(scenario).invites.size]).toEqual([["adm", "ann", "eve"], 0])
  })

  test("[A19] lowering the inviter does not close the invite; revoking it does", () => {
    const scenario = new Scenario({ adm: "admin" })
    const invite = scenario.invite("adm")
    const lowered = scenario.role("ann", "adm", "member", [invite])
    expect(outcomes(scenario, scenario.join("eve", invite))).toEqual(["valid"])
    scenario.revoke("ann", invite, [lowered])
    expect(membersOf(scenario)).toEqual(["ann", "adm"])
  })
})

describe("who came by what fell", () => {
  test("[A11] keeps nothing of what was written, on every replica", () => {
    const scenario = new Scenario({ adm: "admin" })
    const invite = scenario.invite("adm")
    const join = scenario.join("eve", invite)
    const entry = {
      log: logNamed("eve"),
      segment: 1,
      position: 0,
      class: "message",
      seen: [join],
      firstSeen: [join],
    } as const
    expect([admitEntry(stateOf(scenario), entry), stateOf(scenario).fallen.size]).toEqual([undefined, 0])
    scenario.remove("ann", "adm")
    expect([admitEntry(stateOf(scenario), entry), [...stateOf(scenario).fallen]]).toEqual(["NOT_MEMBER", ["eve"]])
  })
})
