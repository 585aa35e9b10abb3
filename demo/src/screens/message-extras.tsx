import type { Conversation, Message, MessageId, OwnRemark, Quote } from "@weft/sdk"
import { useUnread } from "@weft/sdk/react"
import type { ReactNode } from "react"
import { Icon } from "../parts/icon.js"
import { useAction } from "../state/action.js"
import { jumpToMessage } from "../state/jumps.js"
import type { MessageActs } from "../state/message-acts.js"
import { refusalSentence } from "../words/errors.js"
import { showNumber, t } from "../words/translate.js"
import { showQuote, showRemark } from "../words/messages.js"
import { listNames, showName, toneOf } from "../words/names.js"

/** Who reacted is named up to here. */
const MOST_NAMES = 8

/** What a message replies to: a way there. */
export function QuoteLink({ quote, conversation }: { quote: Quote; conversation: Conversation }): ReactNode {
  const isReady = quote.state === "ready"
  return (
    <button
      type="button"
      className="quote"
      data-form={isReady ? quote.form : "absent"}
      disabled={!isReady}
      onClick={() => {
        jumpToMessage({ conversation: conversation.id, message: quote.id })
      }}
    >
      <span className="unseen">{t("inReplyTo")} </span>
      {isReady && (
        <bdi className="strong" data-tone={toneOf(quote.author)}>
          {showName(quote.author)}
        </bdi>
      )}
      <span className="quote-text" dir="auto">
        {showQuote(quote)}
      </span>
    </button>
  )
}

interface ReactionsProps {
  message: Message
  acts: MessageActs
  mayWrite: boolean
}

/** Who reacts with what; a press adds or takes back one's own. */
export function Reactions({ message, acts, mayWrite }: ReactionsProps): ReactNode {
  return (
    <div className="reactions" role="group" aria-label={t("reactions")}>
      {message.reactions.map((reaction) => (
        <button
          key={reaction.emoji}
          type="button"
          className="reaction"
          aria-pressed={reaction.own}
          title={listNames(reaction.users, MOST_NAMES)}
          disabled={!mayWrite}
          onClick={() => {
            acts.toggleReaction(message, reaction.emoji)
          }}
        >
          <span>{reaction.emoji}</span>
          <span>{reaction.users.length}</span>
          <span className="unseen">: {listNames(reaction.users, MOST_NAMES)}</span>
        </button>
      ))}
    </div>
  )
}

interface ThreadLinkProps {
  message: Message
  conversation: Conversation
  acts: MessageActs
}

/** The way to the thread below a message, or to the one that it stands in. */
export function ThreadLink({ message, conversation, acts }: ThreadLinkProps): ReactNode {
  const { replies, thread } = message
  const root = thread ?? (replies === undefined ? undefined : message.id)
  if (root === undefined) return null
  return (
    <button
      type="button"
      className="thread-link"
      onClick={() => {
        acts.openThread(root)
      }}
    >
      <Icon name="thread" size={16} />
      <span>{replies === undefined ? t("inThread") : t("replies", { count: replies.count })}</span>
      {replies !== undefined && <UnreadReplies conversation={conversation} root={root} />}
    </button>
  )
}

function UnreadReplies({ conversation, root }: { conversation: Conversation; root: MessageId }): ReactNode {
  const count = useUnread(conversation).threads.get(root)?.count ?? 0
  if (count === 0) return null
  return (
    <span className="badge">
      <span aria-hidden="true">{showNumber(count)}</span>
      <span className="unseen">, {t("unreadCount", { count })}</span>
    </span>
  )
}

/** Own edits, reactions and erasures that were refused: why, and what can be done about it. */
export function RefusedRemarks(props: { message: Message; conversation: Conversation; mayRetry: boolean }): ReactNode {
  return props.message.unsent
    .filter(({ status }) => status === "rejected")
    .map((remark) => <RefusedRemark key={remark.id} remark={remark} {...props} />)
}

interface RefusedRemarkProps {
  remark: OwnRemark
  conversation: Conversation
  mayRetry: boolean
}

function RefusedRemark({ remark, conversation, mayRetry }: RefusedRemarkProps): ReactNode {
  const action = useAction()
  return (
    <div className="rejection">
      <p>
        <Icon name="warning" size={16} />
        <span>
          {t("whatNotAccepted", { what: showRemark(remark) })} {refusalSentence(remark.rejection)}
        </span>
      </p>
      <div className="row-actions">
        {mayRetry && (
          <button
            type="button"
            className="quiet-button"
            disabled={action.isBusy}
            onClick={() => {
              action.run(async () => conversation.retry(remark.id))
            }}
          >
            <Icon name="retry" size={16} />
            <span>{t("tryAgain")}</span>
          </button>
        )}
        <button
          type="button"
          className="quiet-button"
          disabled={action.isBusy}
          onClick={() => {
            action.run(() => conversation.discard(remark.id))
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
