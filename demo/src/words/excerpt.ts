/** A piece of a text that was found. */
export interface Piece {
  readonly text: string
  /** Whether it answers the query. */
  readonly isHit: boolean
  /** Where it begins in the whole text. */
  readonly start: number
}

/** Letters shown before the first hit and in all. */
const BEFORE = 40
const MOST = 200

/** What is around the first hit, in pieces; ranges are [start, length] in their order, apart. */
export function cutAround(text: string, ranges: readonly (readonly [number, number])[]): readonly Piece[] {
  const first = ranges[0]?.[0] ?? 0
  const from = first <= BEFORE ? 0 : wordStart(text, first - BEFORE)
  const to = letterStart(text, Math.min(text.length, from + MOST))
  const pieces: Piece[] = []
  const add = (start: number, end: number, isHit: boolean): void => {
    const piece = text.slice(start, Math.min(end, to)).replace(/\s+/g, " ")
    if (piece !== "") pieces.push({ text: piece, isHit, start })
  }
  let at = from
  for (const [start, length] of ranges) {
    if (start >= to) break
    add(at, start, false)
    add(start, start + length, true)
    at = start + length
  }
  add(at, to, false)
  if (from > 0) pieces.unshift({ text: "…", isHit: false, start: -1 })
  if (to < text.length) pieces.push({ text: "…", isHit: false, start: to })
  return pieces
}

/** The beginning of a word near a place. */
function wordStart(text: string, near: number): number {
  const space = text.slice(near, near + BEFORE / 2).search(/\s/)
  if (space >= 0) return near + space + 1
  return letterStart(text, near)
}

/** That place, or the next one that is not in the middle of a letter of two code units. */
function letterStart(text: string, near: number): number {
  return /[\uDC00-\uDFFF]/.test(text[near] ?? "") ? near + 1 : near
}
