import MiniSearch from "minisearch"
import type { SearchHit, SearchQuery, SearchText, SegmentTexts } from "./search.js"
import type { Turns } from "../base/turns.js"
import { answers, fold, isUnspaced, readQuery, readWords, weightOf, type Word } from "./words.js"

/** The index of one segment's texts, in memory. */
export class SegmentIndex {
  private readonly texts = new Map<string, SearchText>()
  private readonly words = new Set<string>()
  private readonly mini = new MiniSearch<SearchText>({
    fields: ["text"],
    tokenize: (text) => {
      const terms = readWords(text).map(({ term }) => term)
      for (const term of terms) this.words.add(term)
      return terms
    },
    processTerm: (term) => term,
    searchOptions: { tokenize: (term) => [term] },
  })

  private constructor(readonly segment: SegmentTexts) {}

  static async build(segment: SegmentTexts, turns: Turns): Promise<SegmentIndex> {
    const index = new SegmentIndex(segment)
    for (const text of segment.texts) {
      index.texts.set(text.id, text)
      index.mini.add(text)
      await turns.next()
    }
    return index
  }

  search(query: SearchQuery): SearchHit[] {
    const { conversation, segment } = this.segment
    const { words, literals } = readQuery(query.text)
    // pairs say nothing of their order, and words nothing of signs
    const runs = [...unspacedRuns(words), ...literals]
    // which words answer is one rule, here and where segments are chosen
    const asked = Array.from(new Set(words.map(({ term }) => term)), (term) => ({
      combineWith: "OR" as const,
      boostTerm: (word: string) => weightOf(word, term),
      queries: Array.from(this.words).filter((word) => answers(word, term)),
    }))
    const hits: SearchHit[] = []
    for (const { id, score, match } of this.mini.search({ combineWith: "AND", queries: asked })) {
      const text = this.texts.get(id as string)
      if (text === undefined || !passes(text, query)) continue
      if (runs.length > 0 && !runs.every((run) => fold(text.text).includes(run))) continue
      hits.push({
        ...text,
        conversation,
        segment,
        score,
        ranges: rangesOf(text.text, new Set(Object.keys(match)), words),
      })
    }
    return hits
  }
}

/** Texts that the query's filters leave, as hits that nothing in them answers for. */
export function listTexts(
  { conversation, segment, texts }: Omit<SegmentTexts, "version">,
  query: SearchQuery,
): SearchHit[] {
  return texts
    .filter((text) => passes(text, query))
    .map((text) => ({ ...text, conversation, segment, ranges: [], score: 0 }))
}

function passes({ id, author, sentAt }: SearchText, query: SearchQuery): boolean {
  const { without } = query
  return (
    !(without?.ids.has(id) ?? false) &&
    !(without?.authors.has(author) ?? false) &&
    (query.author === undefined || author === query.author) &&
    (query.from === undefined || sentAt >= query.from) &&
    (query.before === undefined || sentAt < query.before)
  )
}

/** What the pairs of a query were before they were pairs. */
function unspacedRuns(words: readonly Word[]): string[] {
  const runs: string[] = []
  let end = -1
  for (const { term, start, length } of words) {
    if (!isUnspaced(term)) continue
    const letter = Array.from(term)
    if (start < end && runs.length > 0) {
      if (letter.length > 1) runs[runs.length - 1] += letter.slice(1).join("")
    } else runs.push(term)
    end = start + length
  }
  return runs
}

/** Where the matched terms stand: of a word that goes on, only what was asked for. */
function rangesOf(text: string, matched: ReadonlySet<string>, asked: readonly Word[]): [number, number][] {
  const ranges: [number, number][] = []
  for (const { term, start, length } of readWords(text)) {
    if (!matched.has(term)) continue
    const beginning = asked.find((word) => term.startsWith(word.term))
    const long = beginning !== undefined && term.length === length ? beginning.term.length : length
    const last = ranges.at(-1)
    if (last !== undefined && start <= last[0] + last[1]) last[1] = Math.max(last[1], start + long - last[0])
    else ranges.push([start, long])
  }
  return ranges
}
