import type { Message } from "@weft/sdk"
import { describe, expect, it } from "vitest"
import { type Drawn, drawAfter, drawAll, drawOlder, drawTo } from "./drawn-messages.js"

/** Messages that are called by their numbers. */
function numbered(from: number, to: number): Message[] {
  return Array.from({ length: to - from }, (_, index) => ({ id: String(from + index) }) as Message)
}

const firstOf = ({ all, first }: Drawn): string | undefined => all[first]?.id

describe("the messages that are drawn", () => {
  it("of a page that comes in before them are drawn in portions, as they are asked for, until there are no more", () => {
    const shown = drawAll(numbered(5_000, 5_300))
    let drawn = drawAfter(shown, numbered(4_500, 5_300))
    expect([firstOf(drawn), drawn.rows.length, drawn.isPrepended]).toEqual(["5000", 300, false])
    const lengths: number[] = []
    while (drawn.first > 0) {
      drawn = drawOlder(drawn)
      expect([drawn.isPrepended, drawn.generation]).toEqual([true, shown.generation])
      expect(drawn.rows.length).toBe(drawn.all.length - drawn.first)
      lengths.push(drawn.rows.length)
    }
    expect(lengths.every((length, index) => length - (lengths[index - 1] ?? 300) <= 128)).toBe(true)
    expect(drawOlder(drawn)).toBe(drawn)
  })

  it("are as many as there are, where they are few", () => {
    const drawn = drawAfter(drawAll(numbered(90, 100)), numbered(0, 100))
    expect([drawn.first, drawn.rows.length, drawn.isPrepended]).toEqual([0, 100, true])
    expect(drawAfter(drawAll([]), numbered(0, 100)).first).toBe(0)
  })

  it("begin with the same message when others come, change or go anywhere", () => {
    const drawn = drawAfter(drawAll(numbered(1_000, 1_300)), numbered(0, 1_300))
    const all = drawn.all
    const after = (messages: readonly Message[]): Drawn => drawAfter(drawn, messages)
    expect(firstOf(after([...all, ...numbered(1_300, 1_301)]))).toBe("1000")
    expect(firstOf(after([...all.slice(0, 10), ...numbered(2_000, 2_003), ...all.slice(10)]))).toBe("1000")
    expect(firstOf(after(all.slice(5)))).toBe("1000")
    expect(firstOf(after(all.filter(({ id }) => id !== "1000")))).toBe("1001")
    for (const messages of [all.slice(5), [...all, ...numbered(1_300, 1_301)]]) {
      const { rows, first, isPrepended } = after(messages)
      expect([rows.length + first, isPrepended]).toEqual([messages.length, false])
    }
    expect(after([]).rows.length).toBe(0)
  })

  it("reach back to a message that is jumped to, in a list that is made anew where that is far", () => {
    const drawn = drawAfter(drawAll(numbered(10_000, 10_300)), numbered(0, 10_300))
    const near = drawTo(drawn, drawn.first - 100)
    expect([near.first <= drawn.first - 100, near.isPrepended, near.generation]).toEqual([true, true, 0])
    const far = drawTo(drawn, 3)
    expect([far.first, far.isPrepended, far.generation]).toEqual([0, false, 1])
    expect(drawTo(drawn, drawn.first)).toBe(drawn)
  })
})
