import { describe, expect, it } from "vitest"
import { emojiText } from "../../emoji-data.js"
import { emojiGroups, findEmoji, inTone, readEmoji, tones } from "./emoji.js"

const all = readEmoji(
  [
    "0|😀|grinning face|cheerful happy smile|",
    "0|😿|crying cat|animal face sad|",
    "3|🐱|cat face|animal pet|",
    "3|🐈|cat|animal cats kitten|",
    "1|👋|waving hand|bye hello wave|1",
    "1|🧑‍🤝‍🧑|people holding hands|friend|1",
  ].join("\n"),
)
const find = (query: string): string => findEmoji(all, query).map(({ char }) => char).join("") // prettier-ignore

describe("emoji", () => {
  it("are found by the beginnings of all words, the best first", () => {
    expect(find("cat")).toBe("🐈🐱😿")
    expect(find("fa ca")).toBe("😿🐱")
    expect(find("Hello")).toBe("👋")
    expect(find("🐈")).toBe("🐈")
    expect(find("at")).toBe("")
  })

  it("are found by a part of a word where no spaces are", () => {
    const chinese = readEmoji("0|😀|嘿嘿|笑脸 高兴|")
    expect(findEmoji(chinese, "脸").map(({ char }) => char)).toEqual(["😀"])
  })

  it("take a tone where they have one, all people in them", () => {
    const [wave, two] = [all[4], all[5]]
    expect(wave !== undefined && inTone(wave, "\u{1F3FD}")).toBe("👋🏽")
    expect(two !== undefined && inTone(two, "\u{1F3FD}")).toBe("🧑🏽‍🤝‍🧑🏽")
    expect(inTone({ char: "✌️", hasTones: true }, "\u{1F3FF}")).toBe("✌🏿")
    expect(inTone({ char: "😀", hasTones: false }, "\u{1F3FF}")).toBe("😀")
  })

  it.each(["en", "zh"] as const)(
    "are, in %s, what a reaction may be, in all tones too, and of all groups",
    (language) => {
      const emoji = readEmoji(emojiText(language))
      // as written here, `v` would be too new for the compiler's target
      const recommended = new RegExp("^\\p{RGI_Emoji}$", "v")
      const written = emoji.flatMap((one) => tones.map((tone) => inTone(one, tone)))
      expect(written.filter((char) => !recommended.test(char))).toEqual([])
      expect(new Set(emoji.map(({ group }) => group))).toEqual(new Set(emojiGroups.map(({ group }) => group)))
      expect(emoji.map(({ char }) => char)).toEqual(expect.arrayContaining(["👍", "❤️", "😂", "😮", "😢", "🎉"]))
      expect(emoji.filter(({ name }) => name === "")).toEqual([])
    },
  )
})
