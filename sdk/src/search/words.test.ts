import { describe, expect, it } from "vitest"
import { answers, readWords } from "./words.js"

const terms = (text: string): string[] => readWords(text).map(({ term }) => term)

describe("words", () => {
  it("letters are folded: case, width, marks", () => {
    expect(terms("Zo\u00eb's \uff21\uff22 stra\u00dfe_1 \u041c\u041e\u0421\u041a\u0412\u0410")).toEqual([
      "zoes",
      "zoe",
      "s",
      "ab",
      "strasse_1",
      "\u043c\u043e\u0441\u043a\u0432\u0430",
    ])
  })

  it("[Q3] marks of formatting around a word are no part of it", () => {
    expect(terms("**bold** _italic_ __init__ `snake_case` ~~gone~~")).toEqual([
      "bold",
      "italic",
      "init",
      "snake_case",
      "gone",
    ])
  })

  it("runs without spaces are pairs and a last letter, with their places", () => {
    expect(readWords("go\u6771\u4eac\u90fd 2")).toEqual([
      { term: "go", start: 0, length: 2 },
      { term: "\u6771\u4eac", start: 2, length: 2 },
      { term: "\u4eac\u90fd", start: 3, length: 2 },
      { term: "\u90fd", start: 4, length: 1 },
      { term: "2", start: 6, length: 1 },
    ])
    // letters beyond the basic plane are whole
    expect(readWords("\u{20000}\u{20001}").map(({ start, length }) => [start, length])).toEqual([
      [0, 4],
      [2, 2],
    ])
  })

  it("every word stands where it says", () => {
    for (const text of [
      "\u3053\u3093\u306b\u3061\u306f\u3001world",
      "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35 x",
      "e\u0301t\u00e9",
    ]) {
      for (const { start, length } of readWords(text))
        expect(text.slice(start, start + length)).toMatch(/^[\p{L}\p{N}\p{M}_]+$/u)
    }
  })

  it("a word answers to its beginning and to what is nearly it; numbers and pairs only to themselves", () => {
    for (const [word, term] of [
      ["kernels", "kern"],
      ["install", "instal"],
      ["intsall", "install"],
      ["recieve", "receive"],
      ["quick", "qiuck"],
      ["fusse", "fuss"],
      ["\u{1f389}", "\u{1f389}"],
      ["\u6771\u4eac", "\u6771"],
    ] as const)
      expect([word, term, answers(word, term)]).toEqual([word, term, true])
    for (const [word, term] of [
      ["kern", "kernel"],
      ["cat", "car"],
      ["10001", "10002"],
      ["\u{1f389}\u{1f389}", "\u{1f389}"],
      ["cheap", "chaep1"],
      ["\u6771\u4eac", "\u6771\u90fd"],
      ["completely", "installing"],
    ] as const)
      expect([word, term, answers(word, term)]).toEqual([word, term, false])
  })
})
