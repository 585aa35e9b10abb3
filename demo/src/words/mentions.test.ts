import { describe, expect, it } from "vitest"
import { moveCaret } from "./caret.js"
import { findMentions } from "./mentions.js"

describe("findMentions", () => {
  it("finds members by name, and everyone, whatever their case", () => {
    expect(findMentions("@Bob and @everyone, see @carol.", ["bob", "carol"])).toEqual([
      { start: 0, length: 4, user: "bob" },
      { start: 9, length: 9, user: null },
      { start: 24, length: 6, user: "carol" },
    ])
  })

  it("leaves addresses and strangers alone", () => {
    expect(findMentions("bob@example.org @mallory @", ["bob", "example.org"])).toEqual([])
  })
})

describe("moveCaret", () => {
  it("keeps the caret between the same letters", () => {
    expect(moveCaret("hello", "well hello", 5)).toBe(10)
    expect(moveCaret("hello", "hello there", 2)).toBe(2)
    expect(moveCaret("well hello", "hello", 7)).toBe(2)
    expect(moveCaret("abc", "", 2)).toBe(0)
  })
})
