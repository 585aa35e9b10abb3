import { mayErase, type ControlState } from "../authority/project.js"
import { eraserOf, targetOf, type EraseRecord } from "../log/erasure.js"
import { messageIdOf, type MessageId } from "../protocol/entry.js"
import type { DeviceId, UserId } from "../protocol/names.js"
import type { DocumentChange, ReplicaDocument } from "./document.js"
import { editedBy, recordOfDraft, type Erasable } from "./erase-draft.js"

/**
 * Edits of messages that this user erased, without a record of their own: those that turned up later, or were written
 * where nobody knew of the erasure. [SPEC X5]
 */
export async function lateEdits(
  document: ReplicaDocument,
  change: DocumentChange,
  state: ControlState,
  device: DeviceId,
): Promise<Erasable[]> {
  const { records } = document.summary
  const user = state.devices.get(device)?.user
  if (records.size === 0 || user === undefined) return []
  if (change.kind !== "accepted" && change.kind !== "records") return []
  const erased = erasedBy(records.values(), state, user)
  if (erased.size === 0) return []
  const named = new Set(Array.from(records.values(), targetOf))
  for (const draft of document.drafts) {
    const record = recordOfDraft(draft)
    if (record !== undefined) named.add(targetOf(record))
  }
  const entries = change.kind === "accepted" ? change.entries : await document.entries()
  const heads = state.headsFor(device)
  return entries.flatMap((entry): Erasable[] => {
    const of = editedBy(entry)
    const { bodyHash } = entry.head
    if (of === undefined || !erased.has(of) || named.has(messageIdOf(entry.device, bodyHash))) return []
    const right = mayErase(state, { eraser: device, target: entry.device, seen: heads })
    return right === undefined ? [] : [{ device: entry.device, bodyHash, kind: "edit" }]
  })
}

function erasedBy(records: Iterable<EraseRecord>, state: ControlState, user: UserId): ReadonlySet<MessageId> {
  const erased = new Set<MessageId>()
  for (const record of records) {
    if (record.kind === "message" && state.devices.get(eraserOf(record))?.user === user) erased.add(targetOf(record))
  }
  return erased
}
