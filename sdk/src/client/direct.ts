import type { ControlState } from "../authority/project.js"
import { compareText } from "../protocol/bytes.js"
import type { DeviceId, UserId } from "../protocol/names.js"

/** With whom a direct conversation is; undefined for one that is none, or that is not in force: somebody left. */
export function partnerOf(state: ControlState, user: UserId): UserId | undefined {
  if (!state.direct || !state.members.has(user)) return undefined
  for (const other of state.members.keys()) if (other !== user) return other
  return undefined
}

/** By what several direct conversations with one person are found and ordered. */
export interface DirectOrder {
  /** With whom it is, or was. */
  readonly partner: UserId | undefined
  /** Whether the device that created it is introduced there, or is this one. */
  readonly introduced: boolean
  /** The clock of its creation. */
  readonly clock: number
}

/** Where a conversation stands among them. */
export function directOrder(state: ControlState, user: UserId, device: DeviceId): DirectOrder {
  const { created, devices, direct, everMembers } = state
  const partner = direct && everMembers.has(user) ? Array.from(everMembers).find((other) => other !== user) : undefined
  const introduced = created?.device === device || (created && devices.get(created.device)?.certified) === true
  return { partner, introduced, clock: created?.clock ?? 0 }
}

/**
 * Of several direct conversations with one person, as when both open one offline: the one that takes what is written
 * from now on comes first, the same on every device. [SPEC A20]
 */
export function orderDirect<T extends { readonly id: string; readonly order: DirectOrder }>(
  several: readonly T[],
): T[] {
  return [...several].sort(
    (a, b) =>
      Number(b.order.introduced) - Number(a.order.introduced) ||
      a.order.clock - b.order.clock ||
      compareText(a.id, b.id),
  )
}
