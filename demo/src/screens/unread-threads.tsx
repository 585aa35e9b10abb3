import type { Conversation, MessageId } from "@weft/sdk"
import { useUnread } from "@weft/sdk/react"
import type { ReactNode } from "react"
import { Icon } from "../parts/icon.js"
import { jumpToMessage } from "../state/jumps.js"
import { showNumber, t } from "../words/translate.js"

interface UnreadThreadsProps {
  conversation: Conversation
  /** The thread that is shown. */
  shown: MessageId | undefined
}

/** How much is unread in threads, wherever their first messages stand, and a way there: one thread after the other. */
export function UnreadThreads({ conversation, shown }: UnreadThreadsProps): ReactNode {
  const waiting = Array.from(useUnread(conversation).threads).filter(([root]) => root !== shown)
  const first = waiting.map(([, thread]) => thread.first).find((id) => id !== undefined)
  if (first === undefined) return null
  const count = waiting.reduce((sum, [, thread]) => sum + thread.count, 0)
  return (
    <button
      type="button"
      className="icon-button unread-threads"
      aria-label={t("unreadInThreads", { count })}
      onClick={() => {
        jumpToMessage({ conversation: conversation.id, message: first })
      }}
    >
      <Icon name="thread" />
      <span className="badge" aria-hidden="true">
        {showNumber(count)}
      </span>
    </button>
  )
}
