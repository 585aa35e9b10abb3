import type { Conversation, Message } from "@weft/sdk"
import { type LoadedMessages, useMessages, useSyncStatus } from "@weft/sdk/react"
import { useCallback, useEffect, useMemo, useState } from "react"
import { codeOf } from "../words/errors.js"

export interface MainMessages extends LoadedMessages {
  /** With those of threads. */
  readonly everything: readonly Message[]
  /** Older ones were asked for, and no server gives them now; they are asked for again when one can. */
  readonly isOlderAway: boolean
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
  // A part of the conversation may hold nothing but threads, or what is hidden: whoever asks for more waits for something to see.
  const loadUntilSeen = useCallback(async (): Promise<void> => {
    const oldest = conversation.messages.get().items.find(standsInList)?.id
    for (;;) {
      await loadSome()
      const { items, complete } = conversation.messages.get()
      if (complete || items.find(standsInList)?.id !== oldest) return
    }
  }, [conversation, loadSome])
  const [awayOf, setAwayOf] = useState<Conversation>()
  const loadOlder = useCallback(async (): Promise<void> => {
    try {
      await loadUntilSeen()
      setAwayOf(undefined)
    } catch (error) {
      if (codeOf(error) === "SEGMENT_AWAY") setAwayOf(conversation)
      throw error
    }
  }, [conversation, loadUntilSeen])
  const isOlderAway = awayOf === conversation && !loaded.complete
  const { connection } = useSyncStatus()
  const isReachable = connection.kind === "online" && connection.synced
  useEffect(() => {
    if (!isOlderAway || !isReachable) return
    loadUntilSeen().then(
      () => {
        setAwayOf(undefined)
      },
      () => undefined, // that they are away is shown already
    )
  }, [isOlderAway, isReachable, loadUntilSeen])
  return useMemo(
    () => ({ ...loaded, items, everything, loadOlder, isOlderAway }),
    [loaded, items, everything, loadOlder, isOlderAway],
  )
}
