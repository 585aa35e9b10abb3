import type { Role } from "@weft/sdk"

/** From everything to reading. */
export const roles: readonly Role[] = ["owner", "admin", "moderator", "member", "reader"]

export function explainRole(role: Role): string {
  switch (role) {
    case "owner":
      return "Owner"
    case "admin":
      return "Admin"
    case "moderator":
      return "Moderator"
    case "member":
      return "Member"
    case "reader":
      return "Reader"
  }
}

/** Whether that role may change somebody who has, or is to have, the other. The SDK has the last word. */
export function mayGovern(role: Role | undefined, other: Role): boolean {
  return role === "owner" || (role === "admin" && other !== "owner")
}

export function mayRename(role: Role | undefined): boolean {
  return role === "owner" || role === "admin"
}

/** Whether that role may erase what others wrote, pin messages and limit who writes. The SDK has the last word. */
export function mayModerate(role: Role | undefined): boolean {
  return role === "owner" || role === "admin" || role === "moderator"
}
