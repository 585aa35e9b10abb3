import type { Env } from "../base/env.js"
import type { Storage } from "../storage/storage.js"
import type { SearchHit, SearchIndex, SearchQuery, SegmentName, SegmentTexts } from "./search.js"

/** An index in this thread, whose code is loaded when it is first asked: most pages have it in a worker. */
export class LazyIndex implements SearchIndex {
  private loaded: Promise<SearchIndex> | undefined

  constructor(
    private readonly storage: Pick<Storage, "get" | "scan" | "write">,
    private readonly env: Pick<Env, "now" | "setTimer">,
  ) {}

  async version(segment: SegmentName): Promise<string | undefined> {
    return (await this.load()).version(segment)
  }

  async put(segment: SegmentTexts): Promise<void> {
    await (await this.load()).put(segment)
  }

  async erase(segment: SegmentName, ids: readonly string[]): Promise<void> {
    await (await this.load()).erase(segment, ids)
  }

  async search(query: SearchQuery, found: (hits: readonly SearchHit[]) => void, isOver: () => boolean): Promise<void> {
    await (await this.load()).search(query, found, isOver)
  }

  async close(): Promise<void> {
    await (await this.loaded)?.close()
  }

  private async load(): Promise<SearchIndex> {
    this.loaded ??= import("./stored-index.js").then(({ StoredIndex }) => new StoredIndex(this.storage, this.env))
    return this.loaded
  }
}
