import { deviceIdOf, helloMessage, hex, PROTOCOL_VERSION, type FrameOf, type RefusalCode } from "@weft/sdk/protocol"
import type { Authenticate } from "../auth/authenticate.js"
import { isPeerToken } from "../auth/peer-token.js"
import type { ServerKey } from "../auth/server-key.js"
import type { Verifier } from "../auth/verifier.js"
import type { Party } from "./party.js"

export interface GreetingPorts {
  readonly authenticate: Authenticate
  readonly verifier: Verifier
  readonly key: ServerKey
  readonly peerToken: string | undefined
  readonly dev: boolean
}

export type Greeted =
  | { readonly kind: "accepted"; readonly party: Party; readonly expiresAt: number | undefined }
  | { readonly kind: "refused"; readonly code: RefusalCode; readonly message: string }

/** Who says hello: the token names the user, the signature proves the device, to this server and for this connection. [SPEC S3] */
export async function greet(hello: FrameOf<"hello">, nonce: Uint8Array, ports: GreetingPorts): Promise<Greeted> {
  const { verifier, key, peerToken, dev, authenticate } = ports
  const refuse = (code: RefusalCode, message: string): Greeted => ({ kind: "refused", code, message })
  if (hello.version !== PROTOCOL_VERSION) {
    return refuse("UNSUPPORTED_VERSION", `this server speaks version ${PROTOCOL_VERSION}`)
  }
  const { publicKey, signature } = hello
  const unproven = refuse("DEVICE_PROOF_FAILED", "the challenge was not signed by this key")
  if (!verifier.verifyOnce(publicKey, helloMessage(nonce, key.publicKey), signature)) return unproven
  // What was proven is worth something only with such a key, and looking at it costs something: that is for those who have a token.
  if (hello.role === 1) {
    if (!isPeerToken(hello.token, peerToken, dev)) return refuse("AUTH_FAILED", "not a peer of this server")
    if (verifier.refusesKey(publicKey)) return unproven
    return { kind: "accepted", party: { kind: "peer", key: hex(publicKey) }, expiresAt: undefined }
  }
  if (hello.role !== 0) return refuse("BAD_FRAME", "unknown role")
  const verdict = await authenticate(hello.token)
  if (verdict.kind === "refused") return refuse(verdict.code, verdict.reason)
  if (verifier.provesNothing(publicKey)) return unproven
  const party: Party = { kind: "device", user: verdict.user, device: deviceIdOf(publicKey) }
  return { kind: "accepted", party, expiresAt: verdict.expiresAt }
}
