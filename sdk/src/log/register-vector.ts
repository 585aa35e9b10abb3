import { concat, sha256, utf8 } from "../protocol/bytes.js"
import { MAX_REGISTER_LOGS } from "../protocol/limits.js"
import { deviceOf, type ConversationId, type DeviceId } from "../protocol/names.js"
import {
  nothingHeld,
  REST_BYTES,
  uint32,
  uint56,
  type HeldLog,
  type ReadThread,
  type RegisterVector,
} from "./register.js"
import type { DocumentSummary, LogSummary } from "./summary.js"
import type { ThreadName } from "./thread-name.js"

/** The segments that a replica holds, by number. A summary that changes is another object. */
export type Segments = ReadonlyMap<number, DocumentSummary>

/** Elements of a log that are read; what has no number counts as not read at all. */
export type ReadCount = (segment: number, log: LogSummary) => number

interface Candidate {
  readonly segment: number
  readonly log: LogSummary
  readonly count: number
}

/**
 * What a device has, as its register says it. `recent` ranks logs that changed lately, higher is later: those are listed,
 * so that the hash over the rest stays what it is for long. Without `readCount` all that is held. [SPEC P2]
 */
export function describeHeld(
  conversation: ConversationId,
  own: DeviceId,
  segments: Segments,
  recent: (segment: number, client: number) => number,
  readCount?: ReadCount,
): RegisterVector {
  const candidates: Candidate[] = []
  for (const [segment, summary] of segments) {
    for (const log of summary.logs.values()) {
      if (deviceOf(log.log) === own) continue
      const count = readCount === undefined ? log.count : Math.min(log.count, readCount(segment, log))
      candidates.push({ segment, log, count })
    }
  }
  if (candidates.length === 0) return nothingHeld
  const rank = (candidate: Candidate): number => recent(candidate.segment, candidate.log.client)
  const newestFirst = (a: Candidate, b: Candidate): number =>
    rank(b) - rank(a) || b.segment - a.segment || a.log.client - b.log.client
  const partial = candidates.filter(({ count, log }) => count < log.count)
  if (partial.length > MAX_REGISTER_LOGS) return describeFew(conversation, own, segments, candidates, newestFirst)
  const whole = candidates.filter(({ count, log }) => count === log.count).sort(newestFirst)
  const listed = [...partial, ...whole.slice(0, MAX_REGISTER_LOGS - partial.length)]
  const left = candidates.length - listed.length
  const through = left === 0 ? 0 : Math.max(...segments.keys())
  return vectorOf(conversation, own, segments, through, listed)
}

/** Where more logs are read in part than a register lists: the hash ends before the first of them. */
function describeFew(
  conversation: ConversationId,
  own: DeviceId,
  segments: Segments,
  candidates: readonly Candidate[],
  newestFirst: (a: Candidate, b: Candidate) => number,
): RegisterVector {
  const first = Math.min(...candidates.filter(({ count, log }) => count < log.count).map(({ segment }) => segment))
  const below = candidates.filter(({ segment }) => segment < first)
  const through = below.length === 0 ? 0 : Math.max(...below.map(({ segment }) => segment))
  const listed = candidates.filter(({ segment, count }) => segment >= first && count > 0).sort(newestFirst)
  return vectorOf(conversation, own, segments, through, listed.slice(0, MAX_REGISTER_LOGS))
}

function vectorOf(
  conversation: ConversationId,
  own: DeviceId,
  segments: Segments,
  through: number,
  listed: readonly Candidate[],
): RegisterVector {
  const logs = listed
    // Beyond the hash, a log of which nothing is held need not be named.
    .filter(({ segment, count }) => count > 0 || segment <= through)
    .map(({ segment, log, count }): HeldLog => ({ segment, client: log.client, count }))
    .sort((a, b) => a.segment - b.segment || a.client - b.client)
  const rest = through === 0 ? new Uint8Array() : restHash(conversation, own, segments, through, logs)
  return { through, rest, logs }
}

/** The hash over all logs up to a segment that are not listed, as they are held here. [SPEC P2] */
export function restHash(
  conversation: ConversationId,
  own: DeviceId,
  segments: Segments,
  through: number,
  listed: readonly HeldLog[],
): Uint8Array {
  const without = new Map<number, Set<number>>()
  for (const { segment, client } of listed) {
    const clients = without.get(segment)
    if (clients === undefined) without.set(segment, new Set([client]))
    else clients.add(client)
  }
  const parts = [utf8(`weft/1/rest\0${conversation}\0`)]
  for (const segment of Array.from(segments.keys()).sort((a, b) => a - b)) {
    const summary = segments.get(segment)
    if (summary === undefined || segment > through) continue
    const hash = segmentHash(summary, own, without.get(segment))
    if (hash !== undefined) parts.push(uint32(segment), hash)
  }
  return sha256(concat(parts)).slice(0, REST_BYTES)
}

/** By summary, of whole segments: the same old ones are asked for again and again, for each device. */
const known = new WeakMap<DocumentSummary, Map<string, Uint8Array | undefined>>()

function segmentHash(
  summary: DocumentSummary,
  own: DeviceId,
  without: ReadonlySet<number> | undefined,
): Uint8Array | undefined {
  if (without !== undefined) return hashLogs(summary, own, without)
  let hashes = known.get(summary)
  if (hashes === undefined) known.set(summary, (hashes = new Map<string, Uint8Array | undefined>()))
  // Those who have no log here share one hash.
  let name = ""
  for (const { log } of summary.logs.values()) if (deviceOf(log) === own) name = own
  if (!hashes.has(name)) hashes.set(name, hashLogs(summary, own, new Set()))
  return hashes.get(name)
}

function hashLogs(summary: DocumentSummary, own: DeviceId, without: ReadonlySet<number>): Uint8Array | undefined {
  const logs = Array.from(summary.logs.values())
    .filter(({ log, client }) => deviceOf(log) !== own && !without.has(client))
    .sort((a, b) => a.client - b.client)
  if (logs.length === 0) return undefined
  return sha256(concat(logs.flatMap(({ client, count, link }) => [uint56(client), uint56(count), link])))
}

/** What a vector says of a log: elements held, or undefined where it says nothing that can be told from here. */
export type Claim = (segment: number, client: number) => number | undefined

/**
 * Reads a register's vector. The hash is understood by whoever holds the same; `segments` are those held here, by which
 * it is understood, or undefined where it is not yet.
 */
export function claimOf(vector: RegisterVector, segments: Segments | undefined): Claim {
  const listed = new Map(vector.logs.map(({ segment, client, count }) => [`${segment}/${client}`, count]))
  return (segment, client) => {
    const count = listed.get(`${segment}/${client}`)
    if (count !== undefined) return count
    return segment <= vector.through ? segments?.get(segment)?.logs.get(client)?.count : undefined
  }
}

const noThreads: ReadonlyMap<ThreadName, number> = new Map()

/** What a register says was read in threads, of each log: elements, by thread. */
export function claimInThreads(
  threads: readonly ReadThread[],
): (segment: number, client: number) => ReadonlyMap<ThreadName, number> {
  const claims = new Map<string, Map<ThreadName, number>>()
  for (const { thread, logs } of threads) {
    for (const { segment, client, count } of logs) {
      const key = `${segment}/${client}`
      claims.set(key, (claims.get(key) ?? new Map<ThreadName, number>()).set(thread, count))
    }
  }
  return (segment, client) => claims.get(`${segment}/${client}`) ?? noThreads
}
