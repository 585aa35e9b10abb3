import { describe, expect, it } from "vitest"
import { changeBetween, moveCaret } from "./caret.js"

describe("changeBetween", () => {
  it("is the least change", () => {
    expect(changeBetween("one two", "one or two")).toEqual({ start: 4, removed: 0, added: 3 })
    expect(changeBetween("one two", "one")).toEqual({ start: 3, removed: 4, added: 0 })
    expect(changeBetween("abc", "axc")).toEqual({ start: 1, removed: 1, added: 1 })
  })

  it("stands at the caret where letters repeat", () => {
    expect(changeBetween("@bob", "@@bob", 1)).toEqual({ start: 0, removed: 0, added: 1 })
    expect(changeBetween("@bob", "@@bob", 2)).toEqual({ start: 1, removed: 0, added: 1 })
    expect(changeBetween("aaa", "aa", 1)).toEqual({ start: 1, removed: 1, added: 0 })
  })

  it("takes no word of a caret that does not stand behind what changed", () => {
    expect(changeBetween("one two", "six two", 0)).toEqual({ start: 0, removed: 3, added: 3 })
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
