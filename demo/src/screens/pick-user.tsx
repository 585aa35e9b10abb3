import { type ReactNode, type SyntheticEvent, useState } from "react"
import { Avatar } from "../parts/avatar.js"
import { Icon, Mark } from "../parts/icon.js"
import { pickUser } from "../state/address.js"
import { readUser } from "../words/names.js"
import { people } from "../words/people.js"

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
        <h1>Welcome to Weft</h1>
        <p>Messages that work offline. Who are you on this device?</p>
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
          <label htmlFor="user">Or another name</label>
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
              Continue
            </button>
          </div>
          {isWrong && (
            <p id="user-problem" className="problem" role="alert">
              Type a name of at most 128 letters.
            </p>
          )}
        </form>
        <p className="fine">
          <Icon name="device" size={16} />
          <span>A demo without passwords: its development server takes your word for it.</span>
        </p>
      </div>
    </main>
  )
}
