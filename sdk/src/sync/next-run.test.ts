import { expect, it } from "vitest"
import { encodeControl } from "../authority/control.js"
import type { Draft } from "../log/draft.js"
import { anyControlId, controlDraft, messageDraft } from "../log/scenario.js"
import type { Clock } from "../protocol/entry.js"
import type { UserId } from "../protocol/names.js"
import { nextRun } from "./next-run.js"

const certificate = {
  user: "ann" as UserId,
  publicKey: new Uint8Array(32),
  issuedAt: 0,
  issuer: new Uint8Array(32),
  signature: new Uint8Array(64),
}
const action = { kind: "join", certificate, key: new Uint8Array(32), proof: new Uint8Array(64) } as const
const join = (salt: number): Draft => ({
  class: "control",
  clock: salt as Clock,
  body: encodeControl(action, new Uint8Array(12).fill(salt)),
  seen: [anyControlId],
})

/** The runs that some drafts make, one after another. */
function runsOf(...drafts: Draft[]): (Draft | "log")[][] {
  const runs: (Draft | "log")[][] = []
  for (let waiting: readonly Draft[] = drafts; waiting.length > 0;) {
    const next = nextRun(waiting)
    runs.push([...(next.opensLog ? (["log"] as const) : []), ...next.drafts])
    waiting = waiting.filter((draft) => !next.drafts.includes(draft))
  }
  return runs
}

it("[W2] what waits goes under one seal", () => {
  const [one, two] = [controlDraft(new Map([["test", "one"]]), [anyControlId]), messageDraft("two")]
  expect(runsOf(one, two)).toEqual([[one, two]])
  expect(nextRun([]).drafts).toEqual([])
})

it("[A19] each join opens a log, the one written last first, and what was written after it stands behind it", () => {
  const [before, after] = ["before", "after"].map((text) => controlDraft(new Map([["test", text]]), [anyControlId]))
  const [first, second] = [join(1), join(2)]
  if (!before || !after) throw new TypeError("two drafts")
  expect(runsOf(first, second, after)).toEqual([
    ["log", second, after],
    ["log", first],
  ])
  expect(runsOf(before, first, after)).toEqual([[before], ["log", first, after]])
})
