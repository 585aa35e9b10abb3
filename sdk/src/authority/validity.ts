import { hex } from "../protocol/bytes.js"
import type { RefusalCode } from "../protocol/codes.js"
import type { DeviceId, UserId } from "../protocol/names.js"
import type { Causality, ControlEntry, Past } from "./causality.js"
import type { ControlAction } from "./control.js"
import { Membership } from "./membership.js"
import { refuseAction } from "./rules.js"

/** A removal that is taken to stand. */
export interface Removal {
  readonly index: number
  readonly user: UserId
  readonly author: UserId
}

/** What is taken for granted while validity is derived. [SPEC A9] */
export interface Assumption {
  /** Removals that count and strike, by index. All others have no effect. */
  readonly standing: ReadonlyMap<number, Removal>
  /** Removals that no other strikes any more. */
  readonly firm: ReadonlyMap<number, Removal>
  /** Removals that have lost for good. */
  readonly lost: ReadonlySet<number>
}

interface TitleFact {
  readonly index: number
  readonly title: string
}

/** Which entries are valid under an assumption, each judged by its own past alone, and what they say together. */
export class Validity {
  readonly membership: Membership
  /** Undefined: valid. By index. */
  readonly refusals: (RefusalCode | undefined)[] = []
  /** The user who acts in an entry, where that is known. By index. */
  readonly authors: (UserId | undefined)[] = []
  /** Valid ones; the first of a device says whose it is. */
  readonly introductions = new Map<DeviceId, number[]>()
  /** Entries that trust a key, by the key in hex. */
  readonly trust = new Map<string, { readonly key: Uint8Array; readonly indexes: number[] }>()
  readonly titles: TitleFact[] = []
  readonly #causality: Causality
  readonly #assumption: Assumption
  readonly #strikes = new Map<UserId, Removal[]>()

  constructor(causality: Causality, assumption: Assumption) {
    this.membership = new Membership(causality)
    this.#causality = causality
    this.#assumption = assumption
    for (const removal of assumption.standing.values()) {
      const strikes = this.#strikes.get(removal.user)
      if (strikes === undefined) this.#strikes.set(removal.user, [removal])
      else strikes.push(removal)
    }
    causality.entries.forEach((entry, index) => {
      const refusal = this.#judge(index, entry)
      this.refusals.push(refusal)
      if (refusal === undefined && entry.action !== undefined) this.#record(index, entry.device, entry.action)
    })
  }

  isValid(index: number): boolean {
    return this.refusals[index] === undefined
  }

  /** The user for whom a device acts, as of its past. [SPEC A5] */
  userOf(device: DeviceId, past: Past): UserId | undefined {
    const root = this.#root()
    if (root?.device === device && past.has(0)) return root.action.user
    const index = this.introductions.get(device)?.find((introduction) => past.has(introduction))
    return index === undefined ? undefined : this.authors[index]
  }

  #root(): { readonly device: DeviceId; readonly action: Extract<ControlAction, { kind: "create" }> } | undefined {
    const entry = this.#causality.rooted ? this.#causality.entries[0] : undefined
    return entry?.action?.kind === "create" ? { device: entry.device, action: entry.action } : undefined
  }

  #judge(index: number, entry: ControlEntry): RefusalCode | undefined {
    const { action } = entry
    const isRoot = index === 0 && this.#causality.rooted
    if (action === undefined) return "MALFORMED"
    if (action.kind === "create") {
      if (!isRoot) return "CREATE_MISMATCH"
      this.authors[index] = action.user
      return undefined
    }
    const past = this.#causality.pastOf(index)
    if (!this.#causality.rooted || !past.has(0)) return "CREATE_MISMATCH"
    const acting = this.userOf(entry.device, past)
    const author = action.kind === "introduce" ? action.certificate.user : acting
    if (author === undefined) return "NOT_MEMBER"
    this.authors[index] = author
    if (this.#isStruck(index, author, action)) return "PAST_CUT"
    const authorRole = this.membership.roleOf(author, past)
    if (authorRole === undefined) return "NOT_MEMBER"
    if (action.kind === "introduce") {
      // A device acts for one user.
      if (!entry.certified || (acting !== undefined && acting !== author)) return "KEY_REFUSED"
      const trusted = this.trust.get(hex(action.certificate.issuer))?.indexes.some((fact) => past.has(fact)) ?? false
      return trusted ? undefined : "UNTRUSTED_SERVER_KEY"
    }
    return refuseAction(action, {
      author,
      authorRole,
      roleOf: (user) => this.membership.roleOf(user, past),
      standingOf: (user) => {
        const standing = this.membership.standing(user, past)
        return standing.kind === "member" ? standing.role : standing.kind === "removed" ? standing.lost : undefined
      },
      isSoleOwner: (user) => this.membership.isSoleOwner(user, past),
      hasOtherMembers: (user) => this.membership.hasOtherMembers(user, past),
    })
  }

  /** Whether a standing removal makes this entry fall. [SPEC A8] */
  #isStruck(index: number, author: UserId, action: ControlAction): boolean {
    if (this.#assumption.lost.has(index)) return true
    const strikes = this.#strikes.get(author)
    if (strikes === undefined || this.#assumption.firm.has(index)) return false
    const leaves = action.kind === "remove" && action.user === author
    return strikes.some((removal) => {
      if (removal.index === index || this.#causality.pastOf(removal.index).has(index)) return false
      // The parts of a long farewell don't strike one another.
      if (leaves && removal.author === author) return false
      return !this.membership.isReadded(author, removal.index, this.#causality.pastOf(index))
    })
  }

  #record(index: number, device: DeviceId, action: ControlAction): void {
    switch (action.kind) {
      case "create":
        this.membership.grant(index, action.user, "owner", 0)
        action.members.forEach(({ user, role }, place) => {
          this.membership.grant(index, user, role, place + 1)
        })
        this.#recordTrust(index, action.trust)
        this.titles.push({ index, title: action.title })
        return
      case "introduce": {
        const introductions = this.introductions.get(device)
        if (introductions === undefined) this.introductions.set(device, [index])
        else introductions.push(index)
        return
      }
      case "add":
        this.membership.grant(index, action.user, action.role, 0)
        return
      case "role":
        this.membership.grant(index, action.user, action.role, undefined)
        return
      case "remove": {
        if (!this.#assumption.standing.has(index)) return
        const standing = this.membership.standing(action.user, this.#causality.pastOf(index))
        if (standing.kind === "stranger") return
        this.membership.remove(index, action.user, standing.kind === "member" ? standing.role : standing.lost)
        return
      }
      case "title":
        this.titles.push({ index, title: action.title })
        return
      case "policy":
        this.#recordTrust(index, action.trust)
    }
  }

  #recordTrust(index: number, keys: readonly Uint8Array[]): void {
    for (const key of keys) {
      const name = hex(key)
      const known = this.trust.get(name)
      if (known === undefined) this.trust.set(name, { key, indexes: [index] })
      else known.indexes.push(index)
    }
  }
}
