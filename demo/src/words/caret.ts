/** What became of a text: so many letters at `start` went, and so many came in their place. */
interface Change {
  readonly start: number
  readonly removed: number
  readonly added: number
}

/**
 * The least change that makes one text of another. Where letters repeat several would do: the caret, which stands behind
 * what was typed, says which one it was.
 */
export function changeBetween(before: string, after: string, caret?: number): Change {
  const tail = caret === undefined ? 0 : after.length - caret
  const isTyped = tail <= before.length && before.endsWith(after.slice(after.length - tail))
  const known = isTyped ? tail : 0
  const most = Math.min(before.length, after.length) - known
  let start = 0
  while (start < most && before[start] === after[start]) start++
  let end = known
  while (end < most + known - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end++
  return { start, removed: before.length - start - end, added: after.length - start - end }
}

/** Where the caret belongs after somebody else changed the text around it. */
export function moveCaret(before: string, after: string, caret: number): number {
  const { start, removed, added } = changeBetween(before, after)
  if (caret <= start) return caret
  return caret >= start + removed ? caret + added - removed : Math.min(caret, start + added)
}
