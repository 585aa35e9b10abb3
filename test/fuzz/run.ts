import type { ObservedServer } from "../support/observed-server.ts"
import type { Sample } from "../support/observed-server-child.ts"
import { Cases, type Case, type Door } from "./cases.ts"
import type { Corpus } from "./corpus.ts"
import { decodersOf, type Decoder } from "./decoders.ts"
import { honestExchange } from "./honest.ts"
import { Lane } from "./lane.ts"
import { ERRORS, MAX_GROWTH_BYTES, MAX_STALL_MS, openTarget, type Target } from "./target.ts"

const LANES = 12
/** Cases that a lane takes at a time. */
const PORTION = 20
const BATCH = 1_000
/** Cases that are played before anything is measured: code is compiled, pools and caches fill. */
const WARM_UP = 4_000

/** One thing that must hold, and whether it did. */
export interface Check {
  readonly name: string
  readonly passed: boolean
  readonly figure: string
}

/** Lanes to a server, among which cases are shared out. */
class Range {
  readonly server: ObservedServer
  readonly #target: Target
  readonly #lanes: readonly Lane[]

  private constructor(target: Target, lanes: readonly Lane[]) {
    this.server = target.server
    this.#target = target
    this.#lanes = lanes
  }

  static async open(corpus: Corpus, lanes = LANES): Promise<Range> {
    const target = await openTarget(corpus)
    const list = Array.from({ length: lanes }, (_, number) => new Lane(target.server.url, corpus, number))
    return new Range(target, list)
  }

  get connections(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.connections, 0)
  }

  /** Plays `count` cases, a few after one another in each lane, and as many lanes at once as there are. They are drawn meanwhile. */
  async play(count: number, caseAt: (index: number) => Case | Promise<Case>): Promise<void> {
    let next = 0
    await Promise.all(
      this.#lanes.map(async (lane) => {
        while (next < count && this.server.end === undefined) {
          const from = next
          next = Math.min(count, next + PORTION)
          const portion: Case[] = []
          for (let index = from; index < from + PORTION && index < count; index++) portion.push(await caseAt(index))
          await lane.play(portion)
        }
      }),
    )
  }

  async close(): Promise<void> {
    for (const lane of this.#lanes) lane.end()
    await this.#target.close()
  }
}

function print({ door, index, bytes }: { door: string; index: number; bytes: Uint8Array }, seed: number): void {
  const hex = Buffer.from(bytes).toString("hex")
  console.log(`  case ${index} of seed ${seed}; again: npm run fuzz -- --seed ${seed} --replay ${door}:${hex}`)
}

/** Which cases of a batch do it alone, one after another, on a server of their own. */
async function findCulprits(corpus: Corpus, batch: readonly Case[], seed: number, sign: Sign): Promise<number> {
  let range = await Range.open(corpus, 1)
  let found = 0
  for (const each of batch) {
    await sign.before(range)
    try {
      await range.play(1, () => each)
    } catch (error) {
      console.log(`  ${String(error)}`)
    }
    if (!(await sign.after(range).catch(() => true))) continue
    found++
    print(each, seed)
    await range.close().catch(() => undefined)
    if (found === 5) return found
    range = await Range.open(corpus, 1)
  }
  await range.close()
  return found
}

/** How a fault shows. */
interface Sign {
  before(range: Range): Promise<void>
  after(range: Range): Promise<boolean>
}

const stalls: Sign = {
  before: async ({ server }) => {
    await server.sample()
  },
  after: async ({ server }) => (await server.sample()).stallMs > MAX_STALL_MS,
}
const failures: Sign = {
  before: async () => undefined,
  after: async ({ server }) =>
    (await server.metric(ERRORS)) > 0 || server.uncaught.length > 0 || server.end !== undefined,
}

interface Fuzzed {
  readonly played: number
  readonly checks: readonly Check[]
}

/** Plays `frames` cases against a server process, or as many as so many minutes take, and says what held. */
export async function fuzzSockets(corpus: Corpus, frames: number, seed: number, minutes: number): Promise<Fuzzed> {
  const cases = new Cases(corpus, seed)
  const range = await Range.open(corpus)
  const { server } = range
  const doors = new Map<Door, number>()
  // Negative numbers: warm-up cases are none of the counted ones.
  await range.play(WARM_UP, (index) => cases.at(index - WARM_UP))
  const baseline = await server.sample(true)
  let worst: Sample = baseline
  let worstWall = 0
  let repeated = 0
  let seenOnce = 0
  let broken: readonly Case[] | undefined
  let unanswered: string | undefined
  const end = performance.now() + minutes * 60_000
  let played = 0
  for (let from = 0; from < frames && broken === undefined && performance.now() < end; from += BATCH) {
    const batch: Case[] = []
    try {
      await range.play(Math.min(BATCH, frames - from), async (index) => (batch[index] = await cases.at(from + index)))
    } catch (error) {
      unanswered = String(error)
      broken = batch
      break
    }
    played += batch.length
    for (const { door } of batch) doors.set(door, (doors.get(door) ?? 0) + 1)
    if (server.end !== undefined || server.uncaught.length > 0 || (await server.metric(ERRORS)) > 0) {
      broken = batch
      break
    }
    let sample = await server.sample()
    worstWall = Math.max(worstWall, sample.wallMs)
    if (sample.stallMs > MAX_STALL_MS) {
      // What one input does, it does again; what the machine did once is told, and not held against the server.
      const first = sample
      await range.play(batch.length, (index) => batch[index] as Case)
      sample = await server.sample()
      if (sample.stallMs > MAX_STALL_MS) {
        repeated++
        console.log(`  a stall of ${describe(sample)} in cases ${from} to ${from + batch.length - 1}, and again`)
        if (repeated === 1) await findCulprits(corpus, batch, seed, stalls)
      } else {
        seenOnce++
        console.log(`  a stall of ${describe(first)} that did not come again with the same cases`)
      }
    }
    if (sample.stallMs > worst.stallMs || worst === baseline) worst = sample
    if ((from / BATCH) % 100 === 99) console.log(`  ${from + batch.length} of ${frames}`)
  }
  if (broken !== undefined) {
    console.log(`  ${unanswered ?? server.end ?? server.uncaught[0] ?? "an internal error"}`)
    await findCulprits(corpus, broken, seed, failures)
  }
  const alive = server.end === undefined
  const errors = alive ? await server.metric(ERRORS) : Number.NaN
  const last = alive ? await server.sample(true) : undefined
  const growth = last === undefined ? Infinity : last.rss - baseline.rss
  const honest = alive ? await honestExchange(server.url) : "the server is gone"
  const { connections } = range
  if (alive) await range.close()
  const checks: Check[] = [
    {
      name: "every case was answered, or ended its connection",
      passed: broken === undefined,
      figure: `${Array.from(doors, ([door, count]) => `${door} ${count}`).join(", ")}; ${connections} connections`,
    },
    {
      name: "the server process lives, nothing uncaught",
      passed: alive && server.uncaught.length === 0,
      figure: server.end ?? `${server.uncaught.length} uncaught`,
    },
    { name: `${ERRORS} is 0`, passed: errors === 0, figure: String(errors) },
    {
      name: `no event-loop stall over ${MAX_STALL_MS} ms`,
      passed: repeated === 0,
      figure: `longest ${describe(worst)}; by the wall clock ${worstWall.toFixed(0)} ms; ${seenOnce} seen once and not again`,
    },
    {
      name: "RSS grew by less than 64 MB after warm-up",
      passed: growth < MAX_GROWTH_BYTES,
      figure: `${megabytes(baseline.rss)} -> ${megabytes(last?.rss ?? 0)}, heap ${megabytes(baseline.heapUsed)} -> ${megabytes(last?.heapUsed ?? 0)}`,
    },
    {
      name: "a normal client is served",
      passed: honest === undefined,
      figure: honest ?? "two devices, a message each way",
    },
  ]
  return { played, checks }
}

/** Feeds `frames` inputs to the decoders in this process, in turn. */
export async function fuzzDecoders(corpus: Corpus, frames: number, seed: number): Promise<readonly Check[]> {
  const cases = new Cases(corpus, seed)
  const decoders = decodersOf(corpus)
  const results = new Map<Decoder, { count: number; failed: number; longestMs: number }>()
  for (const decoder of decoders) results.set(decoder, { count: 0, failed: 0, longestMs: 0 })
  for (let index = 0; index < frames; index++) {
    const decoder = decoders[index % decoders.length]
    const result = decoder && results.get(decoder)
    if (decoder === undefined || result === undefined) continue
    const bytes = cases.decoder(index, decoder.reads)
    const { error, ms } = await attempt(decoder, bytes)
    result.count++
    result.longestMs = Math.max(result.longestMs, ms)
    if (error === undefined && ms <= MAX_STALL_MS) continue
    result.failed++
    console.log(`  ${decoder.name}: ${error ?? `${ms.toFixed(0)} ms`}`)
    if (result.failed <= 3) print({ door: decoder.name, index, bytes }, seed)
  }
  return Array.from(results, ([{ name }, { count, failed, longestMs }]) => ({
    name,
    passed: failed === 0,
    figure: `${count} inputs, ${failed} failed, longest ${longestMs.toFixed(1)} ms of processor time`,
  }))
}

async function attempt(decoder: Decoder, bytes: Uint8Array): Promise<{ error: string | undefined; ms: number }> {
  const once = async (): Promise<{ error: string | undefined; ms: number }> => {
    const start = performance.now()
    const before = process.cpuUsage()
    let error: string | undefined
    try {
      await decoder.run(bytes)
    } catch (thrown) {
      error = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
    }
    const used = process.cpuUsage(before)
    return { error, ms: Math.min(performance.now() - start, (used.user + used.system) / 1000) }
  }
  const first = await once()
  if (first.ms <= MAX_STALL_MS) return first
  // A collection may have fallen into it: what the input costs, it costs again.
  const again = await once()
  return again.ms < first.ms ? again : first
}

/** Plays one case again; its bytes may go to a door of the server or to a decoder. */
export async function replay(corpus: Corpus, where: string, bytes: Uint8Array): Promise<readonly Check[]> {
  const decoder = decodersOf(corpus).find(({ name }) => name === where)
  if (decoder !== undefined) {
    const { error, ms } = await attempt(decoder, bytes)
    return [{ name: where, passed: error === undefined && ms <= MAX_STALL_MS, figure: error ?? `${ms.toFixed(1)} ms` }]
  }
  const range = await Range.open(corpus, 1)
  const { server } = range
  await server.sample()
  await range.play(1, () => ({ index: 0, door: where as Door, bytes }))
  const sample = server.end === undefined ? await server.sample() : undefined
  const failed = await failures.after(range).catch(() => true)
  const figure = `${sample === undefined ? "gone" : describe(sample)}; ${server.uncaught[0] ?? "nothing uncaught"}`
  await range.close()
  return [{ name: where, passed: !failed && (sample?.stallMs ?? Infinity) <= MAX_STALL_MS, figure }]
}

function describe({ stallMs, gcMs }: Sample): string {
  return `${stallMs.toFixed(0)} ms of processor time (collections ${gcMs.toFixed(0)})`
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MB`
}
