import type { Mention } from "./mention.js"

/** A text with the places in it that name somebody. */
export interface MarkedText {
  readonly text: string
  readonly mentions: readonly Mention[]
}

/*
 * What a merge gives is part of the protocol: two versions of this file that differed would show different texts. So it
 * is written here, over code units alone: no locale, no Unicode table of the host. [SPEC M5]
 */

/** Insertions and deletions up to which a difference is followed word by word; beyond, the middle counts as one change. */
const MAX_DIFFERENCES = 1000
/** Code units beyond which a merge keeps the later side alone: no message is longer. */
const MAX_MERGED = 64 * 1024
/** Steps that all merges of a message take together, some 20 ms. Only who edits in order to burden others needs more. */
const MAX_STEPS = 2 ** 21
/** Steps that a merge counts beside those of its texts, so that there are 64 at most. */
const MERGE_STEPS = 2 ** 15

/** What is left of the steps of a message's merges. It depends on the texts alone, so it ends at one point everywhere. */
export class MergeWork {
  private left = MAX_STEPS

  /** Whether so many merges may have steps enough. */
  allows(merges: number): boolean {
    return merges * MERGE_STEPS <= this.left
  }

  /** Another merge; false where no step is left for it. */
  begin(): boolean {
    return this.take(MERGE_STEPS)
  }

  take(steps: number): boolean {
    this.left -= steps
    return this.left >= 0
  }
}

/**
 * Three ways, by words. Where both changed the same words both stay, the earlier side's first. Undefined where that takes
 * more steps than are left.
 */
export function mergeTexts(
  base: string,
  earlier: MarkedText,
  later: MarkedText,
  work: MergeWork,
): MarkedText | undefined {
  const units = base.length + earlier.text.length + later.text.length
  if (!work.take(units + earlier.mentions.length * later.mentions.length)) return undefined
  if (earlier.text === later.text && earlier.mentions.length === 0) return later
  const o = words(base)
  const a = words(earlier.text)
  const b = words(later.text)
  const inA = matches(o, a, work)
  const inB = matches(o, b, work)
  if (inA === undefined || inB === undefined) return undefined
  const out = new Merged(a, b)
  let [io, ia, ib] = [0, 0, 0]
  while (io < o.length || ia < a.length || ib < b.length) {
    if (io < o.length && inA[io] === ia && inB[io] === ib) {
      out.both(ia++, ib++)
      io++
      continue
    }
    let [endO, endA, endB] = [o.length, a.length, b.length]
    for (let next = io; next < o.length; next++) {
      const [atA, atB] = [inA[next] ?? -1, inB[next] ?? -1]
      if (atA < ia || atB < ib) continue
      ;[endO, endA, endB] = [next, atA, atB]
      break
    }
    const size = endO - io
    // Where all that a side did is to put words before or behind what the other changed, that is no collision.
    const added = (x: readonly string[], from: number, to: number): "behind" | "before" | undefined => {
      if (size === 0 || to - from <= size) return undefined
      if (sameWords(x, from, from + size, o, io, endO)) return "behind"
      return sameWords(x, to - size, to, o, io, endO) ? "before" : undefined
    }
    const [addedA, addedB] = [added(a, ia, endA), added(b, ib, endB)]
    if (sameWords(a, ia, endA, o, io, endO)) out.laterOnly(ib, endB)
    else if (sameWords(b, ib, endB, o, io, endO)) out.earlierOnly(ia, endA)
    else if (sameWords(a, ia, endA, b, ib, endB)) out.collide(ia, endA, ib, endB)
    else if (addedB === "behind") {
      out.earlierOnly(ia, endA)
      out.laterOnly(ib + size, endB)
    } else if (addedB === "before") {
      out.laterOnly(ib, endB - size)
      out.earlierOnly(ia, endA)
    } else if (addedA === "behind") {
      out.laterOnly(ib, endB)
      out.earlierOnly(ia + size, endA)
    } else if (addedA === "before") {
      out.earlierOnly(ia, endA - size)
      out.laterOnly(ib, endB)
    } else out.collide(ia, endA, ib, endB)
    ;[io, ia, ib] = [endO, endA, endB]
  }
  const text = out.text()
  if (text.length > MAX_MERGED) return later
  return { text, mentions: joinMentions(out.place(earlier, "a"), out.place(later, "b")) }
}

/** The words of a text, the space between them and its marks; put together they are the text. CJK letters are words. */
function words(text: string): string[] {
  return (
    text.match(
      /[ \t\r]+|\n|[.,;:!?()"]|[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]|[^ \t\r\n.,;:!?()"\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]+/g,
    ) ?? []
  )
}

function sameWords(
  a: readonly string[],
  fromA: number,
  toA: number,
  b: readonly string[],
  fromB: number,
  toB: number,
): boolean {
  if (toA - fromA !== toB - fromB) return false
  for (let index = 0; index < toA - fromA; index++) if (a[fromA + index] !== b[fromB + index]) return false
  return true
}

/**
 * For each word of `o` where it stands in `x`, or -1: a longest common part, by Myers. A step is a diagonal that is looked
 * at, or a word passed on one. Undefined where they run out.
 */
function matches(o: readonly string[], x: readonly string[], work: MergeWork): Int32Array | undefined {
  const found = new Int32Array(o.length).fill(-1)
  let start = 0
  while (start < o.length && start < x.length && o[start] === x[start]) {
    found[start] = start
    start++
  }
  let [endO, endX] = [o.length, x.length]
  while (endO > start && endX > start && o[endO - 1] === x[endX - 1]) found[--endO] = --endX
  const [n, m] = [endO - start, endX - start]
  const limit = Math.min(n + m, MAX_DIFFERENCES)
  const reached = new Int32Array(2 * limit + 3)
  const trace: Int32Array[] = []
  for (let d = 0; d <= limit; d++) {
    trace.push(reached.slice(limit - d, limit + d + 3))
    for (let k = -d; k <= d; k += 2) {
      const [below, above] = [reached[limit + k] ?? 0, reached[limit + k + 2] ?? 0]
      const from = k === -d || (k !== d && below < above) ? above : below + 1
      let at = from
      while (at < n && at - k < m && o[start + at] === x[start + at - k]) at++
      if (!work.take(1 + at - from)) return undefined
      reached[limit + k + 1] = at
      if (at >= n && at - k >= m) {
        walkBack(found, trace, start, n, m)
        return found
      }
    }
  }
  return found
}

function walkBack(found: Int32Array, trace: readonly Int32Array[], start: number, n: number, m: number): void {
  let [atO, atX] = [n, m]
  for (let d = trace.length - 1; d >= 0; d--) {
    // `trace[d]` begins at diagonal -d - 1.
    const reached = trace[d]
    const read = (k: number): number => reached?.[k + d + 1] ?? 0
    const k = atO - atX
    const before = k === -d || (k !== d && read(k - 1) < read(k + 1)) ? k + 1 : k - 1
    const fromO = d === 0 ? 0 : read(before)
    const fromX = d === 0 ? 0 : fromO - before
    while (atO > fromO && atX > fromX) found[start + --atO] = start + --atX
    ;[atO, atX] = [fromO, fromX]
  }
}

/** Words as they come out, and where each side's stand among them. */
class Merged {
  private parts: string[] = []
  private length = 0
  private readonly placesA: Int32Array
  private readonly placesB: Int32Array

  constructor(
    private readonly a: readonly string[],
    private readonly b: readonly string[],
  ) {
    this.placesA = new Int32Array(a.length).fill(-1)
    this.placesB = new Int32Array(b.length).fill(-1)
  }

  both(ia: number, ib: number): void {
    this.placesA[ia] = this.placesB[ib] = this.length
    this.push(this.a[ia] ?? "")
  }

  earlierOnly(from: number, to: number): void {
    for (let index = from; index < to; index++) {
      this.placesA[index] = this.length
      this.push(this.a[index] ?? "")
    }
  }

  laterOnly(from: number, to: number): void {
    for (let index = from; index < to; index++) {
      this.placesB[index] = this.length
      this.push(this.b[index] ?? "")
    }
  }

  /** Both sides' words; what begins or ends both the same stands once. */
  collide(fromA: number, toA: number, fromB: number, toB: number): void {
    while (fromA < toA && fromB < toB && this.a[fromA] === this.b[fromB]) this.both(fromA++, fromB++)
    let ends = 0
    while (toA - ends > fromA && toB - ends > fromB && this.a[toA - ends - 1] === this.b[toB - ends - 1]) ends++
    this.earlierOnly(fromA, toA - ends)
    const [left, right] = [this.a[toA - ends - 1], this.b[fromB]]
    const between = toA - ends > fromA && toB - ends > fromB
    if (between && !isSpace(left) && !isSpace(right)) this.push(" ")
    this.laterOnly(fromB, toB - ends)
    for (let index = ends; index > 0; index--) this.both(toA - index, toB - index)
  }

  text(): string {
    return this.parts.join("")
  }

  /** The mentions of a side whose words all stand together in what came out. */
  place({ text, mentions }: MarkedText, side: "a" | "b"): Mention[] {
    if (mentions.length === 0) return []
    const places = side === "a" ? this.placesA : this.placesB
    const sideWords = side === "a" ? this.a : this.b
    // Where each code unit of the side went.
    const went = new Int32Array(text.length).fill(-1)
    let at = 0
    sideWords.forEach((word, index) => {
      const place = places[index] ?? -1
      for (let offset = 0; offset < word.length; offset++, at++) if (place >= 0) went[at] = place + offset
    })
    return mentions.flatMap((mention) => {
      const start = went[mention.start] ?? -1
      for (let offset = 0; offset < mention.length; offset++) {
        if (start < 0 || went[mention.start + offset] !== start + offset) return []
      }
      return [{ ...mention, start }]
    })
  }

  private push(word: string): void {
    this.parts.push(word)
    this.length += word.length
  }
}

function isSpace(word: string | undefined): boolean {
  return word === undefined || /^[ \t\r\n]/.test(word)
}

/** Ascending; of two that overlap the first side's stays. */
function joinMentions(first: readonly Mention[], second: readonly Mention[]): readonly Mention[] {
  const free = second.filter((mention) => first.every((other) => !overlap(mention, other)))
  return [...first, ...free].sort((x, y) => x.start - y.start)
}

function overlap(a: Mention, b: Mention): boolean {
  return a.start < b.start + b.length && b.start < a.start + a.length
}
