import { expect, it } from "vitest"
import { unmarked } from "./unmarked.js"

const find = (text: string, word: string): { text: string; ranges: readonly (readonly [number, number])[] } =>
  unmarked(text, [[text.indexOf(word), word.length]])

it("shows what was found without marks, and where it answers", () => {
  expect(find("the **night** train", "night")).toEqual({ text: "the night train", ranges: [[4, 5]] })
  expect(find("> first\n\n- `code` here", "here")).toEqual({ text: "first\n• code here", ranges: [[13, 4]] })
})

it("shows lists as they are read", () => {
  expect(find("take\n3. the *map*\n4. bread\n   - or cheese", "bread")).toEqual({
    text: "take\n3. the map\n4. bread\n• or cheese",
    ranges: [[19, 5]],
  })
})

it("marks both pieces of what is cut by a mark", () => {
  expect(find("a **bo**ld word", "bo**ld")).toEqual({
    text: "a bold word",
    ranges: [
      [2, 2],
      [4, 2],
    ],
  })
})

it("leaves a text as it was written where what answers is not shown", () => {
  const text = "see [here](https://example.org/trains)"
  expect(find(text, "trains")).toEqual({ text, ranges: [[text.indexOf("trains"), 6]] })
})
