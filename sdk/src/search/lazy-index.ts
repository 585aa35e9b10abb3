import type { Env } from "../base/env.js"
import type { Storage } from "../storage/storage.js"
import type { SearchHit, SearchIndex, SearchQuery, SegmentName, SegmentTexts } from "./search.js"

/** An index in this thread, whose code is loaded when it is first asked: most pages have it in a worker. */
export class LazyIndex implements SearchIndex {
  private loaded: Promise<SearchIndex> | undefined

  constructor(
    private readonly storage: Pick<Storage, "get" | "scan" | "write">,
    private readonly env: Pick<Env, "now" | "setTimer">,
    private readonly importCode = () => import("./stored-index.js"),
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
    // Where its code did not come there is nothing to close.
    const index = await this.loaded?.catch(() => undefined)
    await index?.close()
  }

  private load(): Promise<SearchIndex> {
    this.loaded ??= this.importCode().then(
      ({ StoredIndex }) => new StoredIndex(this.storage, this.env),
      (error: unknown) => {
        // Offline, or after a new version was put up: whoever asks next tries again.
        this.loaded = undefined
        throw error
      },
    )
    return this.loaded
  }
}
