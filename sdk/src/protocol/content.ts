import * as decoding from "lib0/decoding"
import * as encoding from "lib0/encoding"
import { utf8Text } from "./bytes.js"
import { MAX_CONTENT_DEPTH, MAX_CONTENT_KEYS } from "./limits.js"
import { isWellFormed } from "./names.js"
import { readBytes, readUint } from "./uint.js"

/**
 * What a body holds: null, booleans, finite numbers, well-formed texts, bytes, lists and string-keyed objects. Objects
 * are Maps, so that no key of a stranger is ever a property. [SPEC E5]
 */
export type Content = null | boolean | number | string | Uint8Array | readonly Content[] | ContentMap
/** An object of content; its keys are unique, and sorted on the wire. */
export type ContentMap = ReadonlyMap<string, Content>

/*
 * The bytes are lib0's `any` encoding, read by a reader of our own: lib0's has no bound on depth, and builds plain
 * objects. Encoding is canonical (one value, one byte string); decoding refuses anything else.
 */
const NULL = 126
const INTEGER = 125
const FLOAT64 = 123
const FALSE = 121
const TRUE = 120
const TEXT = 119
const OBJECT = 118
const LIST = 117
const BYTES = 116

/** How deep content may be nested, and how many items one list or object may have. */
export interface ContentLimits {
  readonly depth: number
  readonly items: number
}

const bodyLimits: ContentLimits = { depth: MAX_CONTENT_DEPTH, items: MAX_CONTENT_KEYS }

/** Throws RangeError beyond the limits or for a value that is not content. */
export function writeContent(
  encoder: encoding.Encoder,
  value: Content,
  limits: ContentLimits = bodyLimits,
  depth = 0,
): void {
  if (depth > limits.depth) throw new RangeError("content is nested too deeply")
  if (value === null) encoding.writeUint8(encoder, NULL)
  else if (value === true) encoding.writeUint8(encoder, TRUE)
  else if (value === false) encoding.writeUint8(encoder, FALSE)
  else if (typeof value === "number") writeNumber(encoder, value)
  else if (typeof value === "string") {
    if (!isWellFormed(value)) throw new RangeError("a text holds half of a surrogate pair")
    encoding.writeUint8(encoder, TEXT)
    encoding.writeVarString(encoder, value)
  } else if (value instanceof Uint8Array) {
    encoding.writeUint8(encoder, BYTES)
    encoding.writeVarUint8Array(encoder, value)
  } else if (value instanceof Map) {
    const keys = Array.from((value as ContentMap).keys()).sort()
    writeCount(encoder, OBJECT, keys.length, limits)
    for (const key of keys) {
      if (!isWellFormed(key) || key === "__proto__") throw new RangeError("this key is not allowed")
      encoding.writeVarString(encoder, key)
      writeContent(encoder, (value as ContentMap).get(key) ?? null, limits, depth + 1)
    }
  } else {
    const items = value as readonly Content[]
    writeCount(encoder, LIST, items.length, limits)
    for (const item of items) writeContent(encoder, item, limits, depth + 1)
  }
}

function writeCount(encoder: encoding.Encoder, tag: number, count: number, limits: ContentLimits): void {
  if (count > limits.items) throw new RangeError("content has too many items")
  encoding.writeUint8(encoder, tag)
  encoding.writeVarUint(encoder, count)
}

/** What has the integers' spelling: -0 and what is beyond 2^53 have that of doubles. */
function isInteger(value: number): boolean {
  return Number.isSafeInteger(value) && !Object.is(value, -0)
}

function writeNumber(encoder: encoding.Encoder, value: number): void {
  if (!Number.isFinite(value)) throw new RangeError("a number must be finite")
  if (isInteger(value)) {
    encoding.writeUint8(encoder, INTEGER)
    encoding.writeVarInt(encoder, value)
  } else {
    encoding.writeUint8(encoder, FLOAT64)
    encoding.writeFloat64(encoder, value)
  }
}

/** Throws RangeError or lib0's end-of-input error on anything that `writeContent` does not write. */
export function readContent(decoder: decoding.Decoder, limits: ContentLimits = bodyLimits, depth = 0): Content {
  if (depth > limits.depth) throw new RangeError("content is nested too deeply")
  const tag = decoding.readUint8(decoder)
  switch (tag) {
    case NULL:
      return null
    case TRUE:
      return true
    case FALSE:
      return false
    case INTEGER:
      return readInteger(decoder)
    case FLOAT64: {
      const value = decoding.readFloat64(decoder)
      if (!Number.isFinite(value) || isInteger(value)) throw new RangeError("a number must be finite, and no integer")
      return value
    }
    case TEXT:
      return readText(decoder)
    case BYTES:
      return readBytes(decoder).slice()
    case OBJECT: {
      const count = readCount(decoder, limits)
      const map = new Map<string, Content>()
      let previous: string | undefined
      for (let index = 0; index < count; index++) {
        const key = readText(decoder)
        if (key === "__proto__" || (previous !== undefined && previous >= key)) {
          throw new RangeError("keys must be allowed ones, sorted and unique")
        }
        previous = key
        map.set(key, readContent(decoder, limits, depth + 1))
      }
      return map
    }
    case LIST: {
      const count = readCount(decoder, limits)
      const list: Content[] = []
      for (let index = 0; index < count; index++) list.push(readContent(decoder, limits, depth + 1))
      return list
    }
    default:
      throw new RangeError("unknown kind of content")
  }
}

/** lib0's varint: a sign and six bits in the first byte, then seven in each. One spelling for each number. */
function readInteger(decoder: decoding.Decoder): number {
  const first = decoder.arr[decoder.pos++]
  if (first === undefined) throw new RangeError("a number ends too early")
  const more = (first & 128) !== 0
  const rest = more ? readUint(decoder) : 0
  if (more && rest === 0) throw new RangeError("a number is spelled too long")
  const size = rest * 64 + (first & 63)
  const value = (first & 64) !== 0 ? -size : size
  if (!isInteger(value)) throw new RangeError("a number has one spelling")
  return value
}

function readCount(decoder: decoding.Decoder, limits: ContentLimits): number {
  const count = readUint(decoder)
  if (count > limits.items) throw new RangeError("content has too many items")
  return count
}

function readText(decoder: decoding.Decoder): string {
  const text = utf8Text(readBytes(decoder))
  if (text === undefined) throw new RangeError("a text is not UTF-8")
  return text
}
