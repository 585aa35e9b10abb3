import { unreachable } from "../base/brand.js"
import type { Certificate } from "../identity/certificate.js"
import { equalBytes, hex } from "../protocol/bytes.js"
import type { RefusalCode } from "../protocol/codes.js"
import type { ControlId, MessageId } from "../protocol/entry.js"
import type { DeviceId, UserId } from "../protocol/names.js"
import type { Causality, ControlEntry, Past } from "./causality.js"
import type { ControlAction } from "./control.js"
import { Membership } from "./membership.js"
import { type MessageRef, refMessageId } from "./message-ref.js"
import { refuseAction } from "./rules.js"

/** A removal or a revocation that is taken to stand: it makes entries fall that it had not seen. */
export type Strike =
  | { readonly kind: "removal"; readonly index: number; readonly author: UserId; readonly user: UserId }
  | { readonly kind: "revocation"; readonly index: number; readonly author: UserId; readonly invite: ControlId }

export type Removal = Extract<Strike, { kind: "removal" }>

/** What is taken for granted while validity is derived. [SPEC A9] */
export interface Assumption {
  /** The entries that there are. */
  readonly within: Past
  /** Strikes that make entries fall, by index. */
  readonly standing: ReadonlyMap<number, Strike>
  /** Whether removals count, where they were seen, that do not stand. */
  readonly countsAll?: boolean
  /** Strikes that no other strikes any more. */
  readonly firm: ReadonlyMap<number, Strike>
  /** Strikes that have lost for good. */
  readonly lost: ReadonlySet<number>
}

/** What one valid entry sets; of several the latest counts, or all. */
export interface Fact<T> {
  readonly index: number
  readonly value: T
}

export interface ValidInvite {
  readonly index: number
  readonly author: UserId
  readonly action: Extract<ControlAction, { kind: "invite" }>
  /** Whom it let in; each counts once. */
  readonly joined: Set<UserId>
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
  readonly titles: Fact<string>[] = []
  readonly topics: Fact<string>[] = []
  readonly announcements: Fact<boolean>[] = []
  readonly pins = new Map<MessageId, Fact<{ readonly message: MessageRef; readonly on: boolean }>[]>()
  readonly invites = new Map<ControlId, ValidInvite>()
  /** Of each user, the entries that took a leaving back. */
  readonly returns = new Map<UserId, number[]>()
  /** Whether somebody's join counts for less since another came before it. */
  isContested = false
  readonly #causality: Causality
  readonly #assumption: Assumption
  readonly #removals = new Map<UserId, Removal[]>()
  readonly #revocations = new Map<ControlId, number[]>()

  constructor(causality: Causality, assumption: Assumption) {
    this.membership = new Membership(causality)
    this.#causality = causality
    this.#assumption = assumption
    for (const strike of assumption.standing.values()) {
      if (strike.kind === "removal") append(this.#removals, strike.user, strike)
      else append(this.#revocations, strike.invite, strike.index)
    }
    causality.entries.forEach((entry, index) => {
      const refusal = assumption.within.has(index) ? this.#judge(index, entry) : "CONTROL_UNKNOWN"
      this.refusals.push(refusal)
      if (refusal === undefined) this.#record(index, entry)
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
    const certified = action.kind === "introduce" || action.kind === "join"
    const author = certified ? action.certificate.user : acting
    if (author === undefined) return "NOT_MEMBER"
    this.authors[index] = author
    if (this.#assumption.lost.has(index) || this.#isStruck(index, author, action)) return "PAST_CUT"
    // A device acts for one user.
    if (certified && (!entry.certified || (acting !== undefined && acting !== author))) return "KEY_REFUSED"
    if (action.kind === "join") return this.#judgeJoin(index, entry, action, past)
    if (action.kind === "return")
      return this.membership.returning(author, past) === undefined ? "NOT_MEMBER" : undefined
    const authorRole = this.membership.roleOf(author, past)
    if (authorRole === undefined) return "NOT_MEMBER"
    if (action.kind === "introduce") return this.#judgeIssuer(action.certificate, past)
    return refuseAction(action, {
      author,
      authorRole,
      direct: this.#root()?.action.direct === true,
      roleOf: (user) => this.membership.roleOf(user, past),
      standingOf: (user) => {
        const standing = this.membership.standing(user, past)
        return standing.kind === "member" ? standing.role : standing.kind === "removed" ? standing.lost : undefined
      },
      isSoleOwner: (user) => this.membership.isSoleOwner(user, past),
      hasOtherMembers: (user) => this.membership.hasOtherMembers(user, past),
      inviterOf: (id) => {
        const invite = this.invites.get(id)
        return invite !== undefined && past.has(invite.index) ? invite.author : undefined
      },
    })
  }

  #judgeIssuer({ issuer }: Certificate, past: Past): RefusalCode | undefined {
    const trusted = this.trust.get(hex(issuer))?.indexes.some((fact) => past.has(fact)) ?? false
    return trusted ? undefined : "UNTRUSTED_SERVER_KEY"
  }

  /** By the right of the invite, and of whoever wrote it. [SPEC A19] */
  #judgeJoin(
    index: number,
    { seen }: ControlEntry,
    { certificate, key }: Extract<ControlAction, { kind: "join" }>,
    past: Past,
  ): RefusalCode | undefined {
    const [id] = seen
    const invite = id === undefined || seen.length > 1 ? undefined : this.invites.get(id)
    if (id === undefined || invite === undefined || !equalBytes(invite.action.key, key)) return "INVITE_VOID"
    const { user, issuedAt } = certificate
    if (this.#isStruckBy(invite.author, index)) return "INVITE_VOID"
    if (this.#revocations.get(id)?.some((revocation) => !this.#causality.pastOf(revocation).has(index)) === true) {
      return "INVITE_REVOKED"
    }
    if (this.membership.roleOf(user, past) !== undefined) return "INVITE_VOID"
    const { uses, expires } = invite.action
    if (expires !== 0 && issuedAt > expires) return "INVITE_EXPIRED"
    const untrusted = this.#judgeIssuer(certificate, past)
    if (untrusted !== undefined) return untrusted
    if (uses === 0 || invite.joined.size < uses || invite.joined.has(user)) return undefined
    this.isContested = true
    return "INVITE_USED_UP"
  }

  /** Whether a standing removal makes an entry by this user fall. [SPEC A8] */
  #isStruck(index: number, author: UserId, action: ControlAction): boolean {
    if (this.#assumption.firm.has(index)) return false
    const past = this.#causality.pastOf(index)
    return this.#isStruckBy(author, index, (removal) => {
      if (removal.author !== author) return false
      // The parts of a long farewell don't strike one another; who takes it back had seen it.
      if (action.kind === "remove") return action.user === author
      return action.kind === "return" && past.has(removal.index)
    })
  }

  #isStruckBy(user: UserId, index: number, spares: (removal: Removal) => boolean = () => false): boolean {
    const past = this.#causality.pastOf(index)
    return (this.#removals.get(user) ?? []).some((removal) => {
      if (removal.index === index || this.#causality.pastOf(removal.index).has(index)) return false
      return !spares(removal) && !this.membership.isReadded(user, removal.index, past)
    })
  }

  #record(index: number, { device, id, seen, action }: ControlEntry): void {
    const author = this.authors[index]
    if (action === undefined || author === undefined) return
    switch (action.kind) {
      case "create":
        this.membership.grant(index, action.user, "owner", 0)
        action.members.forEach(({ user, role }, place) => {
          this.membership.grant(index, user, role, place + 1)
        })
        this.#recordTrust(index, action.trust)
        this.titles.push({ index, value: action.title })
        return
      case "introduce":
        append(this.introductions, device, index)
        return
      case "add":
        this.membership.grant(index, action.user, action.role, 0)
        return
      case "role":
        this.membership.grant(index, action.user, action.role, undefined)
        return
      case "remove": {
        const { standing: strikes, countsAll = false } = this.#assumption
        if (!countsAll && !strikes.has(index)) return
        const standing = this.membership.standing(action.user, this.#causality.pastOf(index))
        if (standing.kind === "stranger") return
        const lost = standing.kind === "member" ? standing.role : standing.lost
        this.membership.remove(index, action.user, lost, author === action.user)
        return
      }
      case "return": {
        const role = this.membership.returning(author, this.#causality.pastOf(index))
        if (role === undefined) return
        append(this.returns, author, index)
        this.membership.grant(index, author, role, 0)
        return
      }
      case "title":
        this.titles.push({ index, value: action.title })
        return
      case "topic":
        this.topics.push({ index, value: action.topic })
        return
      case "policy":
        this.#recordTrust(index, action.trust)
        return
      case "announce":
        this.announcements.push({ index, value: action.on })
        return
      case "pin":
        append(this.pins, refMessageId(action.message), { index, value: action })
        return
      case "invite":
        this.invites.set(id, { index, author, action, joined: new Set() })
        return
      case "revoke":
        return
      case "join": {
        append(this.introductions, device, index)
        const [name] = seen
        const invite = name === undefined ? undefined : this.invites.get(name)
        if (invite === undefined) return
        // Another device of somebody who is in by this invite is introduced, no more.
        if (invite.joined.has(author)) {
          this.isContested = true
          return
        }
        invite.joined.add(author)
        this.membership.grant(index, author, invite.action.role, 0)
        return
      }
      default:
        unreachable(action)
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

function append<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else list.push(value)
}
