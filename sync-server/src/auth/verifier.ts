import { createPublicKey, verify as verifySignature, type KeyObject } from "node:crypto"
import { hex, KeyGate, provesNothing } from "@weft/sdk/protocol"

/** DER of an Ed25519 SubjectPublicKeyInfo, up to the key's 32 bytes. */
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex")

/** Ed25519; no key is parsed twice while it is in use. */
export interface Verifier {
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean | Promise<boolean>
  /** The same at once, for a key that may not be seen again soon: who is connected and writes nothing costs no memory. */
  verifyOnce(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
  /** Keys under which anybody can sign: they say nothing of who holds them. [SPEC K4] */
  provesNothing(publicKey: Uint8Array): boolean
  /** Keys with which one signature fits several messages. [SPEC C7] */
  refusesKey(publicKey: Uint8Array): boolean
}

/** Parsed keys that are kept, and verdicts on keys: some 3 KB for each of those, 150 bytes for each of these. */
const MAX_PARSED = 4_096
const MAX_VERDICTS = 10_000
/**
 * Signatures that other threads are given at once, those that LevelDB works in: no more than a commit may wait for. What
 * comes meanwhile is verified in this thread, so no signature waits for another.
 */
const MAX_ELSEWHERE = 32

export function createVerifier(maxKeys = MAX_PARSED): Verifier {
  /** By use, the longest unused first. */
  const keys = new Map<string, KeyObject>()
  const gate = new KeyGate(MAX_VERDICTS)
  let elsewhere = 0

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
    verify(publicKey, message, signature) {
      const key = usable(keyOf, publicKey, signature)
      if (key === undefined) return false
      if (elsewhere === MAX_ELSEWHERE) return holds(key, message, signature)
      elsewhere++
      return new Promise((resolve) => {
        verifySignature(null, message, key, signature, (error, good) => {
          elsewhere--
          resolve(error === null && good)
        })
      })
    },
    verifyOnce(publicKey, message, signature) {
      const key = usable(parse, publicKey, signature)
      return key !== undefined && holds(key, message, signature)
    },
    provesNothing,
    refusesKey: (publicKey) => gate.refuses(publicKey),
  }
}

function parse(publicKey: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: "der", type: "spki" })
}

/** Undefined where no signature by this key can hold. */
function usable(
  keyOf: (publicKey: Uint8Array) => KeyObject,
  publicKey: Uint8Array,
  signature: Uint8Array,
): KeyObject | undefined {
  if (publicKey.length !== 32 || signature.length !== 64) return undefined
  try {
    return keyOf(publicKey)
  } catch {
    return undefined
  }
}

function holds(key: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return verifySignature(null, message, key, signature)
  } catch {
    return false
  }
}
