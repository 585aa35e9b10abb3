import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { writeHeapSnapshot } from "node:v8"
import { createClient, type Client, type Conversation } from "@weft/sdk/node"
import { conversationOf, until } from "../support/until.ts"
import { ObservedServer } from "../support/observed-server.ts"
import { fitLine, type Point } from "./slope.ts"

/** Between two operations, milliseconds: light enough to run beside other work. */
const PACE_MS = 25
/** Between two readings of the heaps. */
const READING_MS = 5_000
/** Part of the time that is not measured: caches fill, code is compiled, documents reach their size. */
const WARM_UP = 0.25
/** So many conversations are opened and closed in turn, each with so many messages. */
const CONVERSATIONS = 12
const MESSAGES = 20
/** After so many visits a writer and its conversation are left behind, and others begin: no list of logs grows for ever. */
const VISITS = 25
/**
 * What an operation may leave in the heap for good. An honest leak leaves an object or a closure with what it holds for each
 * connection or document: some hundred bytes at least. What the run itself keeps stays far below: of a conversation that was
 * left behind the server keeps a few digests, once in five hundred operations.
 */
export const MAX_BYTES_PER_OPERATION = 64

interface Heap {
  readonly name: string
  readonly points: readonly Point[]
  readonly bytesPerMinute: number
  readonly bytesPerOperation: number
  /** How well the line fits: 1 is all of it, 0 nothing. Noise around a level has no slope to speak of. */
  readonly fit: number
  /** Two standard errors of the slope, in bytes per operation. */
  readonly error: number
}

export interface SoakResult {
  readonly operations: number
  readonly counts: ReadonlyMap<string, number>
  readonly heaps: readonly Heap[]
  readonly errors: number
  readonly uncaught: number
}

/**
 * Connects, disconnects, opens, idles and closes, for so long; then fits a line through what both heaps held. Two clients stay
 * for the whole time, and what they hold is always the same; messages are written by others, who come and go: a list of
 * messages that grew would be a list, and no leak.
 */
export async function soak(minutes: number, say: (line: string) => void, snapshots?: string): Promise<SoakResult> {
  const data = await mkdtemp(join(tmpdir(), "weft-soak-"))
  // Documents that nobody uses leave memory soon: so loading and dropping are part of what is soaked.
  const server = await ObservedServer.start(
    { data: join(data, "server"), limits: { activeConversations: 4 } },
    // As the clients run: what the optimizing compiler makes takes an hour to come to an end, and is no leak.
    ["--max-opt=0"],
  )
  // On disk, so that what they wrote is not in the heap that is measured.
  const open = (user: string, device = user): Promise<Client> =>
    createClient({ user, servers: [server.url], directory: join(data, "devices", device) })
  const ann = await open("ann")
  const ben = await open("ben")
  const ids: string[] = []
  for (let index = 0; index < CONVERSATIONS; index++) {
    const conversation = await ann.createConversation({ title: `Soak ${index}`, members: ["ben"] })
    for (let number = 0; number < MESSAGES; number++) await conversation.send(`message ${number}`).reached("saved")
    ids.push(conversation.id)
  }
  await ann.synced()
  const counts = new Map<string, number>()
  const count = (what: string): void => void counts.set(what, (counts.get(what) ?? 0) + 1)
  let operations = 0

  const pick = (list: Client, index: number): Promise<Conversation> =>
    conversationOf(list, ids[index % ids.length] ?? "")
  const read = async (conversation: Conversation): Promise<void> => {
    const stop = conversation.messages.subscribe(() => undefined)
    await until(conversation.messages, ({ state }) => state === "ready")
    stop()
    count("document opened and closed")
  }
  let visits = 0
  let written = ""
  const write = async (): Promise<void> => {
    const writer = `writer ${Math.floor(visits / VISITS)}`
    const client = await open(writer)
    if (visits++ % VISITS === 0) written = (await client.createConversation({ title: writer })).id
    const conversation = await conversationOf(client, written)
    for (let number = 0; number < 3; number++) await conversation.send(`message ${number}`).reached("sent")
    await client.close()
    if (visits % VISITS === 0) await rm(join(data, "devices", writer), { recursive: true })
    count("writer came and went")
  }
  const operate = async (index: number): Promise<void> => {
    switch (index % 20) {
      case 3:
        await write()
        return
      case 7:
      case 17: {
        const client = index % 40 < 20 ? ann : ben
        client.goOffline()
        client.goOnline()
        await client.synced()
        count("reconnected")
        return
      }
      case 12: {
        // Always the same one: new devices introduce themselves in every conversation, which is kept, and no leak.
        const guest = await open("ben", "ben's other")
        await guest.synced()
        await read(await pick(guest, index))
        await guest.close()
        count("device came and went")
        return
      }
      case 15: {
        const conversation = await pick(index % 40 < 20 ? ann : ben, index)
        conversation.draft.set(`draft ${index}`)
        conversation.draft.set("")
        count("draft typed and cleared")
        return
      }
      default:
        await read(await pick(index % 2 === 0 ? ann : ben, index))
    }
  }

  const started = performance.now()
  const length = minutes * 60_000
  const own: Point[] = []
  const theirs: Point[] = []
  let reading = started + length * WARM_UP
  say(`soak: ${minutes} minutes, ${Math.round((length * WARM_UP) / 1000)} s of it warm-up`)
  const shoot = async (when: string): Promise<void> => {
    if (snapshots === undefined) return
    await server.sample(true, join(snapshots, `server-${when}.heapsnapshot`))
    await collected()
    writeHeapSnapshot(join(snapshots, `clients-${when}.heapsnapshot`))
    say(`  heap snapshots after ${operations} operations: ${when}`)
  }
  while (performance.now() < started + length) {
    const next = performance.now() + PACE_MS
    await operate(operations)
    operations++
    if (performance.now() >= reading) {
      if (own.length === 0) await shoot("begin")
      reading = performance.now() + Math.min(READING_MS, length / 40)
      const sample = await server.sample(true)
      own.push({ ms: performance.now() - started, operations, bytes: await collected() })
      theirs.push({ ms: performance.now() - started, operations, bytes: sample.heapUsed })
      if (own.length % 24 === 1) {
        say(
          `  ${Math.round((performance.now() - started) / 1000)} s, ${operations} operations: server ${kilobytes(sample.heapUsed)}, clients ${kilobytes(own.at(-1)?.bytes ?? 0)}`,
        )
      }
    }
    const rest = next - performance.now()
    if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest))
  }
  await shoot("end")
  const errors = await server.metric("weft_internal_errors_total")
  await Promise.all([ann.close(), ben.close()])
  const uncaught = server.uncaught.length
  await server.stop()
  await rm(data, { recursive: true, force: true })
  return { operations, counts, errors, uncaught, heaps: [heapOf("server", theirs), heapOf("clients", own)] }
}

async function collected(): Promise<number> {
  for (let round = 0; round < 2; round++) {
    globalThis.gc?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return process.memoryUsage().heapUsed
}

function heapOf(name: string, points: readonly Point[]): Heap {
  const byTime = fitLine(points.map(({ ms, bytes }) => [ms / 60_000, bytes]))
  const byOperation = fitLine(points.map(({ operations, bytes }) => [operations, bytes]))
  return {
    name,
    points,
    bytesPerMinute: byTime.slope,
    bytesPerOperation: byOperation.slope,
    fit: byOperation.fit,
    error: 2 * byOperation.error,
  }
}

export function kilobytes(bytes: number): string {
  return `${(bytes / 1024).toFixed(0)} KB`
}
