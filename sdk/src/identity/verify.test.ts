import { Point } from "@noble/ed25519"
import { beforeAll, describe, expect, test } from "vitest"
import { utf8 } from "../protocol/bytes.js"
import { KeyGate, provesNothing, refusesKey, webCryptoVerify } from "./verify.js"

const fromHex = (text: string) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16))
const subtle = crypto.subtle

async function newKeys() {
  const pair = await subtle.generateKey("Ed25519", false, ["sign", "verify"])
  return { pair, publicKey: new Uint8Array(await subtle.exportKey("raw", pair.publicKey)) }
}

let keys: Awaited<ReturnType<typeof newKeys>>
beforeAll(async () => {
  keys = await newKeys()
})

/** A point of order 8. */
const ORDER_8 = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"

describe("keys", () => {
  test("[K4] an honest key passes", () => {
    expect(refusesKey(keys.publicKey)).toBe(false)
    expect(provesNothing(keys.publicKey)).toBe(false)
    // RFC 8032, section 7.1, test 1.
    expect(refusesKey(fromHex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"))).toBe(false)
  })

  // The eight points of small order, and their other encodings: https://eprint.iacr.org/2020/1244, table 1.
  test.each([
    ["order 1", "0100000000000000000000000000000000000000000000000000000000000000"],
    ["order 1, sign set", "0100000000000000000000000000000000000000000000000000000000000080"],
    ["order 1, y = p + 1", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"],
    ["order 1, y = p + 1, sign set", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"],
    ["order 2", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"],
    ["order 2, sign set", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"],
    ["order 4", "0000000000000000000000000000000000000000000000000000000000000000"],
    ["order 4, negative", "0000000000000000000000000000000000000000000000000000000000000080"],
    ["order 4, y = p", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"],
    ["order 4, y = p, negative", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"],
    ["order 8", ORDER_8],
    ["order 8, negative", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"],
    ["order 8, other", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"],
    ["order 8, other, negative", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"],
  ])("[K4] a key of %s is refused", (_, text) => {
    expect(refusesKey(fromHex(text))).toBe(true)
    expect(provesNothing(fromHex(text))).toBe(true)
  })

  test("[K4] an honest key plus a point of order 8 is refused", () => {
    const torsioned = Point.fromBytes(keys.publicKey).add(Point.fromBytes(fromHex(ORDER_8)))
    expect(torsioned.isSmallOrder()).toBe(false)
    expect(refusesKey(torsioned.toBytes())).toBe(true)
    // Who has the honest key signs under this one, too, and nobody else does.
    expect(provesNothing(torsioned.toBytes())).toBe(false)
  })

  test("[K4] a key that is not canonical, not on the curve or not of 32 bytes is refused", () => {
    const notCanonical = new Uint8Array(32).fill(255)
    const offCurve = new Uint8Array(32)
    offCurve[0] = 2
    for (const key of [notCanonical, offCurve, keys.publicKey.slice(1), new Uint8Array(33), new Uint8Array(0)]) {
      expect(refusesKey(key)).toBe(true)
      expect(provesNothing(key)).toBe(true)
    }
  })

  test("[K4] a gate answers as the rule does, within its bound", () => {
    const gate = new KeyGate(2)
    for (let round = 0; round < 3; round++) {
      expect(gate.refuses(keys.publicKey)).toBe(false)
      for (const first of [0, 1, 2]) expect(gate.refuses(new Uint8Array(32).fill(first, 0, 1))).toBe(true)
      expect(gate.refuses(new Uint8Array(31))).toBe(true)
    }
  })
})

describe("signatures by WebCrypto", () => {
  test("[K4] good ones pass; other messages, keys, signatures and lengths don't", async () => {
    const verify = webCryptoVerify(subtle, 1)
    const message = utf8("hello")
    const signature = new Uint8Array(await subtle.sign("Ed25519", keys.pair.privateKey, message.slice()))
    const other = await newKeys()
    const changed = signature.slice()
    changed[0] = (changed[0] ?? 0) ^ 1
    expect(await verify(keys.publicKey, message, signature)).toBe(true)
    expect(await verify(other.publicKey, message, signature)).toBe(false)
    expect(await verify(keys.publicKey, utf8("hellO"), signature)).toBe(false)
    expect(await verify(keys.publicKey, message, changed)).toBe(false)
    expect(await verify(keys.publicKey, message, signature.slice(1))).toBe(false)
    expect(await verify(keys.publicKey.slice(1), message, signature)).toBe(false)
    expect(await verify(keys.publicKey, message, signature)).toBe(true)
  })

  test("[K4] why keys of small order are refused: with them the host takes one signature for many messages", async () => {
    const verify = webCryptoVerify(subtle)
    const identity = fromHex("0100000000000000000000000000000000000000000000000000000000000000")
    const signature = Uint8Array.of(...identity, ...new Uint8Array(32))
    const accepted = await Promise.all(["one", "two"].map((text) => verify(identity, utf8(text), signature)))
    // Some hosts refuse it themselves; what matters is that ours never asks them.
    if (accepted.includes(true)) expect(accepted).toEqual([true, true])
    expect(new KeyGate().refuses(identity)).toBe(true)
  })
})
