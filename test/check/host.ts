/** What a simulated party runs on: seeded keys, time that the round sets, and chance that the seed decides. */
import { createPrivateKey, createPublicKey, sign, verify as verifySignature, type KeyObject } from "node:crypto"
import { base64url, concat, deviceIdOf, KeyGate, utf8, type DeviceId, type Env, type Signer } from "@weft/sdk/protocol"
import { sha256 } from "@weft/sdk/protocol"
import type { Random } from "../support/seed.js"

export interface SeededKey extends Signer {
  readonly id: DeviceId
}

const pkcs8 = Buffer.from("302e020100300506032b657004220420", "hex")
const spki = Buffer.from("302a300506032b6570032100", "hex")
const made = new Map<string, SeededKey>()

/** The Ed25519 key of this name; always the same one. */
export function keyNamed(name: string): SeededKey {
  let key = made.get(name)
  if (key === undefined) {
    const seed = sha256(utf8(`key of ${name}`))
    const privateKey = createPrivateKey({ key: Buffer.concat([pkcs8, seed]), format: "der", type: "pkcs8" })
    const publicKey = new Uint8Array(createPublicKey(privateKey).export({ format: "der", type: "spki" }).subarray(-32))
    const id = deviceIdOf(publicKey)
    key = { id, publicKey, sign: async (message) => new Uint8Array(sign(null, message, privateKey)) }
    made.set(name, key)
  }
  return key
}

const keyObjects = new Map<string, KeyObject>()
const verified = new Map<string, boolean>()
const gate = new KeyGate()

/** Ed25519 of Node; what was verified once in a round is not computed again for the other parties. */
export function verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const proof = Buffer.from(concat([publicKey, signature, message])).toString("latin1")
  const known = verified.get(proof)
  if (known !== undefined) return known
  const name = Buffer.from(publicKey).toString("latin1")
  let key = keyObjects.get(name)
  if (key === undefined) {
    key = createPublicKey({ key: Buffer.concat([spki, publicKey]), format: "der", type: "spki" })
    keyObjects.set(name, key)
  }
  const good = verifySignature(null, message, key, signature)
  verified.set(proof, good)
  return good
}

export function forgetProofs(): void {
  verified.clear()
}

export function refusesKey(publicKey: Uint8Array): boolean {
  return gate.refuses(publicKey)
}

/** The time that all parties of a round share, give or take their own skew; milliseconds since 1970. */
export interface WorldTime {
  now: number
}

/** Timers never fire: a round does all work by hand. */
export function seededEnv(time: WorldTime, skewMs: number, random: Random): Env {
  return {
    now: () => time.now + skewMs,
    setTimer: () => undefined,
    clearTimer: () => undefined,
    randomBytes: (length) => random.bytes(length),
  }
}

/** A name for what failed. */
export function shortHash(bytes: Uint8Array): string {
  return base64url(sha256(bytes).subarray(0, 9))
}
