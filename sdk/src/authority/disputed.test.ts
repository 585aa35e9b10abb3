/* Devices that certificates give to two users. */
import { describe, expect, test } from "vitest"
import { seededRandom, type Random } from "../../../test/support/seed.js"
import type { ControlId } from "../protocol/entry.js"
import type { UserId } from "../protocol/names.js"
import { admitEntry, cutOf, mayErase, movesCuts } from "./admit.js"
import type { ControlEntry } from "./causality.js"
import { projectControl, type ControlState } from "./project.js"
import { admitRegister } from "./register-set.js"
import { deviceNamed, logNamed, Scenario } from "./scenario.js"

const stateOf = (scenario: Scenario) => projectControl(scenario.conversation, scenario.entries)

function admit(state: ControlState, device: string, seen: readonly ControlId[]) {
  const entry = { log: logNamed(device), segment: 1, position: 0, class: "message" } as const
  return admitEntry(state, { ...entry, seen, firstSeen: seen })
}

describe("a device with certificates of two users", () => {
  test.each([
    ["both valid", { user: "cat" }],
    ["of a server that nobody trusts", { user: "cat", issuer: "other" }],
    ["of somebody who is no member", { user: "mallory" }],
  ])("[A5, A11] nothing of its logs stands: %s", (_, options) => {
    const scenario = new Scenario({ bob: "member", cat: "member" })
    const introduced = scenario.introduce("bob#2")
    expect(admit(stateOf(scenario), "bob#2", [introduced])).toBeUndefined()
    const again = scenario.introduce("bob#2", undefined, options)
    for (const seen of [introduced, again]) expect(admit(stateOf(scenario), "bob#2", [seen])).toBe("PAST_CUT")
    expect(cutOf(stateOf(scenario), logNamed("bob#2"), 1, [introduced])).toBe(0)
    expect(cutOf(stateOf(scenario), logNamed("bob"), 1, [introduced])).toBe(Infinity)
    expect(admitRegister(stateOf(scenario), deviceNamed("bob#2"))).toBe("KEY_REFUSED")
    expect(admitRegister(stateOf(scenario), deviceNamed("bob"))).toBeUndefined()
  })

  test("[A5] a forged certificate, or one more of the same user's, disputes nothing", () => {
    const scenario = new Scenario({ bob: "member", cat: "member" })
    scenario.introduce("bob", undefined, { user: "cat", certified: false })
    scenario.introduce("bob", undefined, { issuer: "other" })
    expect(stateOf(scenario).disputed.size).toBe(0)
    expect(admit(stateOf(scenario), "bob", [scenario.base])).toBeUndefined()
  })

  test("[A5, A19] a join counts as well, and the creator's device is the creator's", () => {
    const scenario = new Scenario({ cat: "member" })
    const invite = scenario.invite("ann")
    scenario.join("eve", invite)
    expect(stateOf(scenario).disputed.size).toBe(0)
    scenario.join("eve", invite, { user: "cat" })
    scenario.introduce("ann", [scenario.create], { user: "cat" })
    expect(stateOf(scenario).disputed).toEqual(new Set(["ann", "eve"].map(deviceNamed)))
  })

  test("[A5] what it governed stays as it was", () => {
    const scenario = new Scenario({ bob: "admin", cat: "member" })
    scenario.add("bob", "dan")
    scenario.introduce("bob", [scenario.create], { user: "cat" })
    expect(stateOf(scenario).disputed.has(deviceNamed("bob"))).toBe(true)
    expect(stateOf(scenario).members.has("dan" as UserId)).toBe(true)
  })

  test("[A11] segments are brought in line when it turns out, or turns out not to be; not for one that wrote nothing", () => {
    const scenario = new Scenario({ bob: "member", cat: "member" })
    const before = stateOf(scenario)
    scenario.introduce("bob", undefined, { user: "cat" })
    const after = stateOf(scenario)
    const moves = [movesCuts(before, after), movesCuts(after, before), movesCuts(undefined, after)]
    expect(moves).toEqual([true, true, true])
    scenario.introduce("cat#2")
    scenario.introduce("cat#2", undefined, { user: "bob" })
    expect(movesCuts(after, stateOf(scenario))).toBe(false)
  })

  test("[A13] what was erased of its messages before that was known may be erased after", () => {
    const scenario = new Scenario({ bob: "moderator", cat: "admin", dan: "moderator" })
    const seen = [scenario.base]
    scenario.introduce("bob#2")
    const claims = ["bob", "cat", "dan", "ann"].map((eraser) => {
      return { eraser: deviceNamed(eraser), target: deviceNamed("bob#2"), seen }
    })
    const rights = () => claims.map((claim) => mayErase(stateOf(scenario), claim))
    expect(rights()).toEqual(["author", "moderator", "moderator", "moderator"])
    // In the order of all entries this one is the first.
    scenario.introduce("bob#2", [scenario.create], { user: "cat" })
    expect(rights()).toEqual(["author", "author", "moderator", "moderator"])
  })
})

interface Message {
  readonly device: string
  readonly seen: readonly ControlId[]
}

/** What a replica keeps that hears of these entries in this order, and of the messages among them, now and then and at the end. */
function keeps(scenario: Scenario, order: readonly ControlEntry[], messages: readonly Message[], random: Random) {
  const held = new Set<Message>()
  let state = projectControl(scenario.conversation, [])
  for (let count = 1; count <= order.length; count++) {
    const before = state
    state = projectControl(scenario.conversation, order.slice(0, count))
    for (const message of movesCuts(before, state) ? held : []) {
      if (cutOf(state, logNamed(message.device), 1, message.seen) === 0) held.delete(message)
    }
    for (const message of messages) {
      const isHeard = count === order.length || random.oneIn(3)
      if (isHeard && admit(state, message.device, message.seen) === undefined) held.add(message)
    }
  }
  return messages.filter((message) => held.has(message))
}

test("[A5, A11, I4] in whatever order certificates and messages come, all keep the same", () => {
  const random = seededRandom("disputed")
  let kept = 0
  for (let round = 0; round < 60; round++) {
    const scenario = new Scenario({ bob: "member", cat: "reader", dan: "admin" })
    const ids = [scenario.create, scenario.base]
    const messages: Message[] = []
    for (let step = 0; step < 12; step++) {
      const device = random.pick(["bob#2", "cat#2", "dan#2", "dan#3"])
      const user = random.oneIn(5) ? random.pick(["bob", "cat", "dan", "eve"]) : (device.split("#")[0] ?? device)
      const options = { user, issuer: random.pick(["server", "server", "other"]), certified: !random.oneIn(10) }
      const seen = [random.pick(ids)]
      ids.push(random.oneIn(5) ? scenario.title("ann", "Lisbon", seen) : scenario.introduce(device, seen, options))
      messages.push({ device, seen: [random.pick(ids)] }, { device, seen: ids.slice(-1) })
    }
    const [one, other] = [1, 2].map(() => keeps(scenario, shuffled(scenario.entries, random), messages, random))
    expect(one).toEqual(other)
    kept += one?.length ?? 0
  }
  expect(kept).toBeGreaterThan(0)
})

function shuffled<T>(list: readonly T[], random: Random): T[] {
  return Array.from(list, (item) => ({ item, key: random.below(2 ** 30) }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item)
}
