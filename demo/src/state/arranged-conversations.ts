import type { ConversationListItem } from "@weft/sdk"
import { useConversationList } from "@weft/sdk/react"
import { useMemo } from "react"

export interface ArrangedConversations {
  /** Pinned ones first; otherwise newest activity first. */
  readonly shown: readonly ConversationListItem[]
  readonly archived: readonly ConversationListItem[]
}

export function useArrangedConversations(): ArrangedConversations {
  const all = useConversationList()
  return useMemo(
    () => ({
      shown: all.filter(({ settings }) => !settings.archived),
      archived: all.filter(({ settings }) => settings.archived),
    }),
    [all],
  )
}
