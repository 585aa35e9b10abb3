import { expect, it } from "vitest"
import type { Clock } from "../protocol/entry.js"
import { orderDrafts } from "./draft.js"
import { controlDraft, controlIdOfDraft, deviceNamed, messageDraft } from "./scenario.js"

it("[W1] drafts are read back each behind those that it has seen, whatever their clocks say", async () => {
  const { id } = await deviceNamed("ann")
  const first = controlDraft(new Map([["k", "one"]]))
  const second = controlDraft(new Map([["k", "two"]]), [controlIdOfDraft(id, first)])
  // The clock was set back between the first and what follows it.
  const set = { ...second, clock: (first.clock - 1024) as Clock }
  const message = messageDraft("hello", [controlIdOfDraft(id, set)])
  const early = { ...message, clock: (first.clock - 2048) as Clock }
  expect(orderDrafts(id, [early, set, first])).toEqual([first, set, early])
})

it("[W1] drafts that have seen none of the others stay in the order of their clocks", async () => {
  const { id } = await deviceNamed("ann")
  const drafts = ["one", "two", "three"].map((text) => messageDraft(text))
  expect(orderDrafts(id, drafts)).toEqual(drafts)
})
