import { neutralizeName as showName } from "@weft/sdk/format"
import { parseUserId } from "@weft/sdk/protocol"
import { t } from "./translate.js"

export { showName }

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" })

/** Number of colors that the style sheet knows; each has enough contrast in both themes. */
export const TONES = 10

/** The demo's names are lower case, so that "Alice" and "alice" are one person. Undefined: not a name. */
export function readUser(text: string): string | undefined {
  const name = text.normalize("NFC").trim().replace(/\s+/g, " ").toLowerCase()
  return parseUserId(name)
}

/** One or two letters for an avatar. */
export function initialsOf(name: string): string {
  const words = showName(name)
    .split(/[\s._-]+/)
    .filter((word) => word !== "")
  const chosen = words.length > 1 ? [words[0], words[words.length - 1]] : words
  return chosen.map((word) => firstLetter(word ?? "")).join("") || "?"
}

function firstLetter(word: string): string {
  const [first] = segmenter.segment(word)
  return (first?.segment ?? "").toLocaleUpperCase()
}

/** Which of the colors belongs to a name: the same everywhere. FNV-1a. */
export function toneOf(name: string): number {
  let hash = 0x811c9dc5
  for (const letter of name) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193)
  return (hash >>> 11) % TONES
}

/** "alice, bob and 2 more". */
export function listNames(names: readonly string[], most = 3): string {
  const shown = names.map(showName)
  if (shown.length <= most) return joinNames(shown)
  return t("namesAndMore", { names: shown.slice(0, most - 1).join(t("nameSeparator")), count: shown.length - most + 1 })
}

function joinNames(names: readonly string[]): string {
  if (names.length < 2) return names[0] ?? ""
  return t("namesAndLast", { names: names.slice(0, -1).join(t("nameSeparator")), last: names.at(-1) ?? "" })
}
