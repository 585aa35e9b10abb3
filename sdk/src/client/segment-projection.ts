import type { Env } from "../base/env.js"
import { erasuresOf } from "../conversation/erasures.js"
import { Projection } from "../conversation/projection.js"
import type { Entry } from "../log/check.js"
import type { DeviceId, UserId } from "../protocol/names.js"
import { Turns } from "../base/turns.js"
import type { ReplicaConversation } from "../sync/conversation.js"
import type { ReplicaDocument } from "../sync/document.js"
import { recordOfDraft } from "../sync/erase-draft.js"
import { authorIn } from "../sync/segment-version.js"

/** Entries that are projected between two looks at the clock. */
const PORTION = 64

export interface SegmentReader {
  readonly user: UserId
  readonly device: DeviceId
  readonly env: Pick<Env, "now" | "setTimer">
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
    authorOf: (of) => authorIn(conversation.state, of, reader),
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
