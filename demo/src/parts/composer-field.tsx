import { type KeyboardEvent, type ReactNode, type SyntheticEvent, useEffect, useLayoutEffect, useRef } from "react"
import { moveCaret } from "../words/caret.js"
import { t } from "../words/translate.js"
import { Icon, type IconName } from "./icon.js"

/** A phone would cover half of the screen with its keyboard. */
const hasMouse = (): boolean => matchMedia("(hover: hover) and (pointer: fine)").matches

interface ComposerFieldProps {
  label: string
  /** Of the button; "Send" if not said. */
  send?: string
  sendIcon?: IconName
  text: string
  problem: string | undefined
  /** What is written about: the field takes the focus when that changes to something. */
  focusKey: string | undefined
  onText: (text: string) => void
  onSend: () => void
  /** For Escape, where there is something to leave. */
  onCancel: (() => void) | undefined
  /** For an arrow up in the empty field. */
  onUp?: () => void
  /** Stands above the field. */
  children?: ReactNode
}

/** A text that grows. Enter sends, Shift+Enter breaks the line; an input method's own Enter does neither. */
export function ComposerField(props: ComposerFieldProps): ReactNode {
  const {
    label,
    send = t("send"),
    sendIcon = "send",
    text,
    problem,
    focusKey,
    onText,
    onSend,
    onCancel,
    onUp,
    children,
  } = props
  const field = useRef<HTMLTextAreaElement>(null)
  /** What this field showed last, and where its caret was: another device may change the text under it. */
  const shown = useRef({ text, caret: text.length })

  useEffect(() => {
    if (hasMouse()) field.current?.focus()
  }, [])

  useEffect(() => {
    const element = field.current
    if (focusKey === undefined || element === null) return
    element.focus()
    element.setSelectionRange(element.value.length, element.value.length)
  }, [focusKey])

  useLayoutEffect(() => {
    const element = field.current
    if (element === null) return
    const before = shown.current
    if (before.text !== text) {
      const caret = moveCaret(before.text, text, before.caret)
      if (document.activeElement === element) element.setSelectionRange(caret, caret)
      shown.current = { text, caret }
    }
    if (CSS.supports("field-sizing", "content")) return
    element.style.height = "auto"
    element.style.height = `${element.scrollHeight}px`
  }, [text])

  const isEmpty = text.trim() === ""
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault()
    if (!isEmpty) onSend()
    field.current?.focus()
  }
  const press = (event: KeyboardEvent): void => {
    // 229: Safari ends a composition before the Enter that ended it
    const isComposing = event.nativeEvent.isComposing || event.keyCode === 229
    if (isComposing) return
    if (event.key === "Escape" && onCancel !== undefined) {
      event.preventDefault()
      onCancel()
    } else if (event.key === "ArrowUp" && !event.altKey && text === "" && onUp !== undefined) {
      event.preventDefault()
      onUp()
    } else if (event.key === "Enter" && !event.shiftKey) submit(event)
  }
  return (
    <form className="composer" onSubmit={submit}>
      {problem !== undefined && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      {children}
      <div className="composer-row">
        <textarea
          ref={field}
          aria-label={label}
          placeholder={label}
          dir="auto"
          rows={1}
          enterKeyHint="send"
          value={text}
          onKeyDown={press}
          onSelect={(event) => {
            shown.current = { text: event.currentTarget.value, caret: event.currentTarget.selectionEnd }
          }}
          onChange={(event) => {
            shown.current = { text: event.target.value, caret: event.target.selectionEnd }
            onText(event.target.value)
          }}
        />
        <button type="submit" className="send-button" aria-label={send} disabled={isEmpty}>
          <Icon name={sendIcon} />
        </button>
      </div>
    </form>
  )
}
