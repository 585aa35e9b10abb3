import type { Member } from "@weft/sdk"
import { type ConversationView, useClient } from "@weft/sdk/react"
import { type ReactNode, type SyntheticEvent, useState } from "react"
import { Avatar } from "../parts/avatar.js"
import { CopyButton } from "../parts/copy-button.js"
import { Dialog } from "../parts/dialog.js"
import { Icon } from "../parts/icon.js"
import { NamesField } from "../parts/names-field.js"
import { type Action, useAction } from "../state/action.js"
import { linkFor } from "../state/address.js"
import { useKnownPeople } from "../state/known-people.js"
import { count } from "../words/count.js"
import { readUser, showName } from "../words/names.js"
import { explainRole, mayGovern, mayRename, roles } from "../words/roles.js"

interface DetailsDialogProps {
  view: ConversationView
  onClose: () => void
}

/** Title and members: who is here, as what, and how they get here. */
export function DetailsDialog({ view, onClose }: DetailsDialogProps): ReactNode {
  const action = useAction()
  return (
    <Dialog title="Details" onClose={onClose}>
      {mayRename(view.role) && <TitleForm view={view} action={action} />}
      {mayGovern(view.role, "member") && <AddForm view={view} action={action} />}
      {action.problem !== undefined && (
        <p className="problem" role="alert">
          {action.problem}
        </p>
      )}
      <section className="facts">
        <h3>{count(view.members.length, "member")}</h3>
        <ul className="members">
          {view.members.map((member) => (
            <MemberRow key={member.user} member={member} view={view} action={action} />
          ))}
        </ul>
      </section>
    </Dialog>
  )
}

interface PartProps {
  view: ConversationView
  action: Action
}

function TitleForm({ view, action }: PartProps): ReactNode {
  const [title, setTitle] = useState(view.title)
  const next = title.trim()
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault()
    if (next !== "" && next !== view.title) action.run(() => view.conversation.setTitle(next))
  }
  return (
    <form className="field" onSubmit={submit}>
      <label htmlFor="rename">Title</label>
      <div className="field-row">
        <input
          id="rename"
          dir="auto"
          value={title}
          maxLength={120}
          autoComplete="off"
          onChange={(event) => {
            setTitle(event.target.value)
          }}
        />
        <button type="submit" className="quiet-button" disabled={action.isBusy || next === "" || next === view.title}>
          Rename
        </button>
      </div>
    </form>
  )
}

function AddForm({ view, action }: PartProps): ReactNode {
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
        label="Add people"
        names={names}
        onChange={setNames}
        text={typed}
        onText={setTyped}
        suggestions={suggestions}
      />
      {chosen.length > 0 && (
        <button type="submit" className="main-button" disabled={action.isBusy}>
          Add {count(chosen.length, "person").replace("persons", "people")}
        </button>
      )}
    </form>
  )
}

function MemberRow({ member, view, action }: PartProps & { member: Member }): ReactNode {
  const { user: me } = useClient()
  const [isAsking, setAsking] = useState(false)
  const name = showName(member.user)
  const isMe = member.user === me
  const canChange = !isMe && mayGovern(view.role, member.role)
  const remove = (): void => {
    action.run(() => view.conversation.removeMember(member.user))
    setAsking(false)
  }
  return (
    <li className="member">
      <Avatar name={member.user} />
      <span className="member-name">
        <bdi className="strong">{name}</bdi>
        {isMe && <span className="quiet">you</span>}
      </span>
      {canChange ? (
        <select
          aria-label={`Role of ${name}`}
          value={member.role}
          disabled={action.isBusy}
          onChange={(event) => {
            const role = roles.find((known) => known === event.target.value)
            if (role !== undefined) action.run(() => view.conversation.setRole(member.user, role))
          }}
        >
          {roles
            .filter((role) => mayGovern(view.role, role))
            .map((role) => (
              <option key={role} value={role}>
                {explainRole(role)}
              </option>
            ))}
        </select>
      ) : (
        <span className="role">{explainRole(member.role)}</span>
      )}
      <div className="member-actions">
        {!isMe && (
          <CopyButton
            icon="link"
            text={linkFor(member.user, { conversation: view.conversation.id })}
            label={`Copy link for ${name}`}
          >
            Copy link
          </CopyButton>
        )}
        {(canChange || isMe) &&
          (isAsking ? (
            <>
              <button type="button" className="danger-button" disabled={action.isBusy} onClick={remove}>
                {isMe ? "Leave for good" : `Remove ${name}`}
              </button>
              <button
                type="button"
                className="quiet-button"
                onClick={() => {
                  setAsking(false)
                }}
              >
                Keep
              </button>
            </>
          ) : (
            <button
              type="button"
              className="quiet-button"
              aria-label={isMe ? "Leave the conversation" : `Remove ${name} from the conversation`}
              onClick={() => {
                setAsking(true)
              }}
            >
              <Icon name={isMe ? "leave" : "trash"} size={16} />
              <span>{isMe ? "Leave" : "Remove"}</span>
            </button>
          ))}
      </div>
    </li>
  )
}
