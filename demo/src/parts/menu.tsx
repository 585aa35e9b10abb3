import { type KeyboardEvent, type ReactNode, useId, useLayoutEffect, useRef, useState } from "react"
import { Icon, type IconName } from "./icon.js"

export interface MenuItem {
  readonly name: string
  readonly icon: IconName
  readonly isDanger?: boolean
  readonly run: () => void
}

interface MenuProps {
  /** Of the button that opens it. */
  label: string
  /** Asked for while it is open. */
  items: () => readonly MenuItem[]
  className?: string
  /** What its button shows, where that is not three dots. */
  children?: ReactNode
  /** Stands above the items; gets a function that closes the menu. */
  head?: (close: () => void) => ReactNode
}

/** A button with a menu: arrow keys move in it, Escape and a click elsewhere close it. */
export function Menu(props: MenuProps): ReactNode {
  const { label, className = "icon-button", children = <Icon name="more" size={18} /> } = props
  const [isOpen, setOpen] = useState(false)
  const button = useRef<HTMLButtonElement>(null)
  const id = useId()
  const close = (): void => {
    setOpen(false)
    button.current?.focus()
  }
  return (
    <>
      <button
        ref={button}
        type="button"
        className={className}
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        aria-controls={isOpen ? id : undefined}
        onClick={() => {
          setOpen(!isOpen)
        }}
      >
        {children}
      </button>
      {isOpen && (
        <OpenMenu
          {...props}
          id={id}
          button={button}
          close={close}
          dismiss={() => {
            setOpen(false)
          }}
        />
      )}
    </>
  )
}

interface OpenMenuProps extends MenuProps {
  id: string
  button: { readonly current: HTMLButtonElement | null }
  close: () => void
  /** Closes it and leaves the focus where it is. */
  dismiss: () => void
}

function OpenMenu({ id, label, items, head, button, close, dismiss }: OpenMenuProps): ReactNode {
  const menu = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => {
    const element = menu.current
    const opener = button.current
    if (element === null || opener === null) return
    element.showPopover()
    place(element, opener.getBoundingClientRect())
    buttonsIn(element)[0]?.focus()
  }, [button])
  const press = (event: KeyboardEvent): void => {
    const buttons = menu.current === null ? [] : buttonsIn(menu.current)
    const at = buttons.findIndex((element) => element === document.activeElement)
    const next = { ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, Home: 0, End: -1 }[
      event.key
    ]
    if (event.key === "Escape" || event.key === "Tab") close()
    else if (next === undefined) return
    else buttons.at(next % buttons.length)?.focus()
    event.preventDefault()
    event.stopPropagation()
  }
  return (
    <div
      ref={menu}
      id={id}
      className="menu"
      role="menu"
      aria-label={label}
      popover="auto"
      onKeyDown={press}
      onToggle={(event) => {
        if (event.newState === "closed") dismiss()
      }}
    >
      {head?.(close)}
      {items().map(({ name, icon, isDanger, run }) => (
        <button
          key={name}
          type="button"
          role="menuitem"
          tabIndex={-1}
          data-danger={isDanger}
          onClick={() => {
            close()
            run()
          }}
        >
          <Icon name={icon} size={18} />
          <span>{name}</span>
        </button>
      ))}
    </div>
  )
}

function buttonsIn(menu: HTMLElement): HTMLButtonElement[] {
  return Array.from(menu.querySelectorAll("button"))
}

/** Pixels that a menu keeps from the edges of the window and from its button. */
const GAP = 6

/** Below its button, or above where there is more room; within the window. */
function place(menu: HTMLElement, button: DOMRect): void {
  const { width, height } = menu.getBoundingClientRect()
  const below = button.bottom + GAP
  const top = below + height + GAP <= innerHeight ? below : Math.max(GAP, button.top - GAP - height)
  const left = Math.min(Math.max(GAP, button.right - width), innerWidth - width - GAP)
  menu.style.top = `${top}px`
  menu.style.left = `${left}px`
}
