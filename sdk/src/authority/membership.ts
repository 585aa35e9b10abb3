import type { UserId } from "../protocol/names.js"
import type { Causality, Past } from "./causality.js"
import { higherRole, lowerRole, type Role } from "./role.js"

/** What one valid entry says of one user. */
type Fact =
  | { readonly kind: "grant"; readonly index: number; readonly role: Role; readonly place: number }
  /** `left`: by the user's own will. */
  | { readonly kind: "removal"; readonly index: number; readonly lost: Role; readonly left: boolean }

interface Line {
  /** By index, which is a causal order. */
  readonly facts: Fact[]
  /** Of each fact, whether all facts before it are in its past. */
  readonly covers: boolean[]
  /** Indexes of the creation and of additions. */
  readonly additions: { readonly index: number; readonly place: number }[]
}

/** How a user stands in some past: a member, removed (`lost`: from which role), or never there. */
export type Standing =
  | { readonly kind: "member"; readonly role: Role }
  | { readonly kind: "removed"; readonly lost: Role }
  | { readonly kind: "stranger" }

const stranger: Standing = { kind: "stranger" }

/** Earlier is senior: the entry that first added a user, then the place in it. [SPEC A9] */
export interface Seniority {
  readonly index: number
  readonly place: number
}

/** Who is a member, as of any causally closed set of entries. [SPEC A6] */
export class Membership {
  readonly #causality: Causality
  readonly #lines = new Map<UserId, Line>()
  readonly #owners = new Set<UserId>()

  constructor(causality: Causality) {
    this.#causality = causality
  }

  get users(): Iterable<UserId> {
    return this.#lines.keys()
  }

  /** `place`: among the users whom this entry adds; undefined where it changes a role only. Indexes ascend. */
  grant(index: number, user: UserId, role: Role, place: number | undefined): void {
    const line = this.#append(user, { kind: "grant", index, role, place: place ?? 0 })
    if (place !== undefined) line.additions.push({ index, place })
    if (role === "owner") this.#owners.add(user)
  }

  remove(index: number, user: UserId, lost: Role, left: boolean): void {
    this.#append(user, { kind: "removal", index, lost, left })
  }

  standing(user: UserId, past: Past): Standing {
    const line = this.#lines.get(user)
    if (line === undefined) return stranger
    let role: Role | undefined
    let lost: Role | undefined
    for (const fact of this.#maximal(line, past)) {
      if (fact.kind === "removal") lost = lost === undefined ? fact.lost : higherRole(lost, fact.lost)
      else role = role === undefined ? fact.role : lowerRole(role, fact.role)
    }
    if (lost !== undefined) return { kind: "removed", lost }
    return role === undefined ? stranger : { kind: "member", role }
  }

  /** Whether a user was given a role between two pasts, of which the second has the first: else who is out stays out. */
  isGrantedBetween(user: UserId, first: Past, second: Past): boolean {
    const facts = this.#lines.get(user)?.facts ?? []
    return facts.some(({ kind, index }) => kind === "grant" && second.has(index) && !first.has(index))
  }

  roleOf(user: UserId, past: Past): Role | undefined {
    const standing = this.standing(user, past)
    return standing.kind === "member" ? standing.role : undefined
  }

  /** The role in which a user who left, and whom nobody else removed, comes back; undefined for everybody else. [SPEC A16] */
  returning(user: UserId, past: Past): Role | undefined {
    const line = this.#lines.get(user)
    if (line === undefined) return undefined
    let isGone = false
    for (const fact of this.#maximal(line, past)) {
      if (fact.kind === "grant") continue
      if (!fact.left) return undefined
      isGone = true
    }
    if (!isGone) return undefined
    let role: Role | undefined
    for (const fact of this.#maximal(line, past, (other) => other.kind === "removal" && other.left)) {
      if (fact.kind === "removal") return undefined
      role = role === undefined ? fact.role : lowerRole(role, fact.role)
    }
    return role
  }

  isSoleOwner(user: UserId, past: Past): boolean {
    if (this.roleOf(user, past) !== "owner") return false
    for (const other of this.#owners) if (other !== user && this.roleOf(other, past) === "owner") return false
    return true
  }

  hasOtherMembers(user: UserId, past: Past): boolean {
    for (const other of this.#lines.keys()) {
      if (other !== user && this.roleOf(other, past) !== undefined) return true
    }
    return false
  }

  seniority(user: UserId): Seniority | undefined {
    return this.#lines.get(user)?.additions[0]
  }

  /** Whether the user was added again, within `past`, by someone who had seen the removal. [SPEC A10] */
  isReadded(user: UserId, removal: number, past: Past): boolean {
    const additions = this.#lines.get(user)?.additions ?? []
    for (let at = additions.length - 1; at >= 0; at--) {
      const index = additions[at]?.index ?? 0
      // An entry's index is above those of its past.
      if (index < removal) return false
      if (past.has(index) && this.#causality.pastOf(index).has(removal)) return true
    }
    return false
  }

  /** Indexes of the additions of a user by people who had seen the removal. [SPEC A10] */
  readdings(user: UserId, removal: number): number[] {
    const additions = this.#lines.get(user)?.additions ?? []
    return additions.flatMap(({ index }) => (this.#causality.pastOf(index).has(removal) ? index : []))
  }

  /** Index of the first addition that none of these removals of the user had seen: since when a member is one. */
  joined(user: UserId, removals: readonly number[]): number | undefined {
    const additions = this.#lines.get(user)?.additions ?? []
    return additions.find(({ index }) => !removals.some((removal) => this.#causality.pastOf(removal).has(index)))?.index
  }

  #append(user: UserId, fact: Fact): Line {
    let line = this.#lines.get(user)
    if (line === undefined) {
      line = { facts: [], covers: [], additions: [] }
      this.#lines.set(user, line)
    }
    const { facts, covers } = line
    const last = facts[facts.length - 1]
    const past = this.#causality.pastOf(fact.index)
    const follows = last === undefined || past.has(last.index)
    covers.push(follows && (covers[covers.length - 1] !== false || facts.every(({ index }) => past.has(index))))
    facts.push(fact)
    return line
  }

  *#maximal(line: Line, past: Past, ignores: (fact: Fact) => boolean = () => false): Iterable<Fact> {
    // Most people have one fact, or facts in a line: nothing is to be gathered then.
    let earlier: ReturnType<Causality["gatherPasts"]> | undefined
    for (let at = line.facts.length - 1; at >= 0; at--) {
      const fact = line.facts[at]
      if (fact === undefined || !past.has(fact.index) || earlier?.has(fact.index) === true || ignores(fact)) continue
      yield fact
      if (line.covers[at] === true) return
      earlier ??= this.#causality.gatherPasts()
      earlier.includePastOf(fact.index)
    }
  }
}
