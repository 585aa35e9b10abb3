import type { Conversation } from "@weft/sdk"
import { usePresence } from "@weft/sdk/react"
import type { ReactNode } from "react"
import { useNow } from "../state/clock.js"
import { showPresence } from "../words/presence.js"

/** Whether somebody is here, or when they last were; nothing of whom nothing is known. */
export function PresenceLine({ conversation, user }: { conversation: Conversation; user: string }): ReactNode {
  const everybody = usePresence(conversation)
  const now = useNow(60_000)
  const [, presence] = Array.from(everybody).find(([who]) => who === user) ?? []
  if (presence === undefined) return null
  return (
    <span className="quiet" data-presence={presence.kind}>
      {showPresence(presence, now)}
    </span>
  )
}
