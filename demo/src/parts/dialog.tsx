import { type ReactNode, useId, useLayoutEffect, useRef } from "react"
import { cover } from "../state/covering.js"
import { hasMouse } from "../state/pointer.js"
import { t } from "../words/translate.js"
import { Icon } from "./icon.js"

interface DialogProps {
  title: string
  onClose: () => void
  children: ReactNode
  /** Whose size does not follow what it holds, wide for searching; by default a form. */
  kind?: "form" | "search" | "emoji"
  /** Nothing in it takes the focus: it takes it itself, so that the arrow keys scroll it. */
  isText?: boolean
}

/**
 * A modal dialog: the browser keeps the focus inside and gives it back at the end. Escape and a click beside it close it.
 * What has `data-focus` takes the focus at first; so does a field with `data-typed-first`, but on a phone.
 */
export function Dialog({ title, onClose, children, kind = "form", isText = false }: DialogProps): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null)
  const heading = useId()
  // closed while it is in the page still: one that was taken out does not give the focus back, and Tab would begin nowhere
  useLayoutEffect(() => {
    const element = dialog.current
    element?.showModal()
    // autoFocus comes too early: nothing in a closed dialog takes the focus
    const first = hasMouse() ? "[data-focus], [data-typed-first]" : "[data-focus]"
    element?.querySelector<HTMLElement>(first)?.focus()
    const uncover = cover()
    return () => {
      element?.close()
      uncover()
    }
  }, [])
  // Chromium says cancel twice for one Escape in a date field, and two steps back lead out of the page
  const isClosing = useRef(false)
  const close = (): void => {
    if (isClosing.current) return
    isClosing.current = true
    onClose()
  }
  return (
    // the click handler is for the backdrop alone, which is no element of its own; the keyboard has Escape
    <dialog
      ref={dialog}
      className="dialog"
      data-kind={kind}
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault()
        close()
      }}
      onClose={(event) => {
        // also after a second Escape, which can't be prevented; not after StrictMode's rehearsal
        if (event.target === dialog.current && !dialog.current.open) close()
      }}
      onPointerDown={(event) => {
        if (event.target === dialog.current) close()
      }}
    >
      <div className="dialog-box">
        <header className="dialog-head">
          <h2 id={heading} tabIndex={-1}>
            {title}
          </h2>
          <button type="button" className="icon-button" aria-label={t("close")} onClick={close}>
            <Icon name="close" />
          </button>
        </header>
        <div className="dialog-body" {...(isText ? { role: "group", "aria-labelledby": heading, tabIndex: 0 } : {})}>
          {children}
        </div>
      </div>
    </dialog>
  )
}
