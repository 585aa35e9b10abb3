import { type ReactNode, type SyntheticEvent, useState } from "react"
import { Avatar } from "../parts/avatar.js"
import { Icon, Mark } from "../parts/icon.js"
import { pickUser } from "../state/address.js"
import { readUser } from "../words/names.js"
import { people } from "../words/people.js"
import { t } from "../words/translate.js"
import { LanguageChoice } from "./language-choice.js"

/** The first visit: who is this? */
export function PickUser(): ReactNode {
  const [text, setText] = useState("")
  const [isWrong, setWrong] = useState(false)
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault()
    const user = readUser(text)
    if (user === undefined) setWrong(true)
    else pickUser(user)
  }
  return (
    <main className="centered">
      <div className="card welcome">
        <Mark size={56} />
        <h1>{t("welcome")}</h1>
        <p>{t("whoAreYou")}</p>
        <ul className="people">
          {people.map((user) => (
            <li key={user}>
              <button
                type="button"
                className="person"
                onClick={() => {
                  pickUser(user)
                }}
              >
                <Avatar name={user} size="large" />
                <span>{user}</span>
              </button>
            </li>
          ))}
        </ul>
        <form className="field" onSubmit={submit} noValidate>
          <label htmlFor="user">{t("anotherName")}</label>
          <div className="field-row">
            <input
              id="user"
              value={text}
              maxLength={128}
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
              aria-invalid={isWrong}
              aria-describedby={isWrong ? "user-problem" : undefined}
              onChange={(event) => {
                setText(event.target.value)
                setWrong(false)
              }}
            />
            <button type="submit" className="main-button">
              {t("continue")}
            </button>
          </div>
          {isWrong && (
            <p id="user-problem" className="problem" role="alert">
              {t("badName")}
            </p>
          )}
        </form>
        <LanguageChoice />
        <p className="fine">
          <Icon name="device" size={16} />
          <span>{t("noPasswords")}</span>
        </p>
      </div>
    </main>
  )
}
