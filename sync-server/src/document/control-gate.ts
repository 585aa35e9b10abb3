import {
  decodeControl,
  type ControlId,
  type ControlState,
  type DeviceId,
  type Entry,
  type RefusalCode,
  type UserId,
} from "@weft/sdk/protocol"
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
  now: number,
): ControlJudgement {
  const user = userOf(source)
  if (user !== undefined) {
    // Who holds a link may know why it lets nobody in.
    const joins = refusedJoins(user, before, next, entries, now)
    if (joins.size > 0) return { kind: "void", entries: joins }
    // The same code for what does not exist and for what is not theirs: nothing leaks.
    if (next.created === undefined || !next.wasLetIn(user)) return { kind: "refused", code: "FORBIDDEN" }
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

/** An unknown conversation is opened by its creator's device, for the user that it proved, or brought back by a member. [SPEC R5] */
function mayOpen(source: Source, user: UserId, next: ControlState): boolean {
  const { created } = next
  if (source.kind === "device" && created?.device === source.device) return created.user === user
  return next.members.has(user)
}

/** What a user brings to join by, and this server does not admit: by authority, by its own clock, and by its own count. [SPEC A19] */
function refusedJoins(
  user: UserId,
  before: ControlState,
  next: ControlState,
  entries: readonly Entry[],
  now: number,
): Map<ControlId, RefusalCode> {
  const refused = new Map<ControlId, RefusalCode>()
  // Brought back after this server lost its disk: whoever is in by it was let in then.
  if (before.created === undefined) return refused
  const letIn = new Set<DeviceId>()
  // Of several of a device the one written last counts: the others would take a place, and might give a lower role.
  for (const { control, device, head, body } of Array.from(entries).sort((a, b) => b.head.clock - a.head.clock)) {
    const [name] = head.seen
    const action = body === null ? undefined : decodeControl(body)
    if (control === undefined || name === undefined || action?.kind !== "join") continue
    if (action.certificate.user !== user) continue
    const outcome = next.outcomeOf(control)
    const invite = before.invites.get(name)
    if (outcome.kind === "refused") refused.set(control, outcome.code)
    // An invite that comes along was not known here: another server let them in.
    else if (invite === undefined) continue
    else if (before.members.has(user) || letIn.has(device)) refused.set(control, "INVITE_VOID")
    else if (invite.expires !== 0 && invite.expires < now) refused.set(control, "INVITE_EXPIRED")
    else if (invite.uses !== 0 && invite.joined.size >= invite.uses) refused.set(control, "INVITE_USED_UP")
    else letIn.add(device)
  }
  return refused
}
