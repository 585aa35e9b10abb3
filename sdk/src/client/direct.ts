import type { ControlState } from "../authority/project.js"
import { compareText } from "../protocol/bytes.js"
import type { DeviceId, UserId } from "../protocol/names.js"

/** With whom a direct conversation is; undefined for one that is none, or that is not in force: somebody left. */
export function partnerOf(state: ControlState, user: UserId): UserId | undefined {
  if (!state.direct || !state.members.has(user)) return undefined
  for (const other of state.members.keys()) if (other !== user) return other
  return undefined
}

/**
 * Of several direct conversations with one person, as when both open one offline: the one that takes what is written
 * from now on comes first, the same on every device. [SPEC A20]
 */
export function orderDirect<T extends { readonly state: ControlState }>(several: readonly T[], device: DeviceId): T[] {
  const introduced = ({ state: { created, devices } }: T): number =>
    created !== undefined && (created.device === device || devices.get(created.device)?.certified === true) ? 0 : 1
  const clock = ({ state: { created } }: T): number => created?.clock ?? 0
  return [...several].sort(
    (a, b) =>
      introduced(a) - introduced(b) || clock(a) - clock(b) || compareText(a.state.conversation, b.state.conversation),
  )
}
