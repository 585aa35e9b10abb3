import { createPublicKey, verify as verifySignature, type KeyObject } from "node:crypto"
import { hex, KeyGate, provesNothing } from "@weft/sdk/protocol"

/** DER of an Ed25519 SubjectPublicKeyInfo, up to the key's 32 bytes. */
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex")

/** Ed25519 in this thread: no promise for each signature, and no key is parsed twice while it is in use. */
export interface Verifier {
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
  /** The same for a key that may not be seen again soon: who is connected and writes nothing costs no memory. */
  verifyOnce(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
  /** Keys under which anybody can sign: they say nothing of who holds them. [SPEC K4] */
  provesNothing(publicKey: Uint8Array): boolean
  /** Keys with which one signature fits several messages. [SPEC C7] */
  refusesKey(publicKey: Uint8Array): boolean
}

/** Parsed keys that are kept, and verdicts on keys: some 3 KB for each of those, 150 bytes for each of these. */
const MAX_PARSED = 4_096
const MAX_VERDICTS = 10_000

export function createVerifier(maxKeys = MAX_PARSED): Verifier {
  /** By use, the longest unused first. */
  const keys = new Map<string, KeyObject>()
  const gate = new KeyGate(MAX_VERDICTS)

  function keyOf(publicKey: Uint8Array): KeyObject {
    const name = hex(publicKey)
    const known = keys.get(name)
    if (known !== undefined) keys.delete(name)
    else if (keys.size >= maxKeys) {
      const [oldest] = keys.keys()
      if (oldest !== undefined) keys.delete(oldest)
    }
    const key = known ?? parse(publicKey)
    keys.set(name, key)
    return key
  }

  return {
    verify: (publicKey, ...rest) => holds(keyOf, publicKey, ...rest),
    verifyOnce: (publicKey, ...rest) => holds(parse, publicKey, ...rest),
    provesNothing,
    refusesKey: (publicKey) => gate.refuses(publicKey),
  }
}

function parse(publicKey: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: "der", type: "spki" })
}

function holds(
  keyOf: (publicKey: Uint8Array) => KeyObject,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false
  try {
    return verifySignature(null, message, keyOf(publicKey), signature)
  } catch {
    return false
  }
}
