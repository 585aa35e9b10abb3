import type { Conversation } from "@weft/sdk"
import {
  type KeyboardEvent,
  type ReactNode,
  type SyntheticEvent,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from "react"
import { Icon } from "../parts/icon.js"
import { keepDraft, readDraft } from "../state/drafts.js"
import { explainError } from "../words/errors.js"

/** A phone would cover half of the screen with its keyboard. */
const hasMouse = (): boolean => matchMedia("(hover: hover) and (pointer: fine)").matches

/** Where a message is written. Enter sends, Shift+Enter breaks the line; an input method's own Enter does neither. */
export function Composer({ conversation, user }: { conversation: Conversation; user: string }): ReactNode {
  const [text, setText] = useState(() => readDraft(user, conversation.id))
  const [problem, setProblem] = useState<string>()
  const field = useRef<HTMLTextAreaElement>(null)

  useEffect(() => {
    if (hasMouse()) field.current?.focus()
  }, [])

  useEffect(() => {
    keepDraft(user, conversation.id, text)
  }, [user, conversation.id, text])

  useLayoutEffect(() => {
    const element = field.current
    if (element === null || CSS.supports("field-sizing", "content")) return
    element.style.height = "auto"
    element.style.height = `${element.scrollHeight}px`
  }, [text])

  const send = (): void => {
    if (text.trim() === "") return
    try {
      conversation.send(text.trim())
      setText("")
      setProblem(undefined)
    } catch (error) {
      setProblem(explainError(error))
    }
    field.current?.focus()
  }
  const press = (event: KeyboardEvent): void => {
    // 229: Safari ends a composition before the Enter that ended it
    const isComposing = event.nativeEvent.isComposing || event.keyCode === 229
    if (event.key !== "Enter" || event.shiftKey || isComposing) return
    event.preventDefault()
    send()
  }
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault()
    send()
  }
  return (
    <form className="composer" onSubmit={submit}>
      {problem !== undefined && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      <div className="composer-row">
        <textarea
          ref={field}
          aria-label="Message"
          placeholder="Message"
          dir="auto"
          rows={1}
          enterKeyHint="send"
          value={text}
          onKeyDown={press}
          onChange={(event) => {
            setText(event.target.value)
          }}
        />
        <button type="submit" className="send-button" aria-label="Send" disabled={text.trim() === ""}>
          <Icon name="send" />
        </button>
      </div>
    </form>
  )
}
