import type { Conversation } from "@weft/sdk"
import { useAccount, useConversations } from "@weft/sdk/react"
import { useMemo } from "react"

export interface ArrangedConversations {
  /** Pinned ones first; otherwise newest activity first. */
  readonly shown: readonly Conversation[]
  readonly archived: readonly Conversation[]
}

export function useArrangedConversations(): ArrangedConversations {
  const all = useConversations()
  const { conversations: settings } = useAccount()
  return useMemo(() => {
    const isPinned = ({ id }: Conversation): boolean => settings.get(id)?.pinned === true
    const isArchived = ({ id }: Conversation): boolean => settings.get(id)?.archived === true
    const shown = all.filter((conversation) => !isArchived(conversation))
    return {
      shown: [...shown.filter(isPinned), ...shown.filter((conversation) => !isPinned(conversation))],
      archived: all.filter(isArchived),
    }
  }, [all, settings])
}
