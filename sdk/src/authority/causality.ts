import { compareText } from "../protocol/bytes.js"
import type { Clock, ControlId } from "../protocol/entry.js"
import type { DeviceId } from "../protocol/names.js"
import type { ControlAction } from "./control.js"

/** A control entry that passed the check. */
export interface ControlEntry {
  readonly id: ControlId
  readonly device: DeviceId
  readonly clock: Clock
  readonly seen: readonly ControlId[]
  /** Undefined: without effect, but known and seen as any other. */
  readonly action: ControlAction | undefined
  readonly body: Uint8Array
  /**
   * The certificate of an introduction or a join is signed by its issuer for this device, and the keys are acceptable; a
   * join is signed with the key that it names, too.
   */
  readonly certified: boolean
}

/** A set of entry indexes. */
export interface Past {
  has(index: number): boolean
}

export const everything: Past = { has: () => true }

const PAGE_BITS = 11
const PAGE_WORDS = 1 << (PAGE_BITS - 5)

/**
 * Bits in pages that sets share: a line of 100,000 entries costs one page each, not a quadratic number of bits.
 */
class PagedPast implements Past {
  constructor(readonly pages: (Uint32Array | undefined)[]) {}

  has(index: number): boolean {
    const page = this.pages[index >>> PAGE_BITS]
    return page !== undefined && (((page[(index >>> 5) & (PAGE_WORDS - 1)] ?? 0) >>> (index & 31)) & 1) === 1
  }
}

/** Entries in a causal order, the same for the same set: by depth, joins by the time of their certificates, then by id. [SPEC A2] */
export class Causality {
  /** The create entry is the first, if it is there. */
  readonly entries: readonly ControlEntry[]
  readonly rooted: boolean
  /** Entries that no other names, ascending. */
  readonly frontier: readonly number[]
  readonly #indexes: ReadonlyMap<ControlId, number>
  readonly #held: ReadonlySet<ControlId>
  readonly #pasts: readonly PagedPast[]

  /** `isRoot`: whether an entry creates the conversation. All that do are one entry: their bodies are equal. */
  constructor(given: readonly ControlEntry[], isRoot: (entry: ControlEntry) => boolean) {
    const known = new Map<ControlId, ControlEntry>()
    for (const entry of given) if (!known.has(entry.id)) known.set(entry.id, entry)
    const roots = Array.from(known.values()).filter(isRoot).sort(compareRoots)
    const [root] = roots
    const rootIds = new Set(roots.map((entry) => entry.id))
    const depths = depthsOf(known, rootIds)
    const others = Array.from(depths.keys())
      .filter((id) => !rootIds.has(id))
      .sort(
        (a, b) =>
          (depths.get(a) ?? 0) - (depths.get(b) ?? 0) ||
          issuedAt(known.get(a)) - issuedAt(known.get(b)) ||
          compareText(a, b),
      )
    const entries = root === undefined ? [] : [root]
    for (const id of others) {
      const entry = known.get(id)
      if (entry !== undefined) entries.push(entry)
    }
    const indexes = new Map(entries.map((entry, index) => [entry.id, index] as const))
    for (const id of rootIds) indexes.set(id, 0)
    const frontier = new Set(entries.keys())
    const pasts: PagedPast[] = []
    const after = new Map<number, PagedPast>()
    entries.forEach((entry, index) => {
      const parents = rootIds.has(entry.id) ? [] : entry.seen.map((id) => indexes.get(id) ?? 0)
      for (const parent of parents) frontier.delete(parent)
      // Entries that follow the same one share their past: thousands of introductions at once are cheap.
      const [only] = parents
      const shared = parents.length === 1 && only !== undefined ? after.get(only) : undefined
      const past = shared ?? unite(parents, pasts)
      if (parents.length === 1 && only !== undefined) after.set(only, past)
      pasts[index] = past
    })
    this.entries = entries
    this.rooted = root !== undefined
    this.frontier = Array.from(frontier)
    this.#indexes = indexes
    this.#held = new Set(Array.from(known.keys()).filter((id) => !indexes.has(id)))
    this.#pasts = pasts
  }

  /** Undefined for an entry that is unknown, or held back because something before it is. */
  indexOf(id: ControlId): number | undefined {
    return this.#indexes.get(id)
  }

  isHeld(id: ControlId): boolean {
    return this.#held.has(id)
  }

  /** All entries before this one. */
  pastOf(index: number): Past {
    return this.#pasts[index] ?? noPast
  }

  /** A set to which the pasts of entries are added one after another. */
  gatherPasts(): Past & { includePastOf(index: number): void } {
    const gathered = new GrowingPast()
    return {
      has: (index) => gathered.has(index),
      includePastOf: (index) => {
        gathered.include(this.#pasts[index] ?? noPast)
      },
    }
  }

  /** These entries and all before them; undefined where one is unknown. */
  closureOf(ids: readonly ControlId[]): Past | undefined {
    const indexes: number[] = []
    for (const id of ids) {
      const index = this.#indexes.get(id)
      if (index === undefined) return undefined
      indexes.push(index)
    }
    return unite(indexes, this.#pasts)
  }
}

const noPast = new PagedPast([])

/** Joins of one invite come in the order in which servers let their devices in: who comes late can't come before. */
function issuedAt(entry: ControlEntry | undefined): number {
  return entry?.action?.kind === "join" ? entry.action.certificate.issuedAt : 0
}

function compareRoots(a: ControlEntry, b: ControlEntry): number {
  return a.clock - b.clock || compareText(a.id, b.id)
}

/** Depth of each entry whose whole past is known; nothing else has one. */
function depthsOf(
  known: ReadonlyMap<ControlId, ControlEntry>,
  roots: ReadonlySet<ControlId>,
): ReadonlyMap<ControlId, number> {
  const missing = new Map<ControlId, number>()
  const children = new Map<ControlId, ControlId[]>()
  const ready: ControlId[] = []
  for (const { id, seen } of known.values()) {
    const parents = roots.has(id) ? new Set<ControlId>() : new Set(seen)
    missing.set(id, parents.size)
    if (parents.size === 0) ready.push(id)
    for (const parent of parents) {
      const list = children.get(parent)
      if (list === undefined) children.set(parent, [id])
      else list.push(id)
    }
  }
  const depths = new Map<ControlId, number>(ready.map((id) => [id, 0]))
  // The list grows while it is walked.
  for (const id of ready) {
    const depth = (depths.get(id) ?? 0) + 1
    for (const child of children.get(id) ?? []) {
      const left = (missing.get(child) ?? 0) - 1
      missing.set(child, left)
      depths.set(child, Math.max(depths.get(child) ?? 0, depth))
      if (left === 0) ready.push(child)
    }
  }
  for (const [id, left] of missing) if (left > 0) depths.delete(id)
  return depths
}

function unite(indexes: readonly number[], pasts: readonly PagedPast[]): PagedPast {
  const union = new GrowingPast()
  for (const index of indexes) {
    const past = pasts[index]
    if (past !== undefined) union.include(past)
    union.add(index)
  }
  return union
}

/** Copies a page when it first writes to it, so that what it has included stays as it is. */
class GrowingPast extends PagedPast {
  readonly #own: boolean[] = []

  constructor() {
    super([])
  }

  add(index: number): void {
    const page = this.#writable(index >>> PAGE_BITS)
    const word = (index >>> 5) & (PAGE_WORDS - 1)
    page[word] = (page[word] ?? 0) | (1 << (index & 31))
  }

  include(past: PagedPast): void {
    past.pages.forEach((page, at) => {
      if (page === undefined || page === this.pages[at]) return
      if (this.pages[at] === undefined) {
        this.pages[at] = page
        return
      }
      const target = this.#writable(at)
      for (let word = 0; word < PAGE_WORDS; word++) target[word] = (target[word] ?? 0) | (page[word] ?? 0)
    })
  }

  #writable(at: number): Uint32Array {
    let page = this.pages[at]
    if (page === undefined || this.#own[at] !== true) {
      page = page === undefined ? new Uint32Array(PAGE_WORDS) : page.slice()
      this.pages[at] = page
      this.#own[at] = true
    }
    return page
  }
}
