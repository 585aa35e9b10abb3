/** A word of a text: how the index knows it, and where it stands (UTF-16 code units). */
export interface Word {
  readonly term: string
  readonly start: number
  readonly length: number
}

/** Longer words are known by their beginning. */
const MAX_TERM = 64

/** An underscore is part of a word between letters; around it, it makes the word italic. */
const WORD = /[\p{L}\p{N}\p{M}]+(?:_+[\p{L}\p{N}\p{M}]+)*/gu
/**
 * Scripts that put no spaces between words. Their runs are known by pairs of letters: `Intl.Segmenter` would cut the same
 * letters apart differently in another sentence, and on another version of the platform, so that what was indexed is not found.
 */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\u30fc\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]+/gu
const unspaced = new RegExp(UNSPACED.source, "u")

/** The words of a text, in their order; runs without spaces as overlapping pairs, and their last letter alone. */
export function readWords(text: string): Word[] {
  const words: Word[] = []
  for (const { 0: run, index } of text.matchAll(WORD)) {
    let at = 0
    for (const { 0: letters, index: from } of run.matchAll(UNSPACED)) {
      addWord(words, run.slice(at, from), index + at)
      addPairs(words, letters, index + from)
      at = from + letters.length
    }
    addWord(words, run.slice(at), index + at)
  }
  return words
}

function addWord(words: Word[], text: string, start: number): void {
  const term = fold(text).slice(0, MAX_TERM)
  if (term !== "") words.push({ term, start, length: text.length })
}

function addPairs(words: Word[], run: string, start: number): void {
  const letters = Array.from(run)
  let at = start
  letters.forEach((letter, index) => {
    const pair = letter + (letters[index + 1] ?? "")
    words.push({ term: fold(pair), start: at, length: pair.length })
    at += letter.length
  })
}

/** Upper and lower case, wide and narrow letters, and letters with and without marks are the same. */
export function fold(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase()
}

/** Whether a term is a pair, or a letter, of a script without spaces. */
export function isUnspaced(term: string): boolean {
  return unspaced.test(term)
}

/** Letters that may differ for a word to be found nevertheless. */
export function tolerance(term: string): number {
  if (isUnspaced(term) || /\d/.test(term) || term.length < 5) return 0
  return term.length < 7 ? 1 : 2
}

/** Whether a word answers to a term of a query: begins with it, or is nearly the same. */
export function answers(word: string, term: string): boolean {
  if (word.startsWith(term)) return !isUnspaced(term) || word === term || Array.from(term).length === 1
  const most = tolerance(term)
  return most > 0 && Math.abs(word.length - term.length) <= most && distance(word, term, most) <= most
}

/** Edit distance, as far as it is at most `most`. */
function distance(a: string, b: string, most: number): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    let least = i
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const value = Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1)
      next.push(value)
      if (value < least) least = value
    }
    if (least > most) return least
    row = next
  }
  return row[b.length] ?? 0
}
