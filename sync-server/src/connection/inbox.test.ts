import { expect, it } from "vitest"
import { Inbox } from "./inbox.js"

/** Turns that end when told, after so many messages. */
function turns(perTurn: number) {
  let room = perTurn
  let waiting: Promise<void> | undefined
  let next: () => void = () => undefined
  return {
    breathe: () => {
      if (room > 0) return undefined
      return (waiting ??= new Promise((resolve) => (next = resolve)))
    },
    took: () => room--,
    next: async () => {
      room = perTurn
      waiting = undefined
      next()
      for (let index = 0; index < 10; index++) await Promise.resolve()
    },
  }
}

function inbox(perTurn: number, later: (number: number) => Promise<void> | undefined = () => undefined) {
  const turn = turns(perTurn)
  const handled: number[] = []
  const reading: string[] = []
  const made = new Inbox({
    breathe: turn.breathe,
    handle: (bytes) => {
      turn.took()
      handled.push(bytes[0] ?? 0)
      return later(bytes[0] ?? 0)
    },
    pause: () => reading.push("pause"),
    resume: () => reading.push("resume"),
  })
  return { inbox: made, handled, reading, next: turn.next }
}

const message = (number: number): Uint8Array => Uint8Array.of(number)

it("handles at once what a turn has time for; the rest waits for the next ones, in order, and nothing is read meanwhile", async () => {
  const { inbox: box, handled, reading, next } = inbox(2)
  for (const number of [1, 2, 3, 4, 5]) box.take(message(number))
  expect(handled).toEqual([1, 2])
  expect(reading).toEqual(["pause"])
  await next()
  expect(handled).toEqual([1, 2, 3, 4])
  box.take(message(6))
  await next()
  await box.idle()
  expect(handled).toEqual([1, 2, 3, 4, 5, 6])
  await next()
  expect(reading).toEqual(["pause", "resume"])
})

it("an ended connection's messages are not handled any more", async () => {
  const { inbox: box, handled, next } = inbox(1)
  box.take(message(1))
  box.take(message(2))
  box.end()
  await next()
  await box.idle()
  expect(handled).toEqual([1])
})

it("[S14] waits for a message that takes longer; what is behind it is handled after it, and nothing is read meanwhile", async () => {
  let done: () => void = () => undefined
  const first = new Promise<void>((resolve) => (done = resolve))
  const { inbox: box, handled, reading, next } = inbox(10, (number) => (number === 1 ? first : undefined))
  for (const number of [1, 2, 3]) box.take(message(number))
  await next()
  expect(handled).toEqual([1])
  expect(reading).toEqual(["pause"])
  done()
  await box.idle()
  expect(handled).toEqual([1, 2, 3])
  await next()
  expect(reading).toEqual(["pause", "resume"])
  box.take(message(4))
  expect(handled).toEqual([1, 2, 3, 4])
})
