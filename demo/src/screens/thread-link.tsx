import type { Conversation, MessageId, Replies } from "@weft/sdk"
import { useUnread } from "@weft/sdk/react"
import type { ReactNode } from "react"
import { Avatar } from "../parts/avatar.js"
import { Icon } from "../parts/icon.js"
import { useNow } from "../state/clock.js"
import type { MessageActs } from "../state/message-acts.js"
import { listNames } from "../words/names.js"
import { showFull, showWhen } from "../words/times.js"
import { showNumber, t } from "../words/translate.js"

/** Who answered is shown up to here. */
const MOST_PEOPLE = 3

interface ThreadLinkProps {
  root: MessageId
  replies: Replies
  conversation: Conversation
  acts: MessageActs
}

/** What was answered below a message: how often, by whom, when last, what of it is unread; and the way there. */
export function ThreadLink({ root, replies, conversation, acts }: ThreadLinkProps): ReactNode {
  const now = useNow(60_000)
  const unread = useUnread(conversation).threads.get(root)?.count ?? 0
  const items = conversation.thread(root).get().items
  // who answered last comes first
  const people = Array.from(new Set(items.toReversed().map(({ author }) => author)))
  return (
    <button
      type="button"
      className="thread-link"
      onClick={() => {
        acts.openThread(root)
      }}
    >
      {people.length === 0 && <Icon name="thread" size={16} />}
      <span className="thread-people">
        {people.slice(0, MOST_PEOPLE).map((user) => (
          <Avatar key={user} name={user} size="small" />
        ))}
      </span>
      <span>{t("replies", { count: replies.count })}</span>
      <span className="unseen">, {listNames(people, MOST_PEOPLE)}, </span>
      <time dateTime={new Date(replies.lastAt).toISOString()} title={showFull(replies.lastAt)}>
        {showWhen(replies.lastAt, now)}
      </time>
      {unread > 0 && (
        <span className="badge">
          <span aria-hidden="true">{showNumber(unread)}</span>
          <span className="unseen">, {t("unreadCount", { count: unread })}</span>
        </span>
      )}
    </button>
  )
}
