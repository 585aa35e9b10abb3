import { expect, test } from "vitest"
import { createStore } from "../base/store.js"
import type { DocumentName } from "../protocol/names.js"
import { TabTalk } from "./tab-talk.js"

test("[W3] of what other tabs changed nothing is kept once it was read, however much that is", async () => {
  const replica = {
    writing: createStore(false),
    using: () => Promise.reject(new Error("one that can't be read")),
    wakeAll: () => Promise.resolve(),
  }
  const talk = new TabTalk({ replica } as never)
  const document = `c/${"A".repeat(24)}/1` as DocumentName
  for (let times = 0; times < 3; times++) {
    await expect(talk.heard({ kind: "changed", document })).rejects.toThrow("can't be read")
  }
  // What it resolves with is all that hangs on it.
  await expect(talk.reloaded).resolves.toBeUndefined()
})
