import type { Conversation, Message, MessageId } from "@weft/sdk"
import { useMemo, useState } from "react"
import { explainError } from "../words/errors.js"
import { goTo } from "./address.js"
import { showToast } from "./toast.js"

/** What the composer is for. */
export type Task =
  | { readonly kind: "write" }
  | { readonly kind: "reply"; readonly message: MessageId }
  | { readonly kind: "edit"; readonly message: Message }

/** A question about a message that is answered in a dialog. */
export interface Question {
  readonly kind: "forward" | "erase" | "history" | "receipts"
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
  openThread(root: MessageId): void
  toggleReaction(message: Message, emoji: string): void
}

export interface MessageWork {
  readonly acts: MessageActs
  readonly task: Task
  readonly question: Question | undefined
  readonly endTask: () => void
  readonly endQuestion: () => void
}

export function useMessageWork(conversation: Conversation): MessageWork {
  const [task, setTask] = useState<Task>({ kind: "write" })
  const [question, setQuestion] = useState<Question>()
  const acts = useMemo<MessageActs>(() => {
    const ask = (kind: Question["kind"]) => (message: Message) => {
      setQuestion({ kind, message })
    }
    return {
      reply: ({ id }) => {
        setTask({ kind: "reply", message: id })
      },
      edit: (message) => {
        setTask({ kind: "edit", message })
      },
      forward: ask("forward"),
      erase: ask("erase"),
      history: ask("history"),
      receipts: ask("receipts"),
      openThread: (root) => {
        goTo({ conversation: conversation.id, thread: root })
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
  }, [conversation])
  return {
    acts,
    task,
    question,
    endTask: () => {
      setTask({ kind: "write" })
    },
    endQuestion: () => {
      setQuestion(undefined)
    },
  }
}
