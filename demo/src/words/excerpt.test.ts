import { describe, expect, it } from "vitest"
import { cutAround } from "./excerpt.js"

const shown = (text: string, ranges: readonly (readonly [number, number])[]): string =>
  cutAround(text, ranges)
    .map(({ text: piece, isHit }) => (isHit ? `[${piece}]` : piece))
    .join("")

describe("cutAround", () => {
  it("marks all that answers", () => {
    expect(
      shown("The night train is a train", [
        [10, 5],
        [21, 5],
      ]),
    ).toBe("The night [train] is a [train]")
  })

  it("begins at a word near the first hit, and says that there is more", () => {
    const text = `${"word ".repeat(100)}train${" word".repeat(100)}`
    const cut = shown(text, [[500, 5]])
    expect(cut).toMatch(/^…(word )+\[train\]( word)+/)
    expect(cut).toMatch(/…$/)
    expect(cut.length).toBeLessThan(210)
  })

  it("keeps letters of two code units whole, where there are no words to begin at", () => {
    const text = "\u{20000}".repeat(100)
    for (const start of [100, 101]) {
      expect(cutAround(text, [[start, 2]])[1]?.text.codePointAt(0)).toBe(0x20000)
    }
  })

  it("shows the beginning of a text in which nothing is marked", () => {
    expect(shown("short", [])).toBe("short")
  })
})
