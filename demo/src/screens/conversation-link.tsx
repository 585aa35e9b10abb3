import type { ConversationListItem, PendingWork, Unread } from "@weft/sdk"
import { useClient } from "@weft/sdk/react"
import type { ReactNode } from "react"
import { Avatar } from "../parts/avatar.js"
import { Icon } from "../parts/icon.js"
import { Link } from "../parts/link.js"
import { Tick } from "../parts/tick.js"
import { useNow } from "../state/clock.js"
import { showPreview } from "../words/messages.js"
import { showFull, showWhen } from "../words/times.js"
import { titleOf } from "../words/titles.js"
import { showNumber, t } from "../words/translate.js"
import { PersonAvatar } from "./person-avatar.js"

interface ConversationLinkProps {
  item: ConversationListItem
  isOpen: boolean
  pending: PendingWork | undefined
}

/** One line of the list: what it is, what was said last or is being written, and what is unread or waits. */
export function ConversationLink({ item, isOpen, pending }: ConversationLinkProps): ReactNode {
  const { user } = useClient()
  const now = useNow(60_000)
  const { conversation, info, unread, settings, draft } = item
  const { members, lastActivity, lastMessage, direct } = info
  const title = titleOf(info, user)
  const isMuted = settings.mutedUntil !== undefined && settings.mutedUntil > now
  const hasDraft = draft.trim() !== "" && !isOpen
  return (
    <Link
      className="conversation-link"
      to={{ conversation: conversation.id }}
      aria-current={isOpen ? "page" : undefined}
    >
      {direct === undefined ? (
        <Avatar name={title} shape="group" />
      ) : (
        <PersonAvatar conversation={conversation} user={direct} />
      )}
      <span className="conversation-title">
        <bdi>{title}</bdi>
        {settings.pinned && <SmallIcon name="pin" says={t("markPinned")} />}
        {isMuted && <SmallIcon name="muted" says={t("markMuted")} />}
      </span>
      <time dateTime={new Date(lastActivity).toISOString()} title={showFull(lastActivity)}>
        {showWhen(lastActivity, now)}
      </time>
      <span className="conversation-preview" dir="auto">
        {info.membership === "joining" ? (
          t("joining")
        ) : info.membership === "refused" ? (
          t("silentRefused")
        ) : hasDraft ? (
          <>
            <span className="draft-mark">{t("draftMark")}</span>
            {draft.slice(0, 200)}
          </>
        ) : (
          showPreview(lastMessage, members.length > 2)
        )}
      </span>
      <span className="conversation-marks">
        <UnreadBadges unread={unread} isMuted={isMuted} />
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

/** Most that is counted out. */
const MOST = 999

/** What is unread, in threads too. */
function UnreadBadges({ unread, isMuted }: { unread: Unread; isMuted: boolean }): ReactNode {
  const count = Array.from(unread.threads.values()).reduce((sum, thread) => sum + thread.count, unread.count)
  if (count === 0) return null
  return (
    <>
      {unread.mentions > 0 && (
        <span className="badge">
          <span aria-hidden="true">@</span>
          <span className="unseen">, {t("mentionsOfYou", { count: unread.mentions })}</span>
        </span>
      )}
      <span className="badge" data-muted={isMuted || undefined}>
        <span aria-hidden="true">{count > MOST ? `${showNumber(MOST)}+` : showNumber(count)}</span>
        <span className="unseen">, {t("unreadCount", { count })}</span>
      </span>
    </>
  )
}

function Waiting({ pending }: { pending: PendingWork | undefined }): ReactNode {
  const count = (pending?.messages ?? 0) + (pending?.changes ?? 0)
  if (count === 0) return null
  return (
    <span className="pending-mark">
      <Icon name="cloudOff" size={14} />
      <span aria-hidden="true">{showNumber(count)}</span>
      <span className="unseen">, {t("notSentYet", { count })}</span>
    </span>
  )
}
