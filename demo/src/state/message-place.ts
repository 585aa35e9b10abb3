import type { Conversation, Role } from "@weft/sdk"
import type { ConversationView } from "@weft/sdk/react"
import { useMemo } from "react"

/** What a message's row needs of its conversation: the same object until one of these changes, so that rows are not redrawn. */
export interface MessagePlace {
  readonly conversation: Conversation
  readonly mayWrite: boolean
  readonly role: Role | undefined
  /** Ids of the messages that are pinned. */
  readonly pinned: ReadonlySet<string>
}

export function useMessagePlace({ conversation, mayWrite, role, pinned }: ConversationView): MessagePlace {
  const ids = pinned.map(({ id }) => id).join(" ")
  return useMemo(
    () => ({ conversation, mayWrite, role, pinned: new Set(ids.split(" ")) }),
    [conversation, mayWrite, role, ids],
  )
}
