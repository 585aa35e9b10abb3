import { beforeAll, describe, expect, test } from "vitest"
import { deviceIdOf, type UserId } from "../protocol/names.js"
import { hex, utf8 } from "../protocol/bytes.js"
import {
  type Certificate,
  certificateMessage,
  certifies,
  decodeCertificate,
  encodeCertificate,
  issueCertificate,
  MAX_CERTIFICATE_BYTES,
} from "./certificate.js"
import { KeyGate, webCryptoVerify } from "./verify.js"

const subtle = crypto.subtle
const verify = webCryptoVerify(subtle)
const keys = new KeyGate()

async function newKeys() {
  const pair = await subtle.generateKey("Ed25519", false, ["sign", "verify"])
  const publicKey = new Uint8Array(await subtle.exportKey("raw", pair.publicKey))
  const sign = async (message: Uint8Array) =>
    new Uint8Array(await subtle.sign("Ed25519", pair.privateKey, message.slice()))
  return { publicKey, sign }
}

let server: Awaited<ReturnType<typeof newKeys>>
let device: Awaited<ReturnType<typeof newKeys>>
let certificate: Certificate
beforeAll(async () => {
  server = await newKeys()
  device = await newKeys()
  const fields = { user: "bob" as UserId, publicKey: device.publicKey, issuedAt: 1_700_000_000_000 }
  certificate = await issueCertificate({ ...fields, issuer: server.publicKey }, server.sign)
})

describe("certificates", () => {
  test("[K1] what is written is read", () => {
    expect(decodeCertificate(encodeCertificate(certificate))).toEqual(certificate)
    const longest = { ...certificate, user: "u".repeat(128) as UserId, issuedAt: Number.MAX_SAFE_INTEGER }
    expect(encodeCertificate(longest).length).toBeLessThanOrEqual(MAX_CERTIFICATE_BYTES)
    expect(decodeCertificate(encodeCertificate(longest))).toEqual(longest)
  })

  test("[K2] the signed bytes are fixed", () => {
    const fields = { user: "bob" as UserId, publicKey: new Uint8Array(32).fill(1), issuedAt: 300 }
    const message = certificateMessage({ ...fields, issuer: new Uint8Array(32).fill(2) })
    const [one, two] = ["01".repeat(32), "02".repeat(32)]
    const map = `7604026174${"7dac04"}06697373756572${"7420"}${two}036b6579${"7420"}${one}0475736572${"7703626f62"}`
    expect(hex(message)).toBe(hex(utf8("weft/1/certificate\0")) + map)
  })

  test("[K1] changed bytes are undefined, or the one encoding of another certificate that certifies nothing", async () => {
    const bytes = encodeCertificate(certificate)
    for (let at = 0; at < bytes.length; at++) {
      expect(decodeCertificate(bytes.slice(0, at))).toBeUndefined()
      const changed = bytes.slice()
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8))
      const read = decodeCertificate(changed)
      if (read === undefined) continue
      expect(encodeCertificate(read)).toEqual(changed)
      expect(await certifies(read, deviceIdOf(device.publicKey), keys, verify)).toBe(false)
    }
    expect(decodeCertificate(Uint8Array.of(...bytes, 0))).toBeUndefined()
    expect(decodeCertificate(new Uint8Array(MAX_CERTIFICATE_BYTES + 1))).toBeUndefined()
    expect(decodeCertificate(Uint8Array.of(126))).toBeUndefined()
  })

  test("[K3] a certificate is for its own device, by an acceptable issuer that signed it", async () => {
    const id = deviceIdOf(device.publicKey)
    const small = new Uint8Array(32)
    expect(await certifies(certificate, id, keys, verify)).toBe(true)
    expect(await certifies(certificate, deviceIdOf(server.publicKey), keys, verify)).toBe(false)
    expect(await certifies({ ...certificate, user: "eve" as UserId }, id, keys, verify)).toBe(false)
    expect(await certifies({ ...certificate, issuer: device.publicKey }, id, keys, verify)).toBe(false)
    expect(await certifies({ ...certificate, issuer: small }, id, keys, () => Promise.resolve(true))).toBe(false)
    const ofSmall = { ...certificate, publicKey: small }
    expect(await certifies(ofSmall, deviceIdOf(small), keys, () => Promise.resolve(true))).toBe(false)
  })
})
