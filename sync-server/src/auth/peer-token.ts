import { isSecret } from "./secret.js"

/** Whether a server that calls may be a peer: it knows the operator's shared secret. */
export function isPeerToken(token: string, secret: string | undefined, dev: boolean): boolean {
  return secret === undefined ? dev : isSecret(token, secret)
}
