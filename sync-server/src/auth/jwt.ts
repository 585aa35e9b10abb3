import { createPublicKey, type KeyObject } from "node:crypto"
import { parseUserId } from "@weft/sdk/protocol"
import { createRemoteJWKSet, errors, jwtVerify, type JWTVerifyGetKey } from "jose"
import type { Authenticate } from "./authenticate.js"

/** Signatures by a private key only: with a shared secret, whoever can check tokens could also make them. */
const ALGORITHMS = ["EdDSA", "ES256", "RS256"]
/** Leading or lagging clocks between the issuer and this server. */
const TOLERANCE_SECONDS = 5
/**
 * What jose says where the issuer's keys may be at fault, and not the token: no answer, an error or a page instead of
 * them (the generic code), or a key that is too new for the last look at them.
 */
const issuerFaults: ReadonlySet<string> = new Set(
  [
    errors.JOSEError,
    errors.JWKSTimeout,
    errors.JWKSInvalid,
    errors.JWKSNoMatchingKey,
    errors.JWKSMultipleMatchingKeys,
  ].map(({ code }) => code),
)

export interface JwtOptions {
  readonly keys: JWTVerifyGetKey | KeyObject
  readonly issuer: string | undefined
  readonly audience: string | undefined
  readonly now: () => number
}

export function remoteKeys(url: string): JWTVerifyGetKey {
  return createRemoteJWKSet(new URL(url))
}

/** Throws where the text is no public key in PEM (SubjectPublicKeyInfo or a certificate). */
export function pemKey(pem: string): KeyObject {
  if (pem.includes("PRIVATE KEY")) throw new TypeError("this is a private key: the server needs only the public one")
  return createPublicKey(pem)
}

export function authenticateJwt({ keys, issuer, audience, now }: JwtOptions): Authenticate {
  return async (token) => {
    const options = {
      algorithms: ALGORITHMS,
      clockTolerance: TOLERANCE_SECONDS,
      currentDate: new Date(now()),
      requiredClaims: ["sub", "exp"],
      ...(issuer === undefined ? {} : { issuer }),
      ...(audience === undefined ? {} : { audience }),
    }
    try {
      const { payload } = await (typeof keys === "function"
        ? jwtVerify(token, keys, options)
        : jwtVerify(token, keys, options))
      const user = parseUserId(payload.sub)
      if (user === undefined) return { kind: "refused", code: "AUTH_FAILED", reason: "sub is no user id" }
      return { kind: "accepted", user, expiresAt: (payload.exp ?? 0) * 1000 }
    } catch (error) {
      if (error instanceof errors.JWTExpired) {
        return { kind: "refused", code: "TOKEN_EXPIRED", reason: "the token has ended" }
      }
      // A hiccup of the issuer must lock nobody out for good.
      if (!(error instanceof errors.JOSEError) || issuerFaults.has(error.code)) {
        return { kind: "refused", code: "INTERNAL", reason: "the issuer's keys are out of reach" }
      }
      return { kind: "refused", code: "AUTH_FAILED", reason: error.code }
    }
  }
}
