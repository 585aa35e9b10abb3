import { expect, it } from "vitest"
import { manualEnv } from "../../../test/support/manual-env.js"
import { systemServerEnv } from "../env.js"
import type { Channel, ChannelEvents } from "./channel.js"
import { Socket } from "./socket.js"

/** What of a channel nobody looks at here. */
const still = {
  cork: () => undefined,
  uncork: () => undefined,
  guardBytes: () => () => undefined,
  pause: () => undefined,
  resume: () => undefined,
  ping: () => undefined,
  terminate: () => undefined,
}

it("[S14] what came in before the other side ended it is handed on, behind what takes longer; then the end is told", async () => {
  let events: ChannelEvents | undefined
  const channel: Channel = {
    ...still,
    bufferedAmount: 0,
    send: () => undefined,
    listen: (own) => {
      events = own
    },
    close: () => undefined,
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

/** A socket on a network that takes what it is told to take; its time stands still until told. */
function open() {
  let events: ChannelEvents | undefined
  const unsent: { readonly bytes: number; readonly sent: () => void }[] = []
  const closed: string[] = []
  const channel: Channel = {
    ...still,
    get bufferedAmount() {
      return unsent.reduce((sum, { bytes }) => sum + bytes, 0)
    },
    send: ({ length }, sent) => void unsent.push({ bytes: length, sent }),
    listen: (own) => {
      events = own
    },
    close: (_code, reason) => void closed.push(reason),
  }
  const env = { ...manualEnv(0), defer: (call: () => void) => void call() }
  const socket = new Socket(channel, {
    env,
    maxUnsentBytes: 100,
    breathe: () => undefined,
    onMessage: () => undefined,
    onClosed: () => undefined,
  })
  const speak = (): void => events?.message(Uint8Array.of(1), true)
  return { socket, env, closed, speak, takeOne: () => unsent.shift()?.sent() }
}

it("[S10] silence is counted while a socket is read, and anew from when it is read again", () => {
  const { socket, env, speak } = open()
  env.advance(10)
  speak()
  env.advance(10)
  expect(socket.heardAt).toBe(10)
  socket.pause()
  env.advance(10)
  expect(socket.heardAt).toBe(30)
  env.advance(10)
  socket.resume()
  env.advance(10)
  expect(socket.heardAt).toBe(40)
})

it("[S10] whoever is not read gives a sign of life by taking what is sent, and owes one while something is left", () => {
  const { socket, env, takeOne } = open()
  socket.pause()
  socket.outbox.send(new Uint8Array(10))
  socket.outbox.send(new Uint8Array(10))
  env.advance(10)
  expect(socket.heardAt).toBe(0)
  takeOne()
  env.advance(10)
  expect(socket.heardAt).toBe(10)
  takeOne()
  expect(socket.heardAt).toBe(20)
})

it("[S10] a silent connection ends with AUTH_TIMEOUT, one that is not read and takes nothing with SLOW_READER", () => {
  const [silent, slow] = [open(), open()]
  silent.socket.expire("silent")
  slow.socket.pause()
  slow.socket.outbox.send(new Uint8Array(10))
  slow.socket.expire("silent")
  expect([silent.closed, slow.closed]).toEqual([["AUTH_TIMEOUT"], ["SLOW_READER"]])
})
