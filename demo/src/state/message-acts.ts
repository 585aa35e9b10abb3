import type { Conversation, Message, MessageId } from "@weft/sdk"
import { useMemo, useState } from "react"
import { explainError } from "../words/errors.js"
import { openThread } from "./address.js"
import { jumpToMessage } from "./jumps.js"
import { type Task, useTask } from "./task.js"
import { showToast } from "./toast.js"

/** Whether it can be written about: what was not accepted is on this device alone, to be sent again or discarded. */
export function isAnswerable({ form, status }: Message): boolean {
  return form === "text" && status !== "rejected"
}

/** Whether its author may give it another text: what was forwarded stays as it was said. */
export function isEditable(message: Message): boolean {
  return message.own && isAnswerable(message) && message.forwardedFrom === undefined
}

/** A question about a message that is answered in a dialog. */
export interface Question {
  readonly kind: "forward" | "erase" | "history" | "receipts" | "react" | "reactors"
  readonly message: Message
}

/** What a message's menu starts; the same object as long as the conversation is shown. */
export interface MessageActs {
  reply(message: Message): void
  edit(message: Message): void
  forward(message: Message): void
  erase(message: Message): void
  history(message: Message): void
  /** Who has an own message, and since when. */
  receipts(message: Message): void
  /** Asks for any emoji. */
  chooseReaction(message: Message): void
  /** From a message on, until it is opened again. */
  markUnread(message: Message): void
  /** Who reacted. */
  reactors(message: Message): void
  /** Brings a message into view: in the thread that is shown if it stands there, else in the conversation. */
  show(id: MessageId): void
  openThread(root: MessageId): void
  toggleReaction(message: Message, emoji: string): void
}

export interface MessageWork {
  readonly acts: MessageActs
  readonly task: Task
  /** Undefined ends it. */
  readonly setTask: (next: Task | undefined) => void
  readonly question: Question | undefined
  readonly endQuestion: () => void
}

/** What is being done with the messages of a conversation, or of a thread in it: each has a composer of its own. */
export function useMessageWork(conversation: Conversation, thread?: MessageId): MessageWork {
  const [task, setTask] = useTask(conversation, thread)
  const [question, setQuestion] = useState<Question>()
  const acts = useMemo<MessageActs>(() => {
    const ask = (kind: Question["kind"]) => (message: Message) => {
      setQuestion({ kind, message })
    }
    return {
      reply: ({ id }) => {
        setTask({ kind: "reply", message: id })
      },
      edit: ({ id, text = "", mentions }) => {
        setTask({ kind: "edit", message: id, text, mentions })
      },
      forward: ask("forward"),
      erase: ask("erase"),
      history: ask("history"),
      receipts: ask("receipts"),
      chooseReaction: ask("react"),
      reactors: ask("reactors"),
      markUnread: ({ id }) => {
        conversation.markUnread(id)
      },
      show: (id) => {
        const isHere = thread !== undefined && (id === thread || conversation.message(id)?.thread === thread)
        jumpToMessage({ conversation: conversation.id, message: id, ...(isHere && { thread }) })
      },
      openThread: (root) => {
        openThread(conversation.id, root)
      },
      toggleReaction: ({ id, reactions }, emoji) => {
        const isOn = reactions.some((reaction) => reaction.emoji === emoji && reaction.own)
        try {
          if (isOn) conversation.unreact(id, emoji)
          else conversation.react(id, emoji)
        } catch (error) {
          showToast({ text: explainError(error) })
        }
      },
    }
  }, [conversation, thread, setTask])
  return {
    acts,
    task,
    setTask,
    question,
    endQuestion: () => {
      setQuestion(undefined)
    },
  }
}
