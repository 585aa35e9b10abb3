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
  KIND_BODY,
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
  type ParsedDocument,
  parseLogId,
  type DeviceId,
  type LogId,
} from "../protocol/names.js"
import { decodeRecord, eraserOf, recordIdOf, recordMessage, targetOf, type EraseRecord } from "./erasure.js"
import type { DocumentSummary, LogSummary } from "./summary.js"
import {
  bytesOf,
  decodeUpdate,
  encodeUpdate,
  strangerBounds,
  type ClientBlock,
  type Element,
  type LogRun,
} from "./update.js"

/** An entry that passed, or asks to: a head and its body. */
export interface Entry {
  readonly log: LogId
  readonly device: DeviceId
  /** Position of the head in its log; the body is at the next one. */
  readonly position: number
  readonly head: Head
  /** The control entry's name; undefined for messages and erasures. */
  readonly control: ControlId | undefined
  /** The body element, a view of the update that brought it: who keeps it copies it. Null where it was erased. */
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
  /** What authority says of an erase record by itself, and of its key; undefined: it is valid if its signature is. */
  admitRecord(record: EraseRecord): RefusalCode | undefined
  /** Elements of a log that the replica holds, those from `from` up to `end` among them; asked only where an update overlaps them. */
  held(log: LogId, client: number, from: number, end: number): Promise<LogRun | undefined>
  /** Whether an Ed25519 key has an order that lets several messages share a signature. */
  refusesKey(publicKey: Uint8Array): boolean
  /** Whether an Ed25519 signature (64 bytes) by a key (32 bytes) holds. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean | Promise<boolean>
  /**
   * Asked before each piece of work: where others have waited long enough, a wait until they had their turn. A stranger
   * chooses how much an update costs; that it costs nobody else's time is decided here.
   */
  breathe?(): Promise<void> | undefined
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

/** Why elements of a log are refused, and the position where they begin. */
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

/** Sealed runs of a log that are verified at once: what a bad seal may cost. */
const VERIFIED_AT_ONCE = 16
/** Logs that go on at once: enough for every thread that verifies, and few that wait in memory. */
const ADVANCED_AT_ONCE = 64

/** What one update brought so far, across its logs. */
interface Arrivals {
  readonly place: ParsedDocument
  /** Control entries that were accepted. */
  readonly controls: Set<ControlId>
  /** Records that its own erase entries make, by the message that they allow to be a hole. */
  readonly naming: ReadonlyMap<MessageId, EraseRecord>
}

/** A log in the middle of its check. */
interface Candidate {
  readonly client: number
  readonly log: LogId
  readonly device: DeviceId
  readonly held: LogSummary | undefined
  /** What the update says beyond what is held. */
  readonly elements: readonly Element[]
  readonly formRefusal: RefusalCode | undefined
  /** How far `walk` came: it goes on there, so that waiting for others costs no second walk. */
  readonly cursor: Cursor
  readonly entries: Entry[]
  readonly records: EraseRecord[]
  accepted: LogSummary | undefined
  refusal: Refusal | undefined
  /** With CONTROL_UNKNOWN: an entry that may yet come, with another log of the update. */
  waitsFor: ControlId | undefined
}

/** Behind the last element that was read well. */
interface Cursor {
  at: number
  link: Uint8Array
  publicKey: Uint8Array | undefined
  seen: readonly ControlId[] | undefined
  firstSeen: readonly ControlId[] | undefined
  /** Control entries of this log so far: later ones may name them, also under the same seal. */
  controls: Set<ControlId> | undefined
  /** Since the last seal. */
  runBytes: number
  entries: Entry[]
  records: EraseRecord[]
  proofs: Proof[]
}

/**
 * The one way in: what of an update may be stored, shown and relayed. For each log the longest prefix that continues
 * what is held, has its form, stands under verified seals and is admitted; one bad log never blocks another. [SPEC C]
 * Returns undefined where the bytes are not one whole V1 update.
 */
export async function check(update: Uint8Array, context: CheckContext): Promise<LogVerdict[] | undefined> {
  const blocks = decodeUpdate(update, strangerBounds)
  if (blocks === undefined) return undefined
  const verdicts: LogVerdict[] = []
  const candidates: Candidate[] = []
  let turn: Promise<void> | undefined
  for (const block of blocks) {
    while ((turn = context.breathe?.()) !== undefined) await turn
    const opened = await openBlock(block, context)
    if ("held" in opened) candidates.push(opened)
    else verdicts.push(opened)
  }
  const arrivals: Arrivals = {
    place: documentParts(context.summary.document),
    controls: new Set(),
    naming: await nameHoles(candidates, context),
  }
  const waiting = new Map<ControlId, Candidate[]>()
  let open: readonly Candidate[] = candidates
  while (open.length > 0) {
    const accepted: ControlId[] = []
    for (let start = 0; start < open.length; start += ADVANCED_AT_ONCE) {
      const some = open.slice(start, start + ADVANCED_AT_ONCE)
      accepted.push(...(await Promise.all(some.map((candidate) => advance(candidate, context, arrivals)))).flat())
    }
    for (const candidate of open) {
      if (candidate.waitsFor === undefined) continue
      const others = waiting.get(candidate.waitsFor)
      if (others === undefined) waiting.set(candidate.waitsFor, [candidate])
      else others.push(candidate)
    }
    // Control entries name one another across logs: what was accepted lets just those go on that wait for it.
    open = accepted.flatMap((id) => {
      const woken = waiting.get(id) ?? []
      waiting.delete(id)
      return woken
    })
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
  if (block.from > start) {
    // What lies beyond a cut never comes, so nothing is to be asked for.
    const isCut = held !== undefined && block.from >= context.cutOf(held.log, held.firstSeen)
    return refuse(isCut ? "PAST_CUT" : "GAP", log)
  }
  if (log === undefined) return refuse(block.refusal ?? "MALFORMED")
  if (block.from < start && (await contradicts(block, log, start, context))) return refuse("FORK", log)
  return {
    client: block.client,
    log,
    device: deviceOf(log),
    held,
    elements: block.elements.slice(start - block.from),
    formRefusal: block.refusal,
    cursor: {
      at: start,
      link: held?.link ?? firstLink(document, log),
      publicKey: held?.publicKey,
      seen: held?.seen,
      firstSeen: held?.firstSeen,
      controls: undefined,
      runBytes: 0,
      entries: [],
      records: [],
      proofs: [],
    },
    entries: [],
    records: [],
    accepted: held,
    refusal: undefined,
    waitsFor: undefined,
  }
}

/** Whether heads or seals that both hold differ: proof that the log was continued twice. [SPEC C8] */
async function contradicts(block: ClientBlock, log: LogId, start: number, context: CheckContext): Promise<boolean> {
  if (block.elements.length === 0) return false
  const end = Math.min(start, block.from + block.elements.length)
  const held = await context.held(log, block.client, block.from, end)
  if (held === undefined) return false
  for (let at = block.from; at < end; at++) {
    const mine = held.elements[at - held.from] ?? null
    const theirs = block.elements[at - block.from] ?? null
    const hole = mine === null || theirs === null
    if (hole ? ((mine ?? theirs)?.[0] ?? KIND_BODY) !== KIND_BODY : !equalBytes(mine, theirs)) return true
  }
  return false
}

/**
 * Erase records that the update itself brings for its holes. A log may hold the erasure of an earlier message of its own,
 * and a stock carrier brings no records by themselves: each is judged by what it says, wherever it stands. [SPEC C9]
 */
async function nameHoles(
  candidates: readonly Candidate[],
  context: CheckContext,
): Promise<ReadonlyMap<MessageId, EraseRecord>> {
  const naming = new Map<MessageId, EraseRecord>()
  const unnamed = new Set<MessageId>()
  let turn: Promise<void> | undefined
  for (const { device, elements } of candidates) {
    while ((turn = context.breathe?.()) !== undefined) await turn
    elements.forEach((element, index) => {
      const before = element === null ? elements[index - 1] : undefined
      const head = before ? decodeHead(before) : undefined
      if (head?.class !== "message") return
      const message = messageIdOf(device, head.bodyHash)
      if (!context.isErased(message)) unnamed.add(message)
    })
  }
  if (unnamed.size === 0) return naming
  const { document } = context.summary
  for (const { elements } of candidates) {
    for (const element of elements) {
      // Whether an erase head stands before it does not matter: what names a hole proves itself.
      const record = element?.[0] === KIND_BODY ? decodeRecord(element.subarray(1 + BODY_SALT_BYTES)) : undefined
      if (record === undefined || !unnamed.has(targetOf(record)) || naming.has(targetOf(record))) continue
      while ((turn = context.breathe?.()) !== undefined) await turn
      if (context.admitRecord(record) !== undefined) continue
      const passed = await context.verify(record.publicKey, recordMessage(document, record), record.signature)
      if (passed) naming.set(targetOf(record), record)
    }
  }
  return naming
}

/** Takes further sealed runs of a log; returns the control entries that were accepted with them. */
async function advance(candidate: Candidate, context: CheckContext, arrivals: Arrivals): Promise<ControlId[]> {
  const runs: SealedRun[] = []
  candidate.waitsFor = undefined
  candidate.refusal = await walk(candidate, context, arrivals, runs)
  const controls: ControlId[] = []
  // Every seal is verified, not the last alone: how an update is cut must not decide what is accepted. [SPEC C7]
  for (let start = 0; start < runs.length; start += VERIFIED_AT_ONCE) {
    const some = runs.slice(start, start + VERIFIED_AT_ONCE)
    const passed = await Promise.all(some.map(({ proofs }) => hold(proofs, context)))
    for (const [index, run] of some.entries()) {
      if (passed[index] !== true) {
        candidate.refusal = { code: "BAD_SEAL", at: run.next.count - 1 }
        candidate.waitsFor = undefined
        return controls
      }
      for (const entry of run.entries) {
        candidate.entries.push(entry)
        if (entry.control === undefined) continue
        arrivals.controls.add(entry.control)
        controls.push(entry.control)
      }
      candidate.records.push(...run.records)
      candidate.accepted = run.next
    }
  }
  return controls
}

async function hold(proofs: readonly Proof[], context: CheckContext): Promise<boolean> {
  let turn: Promise<void> | undefined
  for (const proof of proofs) {
    // Many logs wait for the same turn. The question and the work are one step, or all of them would be let through at once.
    while ((turn = context.breathe?.()) !== undefined) await turn
    if (!(await context.verify(...proof))) return false
  }
  return true
}

/** Reads on, sealed run by sealed run, as far as form, authority and admission allow; says why it stopped. */
async function walk(
  candidate: Candidate,
  context: CheckContext,
  arrivals: Arrivals,
  runs: SealedRun[],
): Promise<Refusal | undefined> {
  const { log, client, device, elements, cursor } = candidate
  const { document } = context.summary
  const { place } = arrivals
  const base = candidate.held?.count ?? 0
  const stop = (code: RefusalCode, at = cursor.at): Refusal => ({ code, at })
  let turn: Promise<void> | undefined

  while (cursor.at - base < elements.length) {
    const element = elements[cursor.at - base]
    if (!element) return stop("BAD_GRAMMAR")
    while ((turn = context.breathe?.()) !== undefined) await turn
    if (element[0] === KIND_HEAD) {
      const head = decodeHead(element)
      if (head === undefined) return stop("BAD_GRAMMAR")
      if (!mayStand(head.class, place.kind)) return stop("WRONG_CLASS")
      const explicit = head.class === "control" || head.seen.length > 0
      if (!explicit && cursor.seen === undefined) return stop("BAD_GRAMMAR")
      const seen: readonly ControlId[] = explicit ? head.seen : (cursor.seen ?? [])
      const firstSeen = cursor.firstSeen ?? seen
      const bodyAt = cursor.at + 1
      if (bodyAt - base >= elements.length) return stop(candidate.formRefusal ?? "UNSEALED")
      const unknown = seen.find(
        (id) => cursor.controls?.has(id) !== true && !arrivals.controls.has(id) && !context.knowsControl(id),
      )
      if (unknown !== undefined) {
        candidate.waitsFor = unknown
        return stop("CONTROL_UNKNOWN")
      }
      const body = elements[bodyAt - base] ?? null
      let naming: EraseRecord | undefined
      if (body === null) {
        if (head.class !== "message") return stop("DELETED_UNNAMED", bodyAt)
        const message = messageIdOf(device, head.bodyHash)
        naming = arrivals.naming.get(message)
        if (naming === undefined && !context.isErased(message)) return stop("DELETED_UNNAMED", bodyAt)
      } else {
        if (body.length > MAX_BODY_BYTES) return stop("BODY_TOO_LARGE", bodyAt)
        if (!isBody(body)) return stop("BAD_GRAMMAR", bodyAt)
        if (!equalBytes(hashBody(body), head.bodyHash)) return stop("BODY_MISMATCH", bodyAt)
      }
      const control = head.class === "control" ? controlIdOf(device, element) : undefined
      if (control !== undefined && head.seen.length === 0) {
        if (body === null || conversationIdOf(device, body) !== place.conversation) return stop("CREATE_MISMATCH")
      }
      const entry: Entry = { log, device, position: cursor.at, head, control, body, seen, firstSeen }
      const refused = context.admit(entry)
      if (refused !== undefined) return stop(refused)
      cursor.runBytes += element.length + (body?.length ?? 0)
      if (cursor.runBytes > MAX_RUN_BYTES) return stop("RUN_TOO_LONG")
      if (head.class === "erase") {
        const record = body === null ? undefined : decodeRecord(body.subarray(1 + BODY_SALT_BYTES))
        if (record === undefined || eraserOf(record) !== device) return stop("MALFORMED")
        cursor.records.push(record)
        cursor.proofs.push([record.publicKey, recordMessage(document, record), record.signature])
      }
      if (naming !== undefined) cursor.records.push(naming)
      cursor.entries.push(entry)
      if (control !== undefined) (cursor.controls ??= new Set()).add(control)
      cursor.seen = seen
      cursor.firstSeen = firstSeen
      cursor.link = nextLink(cursor.link, element)
      cursor.at += 2
      continue
    }
    const seal = decodeSeal(element)
    const { entries, records, proofs, seen, firstSeen } = cursor
    if (seal === undefined || entries.length === 0 || seen === undefined || firstSeen === undefined) {
      return stop("BAD_GRAMMAR")
    }
    // The first seal brings the key, and no other does: one log, one byte string. [SPEC E7]
    if ((seal.publicKey === undefined) === (cursor.publicKey === undefined)) return stop("BAD_GRAMMAR")
    const key: Uint8Array | undefined = cursor.publicKey ?? seal.publicKey
    if (key === undefined || deviceIdOf(key) !== device) return stop("BAD_SEAL")
    if (cursor.publicKey === undefined && context.refusesKey(key)) return stop("KEY_REFUSED")
    if (cursor.at + 1 > context.cutOf(log, firstSeen)) return stop("PAST_CUT")
    proofs.push([key, sealMessage(document, log, cursor.link), seal.signature])
    cursor.link = nextLink(cursor.link, element)
    cursor.publicKey = key
    cursor.at += 1
    const { link, at: count } = cursor
    runs.push({ next: { log, client, count, link, publicKey: key, firstSeen, seen }, entries, records, proofs })
    cursor.entries = []
    cursor.records = []
    cursor.proofs = []
    cursor.runBytes = 0
  }
  if (candidate.formRefusal !== undefined) return stop(candidate.formRefusal)
  return cursor.entries.length > 0 ? stop("UNSEALED") : undefined
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
    for (const { head } of entries) {
      if (head.class === "message" || head.class === "reaction") summary.messages++
      if (head.class === "message" && head.clock > summary.lastClock) summary.lastClock = head.clock
    }
    for (const record of records) summary.records.set(recordIdOf(record), record)
  }
}

/** The update that holds exactly what was accepted, in canonical form; undefined where nothing was. */
export function acceptedUpdate(verdicts: readonly LogVerdict[]): Uint8Array | undefined {
  const runs = verdicts.flatMap((verdict) => verdict.run ?? [])
  return runs.length === 0 ? undefined : encodeUpdate(runs)
}
