/** Where the caret belongs after somebody else changed the text around it. */
export function moveCaret(before: string, after: string, caret: number): number {
  const most = Math.min(before.length, after.length)
  let start = 0
  while (start < most && before[start] === after[start]) start++
  let end = 0
  while (end < most - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end++
  if (caret <= start) return caret
  return caret >= before.length - end ? caret + after.length - before.length : Math.min(caret, after.length - end)
}
