import type { Conversation, MessageId } from "@weft/sdk"
import { useConversationSettings, useUnread } from "@weft/sdk/react"
import { useEffect, useState } from "react"

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

type Opened = Pick<Reading, "first" | "late" | "news">

/**
 * Marks a conversation as read while somebody looks at its newest messages. "Mark unread from here" holds until the
 * conversation is opened again.
 */
export function useReading(conversation: Conversation, isAtBottom: boolean): Reading {
  const unread = useUnread(conversation)
  const { unreadFrom } = useConversationSettings(conversation)
  const [mark] = useState(() => conversation.settings.get().unreadFrom)
  const [opened, setOpened] = useState<Opened>({ first: unread.first, late: new Set(), news: [] })
  // What is read is unread no more: what was is kept for as long as the conversation is shown.
  const isFirst = opened.first === undefined && unread.first !== undefined && !isAtBottom
  const late = unread.late.filter((id) => !opened.late.has(id))
  if (isFirst || late.length > 0) {
    const first = isFirst ? unread.first : opened.first
    setOpened({ first, late: new Set([...opened.late, ...late]), news: [...opened.news, ...late] })
  }
  const isHeld = unreadFrom !== undefined && unreadFrom !== mark
  const isUnread = unread.count > 0 && isAtBottom && !isHeld
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
  }, [conversation, isUnread, unread.count])
  return {
    first: isHeld ? unreadFrom : opened.first,
    late: opened.late,
    news: opened.news,
    dismissNews: () => {
      setOpened({ ...opened, news: [] })
    },
  }
}
