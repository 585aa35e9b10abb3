/*
 * What a Yjs document of native types consists of, as far as accounts use it. A reader of our own, as for logs: it bounds
 * what it reads before anything else sees it, and a server needs no Y.Doc, whose conflict resolution a hostile update can
 * make as slow as it likes.
 */

/** An element's place in the history of one Yjs client. */
export interface StructId {
  readonly client: number
  readonly clock: number
}

/** `length` clocks of one client, from `clock`. */
export type Struct = Collected | Item

/** What was in a container that is gone. */
export interface Collected {
  readonly kind: "gc"
  readonly clock: number
  readonly length: number
}

/** An element with content, and where it was put in. */
export interface Item {
  readonly kind: "item"
  readonly clock: number
  readonly length: number
  readonly origin: StructId | undefined
  readonly right: StructId | undefined
  /** A root's name or a nested type; undefined where an origin says it. */
  readonly parent: string | StructId | undefined
  readonly key: string | undefined
  /** Whether the item stands under a key, also where its origin says under which. */
  readonly keyed: boolean
  readonly content: Content
}

/** What an item holds. */
export type Content =
  | { readonly kind: "deleted" }
  | { readonly kind: "string"; readonly text: string }
  /** lib0's `any`, encoded: one for each clock. */
  | { readonly kind: "any"; readonly values: readonly Uint8Array[] }
  | { readonly kind: "binary"; readonly bytes: Uint8Array }
  | { readonly kind: "type"; readonly type: number }

/** Clocks from `from` up to, without, `to`. */
export interface Range {
  readonly from: number
  readonly to: number
}

/** A Yjs update of native types, read. */
export interface NativeUpdate {
  /** Of each client in order; they may leave gaps. */
  readonly structs: ReadonlyMap<number, readonly Struct[]>
  /** What is deleted, of each client: in order, none touching the next. */
  readonly deletes: ReadonlyMap<number, readonly Range[]>
}

/** How many clocks of each Yjs client are held. */
export type NativeVector = ReadonlyMap<number, number>

export function endOf(struct: { readonly clock: number; readonly length: number }): number {
  return struct.clock + struct.length
}

/** A struct without its first `offset` clocks, as Yjs splits it. */
export function tailOf(struct: Struct, client: number, offset: number): Struct {
  if (offset === 0) return struct
  const clock = struct.clock + offset
  const length = struct.length - offset
  if (struct.kind === "gc") return { kind: "gc", clock, length }
  const content = cutContent(struct.content, offset, struct.length)
  return { ...struct, clock, length, origin: { client, clock: clock - 1 }, parent: undefined, key: undefined, content }
}

/** A struct's first `length` clocks. */
export function headOf(struct: Struct, length: number): Struct {
  if (length === struct.length) return struct
  if (struct.kind === "gc") return { ...struct, length }
  return { ...struct, length, content: cutContent(struct.content, 0, length) }
}

function cutContent(content: Content, from: number, to: number): Content {
  switch (content.kind) {
    case "deleted":
      return content
    case "string":
      return { kind: "string", text: cutText(content.text, from, to) }
    case "any":
      return { kind: "any", values: content.values.slice(from, to) }
    case "binary":
    case "type":
      return content
  }
}

/** Halves of a surrogate pair become U+FFFD, as in Yjs: UTF-8 has no form for them. */
function cutText(text: string, from: number, to: number): string {
  let cut = text.slice(from, to)
  if (from > 0 && isHigh(text.charCodeAt(from - 1))) cut = `\ufffd${cut.slice(1)}`
  if (to < text.length && isHigh(text.charCodeAt(to - 1))) cut = `${cut.slice(0, -1)}\ufffd`
  return cut
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}

/** Sorted, and joined where they touch. */
export function joinRanges(ranges: Iterable<Range>): Range[] {
  const joined: Range[] = []
  for (const range of Array.from(ranges).sort((a, b) => a.from - b.from)) {
    const last = joined.at(-1)
    if (last === undefined || range.from > last.to) joined.push(range)
    else if (range.to > last.to) joined[joined.length - 1] = { from: last.from, to: range.to }
  }
  return joined
}

/** What `ranges` have beyond `others`; both joined. */
export function rangesBeyond(ranges: readonly Range[], others: readonly Range[]): Range[] {
  const beyond: Range[] = []
  let index = 0
  for (const { from, to } of ranges) {
    let at = from
    while (index < others.length && (others[index]?.to ?? 0) <= at) index++
    for (let look = index; at < to; look++) {
      const other = others[look]
      if (other === undefined || other.from >= to) {
        beyond.push({ from: at, to })
        break
      }
      if (other.from > at) beyond.push({ from: at, to: other.from })
      at = Math.max(at, other.to)
    }
  }
  return beyond
}
