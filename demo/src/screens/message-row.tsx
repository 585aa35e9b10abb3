import type { Conversation, Message } from "@weft/sdk"
import { memo, type ReactNode } from "react"
import { Avatar } from "../parts/avatar.js"
import { CopyButton } from "../parts/copy-button.js"
import { FormattedText } from "../parts/formatted-text.js"
import { Icon } from "../parts/icon.js"
import { Tick } from "../parts/tick.js"
import { useAction } from "../state/action.js"
import { explainRefusal } from "../words/errors.js"
import { showStatus, showText } from "../words/messages.js"
import { showName, toneOf } from "../words/names.js"
import { showClock, showFull } from "../words/times.js"

interface MessageRowProps {
  message: Message
  conversation: Conversation
  startsGroup: boolean
  endsGroup: boolean
  /** A heading stands before it. */
  startsDay: boolean
  /** More than two people: who wrote what must be said. */
  isGroup: boolean
  /** Whether this user may still write here. */
  mayWrite: boolean
}

export const MessageRow = memo(function MessageRow(props: MessageRowProps): ReactNode {
  const { message, conversation, startsGroup, endsGroup, startsDay, isGroup, mayWrite } = props
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
      aria-label={label}
    >
      {showsAuthor && endsGroup && <Avatar name={message.author} size="small" />}
      <div className="bubble" data-form={message.form}>
        {showsAuthor && startsGroup && (
          <bdi className="author" data-tone={toneOf(message.author)}>
            {author}
          </bdi>
        )}
        <div className="line">
          <div className="text">
            {message.form === "text" ? <FormattedText text={message.text ?? ""} /> : <p>{showText(message)}</p>}
          </div>
          <span className="meta">
            <time dateTime={new Date(message.sentAt).toISOString()} title={showFull(message.sentAt)}>
              {showClock(message.sentAt)}
            </time>
            {message.own && <Tick status={message.status} />}
          </span>
        </div>
      </div>
      {message.status === "rejected" && <Rejection message={message} conversation={conversation} mayRetry={mayWrite} />}
    </article>
  )
})

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
