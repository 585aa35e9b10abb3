import type { ControlState } from "../authority/project.js"
import { compareText } from "../protocol/bytes.js"
import type { DeviceId, UserId } from "../protocol/names.js"
import type { ConversationInfo } from "./api.js"

/** With whom a direct conversation is, also after one of the two left; undefined for one that is none. */
export function partnerOf(state: ControlState, user: UserId): UserId | undefined {
  const { direct, everMembers } = state
  if (!direct || !everMembers.has(user)) return undefined
  return Array.from(everMembers).find((other) => other !== user)
}

/** Whether both are in it. */
export function isWhole({ members }: ConversationInfo): boolean {
  return members.length === 2
}

/** By what several direct conversations with one person are found and ordered. */
export interface DirectOrder {
  /** Whether the device that created it is introduced there, or is this one. */
  readonly introduced: boolean
  /** The clock of its creation. */
  readonly clock: number
}

/** Where a conversation stands among them. */
export function directOrder({ created, devices }: ControlState, device: DeviceId): DirectOrder {
  const introduced = created?.device === device || (created && devices.get(created.device)?.certified) === true
  return { introduced, clock: created?.clock ?? 0 }
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
