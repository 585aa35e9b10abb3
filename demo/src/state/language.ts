import { useSyncExternalStore } from "react"
import { keep, readKept } from "./keep.js"
import { createSignal } from "./signal.js"

export const languages = ["en", "zh"] as const
export type Language = (typeof languages)[number]

const changed = createSignal()
let current: Language | undefined

/** What the user chose, else the first of the browser's languages that the demo speaks, else English. */
export function readLanguage(): Language {
  current ??= languages.find((language) => language === readKept("language")) ?? detect()
  return current
}

/** The browser's languages, the preferred one first; none outside of a browser. */
function spoken(): readonly string[] {
  return typeof navigator === "undefined" ? [] : (navigator.languages ?? [])
}

function detect(): Language {
  for (const tag of spoken()) {
    const found = languages.find((language) => tag.toLowerCase().split("-")[0] === language)
    if (found !== undefined) return found
  }
  return "en"
}

/** For `Intl`: the browser's own variant of the language, where it has one. */
export function readLocale(): string {
  const language = readLanguage()
  return spoken().find((tag) => tag.toLowerCase().split("-")[0] === language) ?? { en: "en", zh: "zh-Hans" }[language]
}

/** Tells the page, so that screen readers, fonts and line breaks follow. */
export function applyLanguage(): void {
  document.documentElement.lang = readLocale()
}

export function setLanguage(language: Language): void {
  keep("language", language)
  current = language
  applyLanguage()
  changed.emit()
}

/** Renders again when the language changes: whoever calls it, and all that it draws anew. */
export function useLanguage(): Language {
  return useSyncExternalStore(changed.subscribe, readLanguage)
}
