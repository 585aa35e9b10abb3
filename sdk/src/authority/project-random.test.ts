import { describe, expect, test } from "vitest"
import type { ControlId } from "../protocol/entry.js"
import type { UserId } from "../protocol/names.js"
import type { ControlEntry } from "./causality.js"
import { type ControlState, projectControl } from "./project.js"
import type { Role } from "./role.js"
import { deviceNamed, Scenario } from "./scenario.js"

const seed = Number(process.env.WEFT_SEED ?? Math.floor(Math.random() * 2 ** 31))
console.info(`project-random.test: WEFT_SEED=${String(seed)}`)

/** mulberry32 */
function chance(start: number): () => number {
  let state = start
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const roles: readonly Role[] = ["owner", "admin", "admin", "admin", "moderator", "member", "reader"]
const people = ["ann", "bob", "cat", "dan", "eve", "fay"]

/** Several replicas that know different parts, write what is mostly allowed, and now and then lie about what they saw. */
function randomScenario(random: () => number, steps: number): Scenario {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const scenario = new Scenario({ bob: "admin", cat: "admin", dan: "admin", eve: "owner" })
  const replicas = people.map(() => new Set(scenario.entries))
  for (let step = 0; step < steps; step++) {
    const replica = pick(replicas)
    if (random() < 0.15) for (const entry of pick(replicas)) replica.add(entry)
    const device = pick(people) + (random() < 0.3 ? "#2" : "")
    const known = Array.from(replica)
    const honest = projectControl(scenario.conversation, known).headsFor(deviceNamed(device))
    const seen = random() < 0.8 ? honest : [pick(known).id, pick(known).id]
    const user = pick(people)
    const write = pick([
      () => scenario.add(device, user, pick(roles), seen),
      () => scenario.role(device, user, pick(roles), seen),
      () => scenario.remove(device, user, seen),
      () => scenario.remove(device, user, seen),
      () => scenario.introduce(device, seen, { certified: random() < 0.9 }),
      () => scenario.title(device, `title ${String(step)}`, seen, Math.floor(random() * 50)),
      () => scenario.trust(device, pick(["one", "two"]), seen),
    ])
    replica.add(scenario.entry(write()))
  }
  return scenario
}

function snapshot(state: ControlState, entries: readonly ControlEntry[]): string {
  const { created, title, trust, members, everMembers, devices, heads, removals } = state
  const outcomes = entries.map(({ id }) => state.outcomeOf(id))
  const parts = [created, title, trust, [...members], [...everMembers], [...devices], heads, removals, outcomes]
  return JSON.stringify(parts)
}

function shuffled<T>(list: readonly T[], random: () => number): T[] {
  return Array.from(list, (item) => ({ item, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item)
}

/** Every entry with all before it, by plain walking. */
function pastsOf(entries: readonly ControlEntry[]): Map<ControlId, Set<ControlId>> {
  const pasts = new Map<ControlId, Set<ControlId>>()
  // Scenarios write causes before effects.
  for (const { id, seen } of entries)
    pasts.set(id, new Set(seen.flatMap((parent) => [parent, ...(pasts.get(parent) ?? [])])))
  return pasts
}

/** The role in a past as [A6] says it, by plain sets: from valid grants and standing removals. */
function plainRole(
  state: ControlState,
  entries: readonly ControlEntry[],
  pasts: Map<ControlId, Set<ControlId>>,
  user: string,
  past: Set<ControlId>,
): Role | undefined {
  const facts = entries.flatMap(({ id, action }): { id: ControlId; role: Role | undefined }[] => {
    if (!past.has(id) || state.outcomeOf(id).kind !== "valid") return []
    if (action?.kind === "remove" && action.user === user) return [{ id, role: undefined }]
    if ((action?.kind === "add" || action?.kind === "role") && action.user === user) return [{ id, role: action.role }]
    if (action?.kind !== "create") return []
    const role = action.user === user ? "owner" : action.members.find((member) => member.user === user)?.role
    return role === undefined ? [] : [{ id, role }]
  })
  const maximal = facts.filter(({ id }) => !facts.some((later) => pasts.get(later.id)?.has(id)))
  if (maximal.some(({ role }) => role === undefined)) return undefined
  const order: readonly Role[] = ["reader", "member", "moderator", "admin", "owner"]
  return order.find((role) => maximal.some((fact) => fact.role === role))
}

describe("random sets of control entries", () => {
  const rounds = Array.from({ length: Number(process.env.WEFT_ROUNDS ?? 40) }, (_, round) => seed + round)

  test("[A1] the state depends on the set alone: not on order, repetition or batches", () => {
    for (const round of rounds) {
      const random = chance(round)
      const { entries, conversation } = randomScenario(random, 120)
      const whole = snapshot(projectControl(conversation, entries), entries)
      for (let again = 0; again < 4; again++) {
        const doubled = shuffled([...entries, ...entries.filter(() => random() < 0.3)], random)
        expect(snapshot(projectControl(conversation, doubled), entries), `WEFT_SEED=${String(round)}`).toBe(whole)
      }
      const known: ControlEntry[] = []
      for (const entry of shuffled(entries, random)) {
        known.push(entry)
        if (random() < 0.1) projectControl(conversation, known)
      }
      expect(snapshot(projectControl(conversation, known), entries), `WEFT_SEED=${String(round)}`).toBe(whole)
    }
  })

  test("[A6] roles are those of a plain walk, and nobody acts without one", () => {
    for (const round of rounds) {
      const { entries, conversation } = randomScenario(chance(round), 120)
      const state = projectControl(conversation, entries)
      const pasts = pastsOf(entries)
      for (const { id, device, action } of entries) {
        const past = pasts.get(id) ?? new Set<ControlId>()
        const closed = new Set([id, ...past])
        for (const user of people) {
          const plain = plainRole(state, entries, pasts, user, closed)
          expect(state.roleIn(user as UserId, [id]), `WEFT_SEED=${String(round)} ${user}`).toBe(plain)
        }
        const author = state.devices.get(device)?.user
        if (state.outcomeOf(id).kind !== "valid" || action?.kind === "create") continue
        expect(author, `WEFT_SEED=${String(round)}`).toBeDefined()
        expect(plainRole(state, entries, pasts, author ?? "", past), `WEFT_SEED=${String(round)}`).toBeDefined()
      }
    }
  })

  test("[A8] nothing valid but removals is by a removed member and unseen by the remover, unless he came back", () => {
    for (const round of rounds) {
      const { entries, conversation } = randomScenario(chance(round), 120)
      const state = projectControl(conversation, entries)
      const pasts = pastsOf(entries)
      for (const removal of state.removals) {
        for (const { id, device, action } of entries) {
          const author = action?.kind === "introduce" ? action.certificate.user : state.devices.get(device)?.user
          if (author !== removal.user || state.outcomeOf(id).kind !== "valid" || action?.kind === "remove") continue
          const past = pasts.get(id) ?? new Set<ControlId>()
          const back = entries.some(
            (other) =>
              other.action?.kind === "add" &&
              other.action.user === author &&
              past.has(other.id) &&
              state.outcomeOf(other.id).kind === "valid" &&
              pasts.get(other.id)?.has(removal.id),
          )
          expect(back || pasts.get(removal.id)?.has(id), `WEFT_SEED=${String(round)}`).toBe(true)
        }
      }
    }
  })
})

describe("speed", () => {
  function timed(scenario: Scenario): { state: ControlState; ms: number } {
    const start = performance.now()
    const state = projectControl(scenario.conversation, scenario.entries)
    return { state, ms: performance.now() - start }
  }

  // Bounds are several times what a 2-core machine takes, so that only another order of growth fails.
  test("4,000 entries, 2,000 of them concurrent introductions", () => {
    const scenario = new Scenario()
    let last = scenario.base
    for (let at = 0; at < 2_000; at++) last = scenario.add("ann", `u${String(at)}`, "member", [last])
    for (let at = 0; at < 2_000; at++) scenario.introduce(`u${String(at)}`, [last])
    const { state, ms } = timed(scenario)
    expect(state.devices.size).toBe(2_001)
    console.info(`4,000 entries: ${ms.toFixed(0)} ms`)
    expect(ms).toBeLessThan(1_000)
  })

  test("10,000 entries in a line, with removals and returns of one member", () => {
    const scenario = new Scenario({ bob: "member" })
    let last = scenario.base
    for (let at = 0; at < 5_000; at++) {
      last = scenario.remove("ann", "bob", [last])
      last = scenario.add("ann", "bob", "member", [last])
    }
    const { state, ms } = timed(scenario)
    expect(state.removals).toHaveLength(5_000)
    console.info(`10,000 entries in a line: ${ms.toFixed(0)} ms`)
    expect(ms).toBeLessThan(3_000)
  })

  test("2,000 concurrent removals of one another", () => {
    const scenario = new Scenario({ bob: "admin", cat: "admin" })
    for (let at = 0; at < 1_000; at++) {
      scenario.remove("bob", "cat")
      scenario.remove("cat", "bob")
    }
    const { state, ms } = timed(scenario)
    expect(Array.from(state.members.keys())).toEqual(["ann", "bob"])
    console.info(`2,000 mutual removals: ${ms.toFixed(0)} ms`)
    expect(ms).toBeLessThan(3_000)
  })

  test("400 pairs who remove each other", () => {
    const pairs = Array.from({ length: 400 }, (_, at) => [`a${String(at)}`, `b${String(at)}`] as const)
    const scenario = new Scenario(Object.fromEntries(pairs.flat().map((user) => [user, "admin" as const])))
    for (const [a, b] of pairs) {
      scenario.remove(a, b)
      scenario.remove(b, a)
    }
    const { state, ms } = timed(scenario)
    console.info(`400 mutual pairs: ${ms.toFixed(0)} ms, ${String(state.members.size)} members left`)
    expect(ms).toBeLessThan(10_000)
  })
})
