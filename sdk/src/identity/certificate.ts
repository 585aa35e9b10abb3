import * as decoding from "lib0/decoding"
import { encodeBytes } from "../protocol/encode.js"
import { concat, equalBytes, utf8 } from "../protocol/bytes.js"
import { type Content, readContent, writeContent } from "../protocol/content.js"
import { type DeviceId, deviceIdOf, parseUserId, type UserId } from "../protocol/names.js"
import type { KeyGate, Verify } from "./verify.js"

/** A server's word that a device acts for a user. Judged without a wall clock: `issuedAt` is for people. [SPEC K1] */
export interface Certificate extends CertificateFields {
  /** Ed25519 by the issuer over `certificateMessage`; 64 bytes. */
  readonly signature: Uint8Array
}

/** What a certificate says. */
export interface CertificateFields {
  readonly user: UserId
  /** The device's Ed25519 public key; 32 bytes. */
  readonly publicKey: Uint8Array
  /** Milliseconds since 1970. */
  readonly issuedAt: number
  /** The server's Ed25519 public key; 32 bytes. */
  readonly issuer: Uint8Array
}

/** Longest encoding: a user of 128 bytes, two keys, a signature, a time and the names of the fields. */
export const MAX_CERTIFICATE_BYTES = 384

const KEY_BYTES = 32
const SIGNATURE_BYTES = 64
const domain = utf8("weft/1/certificate\0")

/** What the issuer signs: the domain, then the canonical map of the fields. [SPEC K2] */
export function certificateMessage(fields: CertificateFields): Uint8Array {
  return concat([domain, encodeMap(signedFields(fields))])
}

/** Signs a certificate with the issuer's key. */
export async function issueCertificate(
  fields: CertificateFields,
  sign: (message: Uint8Array) => Promise<Uint8Array> | Uint8Array,
): Promise<Certificate> {
  const { user, publicKey, issuedAt, issuer } = fields
  const signature = await sign(certificateMessage(fields))
  return { user, publicKey, issuedAt, issuer, signature }
}

/** At most 384 bytes. [SPEC K1] */
export function encodeCertificate(certificate: Certificate): Uint8Array {
  return encodeMap(signedFields(certificate).set("signature", certificate.signature))
}

/** The certificate, or undefined where the bytes are not exactly what `encodeCertificate` writes. */
export function decodeCertificate(bytes: Uint8Array): Certificate | undefined {
  if (bytes.length > MAX_CERTIFICATE_BYTES) return undefined
  let content: Content
  try {
    content = readContent(decoding.createDecoder(bytes), { depth: 1, items: 5 })
  } catch {
    return undefined
  }
  if (!(content instanceof Map)) return undefined
  const map = content as ReadonlyMap<string, Content>
  const user = parseUserId(map.get("user"))
  const publicKey = bytesOf(map.get("key"), KEY_BYTES)
  const issuedAt = map.get("at")
  const issuer = bytesOf(map.get("issuer"), KEY_BYTES)
  const signature = bytesOf(map.get("signature"), SIGNATURE_BYTES)
  if (user === undefined || publicKey === undefined || issuer === undefined || signature === undefined) return undefined
  if (typeof issuedAt !== "number" || !Number.isSafeInteger(issuedAt) || issuedAt < 0) return undefined
  const certificate = { user, publicKey, issuedAt, issuer, signature }
  // Exactly one byte string stands for a certificate: no other field, no longer number, nothing behind it.
  return equalBytes(encodeCertificate(certificate), bytes) ? certificate : undefined
}

/** Whether the certificate makes `device` act for its user, provided that its issuer is trusted. [SPEC K3] */
export async function certifies(
  certificate: Certificate,
  device: DeviceId,
  keys: Pick<KeyGate, "refuses">,
  verify: Verify,
): Promise<boolean> {
  if (deviceIdOf(certificate.publicKey) !== device) return false
  if (keys.refuses(certificate.publicKey) || keys.refuses(certificate.issuer)) return false
  return verify(certificate.issuer, certificateMessage(certificate), certificate.signature)
}

function signedFields(fields: CertificateFields): Map<string, Content> {
  return new Map<string, Content>([
    ["user", fields.user],
    ["key", fields.publicKey],
    ["at", fields.issuedAt],
    ["issuer", fields.issuer],
  ])
}

function encodeMap(map: ReadonlyMap<string, Content>): Uint8Array {
  return encodeBytes((encoder) => {
    writeContent(encoder, map)
  })
}

function bytesOf(value: Content | undefined, length: number): Uint8Array | undefined {
  return value instanceof Uint8Array && value.length === length ? value : undefined
}
