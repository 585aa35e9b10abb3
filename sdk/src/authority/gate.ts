import type { CheckContext, Entry } from "../log/check.js"
import { decodeRecord, eraserOf, recordMessage, targetOf, type EraseRecord } from "../log/erasure.js"
import type { DocumentSummary } from "../log/summary.js"
import { BODY_SALT_BYTES, clockMs, type MessageId } from "../protocol/entry.js"
import { documentParts } from "../protocol/names.js"
import type { RefusalCode } from "../protocol/codes.js"
import type { ErasureClaim } from "./admit.js"
import { admitEntry, cutOf, mayErase, type ControlState } from "./project.js"

/** How long a moderator's erasure hides a message before it destroys it. [SPEC X3] */
export const MODERATOR_GRACE_MS = 7 * 24 * 60 * 60 * 1000

/** What the check asks of its replica. */
export interface GatePorts extends Pick<CheckContext, "held" | "verify" | "refusesKey"> {
  /** What this replica decides for itself, after authority; undefined: it may stand. */
  admission?(entry: Entry): RefusalCode | undefined
  /** Asked between pieces of work; see `CheckContext`. */
  breathe?(): Promise<void> | undefined
}

/** The check's surroundings for a document under the authority of its conversation's control state. */
export function checkContext(summary: DocumentSummary, state: ControlState, ports: GatePorts): CheckContext {
  const place = documentParts(summary.document)
  const shared = {
    summary,
    knowsControl: (id: Parameters<CheckContext["knowsControl"]>[0]) => state.has(id),
    held: ports.held.bind(ports),
    verify: ports.verify.bind(ports),
    refusesKey: ports.refusesKey.bind(ports),
    breathe: () => ports.breathe?.(),
  }
  if (place.kind === "control") {
    // Who may do what is decided by the set of all entries, so the set must not depend on what was known first. [SPEC A]
    return {
      ...shared,
      admit: (entry) => ports.admission?.(entry),
      cutOf: () => Infinity,
      isErased: () => false,
      admitRecord: () => "WRONG_CLASS",
    }
  }
  const { segment } = place
  // Asked for holes only: most updates have none.
  let erased: ReadonlySet<MessageId> | undefined
  return {
    ...shared,
    admit: (entry) => {
      const { log, position, head, seen, firstSeen, body } = entry
      if (head.class === "control") return "WRONG_CLASS"
      const refusal = admitEntry(state, { log, segment, position, class: head.class, seen, firstSeen })
      if (refusal !== undefined) return refusal
      if (head.class === "erase") {
        const record = body === null ? undefined : decodeRecord(body.subarray(1 + BODY_SALT_BYTES))
        if (record === undefined) return "MALFORMED"
        const wrong = refusesRecord(state, record, { log, segment, position, firstSeen })
        if (wrong !== undefined) return wrong
      }
      return ports.admission?.(entry)
    },
    cutOf: (log, firstSeen) => cutOf(state, log, segment, firstSeen),
    isErased: (message) => (erased ??= erasedMessages(summary)).has(message),
    admitRecord: (record) =>
      refusesRecord(state, record) ?? (ports.refusesKey(record.publicKey) ? "KEY_REFUSED" : undefined),
  }
}

/** In which right a record erases, wherever its entry stands; undefined: in none. [SPEC A13] */
export function rightOf(state: ControlState, record: EraseRecord): ReturnType<typeof mayErase> {
  return mayErase(state, { eraser: eraserOf(record), target: record.target, seen: record.seen })
}

/** Why authority refuses an erase record; its signature is the caller's to verify. */
export function refusesRecord(
  state: ControlState,
  record: EraseRecord,
  place?: ErasureClaim["place"],
): RefusalCode | undefined {
  if (!record.seen.every((id) => state.has(id))) return "CONTROL_UNKNOWN"
  // Their introductions may be on their way.
  if ([record.target, eraserOf(record)].some((device) => state.claimedUser(device) === undefined))
    return "CONTROL_UNKNOWN"
  const claim = { eraser: eraserOf(record), target: record.target, seen: record.seen }
  const right = mayErase(state, place === undefined ? claim : { ...claim, place })
  return right === undefined ? "ROLE_TOO_LOW" : undefined
}

/** A record that came by itself: its signature and its signer's right. */
export async function checkRecord(
  summary: DocumentSummary,
  state: ControlState,
  record: EraseRecord,
  ports: Pick<CheckContext, "verify" | "refusesKey">,
): Promise<RefusalCode | undefined> {
  const refusal = refusesRecord(state, record)
  if (refusal !== undefined) return refusal
  if (ports.refusesKey(record.publicKey)) return "KEY_REFUSED"
  const message = recordMessage(summary.document, record)
  return (await ports.verify(record.publicKey, message, record.signature)) ? undefined : "BAD_SEAL"
}

/** Messages under a valid record: hidden everywhere, and allowed to be holes. */
export function erasedMessages(summary: DocumentSummary): ReadonlySet<MessageId> {
  const erased = new Set<MessageId>()
  for (const record of summary.records.values()) erased.add(targetOf(record))
  return erased
}

/** When moderators' erasures are due, past and to come; milliseconds since 1970. */
export function dueTimes(summary: DocumentSummary, state: ControlState): number[] {
  return Array.from(summary.records.values()).flatMap((record) => {
    const right = rightOf(state, record)
    return right === undefined || right === "author" ? [] : clockMs(record.clock) + MODERATOR_GRACE_MS
  })
}

/** Messages whose bodies are to be destroyed by now: the author's erasures at once, a moderator's after its grace. */
export function destroyedMessages(summary: DocumentSummary, state: ControlState, now: number): ReadonlySet<MessageId> {
  const destroyed = new Set<MessageId>()
  for (const record of summary.records.values()) {
    const right = rightOf(state, record)
    const due = right === "author" || clockMs(record.clock) + MODERATOR_GRACE_MS <= now
    if (right !== undefined && due) destroyed.add(targetOf(record))
  }
  return destroyed
}
