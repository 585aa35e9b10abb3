import { utf8Text } from "../protocol/bytes.js"
import { fromBase64url } from "../protocol/bytes.js"

/** When a JSON Web Token says that it ends, milliseconds since 1970; undefined where it doesn't say. It is only read, never trusted. */
export function tokenExpiry(token: string): number | undefined {
  const payload = token.split(".")[1]
  if (payload === undefined) return undefined
  const padded = payload + "A".repeat((4 - (payload.length % 4)) % 4)
  const bytes = fromBase64url(padded)
  if (bytes === undefined) return undefined
  const text = utf8Text(bytes.subarray(0, Math.floor((payload.length * 3) / 4)))
  try {
    const claims: unknown = JSON.parse(text ?? "")
    const exp = typeof claims === "object" && claims !== null && "exp" in claims ? claims.exp : undefined
    return typeof exp === "number" && Number.isFinite(exp) ? exp * 1000 : undefined
  } catch {
    return undefined
  }
}
