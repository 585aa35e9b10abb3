import { type ReactNode, type SyntheticEvent, useId, useState } from "react"
import type { Action } from "../state/action.js"

interface TextSettingProps {
  label: string
  value: string
  most: number
  mayBeEmpty?: boolean
  /** Of its button. */
  submit: string
  action: Action
  save: (text: string) => Promise<void>
}

/** A title or topic, and a button that sets it. */
export function TextSetting(props: TextSettingProps): ReactNode {
  const { label, value, most, mayBeEmpty = false, submit, action, save } = props
  const id = useId()
  const [text, setText] = useState(value)
  const next = text.trim()
  const isSame = next === value || (next === "" && !mayBeEmpty)
  const send = (event: SyntheticEvent): void => {
    event.preventDefault()
    if (!isSame) action.run(() => save(next))
  }
  return (
    <form className="field" onSubmit={send}>
      <label htmlFor={id}>{label}</label>
      <div className="field-row">
        <input
          id={id}
          dir="auto"
          value={text}
          maxLength={most}
          autoComplete="off"
          onChange={(event) => {
            setText(event.target.value)
          }}
        />
        {/* disabled for good it would lose the focus with its press */}
        <button type="submit" className="quiet-button" disabled={action.isBusy} aria-disabled={isSame}>
          {submit}
        </button>
      </div>
    </form>
  )
}
