import type { Conversation, MessageId, Role } from "@weft/sdk"
import type { ConversationView } from "@weft/sdk/react"
import { useMemo } from "react"

/** What a message's row needs of its conversation: the same object until one of these changes, so that rows are not redrawn. */
export interface MessagePlace {
  readonly conversation: Conversation
  readonly mayWrite: boolean
  readonly mayReact: boolean
  readonly role: Role | undefined
  /** Ids of the messages that are pinned. */
  readonly pinned: ReadonlySet<string>
  /** The root of the thread that is shown, where these are the rows of one. */
  readonly thread: MessageId | undefined
}

export function useMessagePlace(
  { conversation, mayWrite, mayReact, role, pinned }: ConversationView,
  thread?: MessageId,
): MessagePlace {
  const ids = pinned.map(({ id }) => id).join(" ")
  return useMemo(
    () => ({ conversation, mayWrite, mayReact, role, pinned: new Set(ids.split(" ")), thread }),
    [conversation, mayWrite, mayReact, role, ids, thread],
  )
}
