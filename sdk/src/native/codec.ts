import * as decoding from "lib0/decoding"
import * as encoding from "lib0/encoding"
import { encodeBytes } from "../protocol/encode.js"
import { utf8Text } from "../protocol/bytes.js"
import { MAX_CONTENT_DEPTH, MAX_NATIVE_CLOCK } from "../protocol/limits.js"
import { readBytes, readUint } from "../protocol/uint.js"
import {
  endOf,
  joinRanges,
  type Content,
  type Item,
  type NativeUpdate,
  type NativeVector,
  type Range,
  type Struct,
  type StructId,
} from "./structs.js"

const REF_GC = 0
const REF_DELETED = 1
const REF_BINARY = 3
const REF_STRING = 4
const REF_TYPE = 7
const REF_ANY = 8
const REF_SKIP = 10
const HAS_ORIGIN = 0x80
const HAS_RIGHT = 0x40
const HAS_KEY = 0x20
/** Maps and texts: what an account's document holds. */
const TYPE_MAP = 1
const TYPE_TEXT = 2

/** The update, or undefined where the bytes are not exactly one of format V1 with content that accounts hold. [SPEC U4] */
export function readNative(bytes: Uint8Array): NativeUpdate | undefined {
  try {
    const decoder = decoding.createDecoder(bytes)
    const structs = new Map<number, readonly Struct[]>()
    for (let clients = readUint(decoder); clients > 0; clients--) {
      const count = readUint(decoder)
      const client = readUint(decoder)
      if (structs.has(client)) return undefined
      structs.set(client, readStructs(decoder, count))
    }
    const deletes = readDeletes(decoder)
    if (decoding.hasContent(decoder)) return undefined
    return { structs, deletes: withCollected(structs, deletes) }
  } catch {
    return undefined
  }
}

function readStructs(decoder: decoding.Decoder, count: number): Struct[] {
  const structs: Struct[] = []
  let clock = readUint(decoder)
  for (let left = count; left > 0; left--) {
    const info = decoding.readUint8(decoder)
    const reference = info & 31
    if (reference === REF_SKIP || reference === REF_GC) {
      const length = readLength(decoder, clock)
      if (reference === REF_GC) structs.push({ kind: "gc", clock, length })
      clock += length
      continue
    }
    const item = readItem(decoder, info, clock)
    structs.push(item)
    clock = endOf(item)
  }
  return structs
}

/** A length is a few bytes that stand for any number of clocks: the end of what it covers is bounded. */
function readLength(decoder: decoding.Decoder, clock: number): number {
  const length = readUint(decoder)
  if (length === 0 || clock + length > MAX_NATIVE_CLOCK) throw new RangeError("a length is out of bounds")
  return length
}

function readItem(decoder: decoding.Decoder, info: number, clock: number): Item {
  const origin = (info & HAS_ORIGIN) === 0 ? undefined : readId(decoder)
  const right = (info & HAS_RIGHT) === 0 ? undefined : readId(decoder)
  const keyed = (info & HAS_KEY) !== 0
  let parent: string | StructId | undefined
  let key: string | undefined
  if (origin === undefined && right === undefined) {
    const named = readUint(decoder)
    if (named > 1) throw new RangeError("neither a name nor a place")
    parent = named === 1 ? readText(decoder) : readId(decoder)
    if (keyed) key = readText(decoder)
  }
  const place = { kind: "item", clock, origin, right, parent, key, keyed } as const
  if ((info & 31) === REF_DELETED) return { ...place, length: readLength(decoder, clock), content: { kind: "deleted" } }
  const content = readContent(decoder, info & 31)
  const length = lengthOf(content)
  if (length === 0 || clock + length > MAX_NATIVE_CLOCK) throw new RangeError("a length is out of bounds")
  return { ...place, length, content }
}

function lengthOf(content: Content): number {
  if (content.kind === "string") return content.text.length
  return content.kind === "any" ? content.values.length : 1
}

function readContent(decoder: decoding.Decoder, reference: number): Content {
  switch (reference) {
    case REF_BINARY:
      return { kind: "binary", bytes: readBytes(decoder) }
    case REF_STRING:
      return { kind: "string", text: readText(decoder) }
    case REF_TYPE: {
      const type = readUint(decoder)
      if (type !== TYPE_MAP && type !== TYPE_TEXT) throw new RangeError("a type that accounts don't hold")
      return { kind: "type", type }
    }
    case REF_ANY: {
      const values: Uint8Array[] = []
      for (let left = readUint(decoder); left > 0; left--) {
        const from = decoder.pos
        skipAny(decoder, 0)
        values.push(decoder.arr.subarray(from, decoder.pos))
      }
      return { kind: "any", values }
    }
    default:
      throw new RangeError("content that accounts don't hold")
  }
}

/** lib0's `any` nests without end, and its reader recurses: here it has a depth. */
function skipAny(decoder: decoding.Decoder, depth: number): void {
  if (depth > MAX_CONTENT_DEPTH) throw new RangeError("content is too deep")
  switch (decoding.readUint8(decoder)) {
    case 127:
    case 126:
    case 121:
    case 120:
      return
    case 125:
      while ((decoding.readUint8(decoder) & 128) !== 0);
      return
    case 124:
      skipBytes(decoder, 4)
      return
    case 123:
    case 122:
      skipBytes(decoder, 8)
      return
    case 119:
      readText(decoder)
      return
    case 118:
      for (let left = readUint(decoder); left > 0; left--) {
        readText(decoder)
        skipAny(decoder, depth + 1)
      }
      return
    case 117:
      for (let left = readUint(decoder); left > 0; left--) skipAny(decoder, depth + 1)
      return
    case 116:
      readBytes(decoder)
      return
    default:
      throw new RangeError("no such value")
  }
}

function skipBytes(decoder: decoding.Decoder, length: number): void {
  if (decoder.pos + length > decoder.arr.length) throw new RangeError("bytes end too early")
  decoder.pos += length
}

function readText(decoder: decoding.Decoder): string {
  const text = utf8Text(readBytes(decoder))
  if (text === undefined) throw new RangeError("not UTF-8")
  return text
}

function readId(decoder: decoding.Decoder): StructId {
  return { client: readUint(decoder), clock: readUint(decoder) }
}

function readDeletes(decoder: decoding.Decoder): Map<number, Range[]> {
  const deletes = new Map<number, Range[]>()
  for (let clients = readUint(decoder); clients > 0; clients--) {
    const client = readUint(decoder)
    const ranges: Range[] = []
    for (let count = readUint(decoder); count > 0; count--) {
      const from = readUint(decoder)
      ranges.push({ from, to: from + readLength(decoder, from) })
    }
    if (deletes.has(client)) throw new RangeError("a client stands twice")
    if (ranges.length > 0) deletes.set(client, joinRanges(ranges))
  }
  return deletes
}

/** What came without content is deleted, whether the update says so or not: Yjs counts it so. */
function withCollected(
  structs: ReadonlyMap<number, readonly Struct[]>,
  deletes: Map<number, Range[]>,
): Map<number, Range[]> {
  for (const [client, list] of structs) {
    const gone = list.flatMap((struct) =>
      struct.kind === "gc" || struct.content.kind === "deleted" ? [{ from: struct.clock, to: endOf(struct) }] : [],
    )
    if (gone.length > 0) deletes.set(client, joinRanges([...(deletes.get(client) ?? []), ...gone]))
  }
  return deletes
}

/** A Yjs update V1, clients in descending order: one update, one byte string. */
export function encodeNative({ structs, deletes }: NativeUpdate): Uint8Array {
  const clients = Array.from(structs)
    .filter(([, list]) => list.length > 0)
    .sort(([a], [b]) => b - a)
  return encodeBytes((encoder) => {
    encoding.writeVarUint(encoder, clients.length)
    for (const [client, list] of clients) {
      const { count, body } = encodeStructs(list)
      encoding.writeVarUint(encoder, count)
      encoding.writeVarUint(encoder, client)
      encoding.writeVarUint(encoder, list[0]?.clock ?? 0)
      encoding.writeUint8Array(encoder, body)
    }
    writeDeletes(encoder, deletes)
  })
}

/** Structs of a client, and what stands for those between them that are not there. */
function encodeStructs(list: readonly Struct[]): { readonly count: number; readonly body: Uint8Array } {
  let count = 0
  const body = encodeBytes((encoder) => {
    let at = list[0]?.clock ?? 0
    for (const struct of list) {
      if (struct.clock > at) {
        encoding.writeUint8(encoder, REF_SKIP)
        encoding.writeVarUint(encoder, struct.clock - at)
        count++
      }
      writeStruct(encoder, struct)
      count++
      at = endOf(struct)
    }
  })
  return { count, body }
}

/** One struct, in Yjs' encoding. */
export function writeStruct(encoder: encoding.Encoder, struct: Struct): void {
  if (struct.kind === "gc") {
    encoding.writeUint8(encoder, REF_GC)
    encoding.writeVarUint(encoder, struct.length)
    return
  }
  const { origin, right, parent, key, content } = struct
  const bits = (origin ? HAS_ORIGIN : 0) | (right ? HAS_RIGHT : 0) | (struct.keyed ? HAS_KEY : 0)
  encoding.writeUint8(encoder, referenceOf(content) | bits)
  if (origin) writeId(encoder, origin)
  if (right) writeId(encoder, right)
  if (origin === undefined && right === undefined) {
    encoding.writeVarUint(encoder, typeof parent === "string" ? 1 : 0)
    if (typeof parent === "string") encoding.writeVarString(encoder, parent)
    else if (parent !== undefined) writeId(encoder, parent)
    if (key !== undefined) encoding.writeVarString(encoder, key)
  }
  switch (content.kind) {
    case "deleted":
      encoding.writeVarUint(encoder, struct.length)
      break
    case "string":
      encoding.writeVarString(encoder, content.text)
      break
    case "any":
      encoding.writeVarUint(encoder, content.values.length)
      for (const value of content.values) encoding.writeUint8Array(encoder, value)
      break
    case "binary":
      encoding.writeVarUint8Array(encoder, content.bytes)
      break
    case "type":
      encoding.writeVarUint(encoder, content.type)
      break
  }
}

function referenceOf(content: Content): number {
  switch (content.kind) {
    case "deleted":
      return REF_DELETED
    case "string":
      return REF_STRING
    case "any":
      return REF_ANY
    case "binary":
      return REF_BINARY
    case "type":
      return REF_TYPE
  }
}

function writeId(encoder: encoding.Encoder, { client, clock }: StructId): void {
  encoding.writeVarUint(encoder, client)
  encoding.writeVarUint(encoder, clock)
}

/** A Yjs delete set. */
export function writeDeletes(encoder: encoding.Encoder, deletes: NativeUpdate["deletes"]): void {
  const clients = Array.from(deletes)
    .filter(([, ranges]) => ranges.length > 0)
    .sort(([a], [b]) => b - a)
  encoding.writeVarUint(encoder, clients.length)
  for (const [client, ranges] of clients) {
    encoding.writeVarUint(encoder, client)
    encoding.writeVarUint(encoder, ranges.length)
    for (const { from, to } of ranges) {
      encoding.writeVarUint(encoder, from)
      encoding.writeVarUint(encoder, to - from)
    }
  }
}

/** A Yjs state vector, or undefined where the bytes are none. */
export function readNativeVector(bytes: Uint8Array): NativeVector | undefined {
  try {
    const decoder = decoding.createDecoder(bytes)
    const vector = new Map<number, number>()
    for (let left = readUint(decoder); left > 0; left--) vector.set(readUint(decoder), readUint(decoder))
    return decoding.hasContent(decoder) ? undefined : vector
  } catch {
    return undefined
  }
}

/** As Yjs writes it: higher client ids first. */
export function encodeNativeVector(vector: NativeVector): Uint8Array {
  return encodeBytes((encoder) => {
    encoding.writeVarUint(encoder, vector.size)
    for (const [client, clock] of Array.from(vector).sort(([a], [b]) => b - a)) {
      encoding.writeVarUint(encoder, client)
      encoding.writeVarUint(encoder, clock)
    }
  })
}
