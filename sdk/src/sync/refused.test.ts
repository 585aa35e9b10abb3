import { expect, it } from "vitest"
import { encodeHead } from "../protocol/entry.js"
import type { Entry } from "../log/check.js"
import { draftEntry, draftHead } from "../log/draft.js"
import { deviceNamed, messageDraft } from "../log/scenario.js"
import { decodeRefused, draftOf, encodeRefused } from "./refused.js"

const ann = await deviceNamed("ann")

it("[R1] a refused draft is kept with its code, byte for byte", () => {
  const draft = messageDraft("no")
  const { code, draft: again } = decodeRefused(encodeRefused({ code: "FORK", draft }))
  expect(code).toBe("FORK")
  expect(again).toEqual(draft)
  expect(encodeHead(draftHead(again))).toEqual(encodeHead(draftHead(draft)))
})

it("[R1] a code of a newer version reads as INTERNAL", () => {
  const bytes = encodeRefused({ code: "FORK", draft: messageDraft("no") })
  bytes[0] = 127
  expect(decodeRefused(bytes).code).toBe("INTERNAL")
})

it("[X3] an own entry becomes a draft again, unless its body is gone", () => {
  const draft = messageDraft("again")
  const entry = draftEntry(ann.id, draft)
  expect(draftOf(entry)).toEqual(draft)
  const erased: Entry = { ...entry, body: null }
  expect(draftOf(erased)).toBeUndefined()
})
