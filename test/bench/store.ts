/**
 * How fast the server's store takes and lists updates on this machine.
 * Run: node --conditions=weft-source --import tsx test/bench/store.ts [directory]
 */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { segmentDocument, type ConversationId, type DocumentName } from "@weft/sdk/protocol"
import { openLevelStore, type Commit } from "../../sync-server/src/store/level-store.js"

const directory = await mkdtemp(join(process.argv[2] ?? tmpdir(), "weft-bench-"))
const commits: Commit[] = []
const options = { directory, elapsed: () => performance.now(), onCommit: (commit: Commit) => commits.push(commit) }
let store = await openLevelStore(options)

const update = crypto.getRandomValues(new Uint8Array(300))
update.set([0, 0]) // only the store reads it, and it reads no further than an update without content
const digest = crypto.getRandomValues(new Uint8Array(32))
const stateVector = new Uint8Array(12)

function documentOf(index: number): DocumentName {
  const bytes = Buffer.alloc(18)
  bytes.writeUInt32BE(index)
  return segmentDocument(bytes.toString("base64url") as ConversationId, 1)
}

async function appends(name: string, count: number, inFlight: number, documents: number, first = 0, summaryBytes = 0) {
  commits.length = 0
  const summary = new Uint8Array(summaryBytes)
  const start = performance.now()
  const cpu = process.cpuUsage()
  let next = 0
  const one = async () => {
    while (next < count) {
      const document = documentOf(first + (next++ % documents))
      await store.append({ document, update, digest, stateVector, ...(summaryBytes > 0 && { summary }) })
    }
  }
  await Promise.all(Array.from({ length: inFlight }, one))
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(cpu)
  const times = commits.map(({ ms }) => ms).sort((a, b) => a - b)
  const at = (part: number) => (times[Math.floor(times.length * part)] ?? 0).toFixed(2)
  const rate = Math.round(count / seconds).toLocaleString("en")
  const perAppend = ((user + system) / count).toFixed(1)
  console.log(`${name}: ${rate}/s; fsync p50 ${at(0.5)} ms, p99 ${at(0.99)} ms; ${perAppend} us of CPU each`)
}

async function timed<T>(name: string, task: () => Promise<T>): Promise<T> {
  const start = performance.now()
  const result = await task()
  console.log(`${name}: ${(performance.now() - start).toFixed(0)} ms`)
  return result
}

await appends("warm-up", 20_000, 100, 100)
await appends("1 in flight, 1 document", 2000, 1, 1)
await appends("100 in flight, 100 documents", 100_000, 100, 100)
await appends("100 in flight, 1 document", 100_000, 100, 1)
await appends("100 in flight, 100 documents, with 1 KB of summary", 100_000, 100, 100, 0, 1000)
await appends("1,000 in flight, 1,000 documents", 200_000, 1000, 1000)
await appends("100 in flight, 100,000 new documents", 100_000, 100, 100_000, 1_000_000)
await appends("100 in flight, the same cold", 50_000, 100, 50_000, 1_000_000)
await store.close()
store = await timed("open", () => openLevelStore(options))
await timed("digests of 101,000 documents", () => store.digests())
await timed("names of 101,000 documents", () => store.documents())
await store.close()
await rm(directory, { recursive: true })
