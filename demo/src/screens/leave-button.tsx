import { type ConversationView, useClient } from "@weft/sdk/react"
import { type ReactNode, useState } from "react"
import { Icon } from "../parts/icon.js"
import { ProblemLine } from "../parts/problem-line.js"
import { useAction } from "../state/action.js"
import { goTo } from "../state/address.js"
import { offerUndo } from "../state/undo.js"
import { titleOf } from "../words/titles.js"
import { t } from "../words/translate.js"

/** Leaves after a question, and offers to take it back. Who is the only owner hands that over first. */
export function LeaveButton({ view }: { view: ConversationView }): ReactNode {
  const { user, account } = useClient()
  const action = useAction()
  const [isAsking, setAsking] = useState(false)
  const { conversation, role, members, direct } = view
  const owners = members.filter((member) => member.role === "owner")
  const isNeeded = direct === undefined && role === "owner" && owners.length === 1 && members.length > 1
  if (isNeeded) return <p className="fine">{t("onlyOwner")}</p>
  const leave = (): void => {
    action.run(async () => {
      const act = await conversation.leave()
      offerUndo(t("youLeft", { title: titleOf(view, user) }), account, act, () => {
        goTo({ conversation: conversation.id })
      })
      goTo({}, { replace: true })
    })
  }
  return (
    <div className="stack">
      <ProblemLine problem={action.problem} />
      {isAsking ? (
        <div className="row-actions">
          <button type="button" className="danger-button" disabled={action.isBusy} autoFocus onClick={leave}>
            {t("leaveNow")}
          </button>
          <button
            type="button"
            className="quiet-button"
            onClick={() => {
              setAsking(false)
            }}
          >
            {t("stay")}
          </button>
        </div>
      ) : (
        <button
          type="button"
          className="quiet-button"
          onClick={() => {
            setAsking(true)
          }}
        >
          <Icon name="leave" size={18} />
          <span>{t("leaveConversation")}</span>
        </button>
      )}
    </div>
  )
}
