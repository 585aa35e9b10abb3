import { parseUserId, type UserId } from "@weft/sdk/protocol"
import type { Authenticate } from "../../sync-server/src/auth/authenticate.js"

/** A token as the operator's identity provider issues it: readable as a JSON Web Token is, and believed in here. */
export function issueToken(user: string, expiresAt: number): string {
  const claims = JSON.stringify({ sub: user, exp: Math.floor(expiresAt / 1000) })
  return `simulated.${Buffer.from(claims).toString("base64url")}.`
}

export function authenticateBy(now: () => number): Authenticate {
  return async (token) => {
    const claims = readClaims(token)
    if (claims === undefined) return { kind: "refused", code: "AUTH_FAILED", reason: "no token" }
    if (claims.expiresAt <= now()) return { kind: "refused", code: "TOKEN_EXPIRED", reason: "the token has ended" }
    return { kind: "accepted", ...claims }
  }
}

function readClaims(token: string): { user: UserId; expiresAt: number } | undefined {
  const { sub, exp } = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString() || "{}") as {
    sub?: unknown
    exp?: unknown
  }
  const user = parseUserId(sub)
  return user === undefined || typeof exp !== "number" ? undefined : { user, expiresAt: exp * 1000 }
}
