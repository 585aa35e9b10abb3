import type { PlainKey } from "./translate.js"

export interface Emoji {
  readonly char: string
  readonly name: string
  /** What else it is found by: lower-case words. */
  readonly words: string
  /** The data's own number. */
  readonly group: number
  /** Whether the skin in it has tones. */
  readonly hasTones: boolean
}

/** The groups, in their order, each by one of its own. */
export const emojiGroups: readonly { readonly group: number; readonly title: PlainKey; readonly char: string }[] = [
  { group: 0, title: "emojiSmileys", char: "😀" },
  { group: 1, title: "emojiPeople", char: "👋" },
  { group: 3, title: "emojiNature", char: "🐻" },
  { group: 4, title: "emojiFood", char: "🍔" },
  { group: 5, title: "emojiTravel", char: "🚗" },
  { group: 6, title: "emojiActivities", char: "⚽" },
  { group: 7, title: "emojiObjects", char: "💡" },
  { group: 8, title: "emojiSymbols", char: "💯" },
  { group: 9, title: "emojiFlags", char: "🏁" },
]

/** One line each: group, emoji, name, words, and 1 where there are tones. */
export function readEmoji(data: string): readonly Emoji[] {
  return data.split("\n").map((line) => {
    const [group, char = "", name = "", words = "", hasTones] = line.split("|")
    return { char, name, words: `${name} ${words}`.toLowerCase(), group: Number(group), hasTones: hasTones === "1" }
  })
}

/**
 * Those that all words of a query lead to, by the beginning of a word of theirs or, in scripts without spaces, a part of
 * it. The best ones first: those whose name begins as the query does, then those of whose name a word does.
 */
export function findEmoji(all: readonly Emoji[], query: string): readonly Emoji[] {
  const sought = query.trim().toLowerCase()
  const terms = sought.split(/\s+/)
  const found = all.filter(({ char, words }) => char === sought || terms.every((term) => hasTerm(words, term)))
  const weightOf = ({ char, name }: Emoji): number => {
    const own = name.toLowerCase()
    return char === sought || own === sought ? 0 : own.startsWith(sought) ? 1 : hasTerm(own, sought) ? 2 : 3
  }
  return found
    .map((emoji) => ({ emoji, weight: weightOf(emoji) }))
    .sort((one, other) => one.weight - other.weight)
    .map(({ emoji }) => emoji)
}

function hasTerm(words: string, term: string): boolean {
  return /\p{Script=Han}/u.test(term) ? words.includes(term) : ` ${words}`.includes(` ${term}`)
}

/** No tone, and the five that there are, from light to dark. */
export const tones = ["", "\u{1F3FB}", "\u{1F3FC}", "\u{1F3FD}", "\u{1F3FE}", "\u{1F3FF}"] as const

/** An emoji in a tone: of all people in it. */
export function inTone({ char, hasTones }: Pick<Emoji, "char" | "hasTones">, tone: string): string {
  if (!hasTones || tone === "") return char
  // two who hold hands have one sign in common
  const whole =
    char === "\u{1F9D1}\u200D\u{1F91D}\u200D\u{1F9D1}" ? /\u{1F9D1}/gu : /(\p{Emoji_Modifier_Base})\uFE0F?/gu
  return char.replace(whole, (found) => String.fromCodePoint(found.codePointAt(0) ?? 0) + tone)
}
