import type { MentionRange } from "./tree.js"

/** Quotes and lists within one another; deeper ones are text. */
export const MAX_DEPTH = 8
/**
 * Characters that may begin or end something, in lines without an empty one between them. The parser looks back from each
 * to those before it; beyond this number they are text, so that its work grows with the message and not with its square.
 */
const MAX_MARKERS = 1024

/** No host's name is that long, and to look for one takes the square of the length. */
const LONG_NAME = /[\w.+-]{256,}/g

const MARKERS = /[*_~`[\]()<>!&\\]/g
const FENCE = /^[\t >]{0,24}(?:`{3,}|~{3,})/
const CONTAINER = /[\t ]*(?:>|[-+*](?=[\t ]|$)|\d{1,9}[.)](?=[\t ]|$))/y

/**
 * The text that the parser sees: of the same length, with letters in the place of mentions and of what is to be shown as it
 * is. What is shown is always taken from the source.
 */
export function maskText(source: string, mentions: readonly MentionRange[]): string {
  const text = maskMentions(source.replace(/\r(?!\n)/g, "\n").replace(/\r/g, " "), mentions)
  const lines = text.replace(LONG_NAME, (name) => name.replace(/\./g, "x")).split("\n")
  let from = 0
  for (let index = 0; index <= lines.length; index++) {
    const line = lines[index]
    if (line !== undefined && line.trim() !== "") lines[index] = maskContainers(line)
    else {
      maskMarkers(lines, from, index)
      from = index + 1
    }
  }
  return lines.join("\n")
}

function maskMentions(text: string, mentions: readonly MentionRange[]): string {
  let masked = ""
  let at = 0
  for (const { start, length } of mentions) {
    masked += text.slice(at, start) + "x".repeat(length)
    at = start + length
  }
  return masked + text.slice(at)
}

/** Leaves the first containers that a line opens or goes on with. */
function maskContainers(line: string): string {
  CONTAINER.lastIndex = 0
  let kept = 0
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    if (!CONTAINER.test(line)) return line
    kept = CONTAINER.lastIndex
  }
  let masked = line.slice(0, kept)
  while (CONTAINER.test(line)) {
    masked += line.slice(kept, CONTAINER.lastIndex).replace(/\S/g, "x")
    kept = CONTAINER.lastIndex
  }
  return masked + line.slice(kept)
}

/** Fences stay: what stands between them is not looked at, however much of it there is. */
function maskMarkers(lines: string[], from: number, to: number): void {
  let markers = 0
  for (let index = from; index < to; index++) markers += lines[index]?.match(MARKERS)?.length ?? 0
  if (markers <= MAX_MARKERS) return
  for (let index = from; index < to; index++) {
    const line = lines[index] ?? ""
    const fence = FENCE.exec(line)?.[0].length ?? 0
    lines[index] = line.slice(0, fence) + line.slice(fence).replace(MARKERS, "x")
  }
}
