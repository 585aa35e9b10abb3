/** What a member may do, from everything to reading. [SPEC A7] */
export type Role = "owner" | "admin" | "moderator" | "member" | "reader"

const ranks: Record<Role, number> = { owner: 4, admin: 3, moderator: 2, member: 1, reader: 0 }

/** The role, where a value from outside is one. */
export function parseRole(text: unknown): Role | undefined {
  return typeof text === "string" && Object.hasOwn(ranks, text) ? (text as Role) : undefined
}

/** Whether a role has all rights of another. */
export function isAtLeast(role: Role, other: Role): boolean {
  return ranks[role] >= ranks[other]
}

/** The one with fewer rights. */
export function lowerRole(a: Role, b: Role): Role {
  return ranks[a] <= ranks[b] ? a : b
}

/** The one with more rights. */
export function higherRole(a: Role, b: Role): Role {
  return ranks[a] >= ranks[b] ? a : b
}
