import { compareText } from "../protocol/bytes.js"
import type { Clock, ControlId, MessageId } from "../protocol/entry.js"
import type { DocumentName, LogId, UserId } from "../protocol/names.js"

/** Where a message stands in a log. */
export interface Copy {
  readonly document: DocumentName
  readonly log: LogId
  readonly position: number
}

/** The same, with what puts it in order, and what decides for whom it is. */
export interface PlacedCopy extends Copy {
  readonly clock: Clock
  /** Control entries that it saw. */
  readonly seen: readonly ControlId[]
}

/** The order of messages, as that of entries. [SPEC E8] */
export function compareCopies(a: PlacedCopy, b: PlacedCopy): number {
  return (
    a.clock - b.clock || compareText(a.log, b.log) || a.position - b.position || compareText(a.document, b.document)
  )
}

/** What is asked of a message; in their order. */
export interface UnreadInput {
  readonly id: MessageId
  readonly author: UserId
  /** Whether it mentions this user, or everyone. */
  readonly mentionsMe: boolean
  /** The root of the thread that it belongs to. */
  readonly thread: MessageId | undefined
  /** Every place where it stands: one that was read is enough. */
  readonly copies: readonly Copy[]
}

/** Unread messages of a conversation or a thread. */
export interface UnreadMessages {
  readonly count: number
  readonly mentions: number
  /** Those that came in before something that was read already, in order. */
  readonly late: readonly MessageId[]
  readonly first: MessageId | undefined
}

/** Unread messages of a conversation, with its threads. */
export interface Unread extends UnreadMessages {
  /** Outside of threads: those are in `threads`, by their root, where anything of them is unread. */
  readonly count: number
  /** Everywhere, in threads too. */
  readonly mentions: number
  /**
   * Whether all that this device has was looked at. Until then, a moment after a start, this is what was told last, or
   * nothing: who marks what is shown as read, or leads to `first`, waits for it.
   */
  readonly counted: boolean
  readonly threads: ReadonlyMap<MessageId, UnreadMessages>
}

/** Before anything was counted. */
export const nothingUnread: Unread = {
  count: 0,
  mentions: 0,
  late: [],
  first: undefined,
  counted: false,
  threads: new Map(),
}

/** Elements of a log that were read, on any of the user's devices: of the conversation, or of a thread. */
export type ReadCount = (document: DocumentName, log: LogId, thread: MessageId | undefined) => number

/** How far this user has read. */
export interface ReadState<T> {
  readonly user: UserId
  isRead(message: T): boolean
  /** What is not for the user is history: asked of what was not read. [SPEC P8] */
  isFor(message: T): boolean
  /** What is hidden, or by blocked people, is not counted. */
  isShown(message: T): boolean
  /** From here on the user wants to see everything as unread, outside of threads or in one; it may be hidden. */
  markOf(thread: MessageId | undefined): MessageId | undefined
}

/** How much of each log was read, by document. */
export type ReadPositions = ReadonlyMap<DocumentName, ReadonlyMap<LogId, number>>

/** Whether one copy of a message was read. */
export function isRead({ copies, thread }: UnreadInput, readCount: ReadCount): boolean {
  return copies.some(({ document, log, position }) => position < readCount(document, log, thread))
}

/** What is unread, exactly: by places in logs, not by time, so that what arrives late counts. [SPEC U10] */
export function unread<T extends UnreadInput>(messages: readonly T[], state: ReadState<T>): Omit<Unread, "counted"> {
  const main = new Tally(state.markOf(undefined))
  const threads = new Map<MessageId, Tally>()
  for (const message of messages) {
    const { thread } = message
    let tally = main
    if (thread !== undefined) {
      tally = threads.get(thread) ?? new Tally(state.markOf(thread))
      threads.set(thread, tally)
    }
    tally.add(message, state)
  }
  const rest = Array.from(threads, ([root, tally]) => [root, tally.result] as const).filter(
    ([, { count }]) => count > 0,
  )
  const { count, mentions, late, first } = main.result
  return {
    count,
    mentions: rest.reduce((sum, [, thread]) => sum + thread.mentions, mentions),
    late,
    first,
    threads: new Map(rest),
  }
}

/** What is unread of the messages of one thread, or of those outside of threads. They are added in their order. */
class Tally {
  private count = 0
  private mentions = 0
  private first: MessageId | undefined
  private readonly late: MessageId[] = []
  /** Those that are late where something after them was read. */
  private since: MessageId[] = []
  private isMarked = false

  constructor(private readonly mark: MessageId | undefined) {}

  add<T extends UnreadInput>(message: T, state: ReadState<T>): void {
    const { id } = message
    if (id === this.mark) this.isMarked = true
    if (message.author === state.user || !state.isShown(message)) return
    const isRead = state.isRead(message)
    const isUnread = !isRead && state.isFor(message)
    if (isUnread) this.since.push(id)
    else if (isRead && this.since.length > 0) {
      for (const before of this.since) this.late.push(before)
      this.since = []
    }
    if (!isUnread && !this.isMarked) return
    this.count++
    this.first ??= id
    if (message.mentionsMe) this.mentions++
  }

  get result(): UnreadMessages {
    const { count, mentions, late, first } = this
    return { count, mentions, late, first }
  }
}

/**
 * How much of each log is read once the user has seen everything of a list up to one message of it, and what `isRead` says:
 * of each document.
 */
export function readUpTo<T extends UnreadInput>(
  messages: readonly T[],
  upTo: MessageId,
  isRead: (message: T) => boolean,
): ReadPositions {
  const end = messages.findIndex(({ id }) => id === upTo) + 1
  const behind = messages.slice(end).filter((message) => !isRead(message))
  return positionsOf(messages.slice(0, end), behind)
}

/**
 * The same of all of these. In no log beyond any of `unread`: its clocks need not ascend, as each tab of a device has its own,
 * and what stands behind in order may stand before in the log.
 */
export function positionsOf(messages: readonly UnreadInput[], unread: readonly UnreadInput[] = []): ReadPositions {
  const read = new Map<DocumentName, Map<LogId, number>>()
  const limits = new Map<string, number>()
  for (const { copies } of unread) {
    for (const { document, log, position } of copies) {
      const key = `${document} ${log}`
      limits.set(key, Math.min(limits.get(key) ?? position, position))
    }
  }
  for (const { copies } of messages) {
    for (const { document, log, position } of copies) {
      if (position >= (limits.get(`${document} ${log}`) ?? Infinity)) continue
      const counts = read.get(document) ?? new Map<LogId, number>()
      read.set(document, counts.set(log, Math.max(counts.get(log) ?? 0, position + 1)))
    }
  }
  return read
}

/** What is to be read as it stands before something that was read on this device: of the conversation, and of threads. */
export function readBelow<T extends UnreadInput>(
  messages: readonly T[],
  { isRead, isReadHere }: Record<"isRead" | "isReadHere", (message: T) => boolean>,
): ReadonlyMap<MessageId | undefined, ReadPositions> {
  /** What is unread of each group: behind what was read here of it, and below that, where anything was. */
  const groups = new Map<MessageId | undefined, { readonly behind: T[]; below: T[] | undefined }>()
  for (let at = messages.length - 1; at >= 0; at--) {
    const message = messages[at]
    if (message === undefined) continue
    const group = groups.get(message.thread) ?? { behind: [], below: undefined }
    groups.set(message.thread, group)
    if (group.below === undefined && isReadHere(message)) group.below = []
    else if (!isRead(message)) (group.below ?? group.behind).push(message)
  }
  const read = new Map<MessageId | undefined, ReadPositions>()
  for (const [thread, { behind, below = [] }] of groups) {
    if (below.length > 0) read.set(thread, positionsOf(below, behind))
  }
  return read
}
