import type { Conversation, MessageId } from "@weft/sdk"
import { useConversationSettings, useUnread } from "@weft/sdk/react"
import { useEffect, useRef, useState } from "react"

const isLookedAt = (): boolean => document.visibilityState === "visible" && document.hasFocus()

/**
 * Marks a conversation as read while somebody looks at its newest messages. "Mark unread from here" holds until the
 * conversation is opened again. Returns the message that was the first unread one when it was opened.
 */
export function useReading(conversation: Conversation, isAtBottom: boolean): MessageId | undefined {
  const { count } = useUnread(conversation)
  const { unreadFrom } = useConversationSettings(conversation)
  const [before] = useState(() => ({
    first: conversation.unread.get().first,
    mark: conversation.settings.get().unreadFrom,
  }))
  const isHeld = unreadFrom !== undefined && unreadFrom !== before.mark
  const isUnread = count > 0 && isAtBottom && !isHeld
  useWhileLookedAt(conversation, isUnread, count, () => {
    conversation.markRead()
  })
  return isHeld ? unreadFrom : before.first
}

/** The same of a thread that is shown. */
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
