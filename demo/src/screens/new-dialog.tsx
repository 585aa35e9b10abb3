import { useClient } from "@weft/sdk/react"
import { type ReactNode, type SyntheticEvent, useState } from "react"
import { Dialog } from "../parts/dialog.js"
import { NamesField } from "../parts/names-field.js"
import { useAction } from "../state/action.js"
import { goTo } from "../state/address.js"
import { useKnownPeople } from "../state/known-people.js"
import { listNames, readUser } from "../words/names.js"

export function NewDialog({ onClose }: { onClose: () => void }): ReactNode {
  const client = useClient()
  const action = useAction()
  const suggestions = useKnownPeople()
  const [title, setTitle] = useState("")
  const [members, setMembers] = useState<readonly string[]>([])
  const [typed, setTyped] = useState("")
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault()
    const last = readUser(typed)
    const everybody = Array.from(new Set(last === undefined ? members : [...members, last])).filter(
      (name) => name !== client.user,
    )
    action.run(async () => {
      const conversation = await client.createConversation({
        title: title.trim() === "" ? (everybody.length > 0 ? listNames(everybody) : "Notes to self") : title.trim(),
        members: everybody,
      })
      goTo({ conversation: conversation.id }, { replace: true })
    })
  }
  return (
    <Dialog title="New conversation" onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <div className="field">
          <label htmlFor="title">Title</label>
          <input
            id="title"
            dir="auto"
            value={title}
            maxLength={120}
            autoComplete="off"
            placeholder="What is it about?"
            onChange={(event) => {
              setTitle(event.target.value)
            }}
          />
        </div>
        <NamesField
          label="Members"
          names={members}
          onChange={setMembers}
          text={typed}
          onText={setTyped}
          suggestions={suggestions}
        />
        {action.problem !== undefined && (
          <p className="problem" role="alert">
            {action.problem}
          </p>
        )}
        <div className="dialog-actions">
          <button type="button" className="quiet-button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="main-button" disabled={action.isBusy}>
            Create
          </button>
        </div>
      </form>
    </Dialog>
  )
}
