import { expect, it, onTestFinished } from "vitest"
import { systemEnv } from "../base/env.js"
import { SIGNAL_OFFLINE, SIGNAL_ONLINE, SIGNAL_TYPING, type Frame, type FrameOf } from "../protocol/frame.js"
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

it("[P12] who is unblocked is shown as they are by then: here, last seen, typing", () => {
  const signals = new Signals({
    env: { ...systemEnv, now: () => 0, setTimer: () => undefined },
    user: "alice" as UserId,
    membersOf: () => [],
    ask: () => undefined,
    pass: () => undefined,
  })
  const [bob, carol] = ["bob", "carol"] as [UserId, UserId]
  const nobody = new Set<UserId>()
  const shown = (): unknown => ({
    here: Object.fromEntries(signals.presenceIn(trip).get()),
    anywhere: Object.fromEntries(signals.presence.get()),
    typing: signals.typing(trip).get(),
  })
  const show = (presence: object, typing: readonly UserId[]) => ({ here: presence, anywhere: presence, typing })
  signals.presenceIn(trip).subscribe(() => undefined)
  const tell = (user: UserId, state: number, at: number): void => {
    signals.take([{ conversation: trip, user, state, at, hidden: [] }])
  }
  tell(bob, SIGNAL_ONLINE, 1)
  signals.setPrivacy(true, new Set([bob, carol]))
  expect(shown()).toEqual(show({}, []))
  tell(carol, SIGNAL_TYPING, 1)
  expect(shown()).toEqual(show({}, []))
  signals.setPrivacy(true, nobody)
  expect(shown()).toEqual(show({ bob: { kind: "online" }, carol: { kind: "online" } }, [carol]))
  signals.setPrivacy(true, new Set([bob]))
  tell(bob, SIGNAL_OFFLINE, 7)
  expect(shown()).toEqual(show({ carol: { kind: "online" } }, [carol]))
  signals.setPrivacy(true, nobody)
  expect(shown()).toEqual(show({ bob: { kind: "lastSeen", at: 7 }, carol: { kind: "online" } }, [carol]))
  // What was known is known no more without a connection, of blocked people neither.
  signals.setPrivacy(true, new Set([bob]))
  signals.disconnected()
  signals.setPrivacy(true, nobody)
  expect(shown()).toEqual(show({}, []))
})
