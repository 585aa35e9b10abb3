import type { BodyHash, Clock, MessageId } from "../protocol/entry.js"
import { compareText } from "../protocol/bytes.js"
import { MAX_EDITS } from "../protocol/limits.js"
import { mergeTexts, type MarkedText } from "./merge-text.js"

/** An edit, as far as the text that it makes is concerned. */
export interface Edit extends MarkedText {
  readonly id: MessageId
  readonly hash: BodyHash
  readonly clock: Clock
  /** The edits that its author had seen. */
  readonly seen: readonly BodyHash[]
  /** The edit that it takes back. */
  readonly undoes: BodyHash | undefined
}

/** Merges after which the last edit alone is shown: only who edits in order to burden others needs more. */
const MAX_MERGES = 256

/** The order of remarks: the same for a draft and for what is sealed of it. [SPEC M] */
export function compareRemarks(
  a: { readonly clock: Clock; readonly id: MessageId },
  b: { readonly clock: Clock; readonly id: MessageId },
): number {
  return a.clock - b.clock || compareText(a.id, b.id)
}

/** The edits that count, in their order. [SPEC M4] */
export function countedEdits(edits: Iterable<Edit>): Edit[] {
  return Array.from(edits).sort(compareRemarks).slice(0, MAX_EDITS)
}

/** Those that no other one names: what the next edit names as seen. */
export function editHeads(counted: readonly Edit[]): Edit[] {
  const named = new Set(counted.flatMap(({ seen }) => seen))
  return counted.filter(({ hash }) => !named.has(hash))
}

/** The text after all edits, whatever order they came in. [SPEC M5] */
export function editedText(original: MarkedText, counted: readonly Edit[]): MarkedText {
  const heads = editHeads(counted)
  const [only] = heads
  if (only === undefined) return original
  return heads.length === 1 ? only : new Merging(original, counted).textOf(heads)
}

/**
 * The text without one of the edits; undefined where that does not stand any more: something was built on it that was not
 * taken back. What was built on it and taken back goes with it, so that one after the other can be. [SPEC U11]
 */
export function textWithout(original: MarkedText, counted: readonly Edit[], id: MessageId): MarkedText | undefined {
  const edit = counted.find((other) => other.id === id)
  const undone = new Set(counted.flatMap(({ undoes }) => undoes ?? []))
  if (edit === undefined || undone.has(edit.hash)) return undefined
  const pasts = new Pasts(counted)
  const after = pasts.after(edit)
  if (after.some(({ hash, undoes }) => undoes === undefined && !undone.has(hash))) return undefined
  const gone = new Set([edit, ...after])
  for (const { undoes } of after) for (const other of counted) if (other.hash === undoes) gone.add(other)
  for (const one of gone) if (pasts.after(one).some((other) => !gone.has(other))) return undefined
  return editedText(
    original,
    counted.filter((other) => !gone.has(other)),
  )
}

/** Edits by the history that they name: a set of bits for each, of itself and all that came before. */
class Pasts {
  readonly byHash = new Map<BodyHash, number>()
  private readonly pasts: (bigint | undefined)[] = []

  constructor(private readonly edits: readonly Edit[]) {
    edits.forEach(({ hash }, index) => this.byHash.set(hash, index))
  }

  of(index: number): bigint {
    const known = this.pasts[index]
    if (known !== undefined) return known
    // A hash can't name itself, so this ends.
    let past = 1n << BigInt(index)
    for (const hash of this.edits[index]?.seen ?? []) {
      const before = this.byHash.get(hash)
      if (before !== undefined) past |= this.of(before)
    }
    this.pasts[index] = past
    return past
  }

  /** Those that have an edit in their past. */
  after(edit: Edit): Edit[] {
    const bit = 1n << BigInt(this.byHash.get(edit.hash) ?? 0)
    return this.edits.filter((other, index) => other !== edit && (this.of(index) & bit) !== 0n)
  }
}

class Merging {
  private readonly pasts: Pasts
  private readonly made = new Map<string, MarkedText>()
  private merges = 0

  constructor(
    private readonly original: MarkedText,
    private readonly edits: readonly Edit[],
  ) {
    this.pasts = new Pasts(edits)
  }

  textOf(heads: readonly Edit[]): MarkedText {
    return this.merged(heads.map(({ hash }) => this.pasts.byHash.get(hash) ?? 0))
  }

  private merged(heads: readonly number[]): MarkedText {
    const last = heads.at(-1)
    const edit = last === undefined ? undefined : this.edits[last]
    if (last === undefined || edit === undefined) return this.original
    if (heads.length === 1) return edit
    const key = heads.join()
    let text = this.made.get(key)
    if (text !== undefined) return text
    if (this.merges++ >= MAX_MERGES) return edit
    const others = heads.slice(0, -1)
    const common = others.reduce((all, head) => all | this.pasts.of(head), 0n) & this.pasts.of(last)
    const before = this.merged(others)
    text = mergeTexts(this.merged(this.headsOf(common)).text, before, edit)
    this.made.set(key, text)
    return text
  }

  /** Of a set that holds all that came before its members: those that no other member has seen. */
  private headsOf(set: bigint): number[] {
    const members = this.edits.flatMap((_, index) => (((set >> BigInt(index)) & 1n) === 1n ? [index] : []))
    const named = new Set(members.flatMap((index) => this.edits[index]?.seen ?? []))
    return members.filter((index) => !named.has(this.edits[index]?.hash ?? ("" as BodyHash)))
  }
}
