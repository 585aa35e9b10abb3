import { equalBytes } from "../protocol/bytes.js"
import type { RefusalCode } from "../protocol/codes.js"
import {
  BODY_SALT_BYTES,
  controlIdOf,
  decodeHead,
  decodeSeal,
  firstLink,
  hashBody,
  isBody,
  KIND_HEAD,
  mayStand,
  messageIdOf,
  nextLink,
  sealMessage,
  type ControlId,
  type Head,
  type MessageId,
} from "../protocol/entry.js"
import { MAX_BODY_BYTES, MAX_RUN_BYTES } from "../protocol/limits.js"
import {
  clientIdOf,
  conversationIdOf,
  deviceIdOf,
  deviceOf,
  documentParts,
  parseLogId,
  type DeviceId,
  type LogId,
} from "../protocol/names.js"
import { decodeRecord, eraserOf, recordIdOf, recordMessage, type EraseRecord } from "./erasure.js"
import type { DocumentSummary, LogSummary } from "./summary.js"
import { bytesOf, decodeUpdate, encodeUpdate, type ClientBlock, type Element, type LogRun } from "./update.js"

/** An entry that passed, or asks to: a head and its body. */
export interface Entry {
  readonly log: LogId
  readonly device: DeviceId
  /** Position of the head in its log; the body is at the next one. */
  readonly position: number
  readonly head: Head
  /** The control entry's name; undefined for messages and erasures. */
  readonly control: ControlId | undefined
  /** The body element, or null where it was erased. */
  readonly body: Element
  /** Control entries seen by this head, and by the log's first head. */
  readonly seen: readonly ControlId[]
  readonly firstSeen: readonly ControlId[]
}

/** What the check asks of its surroundings; it holds no state of its own. */
export interface CheckContext {
  readonly summary: DocumentSummary
  /** Whether this control entry was accepted before. */
  knowsControl(id: ControlId): boolean
  /** What authority and admission say of an entry; undefined: it may stand. */
  admit(entry: Entry): RefusalCode | undefined
  /** Elements of a log that its author's removal leaves; Infinity where there is none. A cut rounds down to a seal. */
  cutOf(log: LogId, firstSeen: readonly ControlId[]): number
  /** Whether a valid erase record names this message, so that its body may be missing. */
  isErased(message: MessageId): boolean
  /** Elements of a log that the replica holds, from 0; asked only where an update overlaps them. */
  held(log: LogId): Promise<LogRun | undefined>
  /** Whether an Ed25519 key has an order that lets several messages share a signature. */
  refusesKey(publicKey: Uint8Array): boolean
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean | Promise<boolean>
}

/** What became of one log of an update. */
export interface LogVerdict {
  readonly client: number
  /** Undefined where the block names no log. */
  readonly log: LogId | undefined
  /** The accepted elements, beginning at the count held before; their last is a verified seal. Empty: none. */
  readonly run: LogRun | undefined
  readonly entries: readonly Entry[]
  readonly records: readonly EraseRecord[]
  /** The log after them. */
  readonly next: LogSummary | undefined
  /** Why the rest was not accepted, and where it begins. */
  readonly refusal: Refusal | undefined
}

export interface Refusal {
  readonly code: RefusalCode
  readonly at: number
}

/** Elements from one seal to the next, well-formed and admitted; it counts once its proofs are verified. */
interface SealedRun {
  readonly next: LogSummary
  readonly entries: readonly Entry[]
  readonly records: readonly EraseRecord[]
  readonly proofs: readonly Proof[]
}

type Proof = readonly [publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array]

/** A log in the middle of its check. */
interface Candidate {
  readonly client: number
  readonly log: LogId
  readonly held: LogSummary | undefined
  /** What the update says beyond what is held. */
  readonly elements: readonly Element[]
  readonly formRefusal: RefusalCode | undefined
  readonly entries: Entry[]
  readonly records: EraseRecord[]
  accepted: LogSummary | undefined
  refusal: Refusal | undefined
}

/**
 * The one way in: what of an update may be stored, shown and relayed. For each log the longest prefix that continues
 * what is held, has its form, stands under verified seals and is admitted; one bad log never blocks another. [SPEC C]
 * Returns undefined where the bytes are not one whole V1 update.
 */
export async function check(update: Uint8Array, context: CheckContext): Promise<LogVerdict[] | undefined> {
  const blocks = decodeUpdate(update)
  if (blocks === undefined) return undefined
  const verdicts: LogVerdict[] = []
  const candidates: Candidate[] = []
  for (const block of blocks) {
    const opened = await openBlock(block, context)
    if ("held" in opened) candidates.push(opened)
    else verdicts.push(opened)
  }
  const fresh = new Set<ControlId>()
  let open = candidates
  while (open.length > 0) {
    const progress = await Promise.all(open.map((candidate) => advance(candidate, context, fresh)))
    // Control entries name one another across logs: what was accepted may let another log go on.
    if (!progress.includes(true)) break
    open = open.filter((candidate) => candidate.refusal?.code === "CONTROL_UNKNOWN")
  }
  return verdicts.concat(candidates.map(settle))
}

async function openBlock(block: ClientBlock, context: CheckContext): Promise<Candidate | LogVerdict> {
  const { document, logs } = context.summary
  const held = logs.get(block.client)
  const start = held?.count ?? 0
  const refuse = (code: RefusalCode, log?: LogId): LogVerdict => ({
    client: block.client,
    log,
    run: undefined,
    entries: [],
    records: [],
    next: undefined,
    refusal: { code, at: start },
  })
  let log = held?.log
  if (block.from === 0 && block.elements.length > 0) {
    const parsed = parseLogId(block.root ?? "")
    if (parsed === undefined) return refuse("FOREIGN_ROOT")
    if (clientIdOf(document, parsed.log) !== block.client) return refuse("CLIENT_ID_MISMATCH", parsed.log)
    if (held !== undefined && held.log !== parsed.log) return refuse("CLIENT_ID_TAKEN", parsed.log)
    log = parsed.log
  }
  if (block.from > start) return refuse("GAP", log)
  if (log === undefined) return refuse(block.refusal ?? "MALFORMED")
  if (block.from < start && (await contradicts(block, log, start, context))) return refuse("FORK", log)
  return {
    client: block.client,
    log,
    held,
    elements: block.elements.slice(start - block.from),
    formRefusal: block.refusal,
    entries: [],
    records: [],
    accepted: held,
    refusal: undefined,
  }
}

/** Whether heads or seals that both hold differ: proof that the log was continued twice. [SPEC C8] */
async function contradicts(block: ClientBlock, log: LogId, start: number, context: CheckContext): Promise<boolean> {
  const held = await context.held(log)
  if (held === undefined) return false
  const end = Math.min(start, block.from + block.elements.length)
  for (let at = block.from; at < end; at++) {
    const mine = held.elements[at] ?? null
    const theirs = block.elements[at - block.from] ?? null
    const hole = mine === null || theirs === null
    if (hole ? (mine ?? theirs ?? undefined)?.[0] === KIND_HEAD : !equalBytes(mine, theirs)) return true
  }
  return false
}

/** Takes further sealed runs of a log; true where at least one was accepted. */
async function advance(candidate: Candidate, context: CheckContext, fresh: Set<ControlId>): Promise<boolean> {
  const { runs, refusal } = walk(candidate, context, fresh)
  candidate.refusal = refusal
  // Every seal is verified, not the last alone: how an update is cut must not decide what is accepted. [SPEC C7]
  const passed = await Promise.all(runs.map((run) => Promise.all(run.proofs.map(async (proof) => context.verify(...proof)))))
  let accepted = 0
  for (const run of runs) {
    if (passed[accepted]?.includes(false) === true) {
      candidate.refusal = { code: "BAD_SEAL", at: run.next.count - 1 }
      break
    }
    for (const entry of run.entries) {
      candidate.entries.push(entry)
      if (entry.control !== undefined) fresh.add(entry.control)
    }
    candidate.records.push(...run.records)
    candidate.accepted = run.next
    accepted++
  }
  return accepted > 0
}

/** The sealed runs behind what is accepted, as far as form, authority and admission allow. */
function walk(
  candidate: Candidate,
  context: CheckContext,
  fresh: Set<ControlId>,
): { runs: SealedRun[]; refusal: Refusal | undefined } {
  const { log, client, elements } = candidate
  const { document } = context.summary
  const device = deviceOf(log)
  const base = candidate.held?.count ?? 0
  const runs: SealedRun[] = []
  let at = candidate.accepted?.count ?? 0
  let link = candidate.accepted?.link ?? firstLink(document, log)
  let publicKey = candidate.accepted?.publicKey
  let seen = candidate.accepted?.seen
  let firstSeen = candidate.accepted?.firstSeen
  let runBytes = 0
  let entries: Entry[] = []
  let records: EraseRecord[] = []
  let proofs: Proof[] = []
  const stop = (code: RefusalCode, where = at): { runs: SealedRun[]; refusal: Refusal } => ({
    runs,
    refusal: { code, at: where },
  })

  while (at - base < elements.length) {
    const element = elements[at - base]
    if (!element) return stop("BAD_GRAMMAR")
    if (element[0] === KIND_HEAD) {
      const head = decodeHead(element)
      if (head === undefined) return stop("BAD_GRAMMAR")
      const place = documentParts(document)
      if (!mayStand(head.class, place.kind)) return stop("WRONG_CLASS")
      const explicit = head.class === "control" || head.seen.length > 0
      if (!explicit && seen === undefined) return stop("BAD_GRAMMAR")
      const seenHere: readonly ControlId[] = explicit ? head.seen : (seen ?? [])
      firstSeen ??= seenHere
      if (at + 1 - base >= elements.length) return stop(candidate.formRefusal ?? "UNSEALED")
      const body = elements[at + 1 - base] ?? null
      if (body === null) {
        if (head.class !== "message" || !context.isErased(messageIdOf(device, head.bodyHash))) {
          return stop("DELETED_UNNAMED", at + 1)
        }
      } else {
        if (body.length > MAX_BODY_BYTES) return stop("BODY_TOO_LARGE", at + 1)
        if (!isBody(body)) return stop("BAD_GRAMMAR", at + 1)
        if (!equalBytes(hashBody(body), head.bodyHash)) return stop("BODY_MISMATCH", at + 1)
      }
      const control = head.class === "control" ? controlIdOf(device, element) : undefined
      if (control !== undefined && head.seen.length === 0) {
        if (body === null || conversationIdOf(device, body) !== place.conversation) return stop("CREATE_MISMATCH")
      }
      if (!seenHere.every((id) => context.knowsControl(id) || fresh.has(id))) return stop("CONTROL_UNKNOWN")
      const entry: Entry = { log, device, position: at, head, control, body, seen: seenHere, firstSeen }
      const refused = context.admit(entry)
      if (refused !== undefined) return stop(refused)
      if (head.class === "erase") {
        const record = body === null ? undefined : decodeRecord(body.subarray(1 + BODY_SALT_BYTES))
        if (record === undefined || eraserOf(record) !== device) return stop("MALFORMED")
        records.push(record)
        proofs.push([record.publicKey, recordMessage(document, record), record.signature])
      }
      entries.push(entry)
      seen = seenHere
      link = nextLink(link, element)
      runBytes += element.length + (body?.length ?? 0)
      if (runBytes > MAX_RUN_BYTES) return stop("RUN_TOO_LONG")
      at += 2
      continue
    }
    const seal = decodeSeal(element)
    if (seal === undefined || entries.length === 0 || seen === undefined || firstSeen === undefined) {
      return stop("BAD_GRAMMAR")
    }
    // The first seal brings the key, and no other does: one log, one byte string. [SPEC E7]
    if ((seal.publicKey === undefined) === (publicKey === undefined)) return stop("BAD_GRAMMAR")
    const key: Uint8Array | undefined = publicKey ?? seal.publicKey
    if (key === undefined || deviceIdOf(key) !== device) return stop("BAD_SEAL")
    if (publicKey === undefined && context.refusesKey(key)) return stop("KEY_REFUSED")
    if (at + 1 > context.cutOf(log, firstSeen)) return stop("PAST_CUT")
    proofs.push([key, sealMessage(document, log, link), seal.signature])
    link = nextLink(link, element)
    publicKey = key
    at += 1
    runs.push({ next: { log, client, count: at, link, publicKey, firstSeen, seen }, entries, records, proofs })
    entries = []
    records = []
    proofs = []
    runBytes = 0
  }
  if (candidate.formRefusal !== undefined) return stop(candidate.formRefusal)
  return entries.length > 0 ? stop("UNSEALED") : { runs, refusal: undefined }
}

function settle(candidate: Candidate): LogVerdict {
  const { client, log, held, accepted, entries, records, refusal } = candidate
  const from = held?.count ?? 0
  const count = accepted?.count ?? 0
  const run = count > from ? { log, client, from, elements: candidate.elements.slice(0, count - from) } : undefined
  return { client, log, run, entries, records, next: run && accepted, refusal }
}

/** Takes what was accepted into the summary. Holes of messages that are erased here are the caller's to make. */
export function advanceSummary(summary: DocumentSummary, verdicts: readonly LogVerdict[]): void {
  for (const { next, run, entries, records } of verdicts) {
    if (next === undefined || run === undefined) continue
    summary.logs.set(next.client, next)
    summary.bytes += bytesOf(run.elements)
    for (const entry of entries) if (entry.head.class === "message") summary.messages++
    for (const record of records) summary.records.set(recordIdOf(record), record)
  }
}

/** The update that holds exactly what was accepted, in canonical form; undefined where nothing was. */
export function acceptedUpdate(verdicts: readonly LogVerdict[]): Uint8Array | undefined {
  const runs = verdicts.flatMap((verdict) => verdict.run ?? [])
  return runs.length === 0 ? undefined : encodeUpdate(runs)
}
