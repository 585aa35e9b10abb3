import type { GivenMention } from "@weft/sdk"
import {
  type KeyboardEvent,
  type ReactNode,
  type SyntheticEvent,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from "react"
import type { Composed } from "../state/composed.js"
import { useNamePicking } from "../state/name-picking.js"
import { hasMouse } from "../state/pointer.js"
import { moveCaret } from "../words/caret.js"
import type { Nameable } from "../words/mentions.js"
import { t } from "../words/translate.js"
import { Icon, type IconName } from "./icon.js"
import { MentionMirror } from "./mention-mirror.js"
import { NameList } from "./name-list.js"

interface ComposerFieldProps extends Composed {
  label: string
  /** Of the button; "Send" if not said. */
  send?: string
  sendIcon?: IconName
  /** Who can be named after an "@". */
  names: readonly Nameable[]
  problem: string | undefined
  /** What is written about: the field takes the focus when that changes to something. */
  focusKey: string | undefined
  /** Whether it takes the focus as it comes, on a phone too. */
  takesFocus?: boolean
  onChange: (next: Composed) => void
  /** With the mentions of what is sent. */
  onSend: (mentions: readonly GivenMention[]) => void
  /** For Escape, where there is something to leave. */
  onCancel: (() => void) | undefined
  /** For an arrow up in the empty field. */
  onUp?: () => void
  /** Stands above the field. */
  children?: ReactNode
}

/** A text that grows. Enter sends, Shift+Enter breaks the line; an input method's own Enter does neither. "@" offers names. */
export function ComposerField(props: ComposerFieldProps): ReactNode {
  const {
    label,
    send = t("send"),
    sendIcon = "send",
    text,
    mentions,
    names,
    problem,
    focusKey,
    takesFocus = false,
    children,
  } = props
  const { onChange, onSend, onCancel, onUp } = props
  const field = useRef<HTMLTextAreaElement>(null)
  /** What this field showed last, and where its caret was: another device may change the text under it. */
  const shown = useRef({ text, caret: text.length })
  /** Where the caret is to stand in a text that was not typed. */
  const wanted = useRef<number>(undefined)
  const [scrolled, setScrolled] = useState(0)
  const picking = useNamePicking({ text, mentions, names }, (next, caret) => {
    wanted.current = caret
    onChange(next)
  })

  useEffect(() => {
    if (hasMouse() || takesFocus) field.current?.focus()
  }, [takesFocus])

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
      const caret = wanted.current ?? moveCaret(before.text, text, before.caret)
      if (document.activeElement === element) element.setSelectionRange(caret, caret)
      shown.current = { text, caret }
    }
    wanted.current = undefined
    if (CSS.supports("field-sizing", "content")) return
    element.style.height = "auto"
    element.style.height = `${element.scrollHeight}px`
  }, [text])

  const isEmpty = text.trim() === ""
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault()
    if (!isEmpty) onSend(picking.finish())
    field.current?.focus()
  }
  const press = (event: KeyboardEvent): void => {
    // 229: Safari ends a composition before the Enter that ended it
    const isComposing = event.nativeEvent.isComposing || event.keyCode === 229
    if (isComposing || picking.onKey(event)) return
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
      <NameList picking={picking} />
      <div className="composer-row">
        <div className="composer-text">
          {mentions.length > 0 && <MentionMirror text={text} mentions={mentions} scrolled={scrolled} />}
          <textarea
            ref={field}
            aria-label={label}
            aria-autocomplete="list"
            {...picking.aria}
            placeholder={label}
            dir="auto"
            rows={1}
            enterKeyHint="send"
            value={text}
            onKeyDown={press}
            onScroll={(event) => {
              setScrolled(event.currentTarget.scrollTop)
            }}
            onBlur={picking.onLeave}
            onSelect={(event) => {
              const { value, selectionStart, selectionEnd } = event.currentTarget
              shown.current = { text: value, caret: selectionEnd }
              picking.onSelect(selectionStart, selectionEnd)
            }}
            onChange={(event) => {
              const { value, selectionEnd } = event.target
              shown.current = { text: value, caret: selectionEnd }
              onChange(picking.afterTyping(value, selectionEnd))
            }}
          />
        </div>
        <button type="submit" className="send-button" aria-label={send} disabled={isEmpty}>
          <Icon name={sendIcon} />
        </button>
      </div>
    </form>
  )
}
