import type { Conversation, Mention, Message } from "@weft/sdk"
import type { MentionRange } from "@weft/sdk/format"
import { useClient } from "@weft/sdk/react"
import { memo, type ReactNode } from "react"
import { Avatar } from "../parts/avatar.js"
import { CopyButton } from "../parts/copy-button.js"
import { FormattedText } from "../parts/formatted-text.js"
import { Icon } from "../parts/icon.js"
import { Tick } from "../parts/tick.js"
import { useAction } from "../state/action.js"
import type { MessageActs } from "../state/message-acts.js"
import type { MessagePlace } from "../state/message-place.js"
import { refusalSentence } from "../words/errors.js"
import { t } from "../words/translate.js"
import { showStatus, showText } from "../words/messages.js"
import { showName, toneOf } from "../words/names.js"
import { showClock, showFull } from "../words/times.js"
import { QuoteLink, RefusedRemarks } from "./message-extras.js"
import { MessageMenu } from "./message-menu.js"
import { Reactions } from "./reactions.js"
import { ThreadLink } from "./thread-link.js"

interface MessageRowProps {
  message: Message
  place: MessagePlace
  acts: MessageActs
  startsGroup: boolean
  endsGroup: boolean
  /** A heading stands before it. */
  startsDay: boolean
  /** More than two people: who wrote what must be said. */
  isGroup: boolean
  /** Counted from 1, from the oldest that is loaded. */
  position?: number
  /** Of all that are loaded. */
  isLast?: boolean
  /** It came in above what was read already. */
  isLate?: boolean
}

export const MessageRow = memo(function MessageRow(props: MessageRowProps): ReactNode {
  const {
    message,
    place,
    acts,
    startsGroup,
    endsGroup,
    startsDay,
    isGroup,
    position,
    isLast = false,
    isLate = false,
  } = props
  const { conversation, mayWrite, mayReact, pinned, thread } = place
  const { user } = useClient()
  const author = showName(message.author)
  const label = [
    message.own ? t("you") : author,
    showClock(message.sentAt),
    ...(message.own ? [showStatus(message.status)] : []),
  ].join(", ")
  const showsAuthor = isGroup && !message.own
  return (
    <article
      className="message"
      data-message={message.id}
      data-own={message.own || undefined}
      data-status={message.status}
      data-starts={startsGroup || undefined}
      data-spaced={(startsGroup && !startsDay) || undefined}
      data-ends={endsGroup || undefined}
      data-last={isLast || undefined}
      data-group={showsAuthor || undefined}
      data-mentions-me={message.mentionsMe || undefined}
      aria-label={label}
      aria-posinset={position}
      aria-setsize={position === undefined ? undefined : -1}
      tabIndex={-1}
    >
      {showsAuthor && endsGroup && <Avatar name={message.author} size="small" />}
      <div className="bubble" data-form={message.form}>
        {message.status !== "rejected" && <MessageMenu message={message} place={place} acts={acts} />}
        {showsAuthor && startsGroup && (
          <bdi className="author" data-tone={toneOf(message.author)}>
            {author}
          </bdi>
        )}
        {message.forwardedFrom !== undefined && (
          <p className="forwarded">
            <Icon name="forward" size={14} /> {t("forwardedFrom", { name: showName(message.forwardedFrom) })}
          </p>
        )}
        {message.quote !== undefined && <QuoteLink quote={message.quote} acts={acts} />}
        <div className="line">
          <div className="text">
            {message.form === "text" ? (
              <FormattedText text={message.text ?? ""} mentions={mentionRanges(message.mentions)} user={user} />
            ) : (
              <p>{showText(message)}</p>
            )}
          </div>
          <span className="meta">
            {pinned.has(message.id) && (
              <>
                <Icon name="pin" size={12} />
                <span className="unseen">{t("markPinned")}</span>
              </>
            )}
            {message.edited !== undefined && (
              <button
                type="button"
                className="edited"
                title={t("showBefore", { when: showFull(message.edited.at) })}
                onClick={() => {
                  acts.history(message)
                }}
              >
                {t("edited")}
              </button>
            )}
            {isLate && <span className="late-mark">{t("late")}</span>}
            <time dateTime={new Date(message.sentAt).toISOString()} title={showFull(message.sentAt)}>
              {showClock(message.sentAt)}
            </time>
            {message.own && <Ticks message={message} acts={acts} />}
          </span>
        </div>
      </div>
      {message.reactions.length > 0 && <Reactions message={message} acts={acts} mayReact={mayReact} />}
      {thread === undefined && message.replies !== undefined && (
        <ThreadLink root={message.id} replies={message.replies} conversation={conversation} acts={acts} />
      )}
      {message.unsent.length > 0 && <RefusedRemarks message={message} place={place} />}
      {message.status === "rejected" && <Rejection message={message} conversation={conversation} mayRetry={mayWrite} />}
    </article>
  )
})

const ranges = new WeakMap<readonly Mention[], readonly MentionRange[]>()

/** As the parser takes them: the same ones for the same mentions, so that a text is parsed once. */
function mentionRanges(mentions: readonly Mention[]): readonly MentionRange[] {
  let known = ranges.get(mentions)
  if (known === undefined) ranges.set(mentions, (known = mentions.map((one) => ({ ...one, user: one.user ?? "" }))))
  return known
}

/** How far an own message has come; where it was sent, a press says who has it and since when. */
function Ticks({ message, acts }: { message: Message; acts: MessageActs }): ReactNode {
  const { status } = message
  if (status === "saving" || status === "saved" || status === "rejected") return <Tick status={status} />
  return (
    <button
      type="button"
      className="tick-button"
      aria-label={t("statusShowWho", { status: showStatus(status) })}
      onClick={() => {
        acts.receipts(message)
      }}
    >
      <Tick status={status} />
    </button>
  )
}

/** Why it was not accepted, and what can be done about it. */
function Rejection(props: { message: Message; conversation: Conversation; mayRetry: boolean }): ReactNode {
  const { message, conversation, mayRetry } = props
  const action = useAction()
  return (
    <div className="rejection">
      <p>
        <Icon name="warning" size={16} />
        <span>
          {t("changeRefused")} {refusalSentence(message.rejection)}
        </span>
      </p>
      <div className="row-actions">
        {mayRetry && (
          <button
            type="button"
            className="quiet-button"
            disabled={action.isBusy}
            onClick={() => {
              action.run(async () => conversation.retry(message.id))
            }}
          >
            <Icon name="retry" size={16} />
            <span>{t("sendAgain")}</span>
          </button>
        )}
        <CopyButton text={message.text ?? ""} label={t("copyTheText")}>
          {t("copy")}
        </CopyButton>
        <button
          type="button"
          className="quiet-button"
          disabled={action.isBusy}
          onClick={() => {
            action.run(() => conversation.discard(message.id))
          }}
        >
          <Icon name="trash" size={16} />
          <span>{t("discard")}</span>
        </button>
      </div>
      {action.problem !== undefined && (
        <p className="problem" role="alert">
          {action.problem}
        </p>
      )}
    </div>
  )
}
