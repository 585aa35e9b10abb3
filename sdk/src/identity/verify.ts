import { Point } from "@noble/ed25519"
import { hex } from "../protocol/bytes.js"

/**
 * Ed25519 by the host. `false` for a signature that is not good, whatever is wrong with it; rejects only where the host
 * can't verify at all. Keys that `KeyGate` refuses must not come here: with them one signature fits many messages.
 */
export type Verify = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => Promise<boolean>

const KEY_BYTES = 32
const SIGNATURE_BYTES = 64

/**
 * Whether a key is none that we accept: not 32 bytes, not canonical, not on the curve, of small order, or with a
 * torsion component. Such keys verify differently from one implementation to the next. [SPEC K4]
 */
export function refusesKey(publicKey: Uint8Array): boolean {
  const point = pointOf(publicKey)
  return point === undefined || point.isSmallOrder() || !point.isTorsionFree()
}

/**
 * Whether a signature under this key proves nothing: anybody could make it. A tenth of the cost of `refusesKey`, and all that
 * matters where a signature is to show who somebody is, and others need not come to the same verdict. [SPEC K4]
 */
export function provesNothing(publicKey: Uint8Array): boolean {
  return pointOf(publicKey)?.isSmallOrder() ?? true
}

/** Undefined where the bytes are not the one encoding of a point on the curve. */
function pointOf(publicKey: Uint8Array): Point | undefined {
  if (publicKey.length !== KEY_BYTES) return undefined
  try {
    return Point.fromBytes(publicKey)
  } catch {
    return undefined
  }
}

/** `refusesKey` with a memory: the point maths take a millisecond, and the same devices come again and again. */
export class KeyGate {
  readonly #verdicts: BoundedMap<boolean>

  constructor(maxKeys = 10_000) {
    this.#verdicts = new BoundedMap(maxKeys)
  }

  /** Whether a key is refused; anything but 32 bytes is. [SPEC K4] */
  refuses(publicKey: Uint8Array): boolean {
    if (publicKey.length !== KEY_BYTES) return true
    const name = hex(publicKey)
    const known = this.#verdicts.get(name)
    if (known !== undefined) return known
    const verdict = refusesKey(publicKey)
    this.#verdicts.set(name, verdict)
    return verdict
  }
}

/** The port on WebCrypto; the host's imported keys are kept, at most `maxKeys` of them. */
export function webCryptoVerify(subtle: SubtleCrypto, maxKeys = 1_000): Verify {
  const imported = new BoundedMap<CryptoKey>(maxKeys)
  return async (publicKey, message, signature) => {
    if (publicKey.length !== KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false
    const name = hex(publicKey)
    let key = imported.get(name)
    if (key === undefined) {
      // Only a host without Ed25519, or a key that `KeyGate` refuses, fails here; the caller hears of the former.
      key = await subtle.importKey("raw", hostBytes(publicKey), "Ed25519", false, ["verify"])
      imported.set(name, key)
    }
    return subtle.verify("Ed25519", key, hostBytes(signature), hostBytes(message))
  }
}

/** Forgets the oldest entry beyond its bound. */
class BoundedMap<Value> {
  readonly #values = new Map<string, Value>()
  readonly #bound: number

  constructor(bound: number) {
    this.#bound = bound
  }

  get(name: string): Value | undefined {
    return this.#values.get(name)
  }

  set(name: string, value: Value): void {
    if (this.#values.size >= this.#bound) {
      for (const oldest of this.#values.keys()) {
        this.#values.delete(oldest)
        break
      }
    }
    this.#values.set(name, value)
  }
}

// The host takes no shared memory, and we never hold any.
function hostBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>
}
