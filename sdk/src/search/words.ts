import { EMOJI } from "../protocol/emoji.js"

/** A word of a text: how the index knows it, and where it stands (UTF-16 code units). */
export interface Word {
  readonly term: string
  readonly start: number
  readonly length: number
}

/** Longer words are known by their beginning. */
const MAX_TERM = 64

const LETTERS = "[\\p{L}\\p{N}\\p{M}]+"
/**
 * An emoji is a word. An underscore is part of a word between letters, and so is an apostrophe; around it, it makes the word
 * italic, or quotes it.
 */
const WORD = new RegExp(`${EMOJI}|${LETTERS}(?:(?:_+|['\u2019\u02bc])${LETTERS})*`, "gu")
const APOSTROPHE = /['\u2019\u02bc]/
/** What stands around a word and is no part of what is asked. */
const AROUND = /^[\p{Ps}\p{Pi}"'*_~`]+|[\p{Pe}\p{Pf}"'*_~`.,;:!?]+$/gu
const SIGN = /[^\p{L}\p{M}\p{N}\s_.,;:!?'\u2019\u02bc"()\u2026-]/u
/**
 * Scripts that put no spaces between words. Their runs are known by pairs of letters: `Intl.Segmenter` would cut the same
 * letters apart differently in another sentence, and on another version of the platform, so that what was indexed is not found.
 */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\u30fc\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]+/gu
const unspaced = new RegExp(UNSPACED.source, "u")

/**
 * The words of a text, in their order; runs without spaces as overlapping pairs, and their last letter alone; of one with an
 * apostrophe the parts, too: who asks for "amour" finds "l'amour".
 */
export function readWords(text: string): Word[] {
  return wordsOf(text, true)
}

/** What a query asks for. */
export interface Asked {
  readonly words: readonly Word[]
  /** What signs make of a letter, folded: "c++" is more than a "c". */
  readonly literals: readonly string[]
}

/** The words that must answer, and what must stand in the text as it is. */
export function readQuery(text: string): Asked {
  const literals: string[] = []
  for (const piece of text.split(/\s+/)) {
    const bare = piece.replace(AROUND, "")
    const words = wordsOf(bare, false)
    const isShort = words.every(({ term }) => term.length === 1 && isWord(term))
    if (words.length > 0 && isShort && SIGN.test(bare)) literals.push(fold(bare))
  }
  return { words: wordsOf(text, false), literals }
}

function wordsOf(text: string, withParts: boolean): Word[] {
  const words: Word[] = []
  for (const { 0: run, index } of text.matchAll(WORD)) {
    if (withParts && APOSTROPHE.test(run)) {
      addWord(words, run, index)
      for (const { 0: part, index: from } of run.matchAll(new RegExp(LETTERS, "gu"))) addWord(words, part, index + from)
      continue
    }
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

/**
 * Upper and lower case, wide and narrow letters, letters with and without marks, and emoji of all colors of skin are the
 * same; apostrophes are left out, and a sharp s is two.
 */
export function fold(text: string): string {
  const plain = text.normalize("NFKD").replace(/\p{M}|['\u2019\u02bc]|\p{Emoji_Modifier}/gu, "")
  return plain.toLowerCase().replace(/\u00df/g, "ss")
}

function isWord(term: string): boolean {
  return /[\p{L}\p{N}]/u.test(term)
}

/** Whether a term is a pair, or a letter, of a script without spaces. */
export function isUnspaced(term: string): boolean {
  return unspaced.test(term)
}

/** Letters that may differ for a word to be found nevertheless. */
function tolerance(term: string): number {
  if (isUnspaced(term) || /\d/.test(term) || !isWord(term) || term.length < 5) return 0
  return term.length < 7 ? 1 : 2
}

/** Whether a word answers to a term of a query: begins with it, or is nearly the same. */
export function answers(word: string, term: string): boolean {
  if (!isWord(term)) return word === term
  if (word.startsWith(term)) return !isUnspaced(term) || word === term || Array.from(term).length === 1
  const most = tolerance(term)
  return most > 0 && Math.abs(word.length - term.length) <= most && distance(word, term, most) <= most
}

/** How well a word answers that does: for comparing. */
export function weightOf(word: string, term: string): number {
  if (word === term) return 1
  return word.startsWith(term) ? (0.375 * term.length) / (term.length + 0.3 * (word.length - term.length)) : 0.3
}

/** Edit distance, as far as it is at most `most`: two neighbors that changed places are one change. */
function distance(a: string, b: string, most: number): number {
  let before: number[] = []
  let leastBefore = Infinity
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    let least = i
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      let value = Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        value = Math.min(value, (before[j - 2] ?? 0) + 1)
      next.push(value)
      if (value < least) least = value
    }
    if (Math.min(least, leastBefore + 1) > most) return least
    leastBefore = least
    before = row
    row = next
  }
  return row[b.length] ?? 0
}
