import * as encoding from "lib0/encoding"
import { expect, it } from "vitest"
import { AwarenessRoom } from "./awareness.js"

function says(...clients: readonly (readonly [client: number, clock: number, state: string])[]): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, clients.length)
    for (const [client, clock, state] of clients) {
      encoding.writeVarUint(encoder, client)
      encoding.writeVarUint(encoder, clock)
      encoding.writeVarString(encoder, state)
    }
  })
}

const nothing = new Uint8Array()

it("relays news and passes over echoes", () => {
  const room = new AwarenessRoom()
  const [alice, bob] = [{}, {}]
  expect(room.take(alice, says([1, 1, "{}"]))).toEqual(says([1, 1, "{}"]))
  expect(room.take(alice, says([1, 1, "{}"]))).toEqual(nothing)
  expect(room.take(bob, says([1, 1, "{}"], [2, 5, "{}"]))).toEqual(says([2, 5, "{}"]))
  expect(room.all()).toEqual(says([1, 1, "{}"], [2, 5, "{}"]))
})

it("nobody speaks for another", () => {
  const room = new AwarenessRoom()
  const [alice, mallory] = [{}, {}]
  room.take(alice, says([1, 1, "{}"]))
  expect(room.take(mallory, says([1, 9, "null"]))).toEqual(nothing)
  expect(room.leave(mallory)).toEqual(nothing)
  expect(room.leave(alice)).toEqual(says([1, 2, "null"]))
  expect(room.all()).toEqual(new Uint8Array())
})

it("is bounded, and refuses what is malformed", () => {
  const room = new AwarenessRoom()
  const mallory = {}
  expect(
    room.take(mallory, says(...Array.from({ length: 17 }, (_, client) => [client, 1, "{}"] as const))),
  ).toBeUndefined()
  expect(room.take(mallory, Uint8Array.of(1, 1))).toBeUndefined()
  expect(room.take(mallory, Uint8Array.of(0, 7))).toBeUndefined()
  for (let client = 0; client < 50; client++) room.take(mallory, says([client, 1, "{}"]))
  expect(room.all()[0]).toBe(16)
})
