import { createRequire } from "node:module"
import type { Plugin } from "vite"

/** What is newer is no picture on many devices yet. */
const NEWEST = 15.1
/** Tones and hair by themselves: parts of other emoji. */
const COMPONENTS = 2

interface EmojiRecord {
  readonly emoji: string
  readonly label: string
  readonly tags?: readonly string[]
  readonly version: number
  readonly group?: number
  /** The same in other tones of the skin. */
  readonly skins?: readonly unknown[]
}

const require = createRequire(import.meta.url)
const sources = {
  en: () => require("emojibase-data/en/data.json") as readonly EmojiRecord[],
  zh: () => require("emojibase-data/zh/data.json") as readonly EmojiRecord[],
}

/**
 * `virtual:emoji/en` and `virtual:emoji/zh`: of emojibase's data what the picker needs, a seventh of it, as a text of
 * `words/emoji.ts`. A chunk by itself, which is loaded when the picker is opened.
 */
export function emojiData(): Plugin {
  const pattern = /^\0?virtual:emoji\/(en|zh)$/
  return {
    name: "emoji-data",
    resolveId: (id) => (pattern.test(id) ? `\0${id}` : undefined),
    load: (id) => {
      const [, language] = pattern.exec(id) ?? []
      return language === "en" || language === "zh"
        ? `export default ${JSON.stringify(emojiText(language))}`
        : undefined
    },
  }
}

export function emojiText(language: "en" | "zh"): string {
  return sources[language]().flatMap(toLine).join("\n")
}

function toLine({ emoji, label, tags = [], version, group, skins = [] }: EmojiRecord): string[] {
  if (group === undefined || group === COMPONENTS || version > NEWEST) return []
  // what is a picture by itself is written without the mark that makes one, as keyboards do: else two would look alike
  const char = emoji.replace(/(\p{Emoji_Presentation})\uFE0F/gu, "$1")
  return [[group, char, label, tags.join(" "), skins.length > 0 ? "1" : ""].join("|")]
}
