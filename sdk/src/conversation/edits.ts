import type { BodyHash, Clock, MessageId } from "../protocol/entry.js"
import { compareText } from "../protocol/bytes.js"
import { MAX_EDITS } from "../protocol/limits.js"
import { mergeTexts, MergeWork, type MarkedText } from "./merge-text.js"

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

/** A text that was merged, and the edits that it was merged of. */
export interface KeptText {
  readonly edits: readonly Edit[]
  readonly text: MarkedText
}

/** The same, merged once for the same edits: a message is looked at again for much else that is said about it. */
export function keptText(original: MarkedText, counted: readonly Edit[], kept: KeptText | undefined): KeptText {
  const isSame = kept?.edits.length === counted.length && kept.edits.every(({ id }, index) => id === counted[index]?.id)
  return isSame ? kept : { edits: counted, text: editedText(original, counted) }
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
  /** Those that each names itself. */
  private readonly named: readonly bigint[]

  constructor(private readonly edits: readonly Edit[]) {
    edits.forEach(({ hash }, index) => this.byHash.set(hash, index))
    this.named = edits.map(({ seen }) => seen.reduce((all, hash) => all | this.bitOf(hash), 0n))
  }

  of(index: number): bigint {
    const known = this.pasts[index]
    if (known !== undefined) return known
    // A hash can't name itself, so this ends.
    let past = 1n << BigInt(index)
    for (const before of membersOf(this.named[index] ?? 0n)) past |= this.of(before)
    this.pasts[index] = past
    return past
  }

  /** Of a set that holds all that came before its members: those that no other member has seen. */
  headsOf(set: bigint): number[] {
    let named = 0n
    for (const index of membersOf(set)) named |= this.named[index] ?? 0n
    return membersOf(set & ~named)
  }

  private bitOf(hash: BodyHash): bigint {
    const index = this.byHash.get(hash)
    return index === undefined ? 0n : 1n << BigInt(index)
  }

  /** Those that have an edit in their past. */
  after(edit: Edit): Edit[] {
    const bit = this.bitOf(edit.hash)
    return this.edits.filter((other, index) => other !== edit && (this.of(index) & bit) !== 0n)
  }
}

/** The numbers in a set of bits, ascending. */
function membersOf(set: bigint): number[] {
  const members: number[] = []
  for (let rest = set, index = 0; rest !== 0n; rest >>= 1n, index++) if ((rest & 1n) === 1n) members.push(index)
  return members
}

class Merging {
  private readonly pasts: Pasts
  private readonly made = new Map<string, MarkedText>()
  private readonly work = new MergeWork()

  constructor(
    private readonly original: MarkedText,
    private readonly edits: readonly Edit[],
  ) {
    this.pasts = new Pasts(edits)
  }

  textOf(heads: readonly Edit[]): MarkedText {
    // It would come to the last one: work that can't be finished is not begun.
    const last = heads.at(-1)
    if (last !== undefined && !this.work.allows(heads.length - 1)) return last
    return this.merged(heads.map(({ hash }) => this.pasts.byHash.get(hash) ?? 0))
  }

  private merged(heads: readonly number[]): MarkedText {
    const last = heads.at(-1)
    const edit = last === undefined ? undefined : this.edits[last]
    if (last === undefined || edit === undefined) return this.original
    if (heads.length === 1) return edit
    const key = heads.join()
    const known = this.made.get(key)
    if (known !== undefined) return known
    // Once the steps are used up each text is its last edit alone, and so is the whole.
    if (!this.work.begin()) return edit
    const others = heads.slice(0, -1)
    const common = others.reduce((all, head) => all | this.pasts.of(head), 0n) & this.pasts.of(last)
    const before = this.merged(others)
    const text = mergeTexts(this.merged(this.pasts.headsOf(common)).text, before, edit, this.work)
    if (text === undefined) return edit
    this.made.set(key, text)
    return text
  }
}
