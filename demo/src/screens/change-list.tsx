import type { Change, Conversation } from "@weft/sdk"
import { useChanges, useSyncStatus } from "@weft/sdk/react"
import type { ReactNode } from "react"
import { Icon } from "../parts/icon.js"
import { useAction } from "../state/action.js"
import { showChange, showOutcome } from "../words/changes.js"
import { t } from "../words/translate.js"

/** Own changes that were refused, with a way on, and those that no server has yet. */
export function ChangeList(props: { conversation: Conversation; only?: "refused" }): ReactNode {
  const { conversation, only } = props
  const { connection } = useSyncStatus()
  // where no server is set up, a change waits for nobody
  const isWaiting = only === undefined && connection.kind !== "local"
  const changes = useChanges(conversation).filter(
    ({ status }) => status === "refused" || (isWaiting && status === "pending"),
  )
  if (changes.length === 0) return null
  return (
    <ul className="changes" aria-label={t("changes")}>
      {changes.map((change) => (
        <ChangeRow key={change.id} conversation={conversation} change={change} />
      ))}
    </ul>
  )
}

function ChangeRow({ conversation, change }: { conversation: Conversation; change: Change }): ReactNode {
  const action = useAction()
  const isRefused = change.status === "refused"
  return (
    <li className="change" data-status={change.status}>
      <Icon name={isRefused ? "warning" : "cloudOff"} size={18} />
      <div role={isRefused ? "alert" : undefined}>
        <p className="strong" dir="auto">
          {showChange(change)}
        </p>
        <p className="fine">{action.problem ?? showOutcome(change)}</p>
        {isRefused && (
          <div className="row-actions">
            {/* a link is used once: who was refused asks for another */}
            {change.kind !== "join" && (
              <button
                type="button"
                className="quiet-button"
                disabled={action.isBusy}
                onClick={() => {
                  action.run(() => conversation.retryChange(change.id))
                }}
              >
                {t("tryAgain")}
              </button>
            )}
            <button
              type="button"
              className="quiet-button"
              onClick={() => {
                action.run(() => conversation.dismissChange(change.id))
              }}
            >
              {t("dismiss")}
            </button>
          </div>
        )}
      </div>
    </li>
  )
}
