import { expect, it } from "vitest"
import { isEmoji, parseEmoji } from "./emoji.js"

const emoji = ["👍", "👍🏽", "❤️", "☝🏽", "🇩🇪", "3️⃣", "👨‍👩‍👧", "🏳️‍🌈", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "👩🏽‍❤️‍💋‍👨🏿"]

it("[M6] takes one emoji, however it is made, and nothing else", () => {
  for (const one of emoji) expect([one, isEmoji(one), parseEmoji(one)]).toEqual([one, true, one])
  for (const none of ["", "a", "7", "text", "\u202e", "👍👍", "👍 ", "\ufe0f", "\u{1f1e9}", "🇩🇪🇩🇪", 7, undefined])
    expect([none, isEmoji(none), parseEmoji(none)]).toEqual([none, false, undefined])
})

it("[M6] a sign that is a picture is written as one; what no platform draws yet is taken, and not written", () => {
  expect(parseEmoji("\u2764")).toBe("❤️")
  const next = "\u{1fadd}"
  expect([isEmoji(next), isEmoji(`${next}\u200d${next}`), parseEmoji(`${next}\u200d${next}`)]).toEqual([
    true,
    true,
    undefined,
  ])
})
