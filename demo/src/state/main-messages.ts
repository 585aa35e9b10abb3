import type { Conversation, Message } from "@weft/sdk"
import { type LoadedMessages, useMessages } from "@weft/sdk/react"
import { useCallback, useMemo } from "react"

export interface MainMessages extends LoadedMessages {
  /** With those of threads. */
  readonly everything: readonly Message[]
}

const standsInList = ({ thread }: Message): boolean => thread === undefined

/** The messages that a conversation's own list shows: what is answered in threads is shown with them. */
export function useMainMessages(conversation: Conversation): MainMessages {
  const loaded = useMessages(conversation)
  const { items: everything, loadOlder: loadSome } = loaded
  const items = useMemo(
    () => (everything.every(standsInList) ? everything : everything.filter(standsInList)),
    [everything],
  )
  // A part of the conversation may hold nothing but threads: whoever asks for more waits for something to see.
  const loadOlder = useCallback(async (): Promise<void> => {
    let before = conversation.messages.get().items
    const oldest = before.find(standsInList)?.id
    for (;;) {
      await loadSome()
      const { items: now, complete } = conversation.messages.get()
      if (complete || now.length === before.length || now.find(standsInList)?.id !== oldest) return
      before = now
    }
  }, [conversation, loadSome])
  return useMemo(() => ({ ...loaded, items, everything, loadOlder }), [loaded, items, everything, loadOlder])
}
