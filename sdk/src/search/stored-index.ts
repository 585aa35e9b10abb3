import type { Env } from "../base/env.js"
import { createQueue } from "../base/queue.js"
import { prefixRange, type Storage, type StorageOperation } from "../storage/storage.js"
import {
  decodeHead,
  decodeTexts,
  decodeWords,
  encodeHead,
  encodeTexts,
  encodeWords,
  headKey,
  headOf,
  headPrefix,
  textsKey,
  wordsKey,
  type SegmentHead,
} from "./record.js"
import {
  compareHits,
  type SearchHit,
  type SearchIndex,
  type SearchQuery,
  type SegmentName,
  type SegmentTexts,
} from "./search.js"
import { listTexts, SegmentIndex } from "./segment-index.js"
import { Turns } from "../base/turns.js"
import { answers, readQuery, readWords } from "./words.js"

/** Segments whose index is kept in memory. Each holds at most about 1,024 texts. */
const MAX_LOADED = 24

/** The index over a storage. Which segments may answer is told by their words alone; only those are loaded. */
export class StoredIndex implements SearchIndex {
  /** Least recently used first. */
  private readonly loaded = new Map<string, SegmentIndex>()
  private readonly enqueue = createQueue()

  constructor(
    private readonly storage: Pick<Storage, "get" | "scan" | "write">,
    private readonly env: Pick<Env, "now" | "setTimer">,
  ) {}

  async version(segment: SegmentName): Promise<string | undefined> {
    return (await this.head(segment))?.version
  }

  async put(segment: SegmentTexts): Promise<void> {
    await this.enqueue(() => this.store(segment, "relaxed"))
  }

  async erase(segment: SegmentName, ids: readonly string[]): Promise<void> {
    await this.enqueue(async () => {
      const head = await this.head(segment)
      if (head === undefined) return this.clear(segment)
      const gone = new Set(ids)
      const texts = (await this.texts(segment)).filter(({ id }) => !gone.has(id))
      if (texts.length === head.count) return
      // a version that no source has, and that says nothing of what was there
      const version = `erased/${this.env.now()}/${texts.length}`
      await this.store({ ...segment, version, texts }, "strict")
    })
  }

  async search(query: SearchQuery, found: (hits: readonly SearchHit[]) => void, isOver: () => boolean): Promise<void> {
    const terms = readQuery(query.text).words.map(({ term }) => term)
    const isListing = query.text.trim() === "" && narrows(query)
    if (terms.length === 0 && !isListing) return
    const turns = new Turns(this.env)
    const heads = (await this.heads(query)).sort((a, b) => b.last - a.last)
    /** Newest first, where that is what is asked for: then older segments can add nothing. */
    let times: number[] = []
    for (const head of heads) {
      const enough = times[query.limit - 1]
      if (isOver() || ((query.order === "time" || isListing) && enough !== undefined && head.last < enough)) return
      if (!isListing && !this.isLoaded(head) && !(await this.mayAnswer(head, terms, turns))) continue
      const hits = isListing
        ? listTexts({ ...head, texts: await this.texts(head) }, query)
        : ((await this.load(head, turns))?.search(query) ?? [])
      await turns.next()
      if (hits.length === 0 || isOver()) continue
      found(hits.sort(compareHits(query.order)).slice(0, query.limit))
      times = [...times, ...hits.map(({ sentAt }) => sentAt)].sort((a, b) => b - a).slice(0, query.limit)
    }
  }

  async close(): Promise<void> {
    await this.enqueue(async () => {
      this.loaded.clear()
    })
  }

  /** What stands there without a head that can be read is of no use, and may hold what was erased. */
  private async clear(segment: SegmentName): Promise<void> {
    if ((await this.storage.get(textsKey(segment))) === undefined) return
    const keys = [headKey, wordsKey, textsKey].map((keyOf) => keyOf(segment))
    const batch = keys.map((key): StorageOperation => ({ kind: "delete", key }))
    await this.storage.write(batch, { durability: "strict" })
  }

  private async store(segment: SegmentTexts, durability: "strict" | "relaxed"): Promise<void> {
    const words = encodeWords(await this.wordsOf(segment))
    this.loaded.delete(headKey(segment))
    const batch: StorageOperation[] = [
      { kind: "put", key: headKey(segment), value: encodeHead(headOf(segment, words.length)) },
      { kind: "put", key: wordsKey(segment), value: words },
      { kind: "put", key: textsKey(segment), value: encodeTexts(segment.texts) },
    ]
    await this.storage.write(batch, { durability })
  }

  /**
   * All words of a segment. To cut texts into words is what costs: where what is stored has grown, it is done of the new ones
   * alone. Words of what is gone or was edited may be nobody's any more.
   */
  private async wordsOf(segment: SegmentTexts): Promise<Set<string>> {
    const stored = await this.storedWords(segment)
    const before = new Map(stored && (await this.texts(segment)).map(({ id, text }) => [id, text]))
    const fresh = segment.texts.filter(({ id, text }) => before.get(id) !== text)
    const hasGrown = segment.texts.length - fresh.length === before.size
    const words = new Set(hasGrown ? stored : undefined)
    const turns = new Turns(this.env)
    for (const { text } of hasGrown ? fresh : segment.texts) {
      for (const { term } of readWords(text)) words.add(term)
      await turns.next()
    }
    return words
  }

  /** Undefined where they are damaged, or there are none. */
  private async storedWords(segment: SegmentName): Promise<string[] | undefined> {
    const [head, value] = await Promise.all([this.head(segment), this.storage.get(wordsKey(segment))])
    return value !== undefined && value.length === head?.wordBytes ? decodeWords(value) : undefined
  }

  private async head(segment: SegmentName): Promise<SegmentHead | undefined> {
    const key = headKey(segment)
    const value = await this.storage.get(key)
    return value && decodeHead(key, value)
  }

  /** Those that the query's filters leave. */
  private async heads({ conversations, author, from, before }: SearchQuery): Promise<SegmentHead[]> {
    const prefixes = conversations?.map((conversation) => `${headPrefix}${conversation}/`) ?? [headPrefix]
    const entries = await Promise.all(prefixes.map((prefix) => this.storage.scan(prefixRange(prefix))))
    return entries
      .flat()
      .flatMap(({ key, value }) => decodeHead(key, value) ?? [])
      .filter(
        (head) =>
          head.count > 0 &&
          (author === undefined || head.authors.includes(author)) &&
          (from === undefined || head.last >= from) &&
          (before === undefined || head.first < before),
      )
  }

  private isLoaded(head: SegmentHead): boolean {
    return this.loaded.get(headKey(head))?.segment.version === head.version
  }

  private async mayAnswer(head: SegmentHead, terms: readonly string[], turns: Turns): Promise<boolean> {
    const value = await this.storage.get(wordsKey(head))
    if (value === undefined) return false
    const words = decodeWords(value)
    for (const term of terms) {
      if (!words.some((word) => answers(word, term))) return false
      await turns.next()
    }
    return true
  }

  private async texts(segment: SegmentName): Promise<SegmentTexts["texts"]> {
    const value = await this.storage.get(textsKey(segment))
    return value === undefined ? [] : decodeTexts(value)
  }

  private async load(head: SegmentHead, turns: Turns): Promise<SegmentIndex | undefined> {
    const key = headKey(head)
    let index = this.isLoaded(head) ? this.loaded.get(key) : undefined
    if (index === undefined) {
      const { conversation, segment, version } = head
      index = await SegmentIndex.build({ conversation, segment, version, texts: await this.texts(head) }, turns)
      // it was written anew meanwhile: whoever did tells, and the query is asked again
      if ((await this.version(head)) !== version) return undefined
    }
    this.loaded.delete(key)
    this.loaded.set(key, index)
    for (const oldest of this.loaded.keys()) {
      if (this.loaded.size <= MAX_LOADED) break
      this.loaded.delete(oldest)
    }
    return index
  }
}

/** Whether a query has a filter: then it needs no text. */
function narrows({ author, conversations, from, before }: SearchQuery): boolean {
  return [author, conversations, from, before].some((filter) => filter !== undefined)
}
