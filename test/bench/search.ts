/*
 * What the search's index costs, on a real log: `node --conditions=weft-source --import tsx test/bench/search.ts FILE.jsonl.gz`.
 * Segments of 1,024 messages over a memory storage, in this thread.
 */
import { createMemoryStorage } from "@weft/sdk/node"
import { systemEnv } from "@weft/sdk/protocol"
import type { SearchQuery, SearchText } from "../../sdk/src/search/search.ts"
import { StoredIndex } from "../../sdk/src/search/stored-index.ts"
import { readRooms } from "../replay/chat-log.ts"

const SEGMENT = 1024
const [file = "test/data/ubuntu-irc-2005-05-19.jsonl.gz"] = process.argv.slice(2)

const texts = Array.from((await readRooms(file)).values())
  .flat()
  .map(({ from, text }, number): SearchText => ({
    id: `${"d".repeat(24)}.${String(number).padStart(32, "0")}`,
    author: from,
    sentAt: number * 1000,
    text,
  }))

const storage = createMemoryStorage()
const index = new StoredIndex(storage, systemEnv)
const began = performance.now()
let segments = 0
for (let from = 0; from < texts.length; from += SEGMENT) {
  await index.put({ conversation: "c", segment: ++segments, version: "1", texts: texts.slice(from, from + SEGMENT) })
}
const built = (performance.now() - began) / 1000
const bytes = (await storage.scan({ from: "i/", to: "i0" })).reduce(
  (sum, { key, value }) => sum + key.length + value.length,
  0,
)
const letters = texts.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0)
console.log({
  messages: texts.length,
  segments,
  messagesPerSecond: Math.round(texts.length / built),
  bytesPerMessage: Math.round((10 * bytes) / texts.length) / 10,
  textBytesPerMessage: Math.round((10 * letters) / texts.length) / 10,
})

for (const [text, order] of [
  ["kernel", "time"],
  ["kernel panic", "time"],
  ["dapper drake upgrade", "relevance"],
  ["xyzzyplugh", "time"],
] as const) {
  const cold = new StoredIndex(storage, systemEnv)
  const query: SearchQuery = { text, order, limit: 50 }
  for (const state of ["cold", "warm"]) {
    const start = performance.now()
    let first: number | undefined
    let hits = 0
    await cold.search(
      query,
      (more) => {
        first ??= performance.now() - start
        hits += more.length
      },
      () => false,
    )
    console.log({
      text,
      order,
      state,
      hits,
      firstMs: first === undefined ? undefined : Math.round(first),
      allMs: Math.round(performance.now() - start),
    })
  }
}
