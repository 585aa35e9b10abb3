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

  it("takes the longest name, also one with spaces or signs in it", () => {
    const members = ["bob", "bob smith", "a+b (work)"]
    expect(findMentions("@bob smith, @bob smithers, @bob.smith, @a+b (work)!", members)).toEqual([
      { start: 0, length: 10, user: "bob smith" },
      { start: 12, length: 4, user: "bob" },
      { start: 39, length: 11, user: "a+b (work)" },
    ])
  })

  it("finds names between letters of a script without spaces", () => {
    expect(findMentions("请@bob看，也请@小明看看", ["bob", "小明"])).toEqual([
      { start: 1, length: 4, user: "bob" },
      { start: 9, length: 3, user: "小明" },
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
