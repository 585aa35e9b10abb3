import {
  conversationIdOf,
  deviceIdOf,
  type ConversationId,
  type Frame,
  type FrameOf,
  type UserId,
} from "@weft/sdk/protocol"
import { expect, it } from "vitest"
import { manualEnv } from "../../../test/support/manual-env.js"
import { Presence, type Watcher } from "./presence.js"

const trip = conversationIdOf(deviceIdOf(new Uint8Array(32)), new Uint8Array())

/** Two servers that are peers, and what each asked the other for. */
function peers() {
  const env = { ...manualEnv(), defer: (call: () => void) => env.setTimer(0, call) }
  const asked: { one: ConversationId[][]; other: ConversationId[][] } = { one: [], other: [] }
  const open = (): Presence =>
    new Presence({
      env,
      conversations: async () => new Map(),
      members: async () => new Set(["ann" as UserId]),
      onFrames: () => undefined,
    })
  const [one, other] = [open(), open()]
  const link = (from: "one" | "other", name: string, deliver: (frame: Frame) => void): Watcher => ({
    kind: "peer",
    name,
    pass: () => undefined,
    send: (frame) => {
      if (frame.kind === "watch") asked[from].push(frame.conversations.slice())
      deliver(frame)
    },
  })
  const take = (presence: Presence, watcher: Watcher, frame: Frame): void => {
    if (frame.kind !== "watch") return
    presence.watch(watcher, frame, new Set(frame.conversations)).catch((error: unknown) => {
      throw error
    })
  }
  const toOther: Watcher = link("one", "other", (frame) => {
    take(other, toOne, frame)
  })
  const toOne: Watcher = link("other", "one", (frame) => {
    take(one, toOther, frame)
  })
  one.join(toOther)
  other.join(toOne)
  const device: Watcher = { kind: "device", name: "ann", pass: () => undefined, send: () => undefined }
  one.join(device)
  const show = (...conversations: ConversationId[]): Promise<void> =>
    one.watch(device, { kind: "watch", conversations, visible: true, hidden: [] }, new Set(conversations))
  return { env, asked, show }
}

it("[P11] servers ask each other for what their devices show when that changes, and say nothing while it doesn't", async () => {
  const { env, asked, show } = peers()
  await show(trip)
  for (let second = 0; second < 60; second++) env.advance(1_000)
  expect(asked).toEqual({ one: [[trip]], other: [] })
  await show()
  for (let second = 0; second < 60; second++) env.advance(1_000)
  expect(asked).toEqual({ one: [[trip], []], other: [] })
})

it("[P9] who is let out while what may be shown is looked up is told nothing", async () => {
  const env = { ...manualEnv(), defer: (call: () => void) => env.setTimer(0, call) }
  const members = new Set(["ann" as UserId, "bob" as UserId])
  const presence = new Presence({
    env,
    conversations: async () => new Map([[trip, "member" as const]]),
    members: async () => new Set(members),
    onFrames: () => undefined,
  })
  const told = { ann: 0, bob: 0 }
  const join = (name: "ann" | "bob"): Watcher => {
    const watcher: Watcher = { kind: "device", name, pass: () => void told[name]++, send: () => undefined }
    presence.join(watcher)
    return watcher
  }
  const [ann, bob] = [join("ann"), join("bob")]
  const watch: FrameOf<"watch"> = { kind: "watch", conversations: [trip], visible: true, hidden: [] }
  await presence.watch(ann, watch, new Set([trip]))
  // Bob was a member when that was asked.
  const mayRead = new Set([trip])
  members.delete("bob" as UserId)
  presence.letOut(trip, ["bob" as UserId])
  await presence.watch(bob, watch, mayRead)
  told.bob = 0
  presence.typing(ann, { kind: "typing", conversation: trip, on: true })
  env.advance(1_000)
  expect(told.bob).toBe(0)
  expect(presence.typing(bob, { kind: "typing", conversation: trip, on: true })).toBe(false)
})
