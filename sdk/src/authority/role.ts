/** What a member may do, from everything to reading. [SPEC A7] */
export type Role = "owner" | "admin" | "moderator" | "member" | "reader"

const ranks: Record<Role, number> = { owner: 4, admin: 3, moderator: 2, member: 1, reader: 0 }

export function parseRole(text: unknown): Role | undefined {
  return typeof text === "string" && Object.hasOwn(ranks, text) ? (text as Role) : undefined
}

export function isAtLeast(role: Role, other: Role): boolean {
  return ranks[role] >= ranks[other]
}

export function lowerRole(a: Role, b: Role): Role {
  return ranks[a] <= ranks[b] ? a : b
}

export function higherRole(a: Role, b: Role): Role {
  return ranks[a] >= ranks[b] ? a : b
}
