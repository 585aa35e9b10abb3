/*
 * The search port: what is searched, where it comes from, and what is found. The index is a copy that can be made again at any
 * time; it lives beside the documents, through the same storage port.
 */

/** A message as the search knows it. */
export interface SearchText {
  readonly id: string
  readonly author: string
  /** Milliseconds since 1970. */
  readonly sentAt: number
  readonly text: string
}

export interface SegmentName {
  readonly conversation: string
  readonly segment: number
}

/** A segment and what it holds now: another version, other texts. */
interface SegmentVersion extends SegmentName {
  readonly version: string
}

export interface SegmentTexts extends SegmentVersion {
  readonly texts: readonly SearchText[]
}

/** Where texts come from. Erased and edited messages are given as they are to be found: not at all, or with their last text. */
export interface SearchSource {
  /** All segments of this device, those first that are to be indexed first. */
  segments(): Promise<readonly SegmentName[]>
  /** Whether a version, as `read` gave it once, is what a segment holds now; cheap. */
  isInLine(segment: SegmentName, version: string): Promise<boolean>
  /** Undefined where it is not on this device: what is indexed of it stays as it is. */
  read(segment: SegmentName): Promise<SegmentTexts | undefined>
  /** Calls when a segment may hold other texts than before; `erased` must not be found any more from then on. */
  watch(changed: (segment: SegmentName, erased: readonly string[]) => void): () => void
}

export interface SearchQuery {
  readonly text: string
  /** Only what this user wrote. */
  readonly author?: string
  /** Only in these conversations. */
  readonly conversations?: readonly string[]
  /** What its reader hides: messages, and whom. */
  readonly without?: { readonly ids: ReadonlySet<string>; readonly authors: ReadonlySet<string> }
  /** Only what was sent then or later; milliseconds since 1970. */
  readonly from?: number
  /** Only what was sent before. */
  readonly before?: number
  /** `time`: newest first; `relevance`: what answers best first. */
  readonly order: "time" | "relevance"
  /** At most so many hits. */
  readonly limit: number
}

/** A message that was found. */
export interface SearchHit extends SearchText {
  readonly conversation: string
  readonly segment: number
  /** What answers to the query: [start, length] in UTF-16 code units of `text`, in their order, apart. */
  readonly ranges: readonly (readonly [number, number])[]
  /** How well it answers; for comparing. */
  readonly score: number
}

/** The index, in this thread or another. */
export interface SearchIndex {
  /** The version in which a segment is indexed; undefined where it is not. */
  version(segment: SegmentName): Promise<string | undefined>
  /** Takes the place of what was there of the segment. */
  put(segment: SegmentTexts): Promise<void>
  /** Takes texts out, also from what is stored, before it resolves. */
  erase(segment: SegmentName, ids: readonly string[]): Promise<void>
  /** Tells the hits of each segment, newest segments first; resolves when all are told. `isOver` ends it early. */
  search(query: SearchQuery, found: (hits: readonly SearchHit[]) => void, isOver: () => boolean): Promise<void>
  close(): Promise<void>
}

/** The better hit first. */
export function compareHits(order: SearchQuery["order"]): (a: SearchHit, b: SearchHit) => number {
  const later = (a: SearchHit, b: SearchHit): number => b.sentAt - a.sentAt || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
  return order === "time" ? later : (a, b) => b.score - a.score || later(a, b)
}
