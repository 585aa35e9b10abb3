import { unreachable } from "../base/brand.js"
import type { RefusalCode } from "../protocol/codes.js"
import type { UserId } from "../protocol/names.js"
import type { ControlAction } from "./control.js"
import { isAtLeast, type Role } from "./role.js"

/** What an entry's author had seen when it was written. */
export interface Situation {
  readonly author: UserId
  readonly authorRole: Role
  /** Undefined: not a member. */
  roleOf(user: UserId): Role | undefined
  /** The role, or of a removed member the one that was lost; undefined: never a member. */
  standingOf(user: UserId): Role | undefined
  /** An owner, and nobody else is one. */
  isSoleOwner(user: UserId): boolean
  hasOtherMembers(user: UserId): boolean
}

type Governing = Exclude<ControlAction, { kind: "create" | "introduce" }>

/** Why the author may not do this; undefined where it is allowed. [SPEC A7] */
export function refuseAction(action: Governing, situation: Situation): RefusalCode | undefined {
  const { author, authorRole } = situation
  switch (action.kind) {
    case "title":
      return isAtLeast(authorRole, "admin") ? undefined : "ROLE_TOO_LOW"
    case "policy":
      return authorRole === "owner" ? undefined : "ROLE_TOO_LOW"
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

/** Owners govern everybody; admins everybody but owners. */
function mayGovern(role: Role, other: Role | undefined): boolean {
  return role === "owner" || (role === "admin" && other !== "owner")
}
