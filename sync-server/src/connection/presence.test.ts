import { conversationIdOf, deviceIdOf, type ConversationId, type Frame, type UserId } from "@weft/sdk/protocol"
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
      members: async () => new Set<UserId>(),
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
