import type { Conversation, Message, OwnRemark, Quote } from "@weft/sdk"
import type { ReactNode } from "react"
import { Icon } from "../parts/icon.js"
import { useAction } from "../state/action.js"
import type { MessageActs } from "../state/message-acts.js"
import type { MessagePlace } from "../state/message-place.js"
import { refusalSentence } from "../words/errors.js"
import { t } from "../words/translate.js"
import { showQuote, showRemark } from "../words/messages.js"
import { showName, toneOf } from "../words/names.js"

/** What a message replies to: a way there. */
export function QuoteLink({ quote, acts }: { quote: Quote; acts: MessageActs }): ReactNode {
  const isReady = quote.state === "ready"
  return (
    <button
      type="button"
      className="quote"
      data-form={isReady ? quote.form : "absent"}
      disabled={!isReady}
      onClick={() => {
        acts.show(quote.id)
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

/** Own edits, reactions and erasures that were refused: why, and what can be done about it. */
export function RefusedRemarks({ message, place }: { message: Message; place: MessagePlace }): ReactNode {
  const { conversation, mayWrite, mayReact } = place
  return message.unsent
    .filter(({ status }) => status === "rejected")
    .map((remark) => {
      const mayRetry = remark.kind === "reaction" ? mayReact : mayWrite
      return <RefusedRemark key={remark.id} remark={remark} conversation={conversation} mayRetry={mayRetry} />
    })
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
