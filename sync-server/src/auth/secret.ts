import { createHash, timingSafeEqual } from "node:crypto"

/** Whether somebody knows a secret. Compared in constant time. */
export function isSecret(given: string, secret: string): boolean {
  const hash = (text: string): Buffer => createHash("sha256").update(text).digest()
  return timingSafeEqual(hash(given), hash(secret))
}

/** The token of an `Authorization: Bearer` header. */
export function bearerToken(header: string | undefined): string | undefined {
  return /^Bearer +(.+)$/i.exec(header ?? "")?.[1]
}
