import { compareText } from "../protocol/bytes.js"
import type { RefusalCode } from "../protocol/codes.js"
import type { Clock, ControlId } from "../protocol/entry.js"
import type { LogSummary } from "../log/summary.js"
import { MAX_PINS, MAX_SEEN } from "../protocol/limits.js"
import type { ConversationId, DeviceId, UserId } from "../protocol/names.js"
import { type Causality, type ControlEntry, everything, type Past } from "./causality.js"
import type { Cut } from "./cut.js"
import { Hindsight } from "./hindsight.js"
import type { Standing } from "./membership.js"
import type { MessageRef } from "./message-ref.js"
import { resolveStrikes, type Resolution } from "./resolve.js"
import { isAtLeast, type Role } from "./role.js"
import type { Fact, Removal, Validity } from "./validity.js"

/** A present member. */
export interface Member {
  readonly role: Role
  /** Clock of the entry that added the member; for display. */
  readonly since: Clock
  /** Its author: who brought the member in. */
  readonly by: UserId | undefined
}

/** A device that acts for a user here. */
export interface Device {
  readonly user: UserId
  /** Undefined until it is introduced: only the creator's device acts before. */
  readonly publicKey: Uint8Array | undefined
  /** Introduced by a valid certificate. */
  readonly certified: boolean
}

/** A message that is pinned. */
export interface Pin {
  readonly message: MessageRef
  readonly by: UserId
  readonly clock: Clock
}

/** A way in that is open, as far as the entries say: expiry is a server's to judge, by its clock. */
export interface Invite {
  readonly id: ControlId
  readonly key: Uint8Array
  readonly role: Role
  /** 0: without a bound. */
  readonly uses: number
  /** Milliseconds since 1970; 0: never. */
  readonly expires: number
  readonly by: UserId
  readonly clock: Clock
  /** Whom it let in. */
  readonly joined: ReadonlySet<UserId>
}

/** A removal that stands, and was not taken back. */
export interface MemberRemoval {
  readonly id: ControlId
  readonly user: UserId
  readonly by: UserId
  readonly cut: Cut
}

/** What became of a control entry. */
export type Outcome = { readonly kind: "valid" } | { readonly kind: "refused"; readonly code: RefusalCode }

/** Views of the past that are kept; each message asks for one, and most ask for the same. */
const MAX_VIEWS = 256

const noUsers: ReadonlySet<UserId> = new Set()

/** What some closed set of entries says. */
interface View {
  readonly past: Past
  /** Removals that bind a log which began here, by user. */
  readonly binding: Map<UserId, readonly MemberRemoval[]>
  /** What it says by itself; undefined until somebody asks. */
  alone: Validity | undefined
  /** Whether only moderators and above write messages, by it alone; undefined until somebody asks. */
  announcing: boolean | undefined
}

/** What the control entries add up to. Immutable. */
export class ControlState {
  readonly conversation: ConversationId
  /** Undefined until the create entry is there. */
  readonly created: { readonly user: UserId; readonly device: DeviceId; readonly clock: Clock } | undefined
  readonly title: string
  readonly topic: string
  /** Whether it is one between two people, for good. */
  readonly direct: boolean
  /** Whether only moderators and above write messages, at present. */
  readonly announcing: boolean
  /** What was pinned last comes first; at most MAX_PINS. */
  readonly pins: readonly Pin[]
  readonly invites: ReadonlyMap<ControlId, Invite>
  /** Server keys whose certificates count; 32 bytes each. */
  readonly trust: readonly Uint8Array[]
  /** Present members, senior ones first. */
  readonly members: ReadonlyMap<UserId, Member>
  /** Everybody whom a valid entry ever added. */
  readonly everMembers: ReadonlySet<UserId>
  readonly devices: ReadonlyMap<DeviceId, Device>
  /** Those that certificates give to more than one user: which of them came first is not the same everywhere. [SPEC A5] */
  readonly disputed: ReadonlySet<DeviceId>
  readonly removals: readonly MemberRemoval[]
  /** Valid additions of people after these removals: the logs that saw one are free of them. */
  readonly readded: ReadonlySet<ControlId>
  /** Users for whom devices were introduced, and whom no valid entry ever added: what let them in fell. */
  readonly fallen: ReadonlySet<UserId>
  /** What the next entry names as seen; at most MAX_SEEN. */
  readonly heads: readonly ControlId[]
  readonly #causality: Causality
  readonly #resolution: Resolution
  readonly #hindsight: Hindsight
  readonly #claims: ReadonlyMap<DeviceId, ReadonlySet<UserId>>
  readonly #views = new Map<string, View>()

  constructor(conversation: ConversationId, causality: Causality) {
    const resolution = resolveStrikes(causality)
    this.#causality = causality
    this.#resolution = resolution
    this.#hindsight = new Hindsight(causality, resolution)
    this.conversation = conversation
    const root = causality.rooted ? causality.entries[0] : undefined
    this.created =
      root?.action?.kind === "create" ? { user: root.action.user, device: root.device, clock: root.clock } : undefined
    const { validity } = resolution
    this.direct = root?.action?.kind === "create" && root.action.direct === true
    this.title = this.#latest(validity.titles)?.value ?? ""
    this.topic = this.#latest(validity.topics)?.value ?? ""
    this.announcing = this.#isAnnouncing(validity, everything)
    this.pins = this.#presentPins()
    this.trust = Array.from(validity.trust)
      .sort(([a], [b]) => compareText(a, b))
      .map(([, { key }]) => key)
    const { membership } = validity
    const users = Array.from(membership.users).filter((user) => membership.seniority(user) !== undefined)
    this.everMembers = new Set(users.sort(compareText))
    this.removals = this.#standingRemovals()
    this.readded = this.#readdings()
    this.members = this.#presentMembers(users)
    this.devices = this.#knownDevices()
    this.#claims = this.#allClaims()
    this.disputed = new Set(Array.from(this.#claims).flatMap(([device, users]) => (users.size > 1 ? device : [])))
    const claimed = Array.from(this.#claims.values()).flatMap((users) => Array.from(users))
    this.fallen = new Set(claimed.filter((user) => !this.everMembers.has(user)))
    this.invites = this.#openInvites()
    this.heads = this.headsFor(undefined)
  }

  /** Whether the entry and all before it are there. */
  has(id: ControlId): boolean {
    return this.#causality.indexOf(id) !== undefined
  }

  /** CONTROL_UNKNOWN for an entry that is not there, or whose past is not. */
  outcomeOf(id: ControlId): Outcome {
    const index = this.#causality.indexOf(id)
    const code = index === undefined ? "CONTROL_UNKNOWN" : this.#resolution.validity.refusals[index]
    return code === undefined ? { kind: "valid" } : { kind: "refused", code }
  }

  /** How a user stands by these entries and all before them, as far as they are valid; undefined: one is unknown. [SPEC A6] */
  standingIn(user: UserId, seen: readonly ControlId[]): Standing | undefined {
    const view = this.#view(seen)
    return view === undefined ? undefined : this.#resolution.validity.membership.standing(user, view.past)
  }

  /** Whether what saw these entries is for a user: its author knew the user as a member; also where one is unknown. [SPEC P8] */
  isFor(user: UserId, seen: readonly ControlId[]): boolean {
    const standing = this.standingIn(user, seen)
    return standing === undefined || standing.kind === "member"
  }

  /** Whether anything in a log may be for a user, by what its first and its latest entry saw. */
  mayHoldFor(user: UserId, { firstSeen, seen }: Pick<LogSummary, "firstSeen" | "seen">): boolean {
    const [first, latest] = [this.#view(firstSeen), this.#view(seen)]
    if (first === undefined || latest === undefined) return true
    const { membership } = this.#resolution.validity
    if (membership.standing(user, first.past).kind === "member") return true
    return membership.isGrantedBetween(user, first.past, latest.past)
  }

  /** How a user stands by these entries and all before them alone: it never changes. [SPEC A11] */
  standingAlone(user: UserId, seen: readonly ControlId[]): Standing | undefined {
    const view = this.#view(seen)
    return view && this.#alone(view).membership.standing(user, view.past)
  }

  /** For whom a device acts, by these entries and all before them alone. */
  userAlone(device: DeviceId, seen: readonly ControlId[]): UserId | undefined {
    const view = this.#view(seen)
    return view && this.#alone(view).userOf(device, view.past)
  }

  /** Whether the user ever was a member, or was let in by what fell since: such a user may know why. */
  wasLetIn(user: UserId): boolean {
    return this.everMembers.has(user) || this.fallen.has(user)
  }

  /** Whether the user may write messages, at present. */
  maySpeak(user: UserId): boolean {
    return this.#isAtLeast(user, this.announcing ? "moderator" : "member")
  }

  /** Whether a user reacts to messages: also where only some write them. [SPEC A18] */
  mayReact(user: UserId): boolean {
    return this.#isAtLeast(user, "member")
  }

  #isAtLeast(user: UserId, least: Role): boolean {
    const role = this.members.get(user)?.role
    return role !== undefined && isAtLeast(role, least)
  }

  /** The least role that writes messages, by these entries and all before them alone. [SPEC A11] */
  speakingRole(seen: readonly ControlId[]): Role {
    const view = this.#view(seen)
    if (view === undefined) return "member"
    view.announcing ??= this.#isAnnouncing(this.#alone(view), view.past)
    return view.announcing ? "moderator" : "member"
  }

  /** Whether this user left, was not removed by anybody, and so may come back. [SPEC A16] */
  mayReturn(user: UserId): boolean {
    return this.#resolution.validity.membership.returning(user, everything) !== undefined
  }

  /**
   * The removals of a user that bind a log whose first head saw this: those that no addition answers which the log had
   * seen, and that no later one replaces. Undefined where an entry is unknown. [SPEC A11]
   */
  removalsBinding(user: UserId, firstSeen: readonly ControlId[]): readonly MemberRemoval[] | undefined {
    const view = this.#view(firstSeen)
    if (view === undefined) return undefined
    const known = view.binding.get(user)
    if (known !== undefined) return known
    const binding: MemberRemoval[] = []
    const replaced = this.#causality.gatherPasts()
    for (const removal of [...this.removals].reverse()) {
      const index = this.#causality.indexOf(removal.id) ?? 0
      if (removal.user !== user || replaced.has(index)) continue
      if (this.#resolution.validity.membership.isReadded(user, index, view.past)) continue
      replaced.includePastOf(index)
      binding.push(removal)
    }
    view.binding.set(user, binding)
    return binding
  }

  /** Whom a device claims to act for: by a valid introduction, else by any with a good certificate. */
  claimedUser(device: DeviceId): UserId | undefined {
    return this.devices.get(device)?.user ?? this.claimedUsers(device).values().next().value
  }

  /** All whom certificates name that the device brought; more than one where it is disputed. */
  claimedUsers(device: DeviceId): ReadonlySet<UserId> {
    return this.#claims.get(device) ?? noUsers
  }

  /**
   * `heads` for an entry by this device: where there are more than MAX_SEEN, the one that knows its introduction is
   * among them. Valid ones first, introductions last, later ones first. [SPEC A14]
   */
  headsFor(device: DeviceId | undefined): readonly ControlId[] {
    const { entries, frontier } = this.#causality
    const { validity } = this.#resolution
    const own = device === undefined ? undefined : validity.introductions.get(device)?.[0]
    const weight = (index: number): number => {
      if (own !== undefined && (own === index || this.#causality.pastOf(index).has(own))) return 0
      if (!validity.isValid(index)) return 3
      return entries[index]?.action?.kind === "introduce" ? 2 : 1
    }
    const chosen =
      frontier.length <= MAX_SEEN
        ? frontier
        : Array.from(frontier, (index) => ({ index, weight: weight(index) }))
            .sort((a, b) => a.weight - b.weight || b.index - a.index)
            .slice(0, MAX_SEEN)
            .map(({ index }) => index)
    return chosen.flatMap((index) => entries[index]?.id ?? []).sort(compareText)
  }

  #view(seen: readonly ControlId[]): View | undefined {
    const name = seen.join()
    const known = this.#views.get(name)
    if (known !== undefined) return known
    const past = this.#causality.closureOf(seen)
    if (past === undefined) return undefined
    if (this.#views.size >= MAX_VIEWS) this.#views.clear()
    const view = { past, binding: new Map<UserId, readonly MemberRemoval[]>(), alone: undefined, announcing: undefined }
    this.#views.set(name, view)
    return view
  }

  #alone(view: View): Validity {
    return (view.alone ??= this.#hindsight.of(view.past))
  }

  /** The highest (clock, device, id) of those that no later one had seen; for display, authority reads no clock. [SPEC A15] */
  #latest<T>(facts: readonly Fact<T>[]): (Fact<T> & { readonly entry: ControlEntry }) | undefined {
    let latest: (Fact<T> & { readonly entry: ControlEntry }) | undefined
    for (const fact of this.#unseen(facts, everything)) {
      const entry = this.#causality.entries[fact.index]
      if (entry !== undefined && (latest === undefined || compareStamps(entry, latest.entry) > 0)) {
        latest = { ...fact, entry }
      }
    }
    return latest
  }

  /** Those of the facts in a past that no other of them has in its own. */
  *#unseen<T>(facts: readonly Fact<T>[], past: Past): Iterable<Fact<T>> {
    const replaced = this.#causality.gatherPasts()
    for (let at = facts.length - 1; at >= 0; at--) {
      const fact = facts[at]
      if (fact === undefined || !past.has(fact.index) || replaced.has(fact.index)) continue
      replaced.includePastOf(fact.index)
      yield fact
    }
  }

  /** Of concurrent settings the stricter one counts. [SPEC A18] */
  #isAnnouncing({ announcements }: Validity, past: Past): boolean {
    return Array.from(this.#unseen(announcements, past)).some(({ value }) => value)
  }

  #presentPins(): Pin[] {
    const { pins, authors } = this.#resolution.validity
    const latest = Array.from(pins.values()).flatMap((facts) => this.#latest(facts) ?? [])
    return latest
      .filter(({ value }) => value.on)
      .sort((a, b) => compareStamps(b.entry, a.entry))
      .slice(0, MAX_PINS)
      .flatMap(({ index, value, entry }) => {
        const by = authors[index]
        return by === undefined ? [] : { message: value.message, by, clock: entry.clock }
      })
  }

  /** Valid invites that were not revoked, and whose inviters were not removed since. */
  #openInvites(): Map<ControlId, Invite> {
    const { validity, strikes } = this.#resolution
    const revoked = new Set<ControlId>()
    const removalsOf = new Map<UserId, number[]>()
    for (const strike of strikes.values()) {
      if (strike.kind === "revocation") revoked.add(strike.invite)
      else removalsOf.set(strike.user, [...(removalsOf.get(strike.user) ?? []), strike.index])
    }
    const open = new Map<ControlId, Invite>()
    for (const [id, { index, author, action, joined }] of validity.invites) {
      const past = this.#causality.pastOf(index)
      const closed = revoked.has(id) || removalsOf.get(author)?.some((removal) => !past.has(removal)) === true
      const clock = this.#causality.entries[index]?.clock
      if (closed || clock === undefined) continue
      const { key, role, uses, expires } = action
      open.set(id, { id, key, role, uses, expires, by: author, clock, joined })
    }
    return open
  }

  #presentMembers(users: readonly UserId[]): Map<UserId, Member> {
    const { membership } = this.#resolution.validity
    const removalsOf = new Map<UserId, number[]>()
    for (const { id, user } of this.removals) {
      removalsOf.set(user, [...(removalsOf.get(user) ?? []), this.#causality.indexOf(id) ?? 0])
    }
    const place = (user: UserId) => membership.seniority(user) ?? { index: 0, place: 0 }
    const senior = [...users].sort((a, b) => place(a).index - place(b).index || place(a).place - place(b).place)
    const members = new Map<UserId, Member>()
    for (const user of senior) {
      const role = membership.roleOf(user, everything)
      const joined = membership.joined(user, removalsOf.get(user) ?? []) ?? 0
      const since = this.#causality.entries[joined]?.clock
      const by = this.#resolution.validity.authors[joined]
      if (role !== undefined && since !== undefined) members.set(user, { role, since, by })
    }
    return members
  }

  /** By certificates alone, be their entries valid or not: what is valid changes as others become known. */
  #allClaims(): Map<DeviceId, Set<UserId>> {
    const claims = new Map<DeviceId, Set<UserId>>()
    if (this.created !== undefined) claims.set(this.created.device, new Set([this.created.user]))
    for (const { device, action, certified } of this.#causality.entries) {
      if ((action?.kind !== "introduce" && action?.kind !== "join") || !certified) continue
      const { user } = action.certificate
      const users = claims.get(device)
      if (users === undefined) claims.set(device, new Set([user]))
      else users.add(user)
    }
    return claims
  }

  #knownDevices(): Map<DeviceId, Device> {
    const devices = new Map<DeviceId, Device>()
    if (this.created !== undefined) {
      devices.set(this.created.device, { user: this.created.user, publicKey: undefined, certified: false })
    }
    for (const [device, [first]] of this.#resolution.validity.introductions) {
      const action = first === undefined ? undefined : this.#causality.entries[first]?.action
      if (action?.kind !== "introduce" && action?.kind !== "join") continue
      const { user, publicKey } = action.certificate
      devices.set(device, { user, publicKey, certified: true })
    }
    return devices
  }

  #standingRemovals(): MemberRemoval[] {
    return Array.from(this.#resolution.strikes.values())
      .sort((a, b) => a.index - b.index)
      .flatMap((strike) => {
        if (strike.kind !== "removal" || this.#isTakenBack(strike)) return []
        const { index, user, author } = strike
        const entry = this.#causality.entries[index]
        return entry?.action?.kind === "remove" ? [{ id: entry.id, user, by: author, cut: entry.action.cut }] : []
      })
  }

  #readdings(): Set<ControlId> {
    const { membership } = this.#resolution.validity
    const indexes = this.removals.flatMap(({ id, user }) =>
      membership.readdings(user, this.#causality.indexOf(id) ?? Infinity),
    )
    return new Set(indexes.flatMap((index) => this.#causality.entries[index]?.id ?? []))
  }

  /** A leaving that its author answered by coming back cuts nothing. [SPEC A16] */
  #isTakenBack({ index, user, author }: Removal): boolean {
    if (user !== author) return false
    const returns = this.#resolution.validity.returns.get(user) ?? []
    return returns.some((back) => this.#causality.pastOf(back).has(index))
  }
}

function compareStamps(a: ControlEntry, b: ControlEntry): number {
  return a.clock - b.clock || compareText(a.device, b.device) || compareText(a.id, b.id)
}
