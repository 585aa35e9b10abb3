import { describe, expect, it } from "vitest"
import { systemEnv } from "../base/env.js"
import { createMemoryStorage, type MemoryStorage } from "../storage/memory.js"
import type { SearchHit, SearchQuery, SearchText } from "./search.js"
import { StoredIndex } from "./stored-index.js"

const say = (id: string, text: string, sentAt = 1000, author = "ann"): SearchText => ({ id, author, sentAt, text })

async function ask(index: StoredIndex, text: string, more: Partial<SearchQuery> = {}): Promise<SearchHit[][]> {
  const told: SearchHit[][] = []
  await index.search(
    { text, order: "time", limit: 10, ...more },
    (hits) => told.push([...hits]),
    () => false,
  )
  return told
}

const marked = ([hits = []]: SearchHit[][]): string[] =>
  hits.map(({ text, ranges }) =>
    ranges.reduceRight(
      (all, [at, length]) => `${all.slice(0, at)}[${all.slice(at, at + length)}]${all.slice(at + length)}`,
      text,
    ),
  )

async function stored(storage: MemoryStorage): Promise<string> {
  const entries = await storage.scan({ from: "", to: "\uffff" })
  return entries.map(({ value }) => new TextDecoder().decode(value)).join("\n")
}

describe("the index over a storage", () => {
  it.each(["i/h/", "i/w/", "i/t/"])(
    "[Q2] a damaged record (%s) counts as not indexed, and keeps no other segment from answering",
    async (kind) => {
      const storage = createMemoryStorage()
      const index = new StoredIndex(storage, systemEnv)
      for (const segment of [1, 2])
        await index.put({ conversation: "c", segment, version: "1", texts: [say(String(segment), "tea")] })
      await storage.write([{ kind: "put", key: `${kind}c/0000000002`, value: Uint8Array.of(91) }])
      const after = new StoredIndex(storage, systemEnv)
      const versions = await Promise.all([1, 2].map((segment) => after.version({ conversation: "c", segment })))
      expect((await ask(after, "tea")).flat().map(({ id }) => id)).toEqual(["1"])
      await after.erase({ conversation: "c", segment: 2 }, ["2"])
      await after.put({ conversation: "c", segment: 2, version: "2", texts: [say("3", "tea")] })
      expect(
        (await ask(after, "tea"))
          .flat()
          .map(({ id }) => id)
          .sort(),
      ).toEqual(["1", "3"])
      expect(versions).toEqual(["1", kind === "i/h/" ? undefined : "1"])
    },
  )

  it.each([
    ["of an earlier form", '[2,"1",1,1000,1000,["ann"]]'],
    ["that is damaged", "["],
  ])("[X7] what is erased before an index %s was made anew is in none of its records", async (_what, head) => {
    const storage = createMemoryStorage()
    const segment = { conversation: "c", segment: 1 }
    await new StoredIndex(storage, systemEnv).put({ ...segment, version: "1", texts: [say("1", "Xyzzy")] })
    await storage.write([{ kind: "put", key: "i/h/c/0000000001", value: new TextEncoder().encode(head) }])
    await new StoredIndex(storage, systemEnv).erase(segment, ["1"])
    expect((await stored(storage)).toLowerCase()).not.toContain("xyzzy")
  })

  it("[Q2] a segment that grows, is edited, or loses a text has the words that it would have if it were indexed at once", async () => {
    const words = async (storage: MemoryStorage) => storage.get("i/w/c/0000000001")
    const growing = createMemoryStorage()
    const index = new StoredIndex(growing, systemEnv)
    const contents = [
      [],
      [say("1", "green tea")],
      [say("1", "green tea"), say("2", "black coffee")],
      [say("1", "green tea"), say("2", "white coffee"), say("3", "milk")],
      [say("2", "white coffee"), say("3", "milk")],
      [say("0", "water"), say("2", "white coffee"), say("3", "milk")],
    ]
    for (const [version, texts] of contents.entries()) {
      const segment = { conversation: "c", segment: 1, version: String(version), texts }
      await index.put(segment)
      const once = createMemoryStorage()
      await new StoredIndex(once, systemEnv).put(segment)
      expect(await words(growing)).toEqual(await words(once))
    }
    await growing.write([{ kind: "put", key: "i/w/c/0000000001", value: Uint8Array.of(91) }])
    await index.put({
      conversation: "c",
      segment: 1,
      version: "later",
      texts: [...(contents.at(-1) ?? []), say("4", "juice")],
    })
    expect((await ask(index, "water")).flat().map(({ id }) => id)).toEqual(["0"])
  })

  it("[Q3] marks what answers: beginnings, small mistakes, runs without spaces in their order", async () => {
    const index = new StoredIndex(createMemoryStorage(), systemEnv)
    await index.put({
      conversation: "c",
      segment: 1,
      version: "1",
      texts: [
        say("1", "Kernels and a KERNEL"),
        say("2", "\u6211\u5011\u53bb\u6771\u4eac\u90fd"),
        say("3", "\u90fd\u4eac \u4eac\u6771"),
        say("4", "please recieve it"),
      ],
    })
    expect(marked(await ask(index, "kernel"))).toEqual(["[Kernel]s and a [KERNEL]"])
    expect(marked(await ask(index, "\u4eac\u90fd"))).toEqual(["\u6211\u5011\u53bb\u6771[\u4eac\u90fd]"])
    expect(marked(await ask(index, "\u6771\u4eac\u90fd"))).toEqual(["\u6211\u5011\u53bb[\u6771\u4eac\u90fd]"])
    expect(marked(await ask(index, "\u90fd"))).toEqual([
      "\u6211\u5011\u53bb\u6771\u4eac[\u90fd]",
      "[\u90fd]\u4eac \u4eac\u6771",
    ])
    expect(marked(await ask(index, "receive"))).toEqual(["please [recieve] it"])
    expect(await ask(index, "kernel receive")).toEqual([])
    expect(await ask(index, " \u2014 ")).toEqual([])
  })

  it("[Q3] answers as people type: apostrophes, a sharp s, emoji, letters that changed places, signs", async () => {
    const index = new StoredIndex(createMemoryStorage(), systemEnv)
    const texts = [
      "I don\u2019t know",
      "l'amour",
      "kalte F\u00fc\u00dfe",
      "great \u{1f44d}\u{1f3fd}\u{1f389}",
      "the quick fox",
      "we write C++ (and C#) here",
      "a caf\u00e9",
    ]
    await index.put({ conversation: "c", segment: 1, version: "1", texts: texts.map((text, at) => say(`${at}`, text)) })
    const found = async (text: string): Promise<number[]> =>
      (await ask(index, text)).flat().map(({ text: one }) => texts.indexOf(one))
    for (const [text, ...expected] of [
      ["dont", 0],
      ["don't", 0],
      ["don\u2019t kno", 0],
      ["amour", 1],
      ["l'amour", 1],
      ["fusse", 2],
      ["F\u00dcSSE", 2],
      ["F\u00fc\u00dfe", 2],
      ["\u{1f44d}", 3],
      ["great\u{1f389}", 3],
      ["\u{1f9c0}"],
      ["qiuck", 4],
      ["c++", 5],
      ['"C#",', 5],
      ["f#"],
    ] as [string, ...number[]][])
      expect([text, await found(text)]).toEqual([text, expected])
    expect((await found("c")).sort()).toEqual([5, 6])
  })

  it("[Q3] lists what the filters leave where there is no text, newest first", async () => {
    const index = new StoredIndex(createMemoryStorage(), systemEnv)
    for (const segment of [1, 2]) {
      const texts = [1, 2, 3].map((n) => say(`${segment}${n}`, "x", 1000 * segment + n, n === 2 ? "bob" : "ann"))
      await index.put({ conversation: segment === 1 ? "c" : "d", segment, version: "1", texts })
    }
    const ids = async (more: Partial<SearchQuery>, text = ""): Promise<string> =>
      (await ask(index, text, { order: "relevance", ...more }))
        .flat()
        .map(({ id }) => id)
        .join()
    expect(await ids({ author: "ann" })).toBe("23,21,13,11")
    expect(await ids({ conversations: ["c"] }, " ")).toBe("13,12,11")
    expect(await ids({ from: 1003, before: 2003, without: { ids: new Set(["21"]), authors: new Set() } })).toBe("22,13")
    expect(await ids({ author: "ann", limit: 2 })).toBe("23,21")
    expect(await ids({})).toBe("")
    expect(await ids({ author: "ann" }, "\u2014")).toBe("")
  })

  it("[Q4] tells newest segments first, and stops where older ones can add nothing", async () => {
    const index = new StoredIndex(createMemoryStorage(), systemEnv)
    for (const segment of [1, 2, 3]) {
      await index.put({
        conversation: "c",
        segment,
        version: "1",
        texts: [say(`${segment}a`, "tea time", segment * 10), say(`${segment}b`, "tea", segment * 10 + 1, "bob")],
      })
    }
    const ids = (told: SearchHit[][]): string[][] => told.map((hits) => hits.map(({ id }) => id))
    expect(ids(await ask(index, "tea"))).toEqual([
      ["3b", "3a"],
      ["2b", "2a"],
      ["1b", "1a"],
    ])
    expect(ids(await ask(index, "tea", { limit: 2 }))).toEqual([["3b", "3a"]])
    expect(ids(await ask(index, "tea", { author: "bob", from: 20, before: 31 }))).toEqual([["2b"]])
    expect(ids(await ask(index, "tea time", { order: "relevance" }))).toEqual([["3a"], ["2a"], ["1a"]])
    let runs = 0
    await index.search(
      { text: "tea", order: "time", limit: 10 },
      () => runs++,
      () => runs > 0,
    )
    expect(runs).toBe(1)
  })

  it("[Q1] what is erased is in no value any more, also after another index was opened on the storage", async () => {
    const storage = createMemoryStorage()
    const index = new StoredIndex(storage, systemEnv)
    await index.put({
      conversation: "c",
      segment: 1,
      version: "v",
      texts: [say("1", "the password is Xyzzy-plugh"), say("2", "and the weather")],
    })
    expect(await ask(index, "xyzzy")).toHaveLength(1)
    await index.erase({ conversation: "c", segment: 1 }, ["1"])
    expect(await ask(index, "xyzzy")).toEqual([])
    expect(await stored(storage)).not.toMatch(/xyzzy|plugh|password/i)
    const other = new StoredIndex(storage.share(), systemEnv)
    expect(await ask(other, "weather")).toHaveLength(1)
    // its version is none that a source has: what is there now is compared again
    expect(await other.version({ conversation: "c", segment: 1 })).not.toBe("v")
    await other.put({ conversation: "c", segment: 1, version: "w", texts: [say("2", "and the rain")] })
    expect(await ask(index, "weather")).toEqual([])
    expect(await ask(index, "rain")).toHaveLength(1)
  })
})
