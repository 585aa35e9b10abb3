import { expect, it, onTestFinished } from "vitest"
import { systemEnv } from "../base/env.js"
import type { Frame, FrameOf } from "../protocol/frame.js"
import { MAX_HIDDEN } from "../protocol/limits.js"
import type { ConversationId, UserId } from "../protocol/names.js"
import { Signals } from "./signals.js"

const trip = "trip" as ConversationId

it("[P12] of more blocked people than a frame names those are named who are there; where they are too many, nobody is told", () => {
  const sent: Frame[] = []
  let members: UserId[] = []
  const signals = new Signals({
    env: systemEnv,
    user: "alice" as UserId,
    membersOf: () => members,
    ask: () => undefined,
    pass: () => undefined,
  })
  onTestFinished(() => {
    signals.close()
  })
  const people = Array.from({ length: 2 * MAX_HIDDEN }, (_, index) => `spammer ${String(index)}` as UserId)
  signals.setPrivacy(true, new Set(people))
  signals.presenceIn(trip).subscribe(() => undefined)
  const watched = (): FrameOf<"watch"> | undefined => sent.filter((frame) => frame.kind === "watch").at(-1)
  const look = (): void => {
    signals.disconnected()
    signals.connected((frame) => sent.push(frame))
  }
  members = ["bob" as UserId, people.at(-1) ?? ("" as UserId)]
  look()
  expect(watched()).toMatchObject({ visible: true, hidden: [people.at(-1)] })
  signals.setTyping(trip, true)
  expect(sent.at(-1)).toEqual({ kind: "typing", conversation: trip, on: true })
  members = people
  look()
  expect(watched()).toMatchObject({ visible: false, hidden: people.slice(0, MAX_HIDDEN) })
  signals.setTyping(trip, false)
  expect(sent.at(-1)?.kind).toBe("watch")
})
