import type { MessageId } from "../protocol/entry.js"
import type { DocumentName, LogId, UserId } from "../protocol/names.js"

/** Where a message stands in a log. */
export interface Copy {
  readonly document: DocumentName
  readonly log: LogId
  readonly position: number
}

/** What is asked of a message; in their order. Those that are hidden or blocked are left out. */
export interface UnreadInput {
  readonly id: MessageId
  readonly author: UserId
  /** Whether it mentions this user, or everyone. */
  readonly mentionsMe: boolean
  /** Every place where it stands: one that was read is enough. */
  readonly copies: readonly Copy[]
}

export interface Unread {
  readonly count: number
  readonly mentions: number
  /** Those that came in before something that was read already, in order. */
  readonly late: readonly MessageId[]
  readonly first: MessageId | undefined
}

export interface ReadState {
  readonly user: UserId
  /** Elements of a log that were read, on any of the user's devices. */
  readCount(document: DocumentName, log: LogId): number
  /** From here on the user wants to see everything as unread. */
  readonly mark: MessageId | undefined
}

/** How much of each log was read, by document. */
export type ReadPositions = ReadonlyMap<DocumentName, ReadonlyMap<LogId, number>>

/** What is unread, exactly: by places in logs, not by time, so that what arrives late counts. [SPEC U10] */
export function unread(messages: readonly UnreadInput[], state: ReadState): Unread {
  const { user, mark } = state
  const isRead = ({ copies }: UnreadInput): boolean =>
    copies.some(({ document, log, position }) => position < state.readCount(document, log))
  const markedFrom = mark === undefined ? -1 : messages.findIndex(({ id }) => id === mark)
  let newestRead = -1
  messages.forEach((message, index) => {
    if (message.author !== user && isRead(message)) newestRead = index
  })
  let mentions = 0
  let count = 0
  let first: MessageId | undefined
  const late: MessageId[] = []
  messages.forEach((message, index) => {
    if (message.author === user) return
    const arrived = !isRead(message)
    if (!arrived && (markedFrom === -1 || index < markedFrom)) return
    count++
    first ??= message.id
    if (message.mentionsMe) mentions++
    if (arrived && index < newestRead) late.push(message.id)
  })
  return { count, mentions, late, first }
}

/** How much of each log is read once the user has seen everything up to a message: of each document. */
export function readUpTo(messages: readonly UnreadInput[], upTo: MessageId): ReadPositions {
  const read = new Map<DocumentName, Map<LogId, number>>()
  const end = messages.findIndex(({ id }) => id === upTo)
  for (const { copies } of messages.slice(0, end + 1)) {
    for (const { document, log, position } of copies) {
      const counts = read.get(document) ?? new Map<LogId, number>()
      read.set(document, counts.set(log, Math.max(counts.get(log) ?? 0, position + 1)))
    }
  }
  return read
}
