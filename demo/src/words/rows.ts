import type { Message } from "@weft/sdk"
import { dayOf } from "./times.js"

/** Longest pause within a group, milliseconds. */
const GROUP_PAUSE = 5 * 60_000

export interface Row {
  readonly message: Message
  /** First of its day: a heading stands before it. */
  readonly startsDay: boolean
  /** First and last of what one author wrote in one go. */
  readonly startsGroup: boolean
  readonly endsGroup: boolean
}

/** Groups messages by day, author and pause, for showing. */
export function arrangeRows(messages: readonly Message[]): readonly Row[] {
  return messages.map((message, index) => {
    const before = messages[index - 1]
    const after = messages[index + 1]
    return {
      message,
      startsDay: before === undefined || dayOf(before.sentAt) !== dayOf(message.sentAt),
      startsGroup: before === undefined || !belongTogether(before, message),
      endsGroup: after === undefined || !belongTogether(message, after),
    }
  })
}

function belongTogether(one: Message, next: Message): boolean {
  return (
    one.author === next.author &&
    Math.abs(next.sentAt - one.sentAt) <= GROUP_PAUSE &&
    dayOf(one.sentAt) === dayOf(next.sentAt) &&
    one.status !== "rejected"
  )
}
