import type { Conversation } from "@weft/sdk"
import { type ReactNode, type SyntheticEvent, useState } from "react"
import { Dialog } from "../parts/dialog.js"
import { useAction } from "../state/action.js"
import { jumpToMessage } from "../state/jumps.js"
import { startOfDay } from "../words/dates.js"
import { t } from "../words/translate.js"

interface DateDialogProps {
  conversation: Conversation
  onClose: () => void
}

/** A way to the first message of a day, or the next one after it. */
export function DateDialog({ conversation, onClose }: DateDialogProps): ReactNode {
  const action = useAction()
  const [day, setDay] = useState("")
  const [isEmpty, setEmpty] = useState(false)
  const time = startOfDay(day)
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault()
    if (time === undefined) return
    action.run(async () => {
      const message = await conversation.loadToDate(time)
      if (message === undefined) {
        setEmpty(true)
        return
      }
      onClose()
      jumpToMessage({ conversation: conversation.id, message })
    })
  }
  return (
    <Dialog title={t("goToDate")} onClose={onClose}>
      <form className="field" onSubmit={submit}>
        <label htmlFor="day">{t("date")}</label>
        <div className="field-row">
          <input
            id="day"
            data-typed-first=""
            type="date"
            required
            value={day}
            onChange={(event) => {
              setDay(event.target.value)
              setEmpty(false)
            }}
          />
          <button type="submit" className="main-button" disabled={action.isBusy || time === undefined}>
            {t("go")}
          </button>
        </div>
        {(isEmpty || action.problem !== undefined) && (
          <p className="problem" role="alert">
            {action.problem ?? t("nothingSinceDay")}
          </p>
        )}
      </form>
    </Dialog>
  )
}
