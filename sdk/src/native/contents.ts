import { encodeBytes } from "../protocol/encode.js"
import { arrange } from "./arrange.js"
import { encodeNative, readNative, writeStruct } from "./codec.js"
import type { FreshNative } from "./summary.js"
import {
  endOf,
  headOf,
  joinRanges,
  tailOf,
  type Item,
  type NativeUpdate,
  type NativeVector,
  type Range,
  type Struct,
  type StructId,
} from "./structs.js"

/** Puts a store's updates together, in their order; throws RangeError where one can't be read or leaves a gap. */
export function readNativeContents(updates: readonly Uint8Array[]): NativeUpdate {
  const structs = new Map<number, Struct[]>()
  const deletes = new Map<number, Range[]>()
  for (const bytes of updates) {
    const update = readNative(bytes)
    if (update === undefined) throw new RangeError("a stored update can't be read")
    for (const [client, list] of update.structs) {
      const whole = structs.get(client) ?? []
      structs.set(client, whole)
      for (const struct of list) {
        const last = whole.at(-1)
        const at = last === undefined ? 0 : endOf(last)
        if (struct.clock > at) throw new RangeError("a stored update leaves a gap")
        if (endOf(struct) > at) whole.push(tailOf(struct, client, at - struct.clock))
      }
    }
    for (const [client, ranges] of update.deletes) {
      const all = deletes.get(client) ?? []
      all.push(...ranges)
      deletes.set(client, all)
    }
  }
  return { structs, deletes: new Map(Array.from(deletes, ([client, ranges]) => [client, joinRanges(ranges)] as const)) }
}

/** What a replica with this vector lacks; all of it where the vector is not one that this document ever had. */
export function nativeBeyond({ structs, deletes }: NativeUpdate, vector: NativeVector): FreshNative {
  const arranged = arrange(structs, vector) ?? arrange(structs, new Map())
  return { order: arranged?.order ?? [], deletes }
}

/** Updates of about `maxBytes` at most, to be applied in this order; what is deleted comes last. */
export function splitNative({ order, deletes }: FreshNative, maxBytes: number): Uint8Array[] {
  const updates: Uint8Array[] = []
  let part = new Map<number, Struct[]>()
  let bytes = 0
  const flush = (last: NativeUpdate["deletes"]): void => {
    if (part.size > 0 || last.size > 0) updates.push(encodeNative({ structs: part, deletes: last }))
    part = new Map()
    bytes = 0
  }
  for (const { client, struct } of order) {
    const size = sizeOf(struct)
    if (bytes > 0 && bytes + size > maxBytes) flush(new Map())
    const list = part.get(client) ?? []
    part.set(client, list)
    list.push(struct)
    bytes += size
  }
  for (const ranges of splitDeletes(deletes, maxBytes - bytes, maxBytes)) flush(ranges)
  return updates
}

const STRUCT_MARGIN = 24
const RANGE_BYTES = 16

function sizeOf(struct: Struct): number {
  return STRUCT_MARGIN + encodeBytes((encoder) => writeStruct(encoder, struct)).length
}

function splitDeletes(deletes: NativeUpdate["deletes"], first: number, others: number): Map<number, Range[]>[] {
  const parts: Map<number, Range[]>[] = []
  let part = new Map<number, Range[]>()
  let room = first / RANGE_BYTES
  for (const [client, ranges] of deletes) {
    for (const range of ranges) {
      if (room < 2) {
        parts.push(part)
        part = new Map()
        room = others / RANGE_BYTES
      }
      const list = part.get(client)
      if (list === undefined) part.set(client, [range])
      else list.push(range)
      room -= list === undefined ? 2 : 1
    }
  }
  parts.push(part)
  return parts
}

/**
 * The same document without what was deleted: texts and values become their lengths, and what stood in a container that
 * is gone becomes one number. Says the same to every Y.Doc. [SPEC U6]
 */
export function compactNative(update: NativeUpdate): NativeUpdate {
  const dead = deadContainers(update)
  const structs = new Map<number, Struct[]>()
  for (const [client, list] of update.structs) {
    const ranges = update.deletes.get(client) ?? []
    const compact: Struct[] = []
    let index = 0
    for (const struct of list) {
      while ((ranges[index]?.to ?? Infinity) <= struct.clock) index++
      for (const piece of pieces(struct, client, ranges, index)) {
        const { deleted } = piece
        append(compact, client, deleted ? emptied(piece.struct, dead.has(struct)) : piece.struct)
      }
    }
    structs.set(client, compact)
  }
  return { structs, deletes: update.deletes }
}

/** A struct in its deleted and other parts. */
function* pieces(
  struct: Struct,
  client: number,
  ranges: readonly Range[],
  first: number,
): Iterable<{ struct: Struct; deleted: boolean }> {
  let rest = struct
  for (let index = first; ; index++) {
    const range = ranges[index]
    if (range === undefined || range.from >= endOf(rest)) {
      yield { struct: rest, deleted: false }
      return
    }
    if (range.from > rest.clock) {
      const length = range.from - rest.clock
      yield { struct: headOf(rest, length), deleted: false }
      rest = tailOf(rest, client, length)
    }
    if (range.to >= endOf(rest)) {
      yield { struct: rest, deleted: true }
      return
    }
    const length = range.to - rest.clock
    yield { struct: headOf(rest, length), deleted: true }
    rest = tailOf(rest, client, length)
  }
}

function emptied(struct: Struct, inDeadContainer: boolean): Struct {
  if (struct.kind === "gc" || inDeadContainer) return { kind: "gc", clock: struct.clock, length: struct.length }
  return { ...struct, content: { kind: "deleted" } }
}

/** Joins with the last one where Yjs would read both as one. */
function append(list: Struct[], client: number, struct: Struct): void {
  const last = list.at(-1)
  const joined = last === undefined || endOf(last) !== struct.clock ? undefined : join(last, struct, client)
  if (joined === undefined) list.push(struct)
  else list[list.length - 1] = joined
}

function join(a: Struct, b: Struct, client: number): Struct | undefined {
  const length = a.length + b.length
  if (a.kind === "gc" || b.kind === "gc") return a.kind === b.kind ? { ...a, length } : undefined
  if (b.origin?.client !== client || b.origin.clock !== b.clock - 1 || !sameId(a.right, b.right)) return undefined
  if (a.content.kind === "deleted" && b.content.kind === "deleted") return { ...a, length }
  if (a.content.kind !== "string" || b.content.kind !== "string") return undefined
  return { ...a, length, content: { kind: "string", text: a.content.text + b.content.text } }
}

function sameId(a: StructId | undefined, b: StructId | undefined): boolean {
  return a?.client === b?.client && a?.clock === b?.clock
}

/** Items whose container is deleted. What an item's own place does not say, that of its origin does. */
function deadContainers({ structs, deletes }: NativeUpdate): ReadonlySet<Struct> {
  const known = new Map<Struct, boolean>()
  const isDeleted = ({ client, clock }: StructId): boolean =>
    find(deletes.get(client) ?? [], (range) => (clock < range.from ? -1 : clock >= range.to ? 1 : 0)) !== undefined
  const at = ({ client, clock }: StructId): Struct | undefined =>
    find(structs.get(client) ?? [], (struct) => (clock < struct.clock ? -1 : clock >= endOf(struct) ? 1 : 0))
  for (const list of structs.values()) {
    for (const first of list) {
      const path: Struct[] = []
      let dead: boolean | undefined
      for (let struct: Struct | undefined = first; dead === undefined;) {
        // A circle, or what is not there: the check lets neither in.
        if (struct === undefined || path.length > MAX_PATH) dead = false
        else if ((dead = known.get(struct)) !== undefined) break
        else {
          path.push(struct)
          if (struct.kind === "gc") dead = true
          else if (struct.parent !== undefined)
            dead = typeof struct.parent === "string" ? false : isDeleted(struct.parent)
          else struct = at(neighborOf(struct))
        }
      }
      for (const struct of path) known.set(struct, dead)
    }
  }
  return new Set(Array.from(known).flatMap(([struct, dead]) => (dead ? [struct] : [])))
}

const MAX_PATH = 2 ** 20

function neighborOf({ origin, right }: Item): StructId {
  return origin ?? right ?? { client: -1, clock: 0 }
}

/** The one that `compare` finds: negative where it is looked for further down. */
function find<T>(sorted: readonly T[], compare: (item: T) => number): T | undefined {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    const item = sorted[middle]
    if (item === undefined) return undefined
    const order = compare(item)
    if (order === 0) return item
    if (order < 0) high = middle
    else low = middle + 1
  }
  return undefined
}
