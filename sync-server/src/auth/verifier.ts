import { createPublicKey, verify as verifySignature, type KeyObject } from "node:crypto"
import { hex, KeyGate } from "@weft/sdk/protocol"

/** DER of an Ed25519 SubjectPublicKeyInfo, up to the key's 32 bytes. */
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex")

/** Ed25519 in this thread: no promise for each signature, and no key is parsed twice while it is in use. */
export interface Verifier {
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
  /** Keys with which one signature fits several messages. [SPEC C7] */
  refusesKey(publicKey: Uint8Array): boolean
}

export function createVerifier(maxKeys = 10_000): Verifier {
  const keys = new Map<string, KeyObject>()
  const gate = new KeyGate(maxKeys)

  function keyOf(publicKey: Uint8Array): KeyObject | undefined {
    if (publicKey.length !== 32) return undefined
    const name = hex(publicKey)
    const known = keys.get(name)
    if (known !== undefined) return known
    const key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: "der", type: "spki" })
    if (keys.size >= maxKeys) {
      const [oldest] = keys.keys()
      if (oldest !== undefined) keys.delete(oldest)
    }
    keys.set(name, key)
    return key
  }

  return {
    verify(publicKey, message, signature) {
      try {
        const key = keyOf(publicKey)
        return key !== undefined && signature.length === 64 && verifySignature(null, message, key, signature)
      } catch {
        return false
      }
    },
    refusesKey: (publicKey) => gate.refuses(publicKey),
  }
}
