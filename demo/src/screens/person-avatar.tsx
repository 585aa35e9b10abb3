import type { Conversation } from "@weft/sdk"
import { usePresence } from "@weft/sdk/react"
import type { ReactNode } from "react"
import { Avatar } from "../parts/avatar.js"
import { t } from "../words/translate.js"

/** Somebody's picture, with a mark while they are here. */
export function PersonAvatar({ conversation, user }: { conversation: Conversation; user: string }): ReactNode {
  const presence = usePresence(conversation)
  const isHere = Array.from(presence).some(([who, { kind }]) => who === user && kind === "online")
  return (
    <>
      <Avatar name={user} isHere={isHere} />
      {isHere && <span className="unseen">{t("online")}, </span>}
    </>
  )
}
