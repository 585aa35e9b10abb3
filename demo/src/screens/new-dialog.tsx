import { type Client } from "@weft/sdk"
import { useClient } from "@weft/sdk/react"
import { type ReactNode, type SyntheticEvent, useId, useState } from "react"
import { Dialog } from "../parts/dialog.js"
import { Icon } from "../parts/icon.js"
import { Link } from "../parts/link.js"
import { NamesField } from "../parts/names-field.js"
import { ProblemLine } from "../parts/problem-line.js"
import { useAction } from "../state/action.js"
import { goTo } from "../state/address.js"
import { useKnownPeople } from "../state/known-people.js"
import { listNames, readUser, showName } from "../words/names.js"
import { t } from "../words/translate.js"

/** A conversation with a title, a direct one with somebody, or one that somebody sent a link to. */
export function NewDialog({ onClose }: { onClose: () => void }): ReactNode {
  const client = useClient()
  const action = useAction()
  const id = useId()
  const suggestions = useKnownPeople()
  const [title, setTitle] = useState("")
  const [members, setMembers] = useState<readonly string[]>([])
  const [typed, setTyped] = useState("")
  const last = readUser(typed)
  const everybody = Array.from(new Set(last === undefined ? members : [...members, last])).filter(
    (name) => name !== client.user,
  )
  const [first] = everybody
  const create = (event: SyntheticEvent): void => {
    event.preventDefault()
    action.run(async () => {
      const conversation = await client.createConversation({
        title: title.trim() === "" ? defaultTitle(everybody) : title.trim(),
        members: everybody,
      })
      goTo({ conversation: conversation.id }, { replace: true })
    })
  }
  return (
    <Dialog title={t("newConversation")} onClose={onClose}>
      <form className="stack" onSubmit={create}>
        <div className="field">
          <label htmlFor={id}>{t("title")}</label>
          <input
            id={id}
            data-typed-first=""
            dir="auto"
            value={title}
            maxLength={120}
            autoComplete="off"
            placeholder={t("titleHint")}
            onChange={(event) => {
              setTitle(event.target.value)
            }}
          />
        </div>
        <NamesField
          label={t("members")}
          names={members}
          onChange={setMembers}
          text={typed}
          onText={setTyped}
          suggestions={suggestions}
        />
        <ProblemLine problem={action.problem} />
        <div className="dialog-actions">
          {first !== undefined && everybody.length === 1 && title.trim() === "" && (
            <button
              type="button"
              className="quiet-button"
              disabled={action.isBusy}
              onClick={() => {
                action.run(() => openDirect(client, first))
              }}
            >
              {t("writeDirectlyTo", { name: showName(first) })}
            </button>
          )}
          <button type="submit" className="main-button" disabled={action.isBusy}>
            {t("create")}
          </button>
        </div>
      </form>
      <Link className="door" to={{ panel: "join" }}>
        <Icon name="link" size={18} />
        <span>{t("joinByLink")}</span>
        <Icon name="chevron" size={16} />
      </Link>
    </Dialog>
  )
}

function defaultTitle(members: readonly string[]): string {
  return members.length > 0 ? listNames(members) : t("notesToSelf")
}

async function openDirect(client: Client, user: string): Promise<void> {
  const { id } = await client.openDirect(user)
  goTo({ conversation: id }, { replace: true })
}
