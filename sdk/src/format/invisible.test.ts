import { describe, expect, it } from "vitest"
import { hasInvisible, neutralizeDirection, neutralizeName } from "./invisible.js"

describe("names", () => {
  it("characters that reorder or hide become visible", () => {
    expect(neutralizeName("in\u202Evoice\u200B\u2066")).toBe("in\uFFFDvoice\uFFFD\uFFFD")
    for (const code of [
      0, 0x1b, 0x7f, 0xad, 0x061c, 0x115f, 0x180e, 0x200e, 0x2028, 0x2063, 0x206f, 0x2800, 0x3164, 0xfeff, 0xffa0,
      0xe0001, 0xe0100,
    ]) {
      const letter = String.fromCodePoint(code)
      expect([code, neutralizeName(`a${letter}b`)]).toEqual([code, "a\ufffdb"])
      expect([code, hasInvisible(letter)]).toEqual([code, true])
    }
    expect(neutralizeName("a\ud800b")).toBe("a\ufffdb")
  })

  it("what spells names and emoji stays", () => {
    for (const name of [
      "\u0645\u06CC\u200C\u062E",
      "\u0915\u094D\u200D\u0937",
      "\u{1F469}\u200D\u{1F680}",
      "\u2764\ufe0f",
      "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
      "Zo\u00eb",
      "\u738b\u4f1f",
    ]) {
      expect(neutralizeName(name)).toBe(name)
    }
  })

  it("a text's direction controls are replaced one by one", () => {
    expect(neutralizeDirection("a\u202eb\u2069\u200c")).toBe("a\ufffdb\ufffd\u200c")
  })
})
