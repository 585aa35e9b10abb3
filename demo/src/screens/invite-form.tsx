import type { InviteOptions } from "@weft/sdk"
import type { ConversationView } from "@weft/sdk/react"
import { type ReactNode, type SyntheticEvent, useState } from "react"
import { ProblemLine } from "../parts/problem-line.js"
import { SelectField } from "../parts/select-field.js"
import { useAction } from "../state/action.js"
import { inviteBase } from "../state/address.js"
import { explainRole, mayGovern, roles } from "../words/roles.js"
import { t } from "../words/translate.js"

const HOUR = 3_600_000
const lives = { hour: HOUR, day: 24 * HOUR, week: 7 * 24 * HOUR, forever: undefined } as const
const numbers = { one: 1, ten: 10, hundred: 100, all: undefined } as const

interface InviteFormProps {
  view: ConversationView
  /** Called with the invite's id. */
  onCreated: (id: string) => void
}

export function InviteForm({ view, onCreated }: InviteFormProps): ReactNode {
  const action = useAction()
  const [role, setRole] = useState<NonNullable<InviteOptions["role"]>>("member")
  const [life, setLife] = useState<keyof typeof lives>("week")
  const [uses, setUses] = useState<keyof typeof numbers>("ten")
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault()
    action.run(async () => {
      const [lasts, people] = [lives[life], numbers[uses]]
      const { id } = await view.conversation.createInvite({
        role,
        base: inviteBase(),
        ...(lasts === undefined ? {} : { expiresAt: Date.now() + lasts }),
        ...(people === undefined ? {} : { uses: people }),
      })
      onCreated(id)
    })
  }
  return (
    <form className="stack" onSubmit={submit}>
      <div className="field-grid">
        <SelectField
          label={t("joinAs")}
          value={role}
          onChange={setRole}
          options={roles
            .filter((known) => known !== "owner")
            .filter((known) => mayGovern(view.role, known))
            .map((known) => ({ value: known, name: explainRole(known) }))}
        />
        <SelectField
          label={t("expires")}
          value={life}
          onChange={setLife}
          options={[
            { value: "hour", name: t("inAnHour") },
            { value: "day", name: t("inADay") },
            { value: "week", name: t("inAWeek") },
            { value: "forever", name: t("never") },
          ]}
        />
        <SelectField
          label={t("goodFor")}
          value={uses}
          onChange={setUses}
          options={[
            { value: "one", name: t("peopleCount", { count: 1 }) },
            { value: "ten", name: t("peopleCount", { count: 10 }) },
            { value: "hundred", name: t("peopleCount", { count: 100 }) },
            { value: "all", name: t("anyNumber") },
          ]}
        />
      </div>
      <ProblemLine problem={action.problem} />
      <button type="submit" className="main-button" disabled={action.isBusy}>
        {t("createLink")}
      </button>
    </form>
  )
}
