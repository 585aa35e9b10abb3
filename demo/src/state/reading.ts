import type { Conversation, Message, MessageId, Unread } from "@weft/sdk"
import { useConversationSettings, useUnread } from "@weft/sdk/react"
import { useEffect, useRef, useState } from "react"
import { isCovered, onCovering } from "./covering.js"

const isLookedAt = (): boolean => document.visibilityState === "visible" && document.hasFocus() && !isCovered()

export interface Reading {
  /** The first message that was unread when this was opened, or from which on the user wants it to be. */
  readonly first: MessageId | undefined
  /** Messages that came in before something that was read already, since this is open. */
  readonly late: ReadonlySet<MessageId>
}

interface Opened extends Reading {
  /** The newest message when this was opened: what came later is read as it comes. */
  readonly newest: MessageId | undefined
}

/** -1: older than what is loaded. */
function placeOf(items: readonly Message[], message: MessageId | undefined): number {
  return items.findIndex(({ id }) => id === message)
}

/** Marks a conversation as read while somebody looks at its newest messages; threads are read by themselves. */
export function useReading(conversation: Conversation, items: readonly Message[], isAtBottom: boolean): Reading {
  const { unreadFrom } = useConversationSettings(conversation)
  const unread = useUnread(conversation)
  return usePlaceReading(conversation, undefined, unread.counted ? unread : nothing, items, isAtBottom, unreadFrom)
}

type PlaceUnread = Pick<Unread, "count" | "first" | "late">

/** Also until all was counted: what is shown before may be the number of the last time. */
const nothing: PlaceUnread = { count: 0, first: undefined, late: [] }

/** The same of the thread below a message. */
export function useThreadReading(
  conversation: Conversation,
  root: MessageId,
  items: readonly Message[],
  isAtBottom: boolean,
): Reading {
  const { threads, counted } = useUnread(conversation)
  const unread = (counted ? threads.get(root) : undefined) ?? nothing
  const { threadsUnreadFrom } = useConversationSettings(conversation)
  return usePlaceReading(conversation, root, unread, items, isAtBottom, threadsUnreadFrom[root])
}

/** "Mark unread from here" holds until the place is opened again, wherever it was said: nothing in it is read until then. */
function usePlaceReading(
  conversation: Conversation,
  thread: MessageId | undefined,
  unread: PlaceUnread,
  items: readonly Message[],
  isAtBottom: boolean,
  mark: MessageId | undefined,
): Reading {
  const [before] = useState(mark)
  const held = mark === before ? undefined : mark
  const [opened, setOpened] = useState<Opened>({ newest: items.at(-1)?.id, first: unread.first, late: new Set() })
  // What is read is unread no more: what was is kept for as long as this is shown.
  const newest = opened.newest ?? items.at(-1)?.id
  const isFirst =
    opened.first === undefined &&
    unread.first !== undefined &&
    (!isAtBottom || placeOf(items, unread.first) <= placeOf(items, newest))
  const late = unread.late.filter((id) => !opened.late.has(id))
  if (isFirst || late.length > 0 || newest !== opened.newest) {
    const first = isFirst ? unread.first : opened.first
    setOpened({ newest, first, late: new Set([...opened.late, ...late]) })
  }
  useWhileLookedAt(conversation, unread.count > 0 && isAtBottom && held === undefined, unread.count, () => {
    if (thread === undefined) conversation.markRead()
    else conversation.markThreadRead(thread)
  })
  return { first: held ?? opened.first, late: opened.late }
}

/** Reads what is unread of what is shown once somebody looks, and again with every change of its count. */
function useWhileLookedAt(shown: unknown, isUnread: boolean, count: number, markRead: () => void): void {
  const newest = useRef(markRead)
  useEffect(() => {
    newest.current = markRead
  })
  useEffect(() => {
    if (!isUnread) return
    const read = (): void => {
      if (isLookedAt()) newest.current()
    }
    read()
    window.addEventListener("focus", read)
    document.addEventListener("visibilitychange", read)
    const stop = onCovering(read)
    return () => {
      stop()
      window.removeEventListener("focus", read)
      document.removeEventListener("visibilitychange", read)
    }
  }, [shown, isUnread, count])
}
