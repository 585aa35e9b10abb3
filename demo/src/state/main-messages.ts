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
  // A part of the conversation may hold nothing but threads: whoever asks for more waits for something to see.
  const loadUntilSeen = useCallback(async (): Promise<void> => {
    let before = conversation.messages.get().items
    const oldest = before.find(standsInList)?.id
    for (;;) {
      await loadSome()
      const { items: now, complete } = conversation.messages.get()
      if (complete || now.length === before.length || now.find(standsInList)?.id !== oldest) return
      before = now
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
