import {
  aheadMs,
  documentParts,
  MAX_CLOCK_AHEAD_MS,
  MAX_CLOCK_RETRY_MS,
  MAX_SEGMENT_STEP,
  segmentDocument,
  type DocumentName,
  type DocumentSummary,
  type Entry,
  type LogId,
  type RefusalCode,
} from "@weft/sdk/protocol"
import type { Limits } from "../limits/limits.js"
import type { Rates } from "../limits/rates.js"
import { userOf, type Source } from "./source.js"

export interface AdmissionPorts {
  readonly limits: Limits
  /** Number of documents that the conversation has. */
  readonly documentCount: number
  /** Whether a document holds an entry, be it durable or on its way. */
  exists(document: DocumentName): boolean
  /** What a device may write of its own, and bring of others. */
  readonly written: Rates
  readonly relayed: Rates
  now(): number
}

/** What this server decides for itself about the entries of one update, after form and authority. [SPEC R2, R3, L1] */
export interface Admission {
  admit(entry: Entry): RefusalCode | undefined
  /** Books what was accepted, and says when what was too much may come again. */
  settle(accepted: readonly Entry[]): number
}

export function createAdmission(source: Source, summary: DocumentSummary, ports: AdmissionPorts): Admission {
  const { limits, written, relayed } = ports
  const now = ports.now()
  const name = nameOf(source)
  const room = {
    own: name === undefined ? Infinity : written.allowance(name, now),
    other: name === undefined ? Infinity : relayed.allowance(name, now),
  }
  const asked = { own: 0, other: 0 }
  // The check may walk a run twice, when control entries name one another across logs: it counts once.
  const counted = new Map<LogId, number>()
  // What a peer let in would be missing here for ever, by a limit of its user's. [SPEC I6, L1]
  const isUsers = userOf(source) !== undefined
  const refusesDocument = isUsers ? refuseDocument(summary, ports) : undefined
  const fresh = new Set<LogId>()
  let bytes = summary.bytes
  let records = summary.records.size

  const isOwn = (entry: Entry): boolean =>
    source.kind === "stock" || (source.kind === "device" && entry.device === source.device)

  return {
    admit(entry) {
      if (refusesDocument !== undefined) return refusesDocument
      const ahead = aheadMs(entry.head.clock, now)
      if (ahead > MAX_CLOCK_AHEAD_MS + MAX_CLOCK_RETRY_MS) return "CLOCK_FAR_AHEAD"
      if (ahead > MAX_CLOCK_AHEAD_MS) return "CLOCK_AHEAD"
      const kind = isOwn(entry) ? "own" : "other"
      if ((counted.get(entry.log) ?? -1) < entry.position) {
        counted.set(entry.log, entry.position)
        asked[kind]++
        bytes += entry.body?.length ?? 0
        if (entry.position === 0) fresh.add(entry.log)
        if (entry.head.class === "erase") records++
      }
      if (asked[kind] > room[kind]) return "RATE_LIMITED"
      if (!isUsers) return undefined
      if (bytes > limits.documentBytes) return "QUOTA_EXCEEDED"
      if (entry.head.class === "erase" && records > limits.documentRecords) return "QUOTA_EXCEEDED"
      if (fresh.has(entry.log) && summary.logs.size + fresh.size > limits.documentLogs) return "QUOTA_EXCEEDED"
      return undefined
    },
    settle(accepted) {
      if (name === undefined) return 0
      const own = accepted.filter(isOwn).length
      written.take(name, own, now)
      relayed.take(name, accepted.length - own, now)
      return Math.max(written.waitMs(name, asked.own - own, now), relayed.waitMs(name, asked.other, now))
    },
  }
}

/** A segment opens when one not far before it holds an entry; a conversation has so many documents, and no more. [SPEC R3] */
function refuseDocument(summary: DocumentSummary, ports: AdmissionPorts): RefusalCode | undefined {
  if (summary.logs.size > 0) return undefined
  const place = documentParts(summary.document)
  if (place.kind === "control") return undefined
  const { segment, conversation } = place
  const before = Array.from({ length: MAX_SEGMENT_STEP }, (_, step) => segment - 1 - step)
  if (!before.some((number) => number < 1 || ports.exists(segmentDocument(conversation, number))))
    return "SEGMENT_AHEAD"
  return ports.documentCount >= ports.limits.conversationDocuments ? "QUOTA_EXCEEDED" : undefined
}

/** Whose bucket is used: peers and this server have none. */
function nameOf(source: Source): string | undefined {
  switch (source.kind) {
    case "device":
      return source.device
    case "stock":
      return `user:${source.user}`
    default:
      return undefined
  }
}
