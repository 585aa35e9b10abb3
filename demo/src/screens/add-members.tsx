import type { ConversationView } from "@weft/sdk/react"
import { type ReactNode, type SyntheticEvent, useState } from "react"
import { NamesField } from "../parts/names-field.js"
import type { Action } from "../state/action.js"
import { useKnownPeople } from "../state/known-people.js"
import { readUser } from "../words/names.js"
import { t } from "../words/translate.js"

export function AddMembers({ view, action }: { view: ConversationView; action: Action }): ReactNode {
  const [names, setNames] = useState<readonly string[]>([])
  const [typed, setTyped] = useState("")
  const present = new Set<string>(view.members.map((member) => member.user))
  const suggestions = useKnownPeople().filter((name) => !present.has(name))
  const last = readUser(typed)
  const chosen = (last === undefined ? names : [...names, last]).filter((name) => !present.has(name))
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault()
    action.run(async () => {
      for (const name of chosen) await view.conversation.addMember(name)
      setNames([])
      setTyped("")
    })
  }
  return (
    <form className="stack" onSubmit={submit}>
      <NamesField
        label={t("addPeople")}
        names={names}
        onChange={setNames}
        text={typed}
        onText={setTyped}
        suggestions={suggestions}
      />
      {chosen.length > 0 && (
        <button type="submit" className="main-button" disabled={action.isBusy}>
          {t("addCount", { count: chosen.length })}
        </button>
      )}
    </form>
  )
}
