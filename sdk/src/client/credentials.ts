import { decodeCertificate, encodeCertificate, type Certificate } from "../identity/certificate.js"
import { settingKey } from "../log/keys.js"
import { concat } from "../protocol/bytes.js"
import type { Storage, StorageOperation } from "../storage/storage.js"

/** What a server said of this device at its last welcome. */
export interface Credentials {
  readonly certificate: Certificate | undefined
  /** Keys of the servers whose certificates count. */
  readonly trust: readonly Uint8Array[]
}

const CERTIFICATE = settingKey("certificate")
const TRUST = settingKey("trust")
const KEY_BYTES = 32

/** Before a server said anything. */
export const noCredentials: Credentials = { certificate: undefined, trust: [] }

/** Those of the last welcome. Rejects with STORE_*. */
export async function readCredentials(storage: Storage): Promise<Credentials> {
  const [certificate, keys] = await Promise.all([storage.get(CERTIFICATE), storage.get(TRUST)])
  const trust: Uint8Array[] = []
  for (let at = 0; keys !== undefined && at + KEY_BYTES <= keys.length; at += KEY_BYTES) {
    trust.push(keys.slice(at, at + KEY_BYTES))
  }
  return { certificate: certificate === undefined ? undefined : decodeCertificate(certificate), trust }
}

/** A welcome without a certificate leaves the one of before. Rejects with STORE_*. */
export async function storeCredentials(storage: Storage, { certificate, trust }: Credentials): Promise<void> {
  const batch: StorageOperation[] = [{ kind: "put", key: TRUST, value: concat(trust) }]
  if (certificate !== undefined) batch.push({ kind: "put", key: CERTIFICATE, value: encodeCertificate(certificate) })
  await storage.write(batch, { durability: "relaxed" })
}
