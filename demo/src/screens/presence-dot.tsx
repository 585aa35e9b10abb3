import type { Conversation } from "@weft/sdk"
import { usePresence } from "@weft/sdk/react"
import type { ReactNode } from "react"
import { t } from "../words/translate.js"

/** On the picture of somebody who is here now. */
export function PresenceDot({ conversation, user }: { conversation: Conversation; user: string }): ReactNode {
  const presence = usePresence(conversation)
  const isHere = Array.from(presence).some(([who, { kind }]) => who === user && kind === "online")
  if (!isHere) return null
  return (
    <span className="presence-dot">
      <span className="unseen">{t("online")}, </span>
    </span>
  )
}
