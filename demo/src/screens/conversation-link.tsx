import type { Conversation, PendingWork } from "@weft/sdk"
import { useClient, useConversation, useConversationSettings, useDraft, useUnread } from "@weft/sdk/react"
import type { ReactNode } from "react"
import { Avatar } from "../parts/avatar.js"
import { Icon } from "../parts/icon.js"
import { Link } from "../parts/link.js"
import { Tick } from "../parts/tick.js"
import { useNow } from "../state/clock.js"
import { count } from "../words/count.js"
import { showPreview } from "../words/messages.js"
import { showFull, showWhen } from "../words/times.js"
import { titleOf } from "../words/titles.js"

interface ConversationLinkProps {
  conversation: Conversation
  isOpen: boolean
  pending: PendingWork | undefined
}

/** One line of the list: what it is, what was said last or is being written, and what is unread or waits. */
export function ConversationLink({ conversation, isOpen, pending }: ConversationLinkProps): ReactNode {
  const { user } = useClient()
  const view = useConversation(conversation)
  const { mutedUntil, pinned } = useConversationSettings(conversation)
  const [draft] = useDraft(conversation)
  const now = useNow(60_000)
  if (view === undefined) return null
  const { members, lastActivity, lastMessage } = view
  const title = titleOf(view, user)
  const isMuted = mutedUntil !== undefined && mutedUntil > now
  const hasDraft = draft.trim() !== "" && !isOpen
  return (
    <Link
      className="conversation-link"
      to={{ conversation: conversation.id }}
      aria-current={isOpen ? "page" : undefined}
    >
      <Avatar name={title} shape="group" />
      <span className="conversation-title">
        <bdi>{title}</bdi>
        {pinned && <SmallIcon name="pin" says="pinned" />}
        {isMuted && <SmallIcon name="muted" says="muted" />}
      </span>
      <time dateTime={new Date(lastActivity).toISOString()} title={showFull(lastActivity)}>
        {showWhen(lastActivity, now)}
      </time>
      <span className="conversation-preview" dir="auto">
        {hasDraft ? (
          <>
            <span className="draft-mark">Draft: </span>
            {draft.slice(0, 200)}
          </>
        ) : (
          showPreview(lastMessage, members.length > 2)
        )}
      </span>
      <span className="conversation-marks">
        <Unread conversation={conversation} isMuted={isMuted} />
        <Waiting pending={pending} />
        {pending === undefined && lastMessage?.own === true && !hasDraft && <Tick status={lastMessage.status} />}
      </span>
    </Link>
  )
}

function SmallIcon({ name, says }: { name: "pin" | "muted"; says: string }): ReactNode {
  return (
    <>
      <Icon name={name} size={14} />
      <span className="unseen">, {says}</span>
    </>
  )
}

function Unread({ conversation, isMuted }: { conversation: Conversation; isMuted: boolean }): ReactNode {
  const { count: unread, mentions } = useUnread(conversation)
  if (unread === 0) return null
  return (
    <>
      {mentions > 0 && (
        <span className="badge">
          <span aria-hidden="true">@</span>
          <span className="unseen">, {count(mentions, "mention")} of you</span>
        </span>
      )}
      <span className="badge" data-muted={isMuted || undefined}>
        <span aria-hidden="true">{unread > 999 ? "999+" : unread}</span>
        <span className="unseen">, {unread} unread</span>
      </span>
    </>
  )
}

function Waiting({ pending }: { pending: PendingWork | undefined }): ReactNode {
  const waiting = (pending?.messages ?? 0) + (pending?.changes ?? 0)
  if (waiting === 0) return null
  return (
    <span className="pending-mark">
      <Icon name="cloudOff" size={14} />
      <span aria-hidden="true">{waiting}</span>
      <span className="unseen">, {count(waiting, "change")} not sent yet</span>
    </span>
  )
}
