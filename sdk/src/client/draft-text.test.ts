import { expect, it } from "vitest"
import * as Y from "yjs"
import type { UserId } from "../protocol/names.js"
import { changedDrafts, DraftText } from "./draft-text.js"

function arena() {
  const doc = new Y.Doc()
  const [text, named] = [doc.getText("drafts/x"), doc.getMap<unknown>("named/x")]
  return { doc, text, named, draft: new DraftText(doc, "x") }
}

const bob = "bob" as UserId
const ann = "ann" as UserId

it("[U2, U9] names nobody by what has another form, or stands for letters of elsewhere", () => {
  const { doc, text, named, draft } = arena()
  text.insert(0, "ask @Bob")
  const { client, clock } = { client: doc.clientID, clock: 4 }
  doc.getText("drafts/y").insert(0, "@Bob")
  const place = `${client}/${clock}`
  const forms: (readonly [key: string, value: unknown])[] = [
    ["", ["bob", "@Bob"]],
    ["x/y", ["bob", "@Bob"]],
    ["-1/0", ["bob", "@Bob"]],
    [`${client}/-1`, ["bob", "@Bob"]],
    [`${client}/0.5`, ["bob", "@Bob"]],
    [`${client}/1e99`, ["bob", "@Bob"]],
    ["9007199254740993/7", ["bob", "@Bob"]],
    [`${client}/8`, ["bob", "@Bob"]],
    [place, "bob"],
    [place, ["bob"]],
    [place, ["bob", ""]],
    [place, ["bob", 4]],
    [place, [null, "@Bob"]],
    [place, ["b\nob", "@Bob"]],
    [place, ["bob", "@Bobby"]],
  ]
  for (const [key, value] of forms) {
    named.clear()
    named.set(key, value)
    expect(draft.mentions(), JSON.stringify([key, value])).toEqual([])
  }
  named.set(place, ["bob", "@Bob"])
  expect(draft.mentions()).toEqual([{ start: 4, length: 4, user: "bob" }])
})

it("[U9] of ranges that overlap, made on two devices, the first stands", () => {
  const { named, draft } = arena()
  draft.write("@Ann Lee", [{ start: 0, length: 8, user: ann }])
  const [first = ""] = named.keys()
  const [client = "", clock = ""] = first.split("/")
  named.set(`${client}/${Number(clock) + 5}`, ["bob", "Lee"])
  expect(draft.mentions()).toEqual([{ start: 0, length: 8, user: "ann" }])
})

it("[U9] what is kept of a name goes with its first letter, at the next change on any device", () => {
  const { named, draft } = arena()
  draft.write("@Bob and @Ann", [
    { start: 0, length: 4, user: bob },
    { start: 9, length: 4, user: ann },
  ])
  draft.write("@Bob", undefined)
  draft.write("hi @Bob", undefined)
  expect(draft.mentions()).toEqual([{ start: 3, length: 4, user: "bob" }])
  expect(named.size).toBe(1)
  draft.write("", undefined)
  expect(named.size).toBe(0)
  // Where the same name is typed again, nobody was picked.
  draft.write("@Bob", undefined)
  expect(draft.mentions()).toEqual([])
})

it("[U9] names everyone, and an own letter is found among others that were cut around it", () => {
  const { draft, text } = arena()
  draft.write("so @all!", [{ start: 3, length: 4, user: null }])
  text.insert(8, " 😀")
  text.delete(0, 3)
  text.insert(0, "well, ")
  expect(draft.mentions()).toEqual([{ start: 6, length: 4, user: null }])
})

it("[U9] leaves nothing in the document while nobody writes", () => {
  const doc = new Y.Doc()
  const draft = new DraftText(doc, "z")
  draft.write("", undefined)
  expect([draft.read(), draft.mentions(), Array.from(doc.share.keys())]).toEqual(["", [], []])
  draft.write("hello", undefined)
  expect(draft.read()).toBe("hello")
})

it("[U9] shows what another device began, and tells of it", () => {
  const [here, there] = [new Y.Doc(), new Y.Doc()]
  const draft = new DraftText(here, "z")
  new DraftText(there, "z").write("ask @Bob", [{ start: 4, length: 4, user: bob }])
  new DraftText(there, "y").write("elsewhere", undefined)
  const changed: string[][] = []
  here.on("afterTransaction", (transaction) => changed.push(Array.from(changedDrafts(transaction))))
  Y.applyUpdate(here, Y.encodeStateAsUpdate(there))
  expect(changed.map((places) => places.sort())).toEqual([["y", "z"]])
  expect([draft.read(), draft.mentions()]).toEqual(["ask @Bob", [{ start: 4, length: 4, user: bob }]])
})
