import type { Conversation, MessageId } from "@weft/sdk"
import { useConversationSettings, useUnread } from "@weft/sdk/react"
import { useEffect, useState } from "react"

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
  useEffect(() => {
    if (!isUnread) return
    const read = (): void => {
      if (isLookedAt()) conversation.markRead()
    }
    read()
    window.addEventListener("focus", read)
    document.addEventListener("visibilitychange", read)
    return () => {
      window.removeEventListener("focus", read)
      document.removeEventListener("visibilitychange", read)
    }
  }, [conversation, isUnread, count])
  return isHeld ? unreadFrom : before.first
}
