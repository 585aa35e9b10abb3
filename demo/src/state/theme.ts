import { useSyncExternalStore } from "react"
import { keep, readKept } from "./keep.js"
import { createSignal } from "./signal.js"

export type Theme = "system" | "light" | "dark"

const changed = createSignal()

function readTheme(): Theme {
  const kept = readKept("theme")
  return kept === "light" || kept === "dark" ? kept : "system"
}

/** Puts the chosen theme on the page; the style sheet does the rest. */
export function applyTheme(): void {
  const theme = readTheme()
  if (theme === "system") delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = theme
}

export function setTheme(theme: Theme): void {
  keep("theme", theme === "system" ? undefined : theme)
  applyTheme()
  changed.emit()
}

export function useTheme(): Theme {
  return useSyncExternalStore(changed.subscribe, readTheme)
}
