import type { RefusalCode } from "../protocol/codes.js"
import type { ControlId, EntryClass } from "../protocol/entry.js"
import { type DeviceId, deviceOf, type LogId } from "../protocol/names.js"
import type { Standing } from "./membership.js"
import type { ControlState } from "./state.js"
import { isAtLeast, type Role } from "./role.js"

/** An entry of a segment, as authority judges it. */
export interface SegmentEntry {
  readonly log: LogId
  readonly segment: number
  /** Of the head. */
  readonly position: number
  readonly class: Exclude<EntryClass, "control">
  /** In force for this head: its own, or those of the last head that named any. */
  readonly seen: readonly ControlId[]
  /** Of the log's first head. */
  readonly firstSeen: readonly ControlId[]
}

/** Why an entry of a segment has no right to stand; undefined where it has. Its run must also end within `cutOf`. [SPEC A11] */
export function admitEntry(state: ControlState, entry: SegmentEntry): RefusalCode | undefined {
  const { seen, firstSeen } = entry
  if (!seen.every((id) => state.has(id)) || !firstSeen.every((id) => state.has(id))) return "CONTROL_UNKNOWN"
  const device = deviceOf(entry.log)
  const user = state.claimedUser(device)
  if (user === undefined) return "CONTROL_UNKNOWN"
  if (state.disputed.has(device)) return "PAST_CUT"
  if (!state.everMembers.has(user)) return "NOT_MEMBER"
  if (entry.position >= cutOf(state, entry.log, entry.segment, firstSeen)) return "PAST_CUT"
  // A member may introduce the device yet.
  if (state.devices.get(device)?.certified !== true) return state.members.has(user) ? "CONTROL_UNKNOWN" : "PAST_CUT"
  const standing = state.standingAlone(user, seen)
  if (standing === undefined || standing.kind === "stranger") return "NOT_MEMBER"
  if (standing.kind === "removed") return "PAST_CUT"
  return isAtLeast(standing.role, leastRole(state, entry)) ? undefined : "ROLE_TOO_LOW"
}

/** Who may write such an entry, by what it saw. */
function leastRole(state: ControlState, entry: SegmentEntry): Role {
  switch (entry.class) {
    case "message":
      return state.speakingRole(entry.seen)
    case "reaction":
      return "member"
    case "erase":
      return "reader"
  }
}

/** Number of elements of a log that may stand: those within the cuts of the removals that bind it. [SPEC A11] */
export function cutOf(state: ControlState, log: LogId, segment: number, firstSeen: readonly ControlId[]): number {
  const device = deviceOf(log)
  if (state.disputed.has(device)) return 0
  const user = state.claimedUser(device)
  // What let its author in fell: nothing of it stands, also not what was taken before that was known.
  if (user !== undefined && state.fallen.has(user)) return 0
  const binding = user === undefined ? [] : (state.removalsBinding(user, firstSeen) ?? [])
  if (binding.length === 0) return Infinity
  return binding.reduce((kept, { cut }) => Math.max(kept, cut.get(segment)?.get(log) ?? 0), 0)
}

/** Whether segments are to be brought in line: what is cut after some control entries is not what was cut before. */
export function movesCuts(before: ControlState | undefined, after: ControlState): boolean {
  if (before === undefined) return after.removals.length > 0 || after.fallen.size > 0 || after.disputed.size > 0
  const present = new Set(after.removals.map(({ id }) => id))
  if (before.removals.length !== present.size || before.removals.some(({ id }) => !present.has(id))) return true
  // A log that saw somebody being added again is bound by the removal once that addition falls; and free if it stands again.
  for (const id of before.readded) if (!after.readded.has(id)) return true
  for (const id of after.readded) if (!before.readded.has(id) && before.has(id)) return true
  // Strangers whom anybody may introduce, without effect, are not worth a look at every segment.
  for (const user of before.everMembers) if (!after.everMembers.has(user)) return true
  for (const user of before.fallen) if (after.everMembers.has(user)) return true
  // One that was let in before, whose introduction was lost meanwhile: what it wrote waits for that. New ones wrote nothing.
  for (const [device, { certified }] of after.devices) {
    if (certified && before.devices.get(device)?.certified !== true && before.claimedUser(device) !== undefined)
      return true
  }
  // One that nobody had introduced wrote nothing either.
  for (const device of after.disputed) {
    if (!before.disputed.has(device) && before.claimedUser(device) !== undefined) return true
  }
  for (const device of before.disputed) if (!after.disputed.has(device)) return true
  return false
}

/** Who wants to erase whose message, and from which past. */
export interface ErasureClaim {
  readonly eraser: DeviceId
  /** Whose message it is. */
  readonly target: DeviceId
  /** What the record's signer had seen. */
  readonly seen: readonly ControlId[]
  /**
   * Where the erase entry stands. Records are not cut with their log: who knows the place gives it, so that a moderator
   * who was removed can't go on erasing with an old past.
   */
  readonly place?: Pick<SegmentEntry, "log" | "segment" | "position" | "firstSeen">
}

/** In which right a message is erased; undefined: in none. [SPEC A13] */
export function mayErase(state: ControlState, claim: ErasureClaim): "author" | "moderator" | undefined {
  const { eraser, target, seen, place } = claim
  // Also of a member who left or was removed, and before anybody let the device in: authors keep this right.
  if (eraser === target) return "author"
  const user = state.userAlone(eraser, seen)
  // What a record names may leave out who introduced the message's device.
  const known = state.userAlone(target, seen)
  const authors = known === undefined ? Array.from(state.claimedUsers(target)) : [known]
  if (user === undefined) return undefined
  if (authors.includes(user)) return "author"
  // Both are owners there, and neither is set over the other. [SPEC A20]
  if (state.direct) return undefined
  const role = roleOf(state.standingAlone(user, seen))
  if (role === undefined) return undefined
  // Of a disputed device any user will do: what was erased before that was known is erased.
  const authorRoles = authors.flatMap((author) => roleOf(state.standingAlone(author, seen), true) ?? [])
  if (!isAtLeast(role, "moderator") || !authorRoles.some((other) => isAtLeast(role, other))) return undefined
  const isPastCut = place !== undefined && place.position >= cutOf(state, place.log, place.segment, place.firstSeen)
  return isPastCut ? undefined : "moderator"
}

/** `orLost`: of one who was removed, the role that was lost. */
function roleOf(standing: Standing | undefined, orLost = false): Role | undefined {
  if (standing?.kind === "removed") return orLost ? standing.lost : undefined
  return standing?.kind === "member" ? standing.role : undefined
}
