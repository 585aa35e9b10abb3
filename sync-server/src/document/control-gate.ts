import type { ControlId, ControlState, Entry, RefusalCode, UserId } from "@weft/sdk/protocol"
import { userOf, type Source } from "./source.js"

/** What admission says of a control update as a whole, from the state that it would lead to. */
export type ControlJudgement =
  | { readonly kind: "admitted" }
  | { readonly kind: "refused"; readonly code: RefusalCode }
  /** These entries of the author's own are void; the rest is to be checked again without them. */
  | { readonly kind: "void"; readonly entries: ReadonlyMap<ControlId, RefusalCode> }

/**
 * Whether a source may bring these entries. `next` is the state with them: so a server that lost its disk takes a
 * conversation back from any member, and takes the addition of the one who brings it.
 */
export function judgeControl(
  source: Source,
  before: ControlState,
  next: ControlState,
  entries: readonly Entry[],
): ControlJudgement {
  const user = userOf(source)
  if (user !== undefined) {
    // The same code for what does not exist and for what is not theirs: nothing leaks.
    if (next.created === undefined || !next.everMembers.has(user)) return { kind: "refused", code: "FORBIDDEN" }
    if (before.created === undefined && !mayOpen(source, user, next)) return { kind: "refused", code: "FORBIDDEN" }
  }
  if (source.kind !== "device") return { kind: "admitted" }
  const voids = new Map<ControlId, RefusalCode>()
  for (const { device, control } of entries) {
    if (device !== source.device || control === undefined) continue
    const outcome = next.outcomeOf(control)
    // PAST_CUT: a removal that the author had not seen. It is needed where that removal may yet fall.
    if (outcome.kind === "refused" && outcome.code !== "PAST_CUT") voids.set(control, outcome.code)
  }
  return voids.size === 0 ? { kind: "admitted" } : { kind: "void", entries: voids }
}

/** An unknown conversation is opened by its creator's device, for the user that it proved, or brought back by a member. */
function mayOpen(source: Source, user: UserId, next: ControlState): boolean {
  if (!next.members.has(user)) return false
  return source.kind !== "device" || next.created?.device !== source.device || next.created.user === user
}
