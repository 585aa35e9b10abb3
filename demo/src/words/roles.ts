import type { Role } from "@weft/sdk"
import { t } from "./translate.js"

/** From everything to reading. */
export const roles: readonly Role[] = ["owner", "admin", "moderator", "member", "reader"]

export function explainRole(role: Role): string {
  switch (role) {
    case "owner":
      return t("roleOwner")
    case "admin":
      return t("roleAdmin")
    case "moderator":
      return t("roleModerator")
    case "member":
      return t("roleMember")
    case "reader":
      return t("roleReader")
  }
}

/** Whether that role may change somebody who has, or is to have, the other. The SDK has the last word. */
export function mayGovern(role: Role | undefined, other: Role): boolean {
  return role === "owner" || (role === "admin" && other !== "owner")
}

/** Whether that role sets title, topic and who writes. The SDK has the last word. */
export function mayRename(role: Role | undefined): boolean {
  return role === "owner" || role === "admin"
}

/** Whether that role may erase what others wrote, pin messages and limit who writes. The SDK has the last word. */
export function mayModerate(role: Role | undefined): boolean {
  return role === "owner" || role === "admin" || role === "moderator"
}
