import type { Message } from "@weft/sdk"
import { dayOf } from "./times.js"

/** Longest pause within a group, milliseconds. */
const GROUP_PAUSE = 5 * 60_000

export interface Row {
  /** First of its day: a heading stands before it. */
  readonly startsDay: boolean
  /** First and last of what one author wrote in one go. */
  readonly startsGroup: boolean
  readonly endsGroup: boolean
}

/** How a message stands among its neighbors: by day, author and pause. Only what is drawn is asked for. */
export function rowOf(messages: readonly Message[], index: number): Row {
  const [before, message, after] = [messages[index - 1], messages[index], messages[index + 1]]
  if (message === undefined) return { startsDay: false, startsGroup: false, endsGroup: false }
  return {
    startsDay: before === undefined || dayOf(before.sentAt) !== dayOf(message.sentAt),
    startsGroup: before === undefined || !belongTogether(before, message),
    endsGroup: after === undefined || !belongTogether(message, after),
  }
}

function belongTogether(one: Message, next: Message): boolean {
  return (
    one.author === next.author &&
    Math.abs(next.sentAt - one.sentAt) <= GROUP_PAUSE &&
    dayOf(one.sentAt) === dayOf(next.sentAt) &&
    one.status !== "rejected"
  )
}

/** Whether a list became another one by messages at its beginning. */
export function isPrepended(before: readonly Message[], after: readonly Message[]): boolean {
  const added = after.length - before.length
  return (
    added > 0 &&
    before.length > 0 &&
    after[added]?.id === before[0]?.id &&
    after.at(-1)?.id === before.at(-1)?.id &&
    after[0]?.id !== before[0]?.id
  )
}
