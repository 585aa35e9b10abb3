import type { GivenMention, MessageId } from "@weft/sdk"
import { type ConversationView, useClient, useMessages } from "@weft/sdk/react"
import { type ReactNode, useState } from "react"
import { ComposerField } from "../parts/composer-field.js"
import { Icon } from "../parts/icon.js"
import { useAction } from "../state/action.js"
import { type Composed, useComposed } from "../state/composed.js"
import { isEditable, type MessageWork } from "../state/message-acts.js"
import { useNameables } from "../state/nameables.js"
import type { Task } from "../state/task.js"
import { offerUndo } from "../state/undo.js"
import { explainError } from "../words/errors.js"
import { t } from "../words/translate.js"
import { sameMentions, trimMentions } from "../words/mentions.js"
import { showLine } from "../words/messages.js"
import { showName } from "../words/names.js"

interface ComposerProps {
  view: ConversationView
  /** Writes into the thread below this message. */
  thread?: MessageId
  work: MessageWork
}

/** Where a message is written: a new one, an answer, or an own one anew. */
export function Composer(props: ComposerProps): ReactNode {
  const { task } = props.work
  const [hasEdited, setHasEdited] = useState(false)
  if (task.kind === "edit" && !hasEdited) setHasEdited(true)
  if (task.kind === "edit") return <EditComposer key={task.message} {...props} task={task} />
  // where an edit was written, writing goes on: a phone's keyboard stays, a screen reader's place too
  return <DraftComposer {...props} replyTo={task.kind === "reply" ? task.message : undefined} takesFocus={hasEdited} />
}

/** What is typed is the draft that all of the user's devices share; sending it ends it. */
function DraftComposer(props: ComposerProps & { replyTo: MessageId | undefined; takesFocus: boolean }): ReactNode {
  const { view, thread, work, replyTo, takesFocus } = props
  const { conversation } = view
  const [composed, setComposed] = useComposed(conversation, thread)
  const [problem, setProblem] = useState<string>()
  const names = useNameables(view)
  const loading = useAction()
  const fail = (error: unknown): void => {
    setProblem(explainError(error))
  }
  const attempt = (act: () => void): void => {
    try {
      act()
      setProblem(undefined)
    } catch (error) {
      fail(error)
    }
  }
  const end = (): void => {
    work.setTask(undefined)
  }
  return (
    <ComposerField
      label={thread === undefined ? t("message") : t("replyInThread")}
      {...composed}
      names={names}
      problem={problem}
      focusKey={replyTo}
      takesFocus={takesFocus}
      onChange={(next) => {
        attempt(() => {
          setComposed(next)
          conversation.setTyping(next.text.trim() !== "")
        })
      }}
      onSend={(given) => {
        const { text, mentions } = trimMentions(composed.text, given)
        const send = (): void => {
          attempt(() => {
            conversation.send(text, {
              mentions,
              ...(thread !== undefined && { thread }),
              ...(replyTo !== undefined && { replyTo }),
            })
            conversation.setTyping(false)
            end()
          })
        }
        if (replyTo === undefined || conversation.message(replyTo) !== undefined) send()
        // the list let go of what is answered while nobody looked
        else loading.run(() => conversation.loadTo(replyTo).then(send, fail))
      }}
      onCancel={replyTo === undefined ? undefined : end}
      onUp={() => {
        const { items } = conversation.messages.get()
        const last = items.findLast((item) => isEditable(item) && item.thread === thread)
        if (last !== undefined) work.acts.edit(last)
      }}
    >
      {replyTo !== undefined && <ReplyHead key={replyTo} view={view} id={replyTo} work={work} />}
    </ComposerField>
  )
}

interface HeadProps {
  view: ConversationView
  id: MessageId
  work: MessageWork
}

function ReplyHead({ view, id, work }: HeadProps): ReactNode {
  // follows edits and erasure while the answer is written
  const { conversation } = view
  const loaded = useMessages(conversation).items.find((item) => item.id === id) ?? conversation.message(id)
  // as it was where the list let go of it meanwhile
  const [message, setMessage] = useState(loaded)
  if (loaded !== undefined && loaded !== message) setMessage(loaded)
  return (
    <div className="composer-head">
      <Icon name="reply" size={16} />
      <button
        type="button"
        className="composer-about"
        onClick={() => {
          work.acts.show(id)
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
      <button
        type="button"
        className="icon-button"
        aria-label={t("cancelReply")}
        onClick={() => {
          work.setTask(undefined)
        }}
      >
        <Icon name="close" size={18} />
      </button>
    </div>
  )
}

function EditComposer({ view, work, task }: ComposerProps & { task: Extract<Task, { kind: "edit" }> }): ReactNode {
  const { account } = useClient()
  const { conversation } = view
  const saving = useAction()
  const names = useNameables(view)
  const end = (): void => {
    work.setTask(undefined)
  }
  const save = (given: readonly GivenMention[]): void => {
    const next = trimMentions(task.text, given)
    saving.run(async () => {
      // just after a reload nothing is read yet
      if (conversation.message(task.message) === undefined) await conversation.loadTo(task.message)
      if (!isSame(next, conversation.message(task.message))) {
        const { act } = conversation.edit(task.message, next.text, { mentions: next.mentions })
        offerUndo(t("editSaved"), account, act)
      }
      end()
    })
  }
  return (
    <ComposerField
      label={t("editMessage")}
      send={t("saveEdit")}
      sendIcon="check"
      text={task.text}
      mentions={task.mentions}
      names={names}
      problem={saving.problem}
      focusKey={task.message}
      onChange={(next) => {
        work.setTask({ ...task, ...next })
      }}
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

function isSame(
  next: Composed,
  message: { text: string | undefined; mentions: readonly GivenMention[] } | undefined,
): boolean {
  return message !== undefined && next.text === message.text && sameMentions(next.mentions, message.mentions)
}
