import { WeftError } from "../base/errors.js"
import type { DeviceKeyPair } from "../storage/storage.js"

const NEEDS = "Weft needs Ed25519 in WebCrypto: Chrome or Edge 137, Firefox 129, Safari 17, Node 20, or later"

/** A new Ed25519 pair. Not extractable: its private half never leaves the platform's key store. */
export async function generateKeyPair(): Promise<CryptoKeyPair> {
  const subtle = requireSubtle()
  try {
    return await subtle.generateKey("Ed25519", false, ["sign", "verify"])
  } catch (cause) {
    throw new WeftError("CRYPTO_UNAVAILABLE", `this platform makes no Ed25519 keys; ${NEEDS}`, { cause })
  }
}

/** The platform's pair, as the rest of Weft sees one. */
export async function deviceKeyPair(pair: CryptoKeyPair): Promise<DeviceKeyPair> {
  const subtle = requireSubtle()
  const publicKey = new Uint8Array(await subtle.exportKey("raw", pair.publicKey))
  return {
    publicKey,
    async sign(message) {
      return new Uint8Array(await subtle.sign("Ed25519", pair.privateKey, new Uint8Array(message)))
    },
  }
}

function requireSubtle(): SubtleCrypto {
  const { crypto: found } = globalThis as { readonly crypto?: { readonly subtle?: SubtleCrypto } }
  if (found?.subtle !== undefined) return found.subtle
  // Browsers hide crypto.subtle from pages that came over plain http from anywhere but localhost.
  throw new WeftError("CRYPTO_UNAVAILABLE", `no WebCrypto here: is this page served over https? ${NEEDS}`)
}
