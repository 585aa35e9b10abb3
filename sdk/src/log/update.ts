import * as decoding from "lib0/decoding"
import * as encoding from "lib0/encoding"
import { encodeBytes, writeBytes } from "../protocol/encode.js"
import { BODY_SALT_BYTES, KIND_SEAL } from "../protocol/entry.js"
import { MAX_CONTENT_DEPTH, MAX_UPDATE_LOGS, MAX_UPDATE_PARTS } from "../protocol/limits.js"
import type { LogId } from "../protocol/names.js"
import type { RefusalCode } from "../protocol/codes.js"
import { readBytes, readUint } from "../protocol/uint.js"

/** An element's bytes, or null for a hole: a body that was erased. */
export type Element = Uint8Array | null

/** Elements `from`, `from + 1`, ... of one log. */
export interface LogRun {
  readonly log: LogId
  readonly client: number
  readonly from: number
  readonly elements: readonly Element[]
}

/** What an update says of one client id, before any check. */
export interface ClientBlock {
  readonly client: number
  /** The root array's name; present where the block begins at 0. */
  readonly root: string | undefined
  readonly from: number
  /** Elements up to the first thing that no log holds. */
  readonly elements: readonly Element[]
  readonly refusal: RefusalCode | undefined
}

/*
 * Yjs update format V1, as much of it as logs use. Read by a reader of our own: it bounds what it reads before any
 * signature is checked, keeps bytes as views, and goes on behind content that no log holds.
 */
const REF_GC = 0
const REF_DELETED = 1
const REF_ANY = 8
const REF_SKIP = 10
const HAS_ORIGIN = 0x80
const HAS_RIGHT_ORIGIN = 0x40
const HAS_PARENT_SUB = 0x20
const ANY_BYTES = 116
/** A body with the least content; heads and seals are longer. Bounds what a stranger's bytes become in memory. */
const MIN_ELEMENT_BYTES = 2 + BODY_SALT_BYTES

/** What a reader takes of one update, before it looks at anything in it. */
export interface UpdateBounds {
  readonly blocks: number
  /** Items, values in them, and ranges of the delete set, together. */
  readonly parts: number
}

/** What is left of a bound. */
interface Room {
  parts: number
}

function spend(room: Room, parts: number): void {
  room.parts -= parts
  if (room.parts < 0) throw new RangeError("an update has too many parts")
}

/** For what a stranger sent: reading it takes one turn of the event loop. [SPEC C1] */
export const strangerBounds: UpdateBounds = { blocks: MAX_UPDATE_LOGS, parts: MAX_UPDATE_PARTS }
/** What a store holds passed the check when it came in, part by part. */
const storeBounds: UpdateBounds = { blocks: Infinity, parts: Infinity }

/** The blocks of an update, or undefined where it is not one whole V1 update. Elements are views of `update`. [SPEC C1] */
export function decodeUpdate(update: Uint8Array, bounds = storeBounds): ClientBlock[] | undefined {
  try {
    const decoder = decoding.createDecoder(update)
    const blocks: ClientBlock[] = []
    const seen = new Set<number>()
    const clients = readUint(decoder)
    if (clients > bounds.blocks) return undefined
    const room: Room = { parts: bounds.parts }
    for (let index = 0; index < clients; index++) {
      const block = readBlock(decoder, room)
      if (seen.has(block.client)) return undefined
      seen.add(block.client)
      blocks.push(block)
    }
    skipDeleteSet(decoder, room)
    return decoding.hasContent(decoder) ? undefined : blocks
  } catch {
    return undefined
  }
}

function readBlock(decoder: decoding.Decoder, room: Room): ClientBlock {
  const structs = readUint(decoder)
  spend(room, structs)
  const client = readUint(decoder)
  const from = readUint(decoder)
  const elements: Element[] = []
  let root: string | undefined
  let refusal: RefusalCode | undefined
  let ended = false
  for (let index = 0; index < structs; index++) {
    const info = decoding.readUint8(decoder)
    const reference = info & 31
    if (reference === REF_SKIP) {
      // The contiguous part ends here: what follows can only be fetched again. [SPEC C3]
      readUint(decoder)
      ended = true
      continue
    }
    if (reference === REF_GC) {
      readUint(decoder)
      refusal ??= ended ? undefined : "UNKNOWN_CONTENT"
      ended = true
      continue
    }
    const origin = readItemPlace(decoder, info)
    if (!ended) {
      const wrong = misplaced(origin, client, from + elements.length)
      if (wrong !== undefined) {
        refusal = wrong
        ended = true
      } else if (origin.root !== undefined) root = origin.root
    }
    if (ended) skipContent(decoder, reference, room)
    else {
      refusal = readElements(decoder, reference, elements, room)
      ended = refusal !== undefined
    }
  }
  return { client, root, from, elements, refusal }
}

interface ItemPlace {
  readonly originClient: number | undefined
  readonly originClock: number
  readonly foreign: boolean
  readonly root: string | undefined
}

function readItemPlace(decoder: decoding.Decoder, info: number): ItemPlace {
  let originClient: number | undefined
  let originClock = 0
  let root: string | undefined
  let foreign = (info & HAS_PARENT_SUB) !== 0
  if ((info & HAS_ORIGIN) !== 0) {
    originClient = readUint(decoder)
    originClock = readUint(decoder)
  }
  if ((info & HAS_RIGHT_ORIGIN) !== 0) {
    foreign = true
    readUint(decoder)
    readUint(decoder)
  }
  if ((info & (HAS_ORIGIN | HAS_RIGHT_ORIGIN)) === 0) {
    if (readUint(decoder) === 1) root = decoding.readVarString(decoder)
    else {
      foreign = true
      readUint(decoder)
      readUint(decoder)
    }
    if ((info & HAS_PARENT_SUB) !== 0) decoding.readVarString(decoder)
  }
  return { originClient, originClock, foreign, root }
}

/** An item's only place: at the root when it is the first, else right after the one before it. [SPEC C2] */
function misplaced(place: ItemPlace, client: number, clock: number): RefusalCode | undefined {
  if (place.foreign) return "FOREIGN_ORIGIN"
  if (clock === 0) return place.root === undefined ? "FOREIGN_ORIGIN" : undefined
  if (place.root !== undefined) return "FOREIGN_ORIGIN"
  return place.originClient === client && place.originClock === clock - 1 ? undefined : "FOREIGN_ORIGIN"
}

function readElements(
  decoder: decoding.Decoder,
  reference: number,
  into: Element[],
  room: Room,
): RefusalCode | undefined {
  if (reference === REF_DELETED) {
    // Only single bodies are erased, and heads stand between them: a longer run is no honest one. [SPEC C4]
    if (readUint(decoder) !== 1) return "BAD_GRAMMAR"
    into.push(null)
    return undefined
  }
  if (reference !== REF_ANY) {
    skipContent(decoder, reference, room)
    return "UNKNOWN_CONTENT"
  }
  const count = readUint(decoder)
  spend(room, count)
  let refusal: RefusalCode | undefined = count === 0 ? "BAD_GRAMMAR" : undefined
  for (let index = 0; index < count; index++) {
    if (refusal === undefined && decoder.arr[decoder.pos] === ANY_BYTES) {
      decoder.pos++
      const element = readBytes(decoder)
      if (element.length < MIN_ELEMENT_BYTES) refusal = "BAD_GRAMMAR"
      else into.push(element)
    } else {
      skipAny(decoder, room)
      refusal ??= "UNKNOWN_CONTENT"
    }
  }
  return refusal
}

function skipContent(decoder: decoding.Decoder, reference: number, room: Room): void {
  switch (reference) {
    case REF_DELETED:
      readUint(decoder)
      return
    case 2: {
      // JSON: a count of texts
      const count = readUint(decoder)
      spend(room, count)
      for (let index = 0; index < count; index++) skipBytes(decoder)
      return
    }
    case 3: // binary
    case 4: // string
    case 5: // embed
      skipBytes(decoder)
      return
    case 6: // format: key and value
      skipBytes(decoder)
      skipBytes(decoder)
      return
    case 7: {
      // a nested type; elements and hooks of XML have a name
      const type = readUint(decoder)
      if (type === 3 || type === 5) skipBytes(decoder)
      return
    }
    case REF_ANY: {
      const count = readUint(decoder)
      spend(room, count)
      for (let index = 0; index < count; index++) skipAny(decoder, room)
      return
    }
    case 9: // a nested document: its id and options
      skipBytes(decoder)
      skipAny(decoder, room)
      return
    default:
      throw new RangeError("unknown struct")
  }
}

function skipBytes(decoder: decoding.Decoder): void {
  // Its own statement: reading the length moves the position.
  const length = readUint(decoder)
  decoder.pos += length
}

function skipAny(decoder: decoding.Decoder, room: Room, depth = 0): void {
  if (depth > MAX_CONTENT_DEPTH) throw new RangeError("nested too deeply")
  const tag = decoding.readUint8(decoder)
  switch (tag) {
    case 127:
    case 126:
    case 121:
    case 120:
      return
    case 125:
      decoding.readVarInt(decoder)
      return
    case 124:
      decoding.readFloat32(decoder)
      return
    case 123:
      decoding.readFloat64(decoder)
      return
    case 122:
      decoding.readBigInt64(decoder)
      return
    case 119:
    case ANY_BYTES:
      skipBytes(decoder)
      return
    case 118: {
      const count = readUint(decoder)
      spend(room, count)
      for (let index = 0; index < count; index++) {
        skipBytes(decoder)
        skipAny(decoder, room, depth + 1)
      }
      return
    }
    case 117: {
      const count = readUint(decoder)
      spend(room, count)
      for (let index = 0; index < count; index++) skipAny(decoder, room, depth + 1)
      return
    }
    default:
      throw new RangeError("unknown kind of value")
  }
}

/** Wire delete sets are read past and ignored: holes come from accepted erasures alone. [SPEC C5] */
function skipDeleteSet(decoder: decoding.Decoder, room: Room): void {
  const clients = readUint(decoder)
  for (let index = 0; index < clients; index++) {
    readUint(decoder)
    const ranges = readUint(decoder)
    spend(room, 1 + ranges)
    for (let range = 0; range < ranges; range++) {
      readUint(decoder)
      readUint(decoder)
    }
  }
}

/**
 * The canonical encoding of runs: exactly the bytes that Yjs writes for them, with a delete set that names the holes, so
 * that a stock document erases them too. One run for each log at most. [SPEC C6]
 */
export function encodeUpdate(runs: readonly LogRun[]): Uint8Array {
  const sorted = runs.filter((run) => run.elements.length > 0).sort((a, b) => b.client - a.client)
  return encodeBytes((encoder) => {
    encoding.writeVarUint(encoder, sorted.length)
    for (const run of sorted) writeRun(encoder, run)
    const holed = sorted.filter((run) => run.elements.includes(null))
    encoding.writeVarUint(encoder, holed.length)
    for (const run of holed) writeHoles(encoder, run)
  })
}

function writeRun(encoder: encoding.Encoder, run: LogRun): void {
  const { elements } = run
  let structs = 0
  for (let at = 0; at < elements.length; at = structEnd(elements, at)) structs++
  encoding.writeVarUint(encoder, structs)
  encoding.writeVarUint(encoder, run.client)
  encoding.writeVarUint(encoder, run.from)
  for (let at = 0; at < elements.length;) {
    const end = structEnd(elements, at)
    const hole = elements[at] === null
    const clock = run.from + at
    encoding.writeUint8(encoder, (hole ? REF_DELETED : REF_ANY) | (clock === 0 ? 0 : HAS_ORIGIN))
    if (clock === 0) {
      encoding.writeVarUint(encoder, 1)
      encoding.writeVarString(encoder, run.log)
    } else {
      encoding.writeVarUint(encoder, run.client)
      encoding.writeVarUint(encoder, clock - 1)
    }
    encoding.writeVarUint(encoder, end - at)
    for (; at < end; at++) {
      const element = elements[at]
      if (!element) continue
      encoding.writeUint8(encoder, ANY_BYTES)
      encoding.writeVarUint(encoder, element.length)
      writeBytes(encoder, element)
    }
  }
}

/**
 * Several updates of one document as one that says the same, where each is well-formed and they continue one another;
 * else undefined.
 */
export function joinUpdates(updates: readonly Uint8Array[]): Uint8Array | undefined {
  const joined = new Map<number, { log: LogId; client: number; from: number; elements: Element[] }>()
  for (const update of updates) {
    const blocks = decodeUpdate(update)
    if (blocks === undefined) return undefined
    for (const { client, root, from, elements, refusal } of blocks) {
      if (refusal !== undefined) return undefined
      const before = joined.get(client)
      if (before === undefined)
        joined.set(client, { log: (root ?? "") as LogId, client, from, elements: elements.slice() })
      else if (from !== before.from + before.elements.length) return undefined
      else for (const element of elements) before.elements.push(element)
    }
  }
  return encodeUpdate(Array.from(joined.values()))
}

/** Where the struct that begins at `at` ends: holes and elements never share one. */
function structEnd(elements: readonly Element[], at: number): number {
  const hole = elements[at] === null
  let end = at + 1
  while (end < elements.length && (elements[end] === null) === hole) end++
  return end
}

function writeHoles(encoder: encoding.Encoder, run: LogRun): void {
  const holes: number[] = []
  run.elements.forEach((element, index) => {
    if (element === null) holes.push(run.from + index)
  })
  encoding.writeVarUint(encoder, run.client)
  encoding.writeVarUint(encoder, holes.length)
  for (const clock of holes) {
    encoding.writeVarUint(encoder, clock)
    encoding.writeVarUint(encoder, 1)
  }
}

/** Bytes of elements together; a hole has none. */
export function bytesOf(elements: readonly Element[]): number {
  let bytes = 0
  for (const element of elements) bytes += element?.length ?? 0
  return bytes
}

/** At most what a block takes beside its elements: its numbers, and the name of its root. */
const BLOCK_BYTES = 80
/** At most what an element takes beside its bytes. A hole splits its struct, and stands in the delete set too. */
const ELEMENT_BYTES = 4
const HOLE_BYTES = 40

/** Groups of runs whose updates have at most `limit` bytes, or one sealed run each; split after seals only. [SPEC S5] */
export function splitRuns(runs: readonly LogRun[], limit: number): LogRun[][] {
  const groups: LogRun[][] = [[]]
  let room = limit
  for (const run of runs) {
    let start = 0
    let end = 0
    let bytes = BLOCK_BYTES
    const take = (): void => {
      if (end > start) groups.at(-1)?.push({ ...run, from: run.from + start, elements: run.elements.slice(start, end) })
      start = end
    }
    run.elements.forEach((element, index) => {
      bytes += element === null ? HOLE_BYTES : element.length + ELEMENT_BYTES
      if (element === null || element[0] !== KIND_SEAL) return
      if (bytes > room && room < limit) {
        take()
        groups.push([])
        room = limit
        bytes += BLOCK_BYTES
      }
      end = index + 1
      room -= bytes
      bytes = 0
    })
    take()
  }
  return groups.filter((group) => group.length > 0)
}
