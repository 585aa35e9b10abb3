import { useEffect, useRef } from "react"
import { goBack, goTo, type Route } from "./address.js"

export function isMac(): boolean {
  return /Mac|iPhone|iPad/.test(navigator.platform)
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input, textarea, select, [contenteditable]")
}

/** What keys do on every screen: Ctrl or Cmd K and Z, Alt N, Alt up and down; outside of fields also ?, /, N and C. */
export function useShortcuts(route: Route, conversations: readonly string[]): void {
  const now = useRef({ route, conversations })
  useEffect(() => {
    now.current = { route, conversations }
  })
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.isComposing || event.defaultPrevented) return
      const done = run(event, now.current.route, now.current.conversations)
      if (done) event.preventDefault()
    }
    window.addEventListener("keydown", press)
    return () => {
      window.removeEventListener("keydown", press)
    }
  }, [])
}

function run(event: KeyboardEvent, route: Route, conversations: readonly string[]): boolean {
  const isMod = isMac() ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey
  // by its place on the keyboard, as Alt types other letters on some
  if (isMod && !event.altKey && !event.shiftKey && event.code === "KeyK") return toggle(route, "search")
  // by its letter, as on every keyboard; a field takes back letters first
  if (isMod && !event.altKey && !event.shiftKey && event.key === "z" && !hasText(event.target)) return takeBack()
  if (event.altKey && !event.ctrlKey && !event.metaKey) {
    if (event.code === "KeyN") return toggle(route, "new")
    if (event.key === "ArrowDown") return step(route, conversations, 1)
    if (event.key === "ArrowUp") return step(route, conversations, -1)
  }
  // letters alone are for where nothing is written, and a dialog has its own
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return false
  if (event.key === "?") return toggle(route, "keys")
  if (route.panel !== undefined) return false
  switch (event.key.toLowerCase()) {
    case "/":
      return toggle(route, "search")
    case "n":
      return toggle(route, "new")
    case "c":
      return focusField()
    default:
      return false
  }
}

function hasText(target: EventTarget | null): boolean {
  return isTyping(target) && !(target instanceof HTMLTextAreaElement && target.value === "")
}

/** What was just done, while that is offered. */
function takeBack(): boolean {
  const offer = document.querySelector<HTMLElement>(".toast [data-undo]")
  offer?.click()
  return offer !== null
}

function focusField(): boolean {
  const field = document.querySelector<HTMLElement>(".composer textarea")
  field?.focus()
  return field !== null
}

/** Opens a dialog in place of the one that is open, or closes it where it is that one. */
function toggle(route: Route, panel: "search" | "new" | "keys"): boolean {
  const { conversation } = route
  if (route.panel === panel) goBack({ conversation })
  else goTo({ conversation, panel }, { replace: route.panel !== undefined })
  return true
}

function step(route: Route, conversations: readonly string[], by: 1 | -1): boolean {
  if (conversations.length === 0 || route.panel !== undefined) return false
  const at = conversations.indexOf(route.conversation ?? "")
  const next = at === -1 ? (by === 1 ? 0 : conversations.length - 1) : at + by
  const conversation = conversations[(next + conversations.length) % conversations.length]
  goTo({ conversation })
  return true
}
