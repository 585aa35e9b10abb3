import { describe, expect, test } from "vitest"
import type { ControlId } from "../protocol/entry.js"
import type { ConversationId, UserId } from "../protocol/names.js"
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
/** Who come in by invites, if at all. */
const strangers = ["gil", "hal", "ida"]
const everybody = [...people, ...strangers]

/** Several replicas that know different parts, write what is mostly allowed, and now and then lie about what they saw. */
function randomScenario(random: () => number, steps: number): Scenario {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const scenario = new Scenario({ bob: "admin", cat: "admin", dan: "admin", eve: "owner" })
  const replicas = people.map(() => new Set(scenario.entries))
  const invites: ControlId[] = []
  for (let step = 0; step < steps; step++) {
    const replica = pick(replicas)
    if (random() < 0.15) for (const entry of pick(replicas)) replica.add(entry)
    const device = pick(people) + (random() < 0.3 ? "#2" : "")
    const known = Array.from(replica)
    const honest = projectControl(scenario.conversation, known).headsFor(deviceNamed(device))
    const seen = random() < 0.8 ? honest : [pick(known).id, pick(known).id]
    const user = pick(people)
    const stranger = pick(strangers) + (random() < 0.3 ? "#2" : "")
    const open = invites.filter((id) => replica.has(scenario.entry(id)))
    const join = (): ControlId => {
      const invite = pick(open)
      const options = { issuedAt: Math.floor(random() * 20), certified: random() < 0.9 }
      return scenario.join(random() < 0.8 ? stranger : device, invite, options)
    }
    const write = pick([
      () => scenario.add(device, user, pick(roles), seen),
      () => scenario.role(device, user, pick(roles), seen),
      () => scenario.remove(device, user, seen),
      () => scenario.remove(device, user, seen),
      () => scenario.introduce(random() < 0.8 ? device : stranger, seen, { certified: random() < 0.9 }),
      () => scenario.title(device, `title ${String(step)}`, seen, Math.floor(random() * 50)),
      () => scenario.trust(device, pick(["one", "two"]), seen),
      () => scenario.topic(device, `topic ${String(step)}`, seen, Math.floor(random() * 50)),
      () => scenario.remove(device, device.split("#")[0] ?? "", seen),
      () => scenario.comeBack(device, seen),
      () => scenario.comeBack(device, seen),
      () => scenario.announce(device, random() < 0.5, seen),
      () => scenario.pin(device, pick(["one", "two", "three"]), random() < 0.6, seen, Math.floor(random() * 50)),
      () => {
        const uses = Math.floor(random() * 4)
        const id = scenario.invite(device, { role: pick(roles), uses, expires: pick([0, 10]) }, seen)
        invites.push(id)
        return id
      },
      ...(open.length === 0 ? [] : [join, join, join, () => scenario.revoke(device, pick(open), seen)]),
    ])
    replica.add(scenario.entry(write()))
  }
  return scenario
}

function snapshot(state: ControlState, entries: readonly ControlEntry[]): string {
  const { created, title, topic, announcing, pins, trust, heads, removals } = state
  const { members, everMembers, devices, fallen, invites } = state
  const outcomes = entries.map(({ id }) => state.outcomeOf(id))
  const joined = Array.from(invites.values(), (invite) => [invite, [...invite.joined]])
  const sets = [[...members], [...everMembers], [...devices], [...fallen], joined]
  return JSON.stringify([created, title, topic, announcing, pins, trust, heads, removals, outcomes, sets])
}

function shuffled<T>(list: readonly T[], random: () => number): T[] {
  return Array.from(list, (item) => ({ item, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item)
}

interface Round {
  readonly entries: readonly ControlEntry[]
  readonly conversation: ConversationId
  readonly state: ControlState
  readonly pasts: ReadonlyMap<ControlId, ReadonlySet<ControlId>>
}

/** Every entry with all before it, by plain walking. */
function pastsOf(entries: readonly ControlEntry[]): Map<ControlId, Set<ControlId>> {
  const pasts = new Map<ControlId, Set<ControlId>>()
  // Scenarios write causes before effects.
  for (const { id, seen } of entries)
    pasts.set(id, new Set(seen.flatMap((parent) => [parent, ...(pasts.get(parent) ?? [])])))
  return pasts
}

interface PlainFact {
  readonly id: ControlId
  /** Undefined: a removal. */
  readonly role: Role | undefined
  readonly left: boolean
}

/** What a set of entries says of roles, as [A6], [A16] and [A19] put it, by plain sets: from valid entries alone. */
class PlainRoles {
  private readonly valid: readonly ControlEntry[]
  private readonly returned = new Map<ControlId, Role | undefined>()

  constructor(
    private readonly state: ControlState,
    entries: readonly ControlEntry[],
    private readonly pasts: ReadonlyMap<ControlId, ReadonlySet<ControlId>>,
  ) {
    this.valid = entries.filter(({ id }) => state.outcomeOf(id).kind === "valid")
  }

  /** Undefined: no member. */
  role(user: string, past: ReadonlySet<ControlId>): Role | undefined {
    const maximal = this.maximal(this.facts(user, past))
    return maximal.some(({ role }) => role === undefined) ? undefined : lowest(maximal)
  }

  private facts(user: string, past: ReadonlySet<ControlId>): PlainFact[] {
    return this.valid.flatMap((entry): PlainFact[] => {
      const { id, action, device, seen } = entry
      if (!past.has(id) || action === undefined) return []
      const author = this.state.devices.get(device)?.user
      const grant = (role: Role | undefined): PlainFact[] => (role === undefined ? [] : [{ id, role, left: false }])
      switch (action.kind) {
        case "create":
          return grant(action.user === user ? "owner" : action.members.find((member) => member.user === user)?.role)
        case "add":
        case "role":
          return action.user === user ? grant(action.role) : []
        case "remove":
          return action.user === user ? [{ id, role: undefined, left: author === user }] : []
        case "return":
          return author === user ? grant(this.roleOfReturn(user, id)) : []
        case "join": {
          if (action.certificate.user !== user || this.firstJoin(entry) !== id) return []
          const invite = this.valid.find((other) => other.id === seen[0])?.action
          return invite?.kind === "invite" ? grant(invite.role) : []
        }
        default:
          return []
      }
    })
  }

  private roleOfReturn(user: string, id: ControlId): Role | undefined {
    if (!this.returned.has(id)) {
      const facts = this.facts(user, this.pasts.get(id) ?? new Set())
      this.returned.set(id, lowest(this.maximal(facts.filter(({ left }) => !left))))
    }
    return this.returned.get(id)
  }

  /** Of the joins of one user by one invite, the first that a server certified. */
  private firstJoin(join: ControlEntry): ControlId | undefined {
    const stamp = ({ action }: ControlEntry): number => (action?.kind === "join" ? action.certificate.issuedAt : 0)
    const user = ({ action }: ControlEntry): string => (action?.kind === "join" ? action.certificate.user : "")
    const same = this.valid.filter((other) => user(other) === user(join) && other.seen[0] === join.seen[0])
    return same.sort((a, b) => stamp(a) - stamp(b) || (a.id < b.id ? -1 : 1))[0]?.id
  }

  private maximal(facts: readonly PlainFact[]): PlainFact[] {
    return facts.filter(({ id }) => !facts.some((later) => this.pasts.get(later.id)?.has(id)))
  }
}

function lowest(facts: readonly PlainFact[]): Role | undefined {
  const order: readonly Role[] = ["reader", "member", "moderator", "admin", "owner"]
  return order.find((role) => facts.some((fact) => fact.role === role))
}

describe("random sets of control entries", { timeout: 60_000 }, () => {
  const rounds = Array.from({ length: Number(process.env.WEFT_ROUNDS ?? 40) }, (_, round) => seed + round)
  const played = new Map<number, Round>()
  /** What all tests look at; to write a scenario costs more than to judge it. */
  const roundOf = (round: number): Round => {
    let found = played.get(round)
    if (found === undefined) {
      const { entries, conversation } = randomScenario(chance(round), 120)
      found = { entries, conversation, state: projectControl(conversation, entries), pasts: pastsOf(entries) }
      played.set(round, found)
    }
    return found
  }

  test("[A1] the state depends on the set alone: not on order, repetition or batches", () => {
    for (const round of rounds) {
      const { entries, conversation, state } = roundOf(round)
      const random = chance(~round)
      const whole = snapshot(state, entries)
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
    const wrong: string[] = []
    for (const round of rounds) {
      const { entries, state, pasts } = roundOf(round)
      const plain = new PlainRoles(state, entries, pasts)
      for (const { id, device, action } of entries) {
        const past = pasts.get(id) ?? new Set<ControlId>()
        const closed = new Set([id, ...past])
        for (const user of everybody) {
          const role = plain.role(user, closed)
          const standing = state.standingIn(user as UserId, [id])
          const given = standing?.kind === "member" ? standing.role : undefined
          if (given !== role) wrong.push(`${String(round)} ${user}: ${String(given)}, not ${String(role)}`)
        }
        const author = state.devices.get(device)?.user
        if (state.outcomeOf(id).kind !== "valid" || action?.kind === "create") continue
        expect(author, `WEFT_SEED=${String(round)}`).toBeDefined()
        const comes = action?.kind === "join" || action?.kind === "return"
        expect(plain.role(author ?? "", past) === undefined, `WEFT_SEED=${String(round)}`).toBe(comes)
      }
    }
    expect(wrong, "WEFT_SEED").toEqual([])
  })

  test("[A8] nothing valid but removals and revocations is by a removed member and unseen by the remover, unless he came back", () => {
    for (const round of rounds) {
      const { entries, state, pasts } = roundOf(round)
      for (const removal of state.removals) {
        for (const { id, device, action } of entries) {
          const certified = action?.kind === "introduce" || action?.kind === "join"
          const author = certified ? action.certificate.user : state.devices.get(device)?.user
          if (
            author !== removal.user ||
            state.outcomeOf(id).kind !== "valid" ||
            action?.kind === "remove" ||
            action?.kind === "revoke"
          )
            continue
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

  test("[A19] nobody is in by an invite that was revoked, whose inviter was removed and not added again, or that was used up", () => {
    let joins = 0
    for (const round of rounds) {
      const { entries, state, pasts } = roundOf(round)
      const isValid = (id: ControlId | undefined): boolean => id !== undefined && state.outcomeOf(id).kind === "valid"
      const unseenBy = (other: ControlEntry, id: ControlId): boolean => pasts.get(other.id)?.has(id) !== true
      // Who was removed, and added again before that.
      const isBackIn = (id: ControlId, removal: ControlId, user: string | undefined): boolean =>
        entries.some(
          ({ id: add, action }) =>
            action?.kind === "add" &&
            action.user === user &&
            isValid(add) &&
            pasts.get(id)?.has(add) === true &&
            pasts.get(add)?.has(removal) === true,
        )
      for (const { id, action } of entries) {
        if (action?.kind !== "invite") continue
        const inviter = state.devices.get(entries.find((entry) => entry.id === id)?.device ?? ("" as never))?.user
        const users = new Set<string>()
        for (const join of entries) {
          if (join.action?.kind !== "join" || join.seen[0] !== id || !isValid(join.id)) continue
          joins++
          users.add(join.action.certificate.user)
          const struck = entries.some(({ action: other, ...entry }) => {
            const closes = other?.kind === "revoke" && other.invite === id
            const removes =
              state.removals.some((removal) => removal.id === entry.id && removal.user === inviter) &&
              !isBackIn(join.id, entry.id, inviter)
            return (closes || removes) && isValid(entry.id) && unseenBy({ ...entry, action: other }, join.id)
          })
          expect([isValid(id), struck], `WEFT_SEED=${String(round)}`).toEqual([true, false])
        }
        if (action.uses > 0) expect(users.size, `WEFT_SEED=${String(round)}`).toBeLessThanOrEqual(action.uses)
      }
    }
    expect(joins).toBeGreaterThan(0)
  })

  test("[A11] what a past says by itself is what it says where nothing else was ever written", () => {
    let changed = 0
    const wrong: string[] = []
    for (const round of rounds) {
      const { entries: all, conversation, pasts } = roundOf(round)
      const random = chance(~round)
      // The first of them name nothing after them.
      const entries = all.slice(0, all.length - Math.floor(random() * 110))
      const state = projectControl(conversation, entries)
      const devices = new Set(entries.map(({ device }) => device))
      for (let again = 0; again < 40; again++) {
        const seen = [1, 2].map(() => entries[Math.floor(random() * entries.length)]?.id ?? ("" as ControlId))
        const closed = new Set(seen.flatMap((id) => [id, ...(pasts.get(id) ?? [])]))
        const alone = projectControl(
          conversation,
          entries.filter(({ id }) => closed.has(id)),
        )
        for (const user of everybody as UserId[]) {
          const standing = JSON.stringify(state.standingAlone(user, seen))
          if (standing !== JSON.stringify(alone.standingIn(user, seen))) wrong.push(`${String(round)} ${user}`)
          if (standing !== JSON.stringify(state.standingIn(user, seen))) changed++
        }
        for (const device of devices) {
          if (state.userAlone(device, seen) !== alone.devices.get(device)?.user)
            wrong.push(`${String(round)} ${device}`)
        }
        expect(state.speakingRole(seen)).toBe(alone.announcing ? "moderator" : "member")
      }
    }
    expect(wrong, "WEFT_SEED").toEqual([])
    expect(changed).toBeGreaterThan(0)
  })

  test("[A16] who is in by a return was removed by nobody else since, and has no more than was granted", () => {
    let returns = 0
    for (const round of rounds) {
      const { entries, state, pasts } = roundOf(round)
      for (const { id, device, action } of entries) {
        if (action?.kind !== "return" || state.outcomeOf(id).kind !== "valid") continue
        returns++
        const user = state.devices.get(device)?.user
        for (const removal of state.removals) {
          if (removal.user !== user || removal.by === user || pasts.get(removal.id)?.has(id)) continue
          const answered = entries.some(
            (other) =>
              other.action?.kind === "add" &&
              other.action.user === user &&
              state.outcomeOf(other.id).kind === "valid" &&
              pasts.get(id)?.has(other.id) &&
              pasts.get(other.id)?.has(removal.id),
          )
          expect(answered, `WEFT_SEED=${String(round)}`).toBe(true)
        }
      }
    }
    expect(returns).toBeGreaterThan(0)
  })
})

// No time is asserted, since a busy machine would fail it: where everything is held against everything, the file's time shows it.
describe("sets at size", () => {
  test("4,000 entries, 2,000 of them concurrent introductions", () => {
    const scenario = new Scenario()
    let last = scenario.base
    for (let at = 0; at < 2_000; at++) last = scenario.add("ann", `u${String(at)}`, "member", [last])
    for (let at = 0; at < 2_000; at++) scenario.introduce(`u${String(at)}`, [last])
    expect(projectControl(scenario.conversation, scenario.entries).devices.size).toBe(2_001)
  })

  test("10,000 entries in a line, with removals and returns of one member", () => {
    const scenario = new Scenario({ bob: "member" })
    let last = scenario.base
    for (let at = 0; at < 5_000; at++) {
      last = scenario.remove("ann", "bob", [last])
      last = scenario.add("ann", "bob", "member", [last])
    }
    expect(projectControl(scenario.conversation, scenario.entries).removals).toHaveLength(5_000)
  })

  test("2,000 concurrent removals of one another", () => {
    const scenario = new Scenario({ bob: "admin", cat: "admin" })
    for (let at = 0; at < 1_000; at++) {
      scenario.remove("bob", "cat")
      scenario.remove("cat", "bob")
    }
    const state = projectControl(scenario.conversation, scenario.entries)
    expect(Array.from(state.members.keys())).toEqual(["ann", "bob"])
  })

  test("[A9] 400 pairs who remove each other: 32 rounds decide 32 of them", () => {
    const pairs = Array.from({ length: 400 }, (_, at) => [`a${String(at)}`, `b${String(at)}`] as const)
    const scenario = new Scenario(Object.fromEntries(pairs.flat().map((user) => [user, "admin" as const])))
    for (const [a, b] of pairs) {
      scenario.remove(a, b)
      scenario.remove(b, a)
    }
    expect(projectControl(scenario.conversation, scenario.entries).members.size).toBe(801 - 32)
  })
})
