import { unreachable } from "../base/brand.js"
import type { RefusalCode } from "../protocol/codes.js"
import type { ControlId } from "../protocol/entry.js"
import type { UserId } from "../protocol/names.js"
import type { ControlAction } from "./control.js"
import { isAtLeast, type Role } from "./role.js"

/** What an entry's author had seen when it was written. */
export interface Situation {
  readonly author: UserId
  readonly authorRole: Role
  /** Whether the conversation is one between two people. */
  readonly direct: boolean
  /** Undefined: not a member. */
  roleOf(user: UserId): Role | undefined
  /** The role, or of a removed member the one that was lost; undefined: never a member. */
  standingOf(user: UserId): Role | undefined
  /** An owner, and nobody else is one. */
  isSoleOwner(user: UserId): boolean
  hasOtherMembers(user: UserId): boolean
  /** Who wrote a valid invite; undefined: there is none of this name. */
  inviterOf(invite: ControlId): UserId | undefined
}

type Governing = Exclude<ControlAction, { kind: "create" | "introduce" | "return" | "join" }>

/** Why the author may not do this; undefined where it is allowed. [SPEC A7] */
export function refuseAction(action: Governing, situation: Situation): RefusalCode | undefined {
  const { author, authorRole } = situation
  if (situation.direct && isFixedWhereDirect(action, author)) return "ROLE_TOO_LOW"
  switch (action.kind) {
    case "title":
    case "topic":
    case "announce":
      return demand(authorRole, "admin")
    case "pin":
      return demand(authorRole, "moderator")
    case "policy":
      return demand(authorRole, "owner")
    case "invite":
      // A link can be passed on: nobody becomes owner by one.
      return action.role !== "owner" && mayGovern(authorRole, action.role) ? undefined : "ROLE_TOO_LOW"
    case "revoke": {
      const inviter = situation.inviterOf(action.invite)
      if (inviter === undefined) return "INVITE_VOID"
      return inviter === author ? undefined : demand(authorRole, "admin")
    }
    case "add":
    case "role": {
      const present = situation.roleOf(action.user)
      if (action.kind === "role" && present === undefined) return "NOT_MEMBER"
      if (!mayGovern(authorRole, action.role) || !mayGovern(authorRole, present)) return "ROLE_TOO_LOW"
      return action.role !== "owner" && situation.isSoleOwner(action.user) ? "ROLE_TOO_LOW" : undefined
    }
    case "remove": {
      if (action.user === author) {
        const strands = situation.isSoleOwner(author) && situation.hasOtherMembers(author)
        return strands ? "ROLE_TOO_LOW" : undefined
      }
      const standing = situation.standingOf(action.user)
      if (standing === undefined) return "NOT_MEMBER"
      return mayGovern(authorRole, standing) ? undefined : "ROLE_TOO_LOW"
    }
    default:
      return unreachable(action)
  }
}

/** Who is in a direct conversation, and as what, is fixed; either may leave, and return. [SPEC A20] */
function isFixedWhereDirect(action: Governing, author: UserId): boolean {
  switch (action.kind) {
    case "add":
    case "role":
    case "invite":
    case "announce":
      return true
    case "remove":
      return action.user !== author
    default:
      return false
  }
}

function demand(role: Role, least: Role): RefusalCode | undefined {
  return isAtLeast(role, least) ? undefined : "ROLE_TOO_LOW"
}

/** Owners govern everybody; admins everybody but owners. */
function mayGovern(role: Role, other: Role | undefined): boolean {
  return role === "owner" || (role === "admin" && other !== "owner")
}
