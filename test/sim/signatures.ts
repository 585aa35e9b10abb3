import { hashes } from "@noble/ed25519"
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  hash,
  verify as verifySignature,
  type KeyObject,
} from "node:crypto"
import { equalBytes, KeyGate, sha256, utf8 } from "@weft/sdk/protocol"
import type { DeviceKeyPair } from "../../sdk/src/storage/storage.js"
import type { Verifier } from "../../sync-server/src/auth/verifier.js"

// Links have Ed25519 keys of their own: their hashes are made in this thread too, as nothing here waits for another.
hashes.sha512Async = async (message) => new Uint8Array(createHash("sha512").update(message).digest())

const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex")
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex")
const BOUND = 200_000

const pairs = new Map<string, DeviceKeyPair>()
/** What only the device with this public key knows. */
const secrets = new Map<string, Uint8Array>()
const keys = new Map<string, KeyObject>()
const verdicts = new Map<string, boolean>()
const gate = new KeyGate()

/**
 * The key pair of this name, in whatever world: a real Ed25519 key, but signatures are keyed hashes. Like real ones they
 * have 64 bytes, and only who has the pair makes them; they cost a fiftieth.
 */
export function keyNamed(name: string): DeviceKeyPair {
  let pair = pairs.get(name)
  if (pair === undefined) {
    const seed = sha256(utf8(`simulated key of ${name}`))
    const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: "der", type: "pkcs8" })
    const publicKey = new Uint8Array(createPublicKey(privateKey).export({ format: "der", type: "spki" }).subarray(-32))
    secrets.set(latin1(publicKey), seed)
    pair = { publicKey, sign: async (message) => keyedHash(seed, message) }
    pairs.set(name, pair)
  }
  return pair
}

function keyedHash(secret: Uint8Array, message: Uint8Array): Uint8Array {
  return new Uint8Array(hash("sha512", Buffer.concat([secret, message]), "buffer"))
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1")
}

function holds(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const name = latin1(publicKey)
  const secret = secrets.get(name)
  if (secret !== undefined) return equalBytes(keyedHash(secret, message), signature)
  const proof = name + latin1(signature) + latin1(message)
  const known = verdicts.get(proof)
  if (known !== undefined) return known
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
}

/** Devices' signatures by their keyed hash, servers' by Ed25519 in this thread: those once for all replicas. */
export const verifier: Verifier = {
  verify: holds,
  verifyOnce: holds,
  provesNothing: (publicKey) => gate.refuses(publicKey),
  refusesKey: (publicKey) => gate.refuses(publicKey),
}
