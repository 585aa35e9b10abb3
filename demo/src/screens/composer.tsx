import type { Message, MessageId } from "@weft/sdk"
import { type ConversationView, useDraft, useMessages } from "@weft/sdk/react"
import { type ReactNode, useState } from "react"
import { ComposerField } from "../parts/composer-field.js"
import { Icon } from "../parts/icon.js"
import { jumpToMessage } from "../state/jumps.js"
import type { MessageActs, Task } from "../state/message-acts.js"
import { explainError } from "../words/errors.js"
import { t } from "../words/translate.js"
import { findMentions } from "../words/mentions.js"
import { showLine } from "../words/messages.js"
import { showName } from "../words/names.js"

interface ComposerProps {
  view: ConversationView
  task: Task
  acts: MessageActs
  endTask: () => void
}

/** Where a message is written: a new one, an answer, or an own one anew. */
export function Composer({ view, task, acts, endTask }: ComposerProps): ReactNode {
  if (task.kind === "edit")
    return <EditComposer key={task.message.id} view={view} message={task.message} end={endTask} />
  return (
    <DraftComposer view={view} replyTo={task.kind === "reply" ? task.message : undefined} acts={acts} end={endTask} />
  )
}

interface DraftComposerProps {
  view: ConversationView
  /** Writes into the thread below this message. */
  thread?: MessageId
  replyTo?: MessageId | undefined
  acts?: MessageActs
  end: () => void
}

/** What is typed is the draft that all of the user's devices share; sending it ends it. */
export function DraftComposer({ view, thread, replyTo, acts, end }: DraftComposerProps): ReactNode {
  const { conversation, members } = view
  const [text, setText] = useDraft(conversation, thread)
  const [problem, setProblem] = useState<string>()
  const attempt = (work: () => void): void => {
    try {
      work()
      setProblem(undefined)
    } catch (error) {
      setProblem(explainError(error))
    }
  }
  return (
    <ComposerField
      label={thread === undefined ? t("message") : t("replyInThread")}
      text={text}
      problem={problem}
      focusKey={replyTo}
      onText={(next) => {
        attempt(() => {
          setText(next)
          conversation.setTyping(next.trim() !== "")
        })
      }}
      onSend={() => {
        attempt(() => {
          const sent = text.trim()
          const mentions = findMentions(
            sent,
            members.map(({ user }) => user),
          )
          conversation.send(sent, {
            mentions,
            ...(thread !== undefined && { thread }),
            ...(replyTo !== undefined && { replyTo }),
          })
          conversation.setTyping(false)
          end()
        })
      }}
      onCancel={replyTo === undefined ? undefined : end}
      onUp={() => {
        const last = conversation.messages.get().items.findLast(({ own, form }) => own && form === "text")
        if (last !== undefined) acts?.edit(last)
      }}
    >
      {replyTo !== undefined && <ReplyHead view={view} id={replyTo} end={end} />}
    </ComposerField>
  )
}

function ReplyHead({ view, id, end }: { view: ConversationView; id: MessageId; end: () => void }): ReactNode {
  // follows edits and erasure while the answer is written
  const message = useMessages(view.conversation).items.find((item) => item.id === id)
  return (
    <div className="composer-head">
      <Icon name="reply" size={16} />
      <button
        type="button"
        className="composer-about"
        onClick={() => {
          jumpToMessage({ conversation: view.conversation.id, message: id })
        }}
      >
        <span className="strong">
          {message === undefined || message.own
            ? t("replyToYourself")
            : t("replyTo", { name: showName(message.author) })}
        </span>
        <span className="quote-text" dir="auto">
          {message === undefined ? "" : showLine(message)}
        </span>
      </button>
      <button type="button" className="icon-button" aria-label={t("cancelReply")} onClick={end}>
        <Icon name="close" size={18} />
      </button>
    </div>
  )
}

function EditComposer({
  view,
  message,
  end,
}: {
  view: ConversationView
  message: Message
  end: () => void
}): ReactNode {
  const [text, setText] = useState(message.text ?? "")
  const [problem, setProblem] = useState<string>()
  const save = (): void => {
    const next = text.trim()
    const mentions = findMentions(
      next,
      view.members.map(({ user }) => user),
    )
    try {
      if (next !== message.text) view.conversation.edit(message.id, next, { mentions })
      end()
    } catch (error) {
      setProblem(explainError(error))
    }
  }
  return (
    <ComposerField
      label={t("editMessage")}
      send={t("saveEdit")}
      sendIcon="check"
      text={text}
      problem={problem}
      focusKey={message.id}
      onText={setText}
      onSend={save}
      onCancel={end}
    >
      <div className="composer-head">
        <Icon name="pencil" size={16} />
        <span className="composer-about strong">{t("editMessage")}</span>
        <button type="button" className="icon-button" aria-label={t("cancelEdit")} onClick={end}>
          <Icon name="close" size={18} />
        </button>
      </div>
    </ComposerField>
  )
}
