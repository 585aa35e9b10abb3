import { type KeyboardEvent, type ReactNode, useId, useRef, useState } from "react"
import { listNames, readUser, showName } from "../words/names.js"
import { t } from "../words/translate.js"
import { Avatar } from "./avatar.js"
import { Icon } from "./icon.js"

interface NamesFieldProps {
  label: string
  names: readonly string[]
  onChange: (names: readonly string[]) => void
  /** What is typed and not yet a chip; the form takes it as a name too. */
  text: string
  onText: (text: string) => void
  suggestions: readonly string[]
}

/** Names as chips: Enter or a comma adds what was typed, Backspace in the empty field takes the last one back. */
export function NamesField({ label, names, onChange, text, onText, suggestions }: NamesFieldProps): ReactNode {
  const id = useId()
  const input = useRef<HTMLInputElement>(null)
  const [said, setSaid] = useState("")
  const add = (typed: readonly string[]): void => {
    const read = typed.map(readUser).filter((name) => name !== undefined)
    const added = Array.from(new Set(read)).filter((name) => !names.includes(name))
    if (added.length === 0) return
    onChange([...names, ...added])
    setSaid(t("addedNames", { names: listNames(added) }))
  }
  const remove = (name: string): void => {
    onChange(names.filter((other) => other !== name))
    setSaid(t("removedName", { name: showName(name) }))
    input.current?.focus()
  }
  const press = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing) return
    const last = names.at(-1)
    if ((event.key === "Enter" || event.key === ",") && text.trim() !== "") {
      event.preventDefault()
      add([text])
      onText("")
    } else if (event.key === "Backspace" && text === "" && last !== undefined) remove(last)
  }
  const offered = suggestions.filter((name) => !names.includes(name))
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <div className="chips">
        {names.map((name) => (
          <span className="chip" key={name}>
            <Avatar name={name} size="small" />
            <bdi>{showName(name)}</bdi>
            <button
              type="button"
              aria-label={t("removeName", { name: showName(name) })}
              onClick={() => {
                remove(name)
              }}
            >
              <Icon name="close" size={14} />
            </button>
          </span>
        ))}
        <input
          ref={input}
          id={id}
          value={text}
          maxLength={128}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          placeholder={names.length === 0 ? t("typeName") : ""}
          onKeyDown={press}
          onChange={(event) => {
            const parts = event.target.value.split(",")
            add(parts.slice(0, -1))
            onText(parts.at(-1) ?? "")
          }}
        />
      </div>
      {offered.length > 0 && (
        <div className="suggestions">
          {offered.map((name) => (
            <button
              key={name}
              type="button"
              className="suggestion"
              aria-label={t("addName", { name: showName(name) })}
              onClick={() => {
                add([name])
              }}
            >
              <Icon name="plus" size={14} />
              <bdi>{showName(name)}</bdi>
            </button>
          ))}
        </div>
      )}
      <span className="unseen" role="status">
        {said}
      </span>
    </div>
  )
}
