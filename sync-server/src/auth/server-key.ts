import { createPrivateKey, createPublicKey, sign } from "node:crypto"
import { encodeCertificate, issueCertificate, type Env, type UserId } from "@weft/sdk/protocol"
import type { Store } from "../store/store.js"

const SETTING = "server-key"
/** DER of an Ed25519 private key in PKCS #8, up to its 32 random bytes. */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex")

/** The server's own Ed25519 key: it vouches for devices, and is its name among peers. */
export interface ServerKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  sign(message: Uint8Array): Uint8Array
  /** Says that the device with this key acts for the user. */
  certify(user: UserId, devicePublicKey: Uint8Array, now: number): Promise<Uint8Array>
}

/** The key of this data folder, drawn at its first start. */
export async function loadServerKey(store: Store, env: Env): Promise<ServerKey> {
  let pkcs8 = await store.getSetting(SETTING)
  if (pkcs8 === undefined) {
    pkcs8 = Buffer.concat([PKCS8_PREFIX, env.randomBytes(32)])
    await store.putSetting(SETTING, pkcs8)
  }
  const privateKey = createPrivateKey({ key: Buffer.from(pkcs8), format: "der", type: "pkcs8" })
  const spki = createPublicKey(privateKey).export({ format: "der", type: "spki" })
  const publicKey = new Uint8Array(spki.subarray(spki.length - 32))
  const signBytes = (message: Uint8Array): Uint8Array => new Uint8Array(sign(null, message, privateKey))
  return {
    publicKey,
    sign: signBytes,
    async certify(user, devicePublicKey, now) {
      const fields = { user, publicKey: devicePublicKey, issuedAt: Math.floor(now), issuer: publicKey }
      return encodeCertificate(await issueCertificate(fields, signBytes))
    },
  }
}
