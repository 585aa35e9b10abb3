import type { Conversation, Message, MessageId } from "@weft/sdk"
import { useConversationSettings, useUnread } from "@weft/sdk/react"
import { useEffect, useRef, useState } from "react"

const isLookedAt = (): boolean => document.visibilityState === "visible" && document.hasFocus()

export interface Reading {
  /** The first message that was unread when the conversation was opened, or from which on the user wants it to be. */
  readonly first: MessageId | undefined
  /** Messages that came in before something that was read already, since the conversation is open. */
  readonly late: ReadonlySet<MessageId>
  /** Those of them that the user was not told of, or does not want to hear of any more. */
  readonly news: readonly MessageId[]
  readonly dismissNews: () => void
}

interface Opened extends Pick<Reading, "first" | "late" | "news"> {
  /** The newest message when the conversation was opened: what came later is read as it comes. */
  readonly newest: MessageId | undefined
}

/** -1: older than what is loaded. */
function placeOf(items: readonly Message[], message: MessageId | undefined): number {
  return items.findIndex(({ id }) => id === message)
}

/**
 * Marks a conversation as read while somebody looks at its newest messages. "Mark unread from here" holds until the
 * conversation is opened again.
 */
export function useReading(conversation: Conversation, items: readonly Message[], isAtBottom: boolean): Reading {
  const unread = useUnread(conversation)
  const { unreadFrom } = useConversationSettings(conversation)
  const [mark] = useState(() => conversation.settings.get().unreadFrom)
  const [opened, setOpened] = useState<Opened>({
    newest: items.at(-1)?.id,
    first: unread.first,
    late: new Set(),
    news: [],
  })
  // What is read is unread no more: what was is kept for as long as the conversation is shown.
  const newest = opened.newest ?? items.at(-1)?.id
  const isFirst =
    opened.first === undefined &&
    unread.first !== undefined &&
    (!isAtBottom || placeOf(items, unread.first) <= placeOf(items, newest))
  const late = unread.late.filter((id) => !opened.late.has(id))
  if (isFirst || late.length > 0 || newest !== opened.newest) {
    const first = isFirst ? unread.first : opened.first
    setOpened({ newest, first, late: new Set([...opened.late, ...late]), news: [...opened.news, ...late] })
  }
  const isHeld = unreadFrom !== undefined && unreadFrom !== mark
  useWhileLookedAt(conversation, unread.count > 0 && isAtBottom && !isHeld, unread.count, () => {
    conversation.markRead()
  })
  return {
    first: isHeld ? unreadFrom : opened.first,
    late: opened.late,
    news: opened.news,
    dismissNews: () => {
      setOpened({ ...opened, news: [] })
    },
  }
}

/** Marks a thread as read while somebody looks at it. */
export function useThreadReading(conversation: Conversation, root: MessageId): void {
  const count = useUnread(conversation).threads.get(root)?.count ?? 0
  useWhileLookedAt(root, count > 0, count, () => {
    conversation.markThreadRead(root)
  })
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
    return () => {
      window.removeEventListener("focus", read)
      document.removeEventListener("visibilitychange", read)
    }
  }, [shown, isUnread, count])
}
