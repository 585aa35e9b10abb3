import type { Env } from "../base/env.js"
import { erasuresOf } from "../conversation/erasures.js"
import { Projection } from "../conversation/projection.js"
import type { Entry } from "../log/check.js"
import { draftHash } from "../log/draft.js"
import { digestOf } from "../log/summary.js"
import { hex } from "../protocol/bytes.js"
import { deviceOf, type DeviceId, type UserId } from "../protocol/names.js"
import { Turns } from "../base/turns.js"
import type { ReplicaConversation } from "../sync/conversation.js"
import type { ReplicaDocument } from "../sync/document.js"
import { recordOfDraft } from "../sync/erase-draft.js"

/** Entries that are projected between two looks at the clock. */
const PORTION = 64

export interface SegmentReader {
  readonly user: UserId
  readonly device: DeviceId
  readonly env: Pick<Env, "now" | "setTimer">
}

/** What a segment's messages follow from: its entries, records and drafts, and whom its devices write for. */
export function segmentVersion(
  conversation: ReplicaConversation,
  { summary, drafts }: ReplicaDocument,
  reader: SegmentReader,
): string {
  const authors = Array.from(summary.logs.values(), ({ log }) => authorIn(conversation, deviceOf(log), reader) ?? "")
  const { members, everMembers } = conversation.state
  const isMember = members.has(reader.user) || everMembers.has(reader.user)
  return JSON.stringify([hex(digestOf(summary)), drafts.map(draftHash), Array.from(new Set(authors)).sort(), isMember])
}

/** One segment by itself, as the list would show it: read in turns, and not kept. Also the entries that it was made from. */
export async function projectSegment(
  conversation: ReplicaConversation,
  document: ReplicaDocument,
  reader: SegmentReader,
): Promise<{ readonly projection: Projection; readonly entries: readonly Entry[] }> {
  const { user, device, env } = reader
  const drafts = document.drafts.flatMap((draft) => recordOfDraft(draft) ?? [])
  const erasures = erasuresOf([...document.summary.records.values(), ...drafts])
  const projection = new Projection({
    user,
    device,
    authorOf: (of) => authorIn(conversation, of, reader),
    acknowledged: () => 0,
    receivedBy: () => undefined,
    erasureOf: (_document, message) => erasures.get(message),
    isDurable: () => true,
    hasSegment: (segment) => conversation.hasSegment(segment),
  })
  const entries = await document.entries()
  const turns = new Turns(env)
  for (let from = 0; from < entries.length; from += PORTION) {
    projection.add(document.name, entries.slice(from, from + PORTION))
    await turns.next()
  }
  projection.addDrafts(document.name, document.drafts)
  return { projection, entries }
}

function authorIn(conversation: ReplicaConversation, of: DeviceId, reader: SegmentReader): UserId | undefined {
  const known = conversation.state.devices.get(of)
  return known?.certified === true ? known.user : of === reader.device ? reader.user : undefined
}
