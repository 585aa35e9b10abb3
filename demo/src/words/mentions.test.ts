import { describe, expect, it } from "vitest"
import {
  addMention,
  askedName,
  carryMentions,
  endsName,
  findNames,
  fullyNamed,
  pickName,
  trimMentions,
} from "./mentions.js"

const bob = { user: "bob", name: "bob" }
const smith = { user: "bob smith", name: "bob smith" }
const everyone = { user: null, name: "所有人", also: ["everyone"] }
const all = [bob, smith, everyone]

describe("a name that is being typed", () => {
  it("is what stands between an @ and the caret", () => {
    expect(askedName("hi @bo", 6, [])).toEqual({ start: 3, query: "bo" })
    expect(askedName("hi @bo", 4, [])).toEqual({ start: 3, query: "" })
    expect(askedName("@bob smi", 8, [])).toEqual({ start: 0, query: "bob smi" })
    expect(askedName("请@小", 3, [])).toEqual({ start: 1, query: "小" })
  })

  it("is none in an address, on another line, behind a space, or in a mention", () => {
    for (const text of ["bob@ex", "@bob\nhi", "@ bob", "hi"]) expect(askedName(text, text.length, [])).toBeUndefined()
    expect(askedName("@bob and", 8, [{ start: 0, length: 4, user: "bob" }])).toBeUndefined()
  })

  it("finds names by their beginning, whatever their case, then by a later word", () => {
    expect(findNames("", all)).toEqual(all)
    expect(findNames("BO", all)).toEqual([bob, smith])
    expect(findNames("sm", all)).toEqual([smith])
    expect(findNames("every", all)).toEqual([everyone])
    expect(findNames("mallory", all)).toEqual([])
  })

  it("names somebody in full without a pick, and ends with what is no letter", () => {
    expect(fullyNamed({ start: 0, query: "Bob" }, all)).toBe(bob)
    expect(fullyNamed({ start: 0, query: "everyone" }, all)).toBe(everyone)
    expect(fullyNamed({ start: 0, query: "bo" }, all)).toBeUndefined()
    expect([" ", ",", "看", "b", "1", ""].map(endsName)).toEqual([true, true, true, false, false, false])
  })
})

describe("a mention", () => {
  it("is the range that was picked, with a space behind it and others moved", () => {
    const carol = { start: 7, length: 6, user: "carol" }
    expect(pickName("hi @bo @carol", [carol], { start: 3, query: "bo" }, smith)).toEqual({
      text: "hi @bob smith @carol",
      mentions: [
        { start: 3, length: 10, user: "bob smith" },
        { start: 14, length: 6, user: "carol" },
      ],
      caret: 14,
    })
    expect(pickName("@", [], { start: 0, query: "" }, everyone).text).toBe("@所有人 ")
  })

  it("is carried through typing before and behind it, also where letters repeat", () => {
    const mentions = [{ start: 3, length: 4, user: "bob" }]
    expect(carryMentions(mentions, "hi @bob", "oh hi @bob", 3)).toEqual([{ start: 6, length: 4, user: "bob" }])
    expect(carryMentions(mentions, "hi @bob", "hi @bob @bob", 12)).toEqual(mentions)
    expect(carryMentions(mentions, "hi @bob", "hi @@bob", 4)).toEqual([{ start: 4, length: 4, user: "bob" }])
    expect(carryMentions(mentions, "hi @bob", "@bob", 0)).toEqual([{ start: 0, length: 4, user: "bob" }])
    expect(carryMentions(mentions, "hi @bob", "hi @bob!")).toEqual(mentions)
  })

  it("whose letters change is none any more; another with the same name stays", () => {
    const mentions = [
      { start: 0, length: 4, user: "bob" },
      { start: 5, length: 4, user: "bob" },
    ]
    expect(carryMentions(mentions, "@bob @bob", "@bo @bob", 3)).toEqual([{ start: 4, length: 4, user: "bob" }])
    expect(carryMentions(mentions, "@bob @bob", "@xbob @bob", 2)).toEqual([{ start: 6, length: 4, user: "bob" }])
    expect(carryMentions(mentions, "@bob @bob", "", 0)).toEqual([])
  })

  it("is sent without the spaces around the text; one more stands in order", () => {
    const mention = { start: 2, length: 4, user: "bob" }
    expect(trimMentions("  @bob hi \n", [mention])).toEqual({ text: "@bob hi", mentions: [{ ...mention, start: 0 }] })
    expect(addMention([mention], { start: 0, length: 1, user: null }).map(({ start }) => start)).toEqual([0, 2])
  })
})
