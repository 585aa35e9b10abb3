import type { Env, Timer } from "../base/env.js"
import { createStore, type Subscribable } from "../base/store.js"
import {
  compareHits,
  type SearchHit,
  type SearchIndex,
  type SearchQuery,
  type SearchSource,
  type SegmentName,
} from "./search.js"

/** What was found so far. A new object for every change. */
export interface SearchResults {
  /** `searching`: more may come; `ready`: this is all, until something changes; `failed`: the storage can't be read. */
  readonly state: "searching" | "ready" | "failed"
  /** In the order that was asked for. */
  readonly hits: readonly SearchHit[]
  /** Whether all that this device holds was searched: false while some of it is not indexed yet. */
  readonly complete: boolean
}

/** What changed is indexed after this long while somebody searches. */
const SETTLE_MS = 500
/** The same while nobody does: a segment is indexed whole, which a lively conversation is not worth at every message. */
const UNSEEN_MS = 20_000
/** A tab that does not write looks this often whether the one that does has indexed what is missing. */
const FOLLOW_MS = 2000
/** After a failure of the storage. */
const RETRY_MS = 5000
/** Between two segments others have their turn. */
const PAUSE_MS = 5

const nothing: SearchResults = { state: "searching", hits: [], complete: false }

interface Live {
  readonly query: SearchQuery
  readonly store: ReturnType<typeof createStore<SearchResults>>
  /** Grows with every run: what an earlier one still finds is dropped. */
  run: number
  under: boolean
  /** Something was indexed since this run began: it may have missed that. */
  stale: boolean
  /** What was erased since somebody searches: a run may have read it before, or while another tab has yet to take it out. */
  readonly erased: Set<string>
  /** How many erasures there had been when it was last followed. */
  erasures: number
}

/** What its reader makes of a search: a query narrowed to what is shown, and hits as they are shown. */
interface SearchReader {
  narrow(query: SearchQuery): SearchQuery
  /** Undefined: not at all. */
  show(hit: SearchHit): SearchHit | undefined
}

export interface LiveSearchPorts {
  readonly source: SearchSource
  readonly index: SearchIndex
  readonly env: Pick<Env, "setTimer" | "clearTimer">
  /** By default everything is shown as it is. */
  readonly reader?: SearchReader
  /** Whether this tab keeps the index; others only read it. */
  isWriter(): boolean
  failed(error: unknown): void
}

/** Keeps the index in line with its source, one segment after the other, and answers queries that stay alive. */
export class LiveSearch {
  /** Segments that may differ from what is indexed, the next one last. */
  private readonly due = new Map<string, SegmentName>()
  private readonly lives = new Set<Live>()
  /** What is to be taken out of the index, and of which segment: whoever begins to search may find it there. */
  private readonly erasing = new Map<string, string>()
  private erasures = 0
  private readonly stop: () => void
  private timer: Timer
  /** What the timer was set to; undefined where none runs. */
  private wait: number | undefined
  private working: Promise<void> | undefined
  private started = false
  /** A segment is being looked at. */
  private indexing = false
  private closed = false

  constructor(private readonly ports: LiveSearchPorts) {
    this.stop = ports.source.watch((segment, erased) => {
      this.changed(segment, erased)
    })
  }

  /** Looks at everything once, newest first; called when opening is over. */
  async start(): Promise<void> {
    const segments = await this.ports.source.segments()
    for (const segment of segments.slice().reverse()) {
      // what changed meanwhile stays the next
      if (!this.due.has(keyOf(segment))) this.due.set(keyOf(segment), segment)
    }
    this.started = true
    this.settle(0)
  }

  /** Whether a segment is indexed as it is, as far as this tab knows. */
  isInLine(segment: SegmentName): boolean {
    return this.started && !this.indexing && !this.due.has(keyOf(segment))
  }

  /** Whether the index may hold what was erased. */
  get holdsErased(): boolean {
    return this.erasing.size > 0
  }

  search(query: SearchQuery): Subscribable<SearchResults> {
    const store = createStore(nothing, (listeners) => {
      if (listeners === 0) this.forget(live)
      else if (!this.lives.has(live)) {
        this.lives.add(live)
        for (const id of this.erasing.keys()) live.erased.add(id)
        this.ask(live)
        if (this.started && this.due.size > 0) this.settle(0)
      }
    })
    const live: Live = { query, store, run: 0, under: false, stale: false, erased: new Set(), erasures: 0 }
    return {
      get: () => {
        this.drop(live)
        return store.get()
      },
      subscribe: (listener) => {
        this.drop(live)
        return store.subscribe(listener)
      },
    }
  }

  async close(): Promise<void> {
    this.closed = true
    this.stop()
    this.ports.env.clearTimer(this.timer)
    for (const live of this.lives) this.forget(live)
    await this.ports.index.close()
    // An index that was closed answers nothing any more.
    await this.working?.catch(() => undefined)
  }

  /** Nobody takes out of results what is erased while nobody follows them. */
  private drop(live: Live): void {
    if (!this.lives.has(live) && live.erasures !== this.erasures) live.store.set(nothing)
  }

  private forget(live: Live): void {
    live.run++
    live.erasures = this.erasures
    this.lives.delete(live)
  }

  private changed(segment: SegmentName, erased: readonly string[]): void {
    const key = keyOf(segment)
    this.due.delete(key)
    this.due.set(key, segment)
    if (erased.length > 0) {
      this.erasures++
      this.hide(erased)
      if (this.ports.isWriter()) {
        for (const id of erased) this.erasing.set(id, key)
        this.background(this.erase(segment, erased))
      }
    }
    if (this.started) this.settle(this.patience)
  }

  /** What can't be taken out now is hidden, and tried again. */
  private async erase(segment: SegmentName, erased: readonly string[]): Promise<void> {
    try {
      await this.ports.index.erase(segment, erased)
    } catch (error) {
      if (this.started) this.settle(RETRY_MS)
      throw error
    }
    for (const id of erased) this.erasing.delete(id)
  }

  private get patience(): number {
    return this.lives.size > 0 ? SETTLE_MS : UNSEEN_MS
  }

  /** What was erased is not shown for a moment longer. */
  private hide(erased: readonly string[]): void {
    const gone = new Set(erased)
    for (const live of this.lives) {
      for (const id of erased) live.erased.add(id)
      const { hits, ...rest } = live.store.get()
      if (hits.some(({ id }) => gone.has(id))) live.store.set({ ...rest, hits: hits.filter(({ id }) => !gone.has(id)) })
    }
  }

  /** Its reader wants to see something else now. */
  review(): void {
    for (const live of this.lives) {
      const { hits, ...rest } = live.store.get()
      live.store.set({ ...rest, hits: this.shown(hits) })
      this.askAgain(live)
    }
  }

  private shown(hits: readonly SearchHit[]): readonly SearchHit[] {
    const { reader } = this.ports
    return reader === undefined ? hits : hits.flatMap((hit) => reader.show(hit) ?? [])
  }

  private background(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (!this.closed) this.ports.failed(error)
    })
  }

  /** What goes on changing puts nothing off. */
  private settle(ms: number): void {
    if (this.closed || this.working !== undefined || (this.wait !== undefined && this.wait <= ms)) return
    this.ports.env.clearTimer(this.timer)
    this.wait = ms
    this.timer = this.ports.env.setTimer(ms, () => {
      this.wait = undefined
      if (this.closed || this.working !== undefined) return
      let rest = RETRY_MS
      const working = this.work()
        .then((waiting) => {
          // what came meanwhile, or what another tab has yet to index
          rest = waiting < this.due.size ? this.patience : FOLLOW_MS
        })
        .finally(() => {
          this.working = undefined
          if (this.due.size > 0) this.settle(rest)
        })
      this.working = working
      this.background(working)
    })
  }

  /** Looks at what is due, and says how many segments wait for the tab that writes. */
  private async work(): Promise<number> {
    const { env } = this.ports
    const waiting = new Map<string, SegmentName>()
    const failed = new Map<string, SegmentName>()
    let failure: { readonly error: unknown } | undefined
    for (let next = this.take(); next !== undefined && !this.closed; next = this.take()) {
      const [key, segment] = next
      this.indexing = true
      let outcome: "same" | "indexed" | "waits" | undefined
      try {
        outcome = await this.bringInLine(segment)
      } catch (error) {
        // what can't be read or written now is due again, behind all else
        failed.set(key, segment)
        failure = { error }
      }
      this.indexing = false
      if (outcome === "waits") waiting.set(key, segment)
      if (outcome === "indexed") for (const live of this.lives) this.askAgain(live)
      await new Promise<void>((resolve) => {
        env.setTimer(PAUSE_MS, resolve)
      })
    }
    for (const [key, segment] of [...waiting, ...failed]) if (!this.due.has(key)) this.due.set(key, segment)
    for (const live of this.lives) {
      // what another tab indexed is known by its version alone
      if (!this.ports.isWriter()) this.askAgain(live)
      else if (!live.under) live.store.set({ ...live.store.get(), complete: this.isComplete() })
    }
    if (failure !== undefined) throw failure.error
    return waiting.size
  }

  private take(): [string, SegmentName] | undefined {
    const next = Array.from(this.due).at(-1)
    if (next !== undefined) this.due.delete(next[0])
    return next
  }

  private async bringInLine(segment: SegmentName): Promise<"same" | "indexed" | "waits"> {
    const { source, index } = this.ports
    const erased = Array.from(this.erasing).flatMap(([id, of]) => (of === keyOf(segment) ? [id] : []))
    if (erased.length > 0 && this.ports.isWriter()) await this.erase(segment, erased)
    const version = await index.version(segment)
    if (version !== undefined && (await source.isInLine(segment, version))) return "same"
    if (!this.ports.isWriter()) return "waits"
    const texts = await source.read(segment)
    if (texts === undefined) return "same"
    await index.put(texts)
    return "indexed"
  }

  private askAgain(live: Live): void {
    if (live.under) live.stale = true
    else this.ask(live)
  }

  /** Asks again; what was found before is shown until there is something else to show. */
  private ask(live: Live): void {
    const { query, store } = live
    const run = ++live.run
    live.under = true
    live.stale = false
    const isOver = (): boolean => this.closed || live.run !== run
    let hits: SearchHit[] = []
    const compare = compareHits(query.order)
    const isFirst = store.get().hits.length === 0
    const found = (more: readonly SearchHit[]): void => {
      if (isOver()) return
      hits = [...hits, ...this.shown(more)].sort(compare).slice(0, query.limit)
      if (isFirst) store.set({ state: "searching", hits: standing(), complete: false })
    }
    const standing = (): readonly SearchHit[] => hits.filter(({ id }) => !live.erased.has(id))
    this.ports.index.search(this.ports.reader?.narrow(query) ?? query, found, isOver).then(
      () => {
        if (isOver()) return
        live.under = false
        if (live.stale) this.ask(live)
        else store.set({ state: "ready", hits: standing(), complete: this.isComplete() })
      },
      (error: unknown) => {
        if (isOver()) return
        live.under = false
        store.set({ state: "failed", hits: standing(), complete: false })
        this.ports.failed(error)
      },
    )
  }

  private isComplete(): boolean {
    return this.started && this.due.size === 0 && !this.indexing
  }
}

function keyOf({ conversation, segment }: SegmentName): string {
  return `${conversation}/${segment}`
}
