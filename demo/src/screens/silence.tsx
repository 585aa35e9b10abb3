import { type ConversationView, useClient } from "@weft/sdk/react"
import type { ReactNode } from "react"
import { useAction } from "../state/action.js"
import { t } from "../words/translate.js"

interface SilenceProps {
  view: ConversationView
  /** The other one of a direct conversation is blocked. */
  isBlocked: boolean
}

/** Why nothing can be written here, and what can be done about it. */
export function Silence({ view, isBlocked }: SilenceProps): ReactNode {
  const { account } = useClient()
  const action = useAction()
  const { conversation, membership, direct } = view
  return (
    <div className="notice">
      <p>{isBlocked ? t("silentBlocked") : explain(view)}</p>
      {membership === "left" && (
        <button
          type="button"
          className="quiet-button"
          disabled={action.isBusy}
          onClick={() => {
            action.run(() => conversation.undoLeave())
          }}
        >
          {t("comeBack")}
        </button>
      )}
      {isBlocked && direct !== undefined && (
        <button
          type="button"
          className="quiet-button"
          onClick={() => {
            account.unblock(direct)
          }}
        >
          {t("unblock")}
        </button>
      )}
      {action.problem !== undefined && (
        <p className="problem" role="alert">
          {action.problem}
        </p>
      )}
    </div>
  )
}

function explain({ membership, announcementsOnly, role }: ConversationView): string {
  if (membership === "joining") return t("silentJoining")
  if (membership === "refused") return t("silentRefused")
  if (membership === "left") return t("silentLeft")
  if (role === undefined) return t("silentRemoved")
  return announcementsOnly && role === "member" ? t("silentModerators") : t("silentReader")
}
