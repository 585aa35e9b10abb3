import { expect, it } from "vitest"
import type { Operation } from "./operations.js"
import { play } from "./play.js"

/** Of six devices; `d3` is the only one of its user. */
const SEED = 821_751

function operation(kind: Operation["kind"], a: number, b = 0): Operation {
  return { kind, gap: 300, a, b, c: 1 }
}

it("[U10] what a device read, and lost as it was set back, is unread, whether another tab read it again or not", async () => {
  const isolated = [operation("send", 0), operation("backup", 3), operation("openTab", 3), operation("offline", 3)]
  const once = operation("markRead", 3)
  const again = operation("markRead", 3, 1)
  for (const readings of [[once], [once, again]]) {
    const played = await play(SEED, [...isolated, ...readings, operation("restore", 3)])
    expect(played.failure).toBeUndefined()
    expect(played.messages).toBe(1)
  }
})
