import { utf8 } from "../protocol/bytes.js"
import { prefixRange, type KeyRange } from "../storage/storage.js"
import type { SearchText, SegmentName, SegmentTexts } from "./search.js"

/*
 * How the index is stored, for each segment (numbers with leading zeros, so that keys sort by them):
 *
 *   i/h/<conversation>/<n>  head: version, number of texts, first and last time, authors
 *   i/w/<conversation>/<n>  its words, each once, sorted, one a line
 *   i/t/<conversation>/<n>  its texts
 *
 * A head is written with the rest, in one batch. What can't be read counts as not indexed.
 */
export const headPrefix = "i/h/"
const suffix = ({ conversation, segment }: SegmentName): string =>
  `${conversation}/${String(segment).padStart(10, "0")}`
export const headKey = (segment: SegmentName): string => headPrefix + suffix(segment)
export const wordsKey = (segment: SegmentName): string => `i/w/${suffix(segment)}`
export const textsKey = (segment: SegmentName): string => `i/t/${suffix(segment)}`

/** All that is stored of a conversation's segments. */
export const indexRanges = (conversation: string): Pick<KeyRange, "from" | "to">[] =>
  ["h", "w", "t"].map((kind) => prefixRange(`i/${kind}/${conversation}/`))

/** Another way to write records, or to cut texts into words: what was written before is not read. */
const FORMAT = 3

export interface SegmentHead extends SegmentName {
  readonly version: string
  readonly count: number
  readonly first: number
  readonly last: number
  readonly authors: readonly string[]
  /** Bytes of the words' record; unknown of what was written before this was noted. */
  readonly wordBytes: number | undefined
}

export function headOf({ conversation, segment, version, texts }: SegmentTexts, wordBytes: number): SegmentHead {
  let first = Infinity
  let last = -Infinity
  const authors = new Set<string>()
  for (const { author, sentAt } of texts) {
    first = Math.min(first, sentAt)
    last = Math.max(last, sentAt)
    authors.add(author)
  }
  const none = texts.length === 0
  return {
    conversation,
    segment,
    version,
    count: texts.length,
    first: none ? 0 : first,
    last: none ? 0 : last,
    authors: Array.from(authors),
    wordBytes,
  }
}

export function encodeHead({ version, count, first, last, authors, wordBytes }: SegmentHead): Uint8Array {
  return utf8(JSON.stringify([FORMAT, version, count, first, last, authors, wordBytes]))
}

export function decodeHead(key: string, value: Uint8Array): SegmentHead | undefined {
  const parts = /^i\/h\/(.+)\/(\d{10})$/.exec(key)
  const head = parse(value) as [number, string, number, number, number, string[], number?] | undefined
  if (parts === null || head?.[0] !== FORMAT) return undefined
  const [, version, count, first, last, authors, wordBytes] = head
  return { conversation: parts[1] ?? "", segment: Number(parts[2]), version, count, first, last, authors, wordBytes }
}

export function encodeWords(words: Iterable<string>): Uint8Array {
  return utf8(Array.from(words).sort().join("\n"))
}

export function decodeWords(value: Uint8Array): string[] {
  return value.length === 0 ? [] : new TextDecoder().decode(value).split("\n")
}

/** Authors by number, times as differences: they repeat. */
export function encodeTexts(texts: readonly SearchText[]): Uint8Array {
  const authors = Array.from(new Set(texts.map(({ author }) => author)))
  const numbers = new Map(authors.map((author, number) => [author, number]))
  let before = 0
  const rows = texts.map(({ id, author, sentAt, text }) => {
    const row = [id, numbers.get(author), sentAt - before, text]
    before = sentAt
    return row
  })
  return utf8(JSON.stringify([authors, rows]))
}

export function decodeTexts(value: Uint8Array): SearchText[] {
  const [authors, rows] = (parse(value) ?? [[], []]) as [string[], [string, number, number, string][]]
  let at = 0
  return rows.map(([id, author, passed, text]) => {
    at += passed
    return { id, author: authors[author] ?? "", sentAt: at, text }
  })
}

/** Undefined where the bytes are damaged. */
function parse(value: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(value))
  } catch {
    return undefined
  }
}
