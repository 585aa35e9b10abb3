import type { Conversation, MessageId } from "@weft/sdk"
import { parseMessageId } from "@weft/sdk/protocol"
import { useClient } from "@weft/sdk/react"
import { useEffect } from "react"
import { type Composed, placeKey, readComposed } from "./composed.js"
import { useKeptState } from "./kept-state.js"

/** What a composer is for. */
export type Task =
  | { readonly kind: "write" }
  | { readonly kind: "reply"; readonly message: MessageId }
  /** As far as the new text is written. */
  | ({ readonly kind: "edit"; readonly message: MessageId } & Composed)

const writing: Task = { kind: "write" }

function readTask(kept: unknown): Task {
  if (typeof kept !== "object" || kept === null || !("kind" in kept) || !("message" in kept)) return writing
  const message = typeof kept.message === "string" ? parseMessageId(kept.message) : undefined
  if (message === undefined) return writing
  if (kept.kind === "reply") return { kind: "reply", message }
  const composed = kept.kind === "edit" ? readComposed(kept) : undefined
  return composed === undefined ? writing : { kind: "edit", message, ...composed }
}

/** The task of a conversation's composer, or of a thread's: kept until it is done or left. Undefined ends it. */
export function useTask(
  conversation: Conversation,
  thread: MessageId | undefined,
): readonly [Task, (next: Task | undefined) => void] {
  const { user } = useClient()
  const [task, setTask] = useKeptState(placeKey("task", user, conversation, thread), readTask)
  const about = task.kind === "write" ? undefined : task.message
  useEffect(() => {
    if (about === undefined || conversation.message(about)?.form === "text") return
    // kept from before: it may be of long ago, or gone since
    const end = (): void => {
      setTask(undefined)
    }
    conversation.loadTo(about).then((isFound) => {
      if (!isFound || conversation.message(about)?.form !== "text") end()
    }, end)
  }, [conversation, about, setTask])
  return [task, setTask]
}
