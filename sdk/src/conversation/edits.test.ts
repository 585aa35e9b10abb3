import { describe, expect, it } from "vitest"
import type { BodyHash, Clock, MessageId } from "../protocol/entry.js"
import { countedEdits, editedText, type Edit } from "./edits.js"

/** Some that know nothing of one another; `texts` in their order. */
function atOnce(texts: readonly string[]): Edit[] {
  return texts.map((text, index) => ({
    id: `device.${index}` as MessageId,
    hash: `${index}` as BodyHash,
    clock: index as Clock,
    seen: [],
    undoes: undefined,
    text,
    mentions: [],
  }))
}

const words = (count: number, name: string): string[] => Array.from({ length: count }, (_, at) => `${name}${at}`)

describe("[M5] edits made at once", () => {
  it("of a long message are merged, where they are a handful", () => {
    const text = words(500, "word").join(" ")
    const changed = [0, 100, 200, 300, 400, 499]
    const edits = changed.map((at) => text.replace(new RegExp(`word${at}\\b`), `changed${at}`))
    const merged = editedText({ text, mentions: [] }, atOnce(edits)).text.split(" ")
    expect(merged).toHaveLength(500)
    expect(merged.filter((word) => word.startsWith("changed"))).toEqual(changed.map((at) => `changed${at}`))
  })

  it.each([
    ["many", 256, 1],
    ["fewer, and long", 32, 500],
    ["few, and as long as can be", 8, 10_000],
  ])("that merging has not enough steps for are passed over but for the last: %s", (_, count, length) => {
    const edits = atOnce(Array.from({ length: count }, (_, edit) => words(length, `${edit}-`).join(" ")))
    const original = { text: words(length, "word").join(" "), mentions: [] }
    for (const order of [edits, Array.from(edits).reverse()]) {
      expect(editedText(original, countedEdits(order))).toBe(edits.at(-1))
    }
  })
})
