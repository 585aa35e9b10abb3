import { createPrivateKey, createPublicKey, sign, verify as verifySignature, type KeyObject } from "node:crypto"
import { KeyGate, utf8 } from "@weft/sdk/protocol"
import { sha256 } from "@weft/sdk/protocol"
import type { DeviceKeyPair } from "../../sdk/src/storage/storage.js"
import type { Verifier } from "../../sync-server/src/auth/verifier.js"

const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex")
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex")
const BOUND = 200_000

const pairs = new Map<string, DeviceKeyPair>()
const keys = new Map<string, KeyObject>()
const verdicts = new Map<string, boolean>()
const gate = new KeyGate()

/** The Ed25519 key of this name, in whatever world; signed in this thread. */
export function keyNamed(name: string): DeviceKeyPair {
  let pair = pairs.get(name)
  if (pair === undefined) {
    const seed = sha256(utf8(`simulated key of ${name}`))
    const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: "der", type: "pkcs8" })
    const publicKey = new Uint8Array(createPublicKey(privateKey).export({ format: "der", type: "spki" }).subarray(-32))
    pair = { publicKey, sign: async (message) => new Uint8Array(sign(null, message, privateKey)) }
    pairs.set(name, pair)
  }
  return pair
}

/** Ed25519 in this thread. A proof that one replica has verified is not computed again for the others. */
export const verifier: Verifier = {
  verify(publicKey, message, signature) {
    const proof = Buffer.concat([publicKey, signature, message]).toString("latin1")
    const known = verdicts.get(proof)
    if (known !== undefined) return known
    const name = Buffer.from(publicKey).toString("latin1")
    let key = keys.get(name)
    if (key === undefined) {
      key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: "der", type: "spki" })
      if (keys.size > BOUND) keys.clear()
      keys.set(name, key)
    }
    const good = signature.length === 64 && verifySignature(null, message, key, signature)
    if (verdicts.size > BOUND) verdicts.clear()
    verdicts.set(proof, good)
    return good
  },
  refusesKey: (publicKey) => gate.refuses(publicKey),
}
