import { expect, it } from "vitest"
import { systemServerEnv } from "../env.js"
import type { Channel, ChannelEvents } from "./channel.js"
import { Socket } from "./socket.js"

it("[S14] what came in before the other side ended it is handed on, behind what takes longer; then the end is told", async () => {
  let events: ChannelEvents | undefined
  const channel: Channel = {
    bufferedAmount: 0,
    send: () => undefined,
    cork: () => undefined,
    uncork: () => undefined,
    listen: (own) => {
      events = own
    },
    guardBytes: () => () => undefined,
    pause: () => undefined,
    resume: () => undefined,
    ping: () => undefined,
    close: () => undefined,
    terminate: () => undefined,
  }
  const told: unknown[] = []
  let unpacked = (): void => undefined
  const first = new Promise<void>((resolve) => (unpacked = resolve))
  const socket = new Socket(channel, {
    env: systemServerEnv,
    maxUnsentBytes: 100,
    breathe: () => undefined,
    onMessage: (bytes) => {
      told.push(bytes[0])
      return bytes[0] === 1 ? first : undefined
    },
    onClosed: (code) => {
      told.push(["closed", code])
    },
  })
  for (const number of [1, 2, 3]) events?.message(Uint8Array.of(number), true)
  events?.closed()
  expect([told, socket.isOpen]).toEqual([[1], true])
  unpacked()
  await socket.taken()
  await expect.poll(() => told).toEqual([1, 2, 3, ["closed", undefined]])
  expect(socket.isOpen).toBe(false)
})
