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
import { explainRefusal } from "../words/errors.js"
import { showStatus, showText } from "../words/messages.js"
import { showName, toneOf } from "../words/names.js"
import { showClock, showFull } from "../words/times.js"
import { QuoteLink, Reactions, RefusedRemarks, ThreadLink } from "./message-extras.js"
import { MessageMenu } from "./message-menu.js"

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
  /** Whether its thread is what is shown. */
  isInThread?: boolean
}

export const MessageRow = memo(function MessageRow(props: MessageRowProps): ReactNode {
  const { message, place, acts, startsGroup, endsGroup, startsDay, isGroup, isInThread = false } = props
  const { conversation, mayWrite, pinned } = place
  const { user } = useClient()
  const author = showName(message.author)
  const label = [
    message.own ? "You" : author,
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
      data-group={showsAuthor || undefined}
      data-mentions-me={message.mentionsMe || undefined}
      aria-label={label}
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
            <Icon name="forward" size={14} /> Forwarded from <bdi>{showName(message.forwardedFrom)}</bdi>
          </p>
        )}
        {message.quote !== undefined && <QuoteLink quote={message.quote} />}
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
                <span className="unseen">pinned</span>
              </>
            )}
            {message.edited !== undefined && (
              <button
                type="button"
                className="edited"
                title={`${showFull(message.edited.at)}: show what it was before`}
                onClick={() => {
                  acts.history(message)
                }}
              >
                edited
              </button>
            )}
            <time dateTime={new Date(message.sentAt).toISOString()} title={showFull(message.sentAt)}>
              {showClock(message.sentAt)}
            </time>
            {message.own && <Tick status={message.status} />}
          </span>
        </div>
      </div>
      <Reactions message={message} acts={acts} mayWrite={mayWrite} />
      {!isInThread && <ThreadLink message={message} acts={acts} />}
      <RefusedRemarks message={message} conversation={conversation} mayRetry={mayWrite} />
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

/** Why it was not accepted, and what can be done about it. */
function Rejection(props: { message: Message; conversation: Conversation; mayRetry: boolean }): ReactNode {
  const { message, conversation, mayRetry } = props
  const action = useAction()
  return (
    <div className="rejection">
      <p>
        <Icon name="warning" size={16} />
        <span>
          Not accepted. {explainRefusal(message.rejection)}
          {message.rejection !== undefined && <> ({message.rejection})</>}.
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
            <span>Send again</span>
          </button>
        )}
        <CopyButton text={message.text ?? ""} label="Copy the text">
          Copy
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
          <span>Discard</span>
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
