import { useClient } from "@weft/sdk/react"
import { type ReactNode, type SyntheticEvent, useId, useState } from "react"
import { Dialog } from "../parts/dialog.js"
import { ProblemLine } from "../parts/problem-line.js"
import { useAction } from "../state/action.js"
import { goTo } from "../state/address.js"
import { showName } from "../words/names.js"
import { t } from "../words/translate.js"

interface JoinDialogProps {
  /** The link that led here; undefined: it is pasted. */
  link: string | undefined
  onClose: () => void
}

/** Comes into a conversation by a link: after a question, since a link says nothing of what is behind it. */
export function JoinDialog({ link, onClose }: JoinDialogProps): ReactNode {
  const client = useClient()
  const id = useId()
  const action = useAction()
  const [text, setText] = useState(link ?? "")
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault()
    action.run(async () => {
      const conversation = await client.join(text.trim())
      // in its place: the link is a secret, and stays in no history
      goTo({ conversation: conversation.id }, { replace: true })
    })
  }
  return (
    <Dialog title={t("joinByLink")} onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <p>{link === undefined ? t("pasteAdvice") : t("invitedAdvice", { name: showName(client.user) })}</p>
        {link === undefined && (
          <div className="field">
            <label htmlFor={id}>{t("inviteLink")}</label>
            <input
              id={id}
              data-typed-first=""
              dir="ltr"
              value={text}
              autoComplete="off"
              spellCheck={false}
              placeholder="https://…#weft-join=…"
              onChange={(event) => {
                setText(event.target.value)
              }}
            />
          </div>
        )}
        <ProblemLine problem={action.problem} />
        <div className="dialog-actions">
          <button type="button" className="quiet-button" onClick={onClose}>
            {t("cancel")}
          </button>
          <button type="submit" className="main-button" disabled={action.isBusy || text.trim() === ""}>
            {t("join")}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
