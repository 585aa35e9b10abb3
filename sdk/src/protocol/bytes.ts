import { sha256 as sha256Hash } from "@noble/hashes/sha2.js"

const encoder = new TextEncoder()
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** UTF-8 bytes of a text. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text)
}

/** Text of UTF-8 bytes, or undefined where they are not UTF-8. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return strictDecoder.decode(bytes)
  } catch {
    return undefined
  }
}

/** Before its first byte, and the one that hashes: what is hashed is mostly so short that a new one costs more than it does. */
const blank = sha256Hash.create()
const hasher = sha256Hash.create()

/** SHA-256 of the parts, one after another; 32 bytes. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  blank._cloneInto(hasher)
  for (const part of parts) hasher.update(part)
  const hash = new Uint8Array(32)
  hasher.digestInto(hash)
  return hash
}

/** A new array with the bytes of all parts, in order. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** Whether both hold the same bytes. Not in constant time: for what is no secret. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false
  return true
}

/** Negative, zero or positive as `a` sorts before, with or after `b`: byte by byte, a prefix first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length)
  for (let index = 0; index < shared; index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

/** Negative, zero or positive by UTF-16 code units: the one order of texts, free of locales. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
const NO_LETTER = 255
const values = new Uint8Array(128).fill(NO_LETTER)
Array.from(alphabet).forEach((letter, value) => {
  values[letter.charCodeAt(0)] = value
})

const letterCodes = Array.from(alphabet, (letter) => letter.charCodeAt(0))
/** Bytes of which one call makes a text: it takes a letter an argument. */
const BYTES_AT_ONCE = 3 * 1024

/** base64url (RFC 4648 section 5) without padding, of a multiple of three bytes. */
export function base64url(bytes: Uint8Array): string {
  if (bytes.length % 3 !== 0) throw new RangeError("base64url takes a multiple of three bytes")
  if (bytes.length <= BYTES_AT_ONCE) return lettersOf(bytes)
  let text = ""
  for (let at = 0; at < bytes.length; at += BYTES_AT_ONCE) text += lettersOf(bytes.subarray(at, at + BYTES_AT_ONCE))
  return text
}

/** In one go: an id that was put together letter by letter stays a tree of its parts in memory, of twenty times its size. */
function lettersOf(bytes: Uint8Array): string {
  const codes = new Array<number>((bytes.length / 3) * 4)
  for (let at = 0, to = 0; at < bytes.length; at += 3) {
    const bits = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0)
    for (let shift = 18; shift >= 0; shift -= 6) codes[to++] = letterCodes[(bits >> shift) & 63] ?? 0
  }
  return String.fromCharCode(...codes)
}

/** The bytes of such a text, or undefined where it is none; exactly one text stands for given bytes. */
export function fromBase64url(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0) return undefined
  const bytes = new Uint8Array((text.length / 4) * 3)
  for (let at = 0, to = 0; at < text.length; at += 4) {
    let bits = 0
    for (let offset = 0; offset < 4; offset++) {
      const value = values[text.charCodeAt(at + offset)] ?? NO_LETTER
      if (value === NO_LETTER) return undefined
      bits = (bits << 6) | value
    }
    bytes[to++] = bits >> 16
    bytes[to++] = (bits >> 8) & 255
    bytes[to++] = bits & 255
  }
  return bytes
}

const digitCodes = Array.from("0123456789abcdef", (digit) => digit.charCodeAt(0))

/** Two lower-case hex digits for each byte. */
export function hex(bytes: Uint8Array): string {
  if (bytes.length > BYTES_AT_ONCE) return hex(bytes.subarray(0, BYTES_AT_ONCE)) + hex(bytes.subarray(BYTES_AT_ONCE))
  const codes = new Array<number>(2 * bytes.length)
  let to = 0
  for (const byte of bytes) {
    codes[to++] = digitCodes[byte >> 4] ?? 0
    codes[to++] = digitCodes[byte & 15] ?? 0
  }
  return String.fromCharCode(...codes)
}
