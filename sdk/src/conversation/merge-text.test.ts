import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { UserId } from "../protocol/names.js"
import { mergeTexts, MergeWork, type MarkedText } from "./merge-text.js"

const plain = (text: string): MarkedText => ({ text, mentions: [] })
const merge = (base: string, a: string, b: string): string | undefined =>
  mergeTexts(base, plain(a), plain(b), new MergeWork())?.text

describe("[M5] texts merge by words", () => {
  it.each([
    [
      "both sides' changes stand",
      "we meet at noon",
      "we all meet at noon",
      "we meet at noon sharp",
      "we all meet at noon sharp",
    ],
    ["one side's change stands", "meet at noon", "meet at one", "meet at noon", "meet at one"],
    ["the same change stands once", "meet at noon", "meet at one", "meet at one", "meet at one"],
    [
      "the same word changed twice keeps both, the earlier first",
      "meet at noon",
      "meet at one",
      "meet at two",
      "meet at one two",
    ],
    [
      "what is put right behind a changed word",
      "meet at noon",
      "meet at one",
      "meet at noon sharp",
      "meet at one sharp",
    ],
    ["what is put right before a changed word", "noon", "at noon", "one", "at one"],
    ["a deletion and a change elsewhere", "a b c d", "a c d", "a b c x", "a c x"],
    ["a change beats the deletion of what it changed", "a b c", "a c", "a bb c", "a bb c"],
    ["CJK letters are words", "我们明天见面", "我们后天见面", "我们明天早上见面", "我们后天早上见面"],
    ["lines stay lines", "one\ntwo", "one\ntwo\nthree", "zero\none\ntwo", "zero\none\ntwo\nthree"],
    ["from nothing", "", "hello", "world", "hello world"],
  ])("%s", (_, base, a, b, merged) => {
    expect(merge(base, a, b)).toBe(merged)
  })

  const text = fc
    .array(fc.constantFrom("a", "b", "cat", "dog.", "見", "\n", "e-f", "👍"), { maxLength: 12 })
    .map((parts) => parts.join(" "))

  it("no word that a side put in is lost, and what nobody changed stays", () => {
    fc.assert(
      fc.property(text, text, text, (base, a, b) => {
        const merged = merge(base, a, b) ?? ""
        const counts = (of: string): Map<string, number> => {
          const found = new Map<string, number>()
          for (const word of of.match(/[^\s]+/g) ?? []) found.set(word, (found.get(word) ?? 0) + 1)
          return found
        }
        const [inBase, inMerged] = [counts(base), counts(merged)]
        for (const side of [a, b]) {
          for (const [word] of counts(side)) {
            if (!inBase.has(word)) expect(inMerged.has(word), `${word} of ${side} in ${merged}`).toBe(true)
          }
        }
        expect(merge(base, base, b)).toBe(b)
        expect(merge(base, a, base)).toBe(a)
        expect(merge(base, a, a)).toBe(a)
      }),
    )
  })

  it("mentions go where their words go", () => {
    const ann = { start: 3, length: 4, user: "ann" as UserId }
    const later = {
      text: "so hi @ann and @bob",
      mentions: [
        { start: 6, length: 4, user: "ann" as UserId },
        { start: 15, length: 4, user: null },
      ],
    }
    const merged = mergeTexts("hi @ann", { text: "hi @ann!", mentions: [ann] }, later, new MergeWork())
    expect(merged?.text).toBe("so hi @ann! and @bob")
    expect(merged?.mentions.map(({ start, length }) => merged?.text.slice(start, start + length))).toEqual([
      "@ann",
      "@bob",
    ])
  })

  const hard = (word: string): string => Array.from({ length: 8000 }, (_, index) => `${word}${index % 7}`).join(" ")

  it("texts made to be hard end all the same", () => {
    const merged = merge(hard("a"), hard("b"), hard("c")) ?? ""
    expect(merged.length).toBeLessThanOrEqual(64 * 1024)
    expect(merged).toContain("c6")
  })

  it("of such texts a few merges use up the steps that a message has, and there is no other then", () => {
    const work = new MergeWork()
    const merges = Array.from({ length: 5 }, () => mergeTexts(hard("a"), plain(hard("b")), plain(hard("c")), work))
    expect(merges[0]).toBeDefined()
    expect(merges[4]).toBeUndefined()
    expect(mergeTexts("noon", plain("at noon"), plain("noon sharp"), work)).toBeUndefined()
  })
})
