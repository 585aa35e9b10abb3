import { describe, expect, it } from "vitest"
import { manualEnv } from "../../../test/support/manual-env.js"
import { systemEnv } from "../base/env.js"
import { createMemoryStorage, type MemoryStorage } from "../storage/memory.js"
import { LiveSearch, type SearchResults } from "./live-search.js"
import type { SearchHit, SearchIndex, SearchSource, SearchText, SegmentName, SegmentTexts } from "./search.js"
import { StoredIndex } from "./stored-index.js"

const say = (id: string, text: string): SearchText => ({ id, author: "ann", sentAt: Number(id), text })

/** Texts in memory, and whoever watches them. */
class Texts implements SearchSource {
  private readonly held = new Map<number, SearchText[]>()
  private readonly watchers = new Set<Parameters<SearchSource["watch"]>[0]>()

  set(segment: number, texts: SearchText[], erased: string[] = []): void {
    this.held.set(segment, texts)
    for (const changed of this.watchers) changed({ conversation: "c", segment }, erased)
  }

  async segments(): Promise<SegmentName[]> {
    return Array.from(this.held.keys(), (segment) => ({ conversation: "c", segment }))
  }

  private version({ segment }: SegmentName): string {
    return JSON.stringify(this.held.get(segment))
  }

  async isInLine(name: SegmentName, version: string): Promise<boolean> {
    return this.version(name) === version
  }

  async read(name: SegmentName): Promise<SegmentTexts> {
    return { ...name, version: this.version(name), texts: this.held.get(name.segment) ?? [] }
  }

  watch(changed: Parameters<SearchSource["watch"]>[0]): () => void {
    this.watchers.add(changed)
    return () => {
      this.watchers.delete(changed)
    }
  }
}

function open(source: Texts, storage: MemoryStorage, isWriter: () => boolean): LiveSearch {
  return new LiveSearch({
    source,
    index: new StoredIndex(storage, systemEnv),
    env: systemEnv,
    isWriter,
    failed: (error) => {
      throw error
    },
  })
}

/** Resolves with the first results that are as wished; keeps all that were told in `told`. */
function when(
  search: LiveSearch,
  wished: (results: SearchResults) => boolean,
  told: SearchResults[] = [],
): Promise<SearchResults> {
  return new Promise((resolve) => {
    const stop = search.search({ text: "tea", order: "time", limit: 10 }).subscribe((results) => {
      told.push(results)
      if (!wished(results)) return
      stop()
      resolve(results)
    })
  })
}

const ids = ({ hits }: SearchResults): string[] => hits.map(({ id }) => id)

describe("a search that stays alive", () => {
  it("[Q4] is complete when everything was indexed, and not before", async () => {
    const source = new Texts()
    for (let segment = 1; segment <= 20; segment++) source.set(segment, [say(String(segment), "tea")])
    const search = open(source, createMemoryStorage(), () => true)
    const told: SearchResults[] = []
    const done = when(search, ({ complete }) => complete, told)
    await search.start()
    expect(ids(await done)).toHaveLength(10)
    expect(ids(told.at(-1)!)[0]).toBe("20")
    expect(told.slice(0, -1).every(({ complete }) => !complete)).toBe(true)
    await search.close()
  })

  it("[Q4] a tab that does not write waits for the one that does; once it writes, it indexes what is missing", async () => {
    const source = new Texts()
    source.set(1, [say("1", "tea")])
    source.set(2, [say("2", "tea")])
    let writes = false
    const search = open(source, createMemoryStorage(), () => writes)
    const told: SearchResults[] = []
    const done = when(search, ({ complete }) => complete, told)
    await search.start()
    const ready = when(search, ({ state }) => state === "ready")
    expect(await ready).toMatchObject({ hits: [], complete: false })
    writes = true
    expect(ids(await done)).toEqual(["2", "1"])
    await search.close()
  })

  it("[Q1] what was erased while nobody searched is in no results, kept ones or new ones, also while it is taken out", async () => {
    const source = new Texts()
    source.set(1, [say("1", "tea and Xyzzy"), say("2", "tea")])
    const search = open(source, createMemoryStorage(), () => true)
    await search.start()
    const results = search.search({ text: "tea", order: "time", limit: 10 })
    const found = (count: number, of = results): Promise<SearchResults[]> =>
      new Promise((resolve) => {
        const told: SearchResults[] = []
        const stop = of.subscribe((next) => {
          told.push(next)
          if (!next.complete || next.hits.length !== count) return
          stop()
          resolve(told)
        })
      })
    await found(2)
    source.set(1, [say("2", "tea")], ["1"])
    expect(ids(results.get())).not.toContain("1")
    const fresh = search.search({ text: "tea", order: "time", limit: 10 })
    for (const told of (await Promise.all([found(1), found(1, fresh)])).flat()) expect(ids(told)).not.toContain("1")
    await search.close()
  })

  it("[Q1] what is erased is gone from the results at once, and from the storage", async () => {
    const source = new Texts()
    const storage = createMemoryStorage()
    source.set(1, [say("1", "tea and Xyzzy"), say("2", "tea")])
    const search = open(source, storage, () => true)
    await search.start()
    const results = search.search({ text: "tea", order: "time", limit: 10 })
    const both = new Promise<void>((resolve) => {
      results.subscribe(({ complete, hits }) => {
        if (complete && hits.length === 2) resolve()
      })
    })
    await both
    source.set(1, [say("2", "tea")], ["1"])
    expect(ids(results.get())).toEqual(["2"])
    await search.close()
    const values = await storage.scan({ from: "", to: "\uffff" })
    expect(values.map(({ value }) => new TextDecoder().decode(value)).join()).not.toMatch(/xyzzy/i)
    expect(values).toHaveLength(3)
  })

  it("[Q1] what a full disk kept in the index is taken out of it as soon as that can be", async () => {
    const source = new Texts()
    const env = manualEnv()
    const storage = createMemoryStorage()
    source.set(1, [say("1", "tea and Xyzzy"), say("2", "tea")])
    let isFull = false
    const failures: unknown[] = []
    const search = new LiveSearch({
      source,
      index: new StoredIndex(
        Object.assign(Object.create(storage) as MemoryStorage, {
          write: (...args: Parameters<MemoryStorage["write"]>) =>
            isFull ? Promise.reject(new Error("full")) : storage.write(...args),
        }),
        env,
      ),
      env,
      isWriter: () => true,
      failed: (error) => failures.push(error),
    })
    const pass = async (ms: number): Promise<void> => {
      for (let at = 0; at < ms; at += 100) {
        env.advance(100)
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    const held = async (): Promise<string> =>
      (await storage.scan({ from: "", to: "\uffff" })).map(({ value }) => new TextDecoder().decode(value)).join()
    await search.start()
    await pass(1_000)
    isFull = true
    source.set(1, [say("2", "tea")], ["1"])
    await pass(1_000)
    expect(failures).toHaveLength(1)
    expect(await held()).toMatch(/xyzzy/i)
    isFull = false
    await pass(6_000)
    expect(await held()).not.toMatch(/xyzzy/i)
    expect(search.holdsErased).toBe(false)
    await search.close()
  })

  it("[Q1] what is erased while a search is under way does not come back with what that finds then", async () => {
    const source = new Texts()
    source.set(1, [say("1", "tea"), say("2", "tea")])
    const storage = createMemoryStorage()
    let goOn = (): void => undefined
    const held = new Promise<void>((resolve) => (goOn = resolve))
    const index = new StoredIndex(storage, systemEnv)
    await index.put(await source.read({ conversation: "c", segment: 1 }))
    // Reads what is indexed, tells a part, and the rest later.
    const slow: SearchIndex = {
      version: (segment) => index.version(segment),
      put: (texts) => index.put(texts),
      erase: (segment, erased) => index.erase(segment, erased),
      search: async (query, found, isOver) => {
        const hits: SearchHit[] = []
        await index.search(query, (more) => hits.push(...more), isOver)
        found(hits.slice(0, 1))
        await held
        found(hits.slice(1))
      },
      close: () => index.close(),
    }
    const search = new LiveSearch({
      source,
      index: slow,
      env: systemEnv,
      isWriter: () => true,
      failed: () => undefined,
    })
    const told: SearchResults[] = []
    const results = search.search({ text: "tea", order: "time", limit: 10 })
    const stop = results.subscribe((each) => told.push(each))
    await expect.poll(() => ids(results.get())).toEqual(["2"])
    source.set(1, [], ["1", "2"])
    expect(ids(results.get())).toEqual([])
    told.length = 0
    goOn()
    await expect.poll(() => results.get().state).toBe("ready")
    expect(told.flatMap(ids)).toEqual([])
    stop()
    await search.close()
  })

  it("[Q4] a segment that can't be read keeps no other from being indexed, and is told", async () => {
    const source = new Texts()
    for (const segment of [1, 2, 3]) source.set(segment, [say(String(segment), "tea")])
    const read = source.read.bind(source)
    const failures: unknown[] = []
    source.read = (name) => (name.segment === 1 ? Promise.reject(new Error("damaged")) : read(name))
    const search = new LiveSearch({
      source,
      index: new StoredIndex(createMemoryStorage(), systemEnv),
      env: systemEnv,
      isWriter: () => true,
      failed: (error) => failures.push(error),
    })
    await search.start()
    expect(ids(await when(search, ({ hits }) => hits.length === 2))).toEqual(["3", "2"])
    await expect.poll(() => failures.length).toBe(1)
    await search.close()
  })

  it("[Q4] ends well while its index is at work, which answers nothing once it is closed", async () => {
    const source = new Texts()
    source.set(1, [say("1", "tea")])
    let end = (_error: Error): void => undefined
    let began = (): void => undefined
    const put = new Promise<void>((resolve) => (began = resolve))
    const index = new StoredIndex(createMemoryStorage(), systemEnv)
    const search = new LiveSearch({
      source,
      index: Object.assign(Object.create(index) as StoredIndex, {
        put: () => {
          began()
          return new Promise<void>((_, reject) => (end = reject))
        },
        close: async () => {
          end(new Error("closed"))
        },
      }),
      env: systemEnv,
      isWriter: () => true,
      failed: (error) => {
        throw error
      },
    })
    await search.start()
    await put
    await expect(search.close()).resolves.toBeUndefined()
  })

  it("[Q4] a conversation that goes on is not indexed at every message while nobody searches, and is when somebody does", async () => {
    const source = new Texts()
    const env = manualEnv()
    const index = new StoredIndex(createMemoryStorage(), env)
    let puts = 0
    const search = new LiveSearch({
      source,
      index: Object.assign(Object.create(index) as StoredIndex, {
        put: (segment: Parameters<StoredIndex["put"]>[0]) => {
          puts++
          return index.put(segment)
        },
      }),
      env,
      isWriter: () => true,
      failed: (error) => {
        throw error
      },
    })
    const pass = async (ms: number): Promise<void> => {
      for (let at = 0; at < ms; at += 100) {
        env.advance(100)
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    await search.start()
    await pass(1_000)
    const texts: SearchText[] = []
    for (let id = 1; id <= 60; id++) {
      texts.push(say(String(id), "tea"))
      source.set(1, [...texts])
      await pass(1_000)
    }
    expect(puts).toBeGreaterThan(0)
    expect(puts).toBeLessThan(5)
    source.set(1, [...texts, say("61", "tea")])
    const found = when(search, ({ complete }) => complete)
    await pass(1_000)
    expect(ids(await found)[0]).toBe("61")
    await search.close()
  })
})
