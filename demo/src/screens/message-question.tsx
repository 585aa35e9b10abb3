import type { Conversation, Message } from "@weft/sdk"
import { useClient, useConversation, useConversations } from "@weft/sdk/react"
import type { ReactNode } from "react"
import { Avatar } from "../parts/avatar.js"
import { Dialog } from "../parts/dialog.js"
import { FormattedText } from "../parts/formatted-text.js"
import { useAction } from "../state/action.js"
import { goTo } from "../state/address.js"
import type { MessageActs, Question } from "../state/message-acts.js"
import { showToast } from "../state/toast.js"
import { explainError } from "../words/errors.js"
import { showLine } from "../words/messages.js"
import { showName } from "../words/names.js"
import { showFull } from "../words/times.js"
import { titleOf } from "../words/titles.js"
import { EmojiDialog } from "./emoji-dialog.js"
import { ReactorsDialog } from "./reactors-dialog.js"
import { ReceiptsDialog } from "./receipts-dialog.js"
import { t } from "../words/translate.js"

interface QuestionProps {
  message: Message
  conversation: Conversation
  onClose: () => void
}

/** What a message's menu asks before it goes on. */
export function MessageQuestion(
  props: { question: Question; acts: MessageActs } & Omit<QuestionProps, "message">,
): ReactNode {
  const { question, acts, ...rest } = props
  switch (question.kind) {
    case "erase":
      return <EraseDialog message={question.message} {...rest} />
    case "forward":
      return <ForwardDialog message={question.message} {...rest} />
    case "receipts":
      return <ReceiptsDialog message={question.message} {...rest} />
    case "history":
      return <HistoryDialog message={question.message} {...rest} />
    case "react":
      return <EmojiDialog message={question.message} acts={acts} onClose={rest.onClose} />
    case "reactors":
      return <ReactorsDialog message={question.message} {...rest} />
  }
}

function EraseDialog({ message, conversation, onClose }: QuestionProps): ReactNode {
  const action = useAction()
  return (
    <Dialog title={t("eraseQuestion")} onClose={onClose}>
      <blockquote className="quoted" dir="auto">
        {showLine(message)}
      </blockquote>
      <p>{t("eraseAdvice")}</p>
      {action.problem !== undefined && (
        <p className="problem" role="alert">
          {action.problem}
        </p>
      )}
      <div className="dialog-actions">
        <button type="button" className="quiet-button" onClick={onClose}>
          {t("keep")}
        </button>
        <button
          type="button"
          className="danger-button"
          disabled={action.isBusy}
          onClick={() => {
            action.run(async () => {
              await conversation.erase(message.id)
              onClose()
            })
          }}
        >
          {t("erase")}
        </button>
      </div>
    </Dialog>
  )
}

function ForwardDialog({ message, onClose }: QuestionProps): ReactNode {
  const conversations = useConversations()
  return (
    <Dialog title={t("forwardTo")} onClose={onClose}>
      <blockquote className="quoted" dir="auto">
        {showLine(message)}
      </blockquote>
      <ul className="choices">
        {conversations.map((target) => (
          <li key={target.id}>
            <ForwardTarget target={target} message={message} onClose={onClose} />
          </li>
        ))}
      </ul>
    </Dialog>
  )
}

function ForwardTarget(props: { target: Conversation; message: Message; onClose: () => void }): ReactNode {
  const { target, message, onClose } = props
  const { user } = useClient()
  const view = useConversation(target)
  if (view?.mayWrite !== true) return null
  const title = titleOf(view, user)
  const send = (): void => {
    onClose()
    try {
      target.forward(message)
      const show = async (): Promise<void> => {
        goTo({ conversation: target.id })
      }
      showToast({ text: t("forwardedTo", { title }), action: { name: t("show"), run: show } })
    } catch (error) {
      showToast({ text: explainError(error) })
    }
  }
  return (
    <button type="button" className="person" onClick={send}>
      <Avatar name={title} shape="group" />
      <bdi>{title}</bdi>
    </button>
  )
}

function HistoryDialog({ message, conversation, onClose }: QuestionProps): ReactNode {
  const versions = conversation.history(message.id).toReversed()
  return (
    <Dialog title={t("edits")} onClose={onClose} isText>
      <p className="quiet">
        {message.own ? t("whatYouWrote") : t("whatNameWrote", { name: showName(message.author) })}
      </p>
      <ol className="versions">
        {versions.map((version) => (
          <li key={version.id}>
            <time className="fine" dateTime={new Date(version.at).toISOString()}>
              {showFull(version.at)}
            </time>
            <div className="text">
              <FormattedText text={version.text} />
            </div>
          </li>
        ))}
      </ol>
    </Dialog>
  )
}
