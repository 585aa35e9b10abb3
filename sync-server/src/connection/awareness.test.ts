import type { UserId } from "@weft/sdk/protocol"
import * as encoding from "lib0/encoding"
import { expect, it } from "vitest"
import { AwarenessRoom } from "./awareness.js"

type Client = readonly [client: number, clock: number, state: string]

function says(...clients: readonly Client[]): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, clients.length)
    for (const [client, clock, state] of clients) {
      encoding.writeVarUint(encoder, client)
      encoding.writeVarUint(encoder, clock)
      encoding.writeVarString(encoder, state)
    }
  })
}

const connection = (user: string): { user: UserId } => ({ user: user as UserId })
const text = (length: number): string => JSON.stringify("x".repeat(length))
const all = (room: AwarenessRoom): Uint8Array[] => Array.from(room.all())
const nothing: Uint8Array[] = []

/** What the others are told of a message at once; undefined where it is malformed. */
function told(room: AwarenessRoom, owner: { user: UserId }, bytes: Uint8Array): Uint8Array[] | undefined {
  return room.take(owner, bytes) ? room.news(owner) : undefined
}

it("relays news and passes over echoes", () => {
  const room = new AwarenessRoom(1_000)
  const [alice, bob] = [connection("alice"), connection("bob")]
  expect(told(room, alice, says([1, 1, "{}"]))).toEqual([says([1, 1, "{}"])])
  expect(told(room, alice, says([1, 1, "{}"]))).toEqual(nothing)
  expect(told(room, bob, says([1, 1, "{}"], [2, 5, "{}"]))).toEqual([says([2, 5, "{}"])])
  expect(all(room)).toEqual([says([1, 1, "{}"], [2, 5, "{}"])])
})

it("nobody speaks for another", () => {
  const room = new AwarenessRoom(1_000)
  const [alice, mallory] = [connection("alice"), connection("mallory")]
  room.take(alice, says([1, 1, "{}"]))
  expect(told(room, mallory, says([1, 9, "null"]))).toEqual(nothing)
  expect(room.leave(mallory)).toEqual(nothing)
  expect(room.leave(alice)).toEqual([says([1, 2, "null"])])
  expect(all(room)).toEqual([])
})

it("[S12] a connection speaks for some clients, and what is malformed is refused", () => {
  const room = new AwarenessRoom(1_000)
  const mallory = connection("mallory")
  expect(told(room, mallory, Uint8Array.of(1, 1))).toBeUndefined()
  expect(told(room, mallory, Uint8Array.of(0, 7))).toBeUndefined()
  expect(told(room, mallory, says([1, 1, text(1_000)]))).toBeUndefined()
  for (let client = 0; client < 50; client++) room.take(mallory, says([client, 1, "{}"]))
  expect(all(room).map(([count]) => count)).toEqual([16])
})

it("[S12] what a user's connections say of themselves is bounded in sum, in however many messages it comes", () => {
  const room = new AwarenessRoom(1_000)
  const [one, two] = [connection("mallory"), connection("mallory")]
  expect(told(room, one, says([1, 1, text(400)]))).toEqual([says([1, 1, text(400)])])
  expect(told(room, two, says([2, 1, text(400)], [3, 1, text(400)]))).toEqual([says([2, 1, text(400)])])
  expect(told(room, one, says([1, 2, text(900)]))).toEqual(nothing)
  // Another user has a part as large, and what goes makes room.
  expect(told(room, connection("alice"), says([4, 1, text(900)]))).toEqual([says([4, 1, text(900)])])
  expect(told(room, two, says([2, 2, "null"], [3, 1, text(400)]))).toEqual([says([2, 2, "null"], [3, 1, text(400)])])
  room.leave(two)
  expect(told(room, one, says([1, 2, text(900)]))).toEqual([says([1, 2, text(900)])])
})

it("[S12] everybody is told of in parts, and the echo of each is passed over", () => {
  const room = new AwarenessRoom(1_000)
  const many = Array.from({ length: 40 }, (_, client) => [client, 1, client < 30 ? "{}" : text(400)] as const)
  for (const client of many) room.take(connection(`user${client[0]}`), says(client))
  const parts = all(room)
  expect(parts.length).toBe(5)
  expect(parts[0]).toEqual(says(...many.slice(0, 32)))
  const joining = connection("alice")
  for (const part of parts) expect(told(room, joining, part)).toEqual(nothing)
})

it("[S12] an echo is as long as what was relayed: JSON is relayed as it is written anew", () => {
  const room = new AwarenessRoom(1_000)
  expect(told(room, connection("alice"), says([1, 1, '{ "at" : 1e20 }']))).toEqual([
    says([1, 1, '{"at":100000000000000000000}']),
  ])
  const long = `[${"1e20,".repeat(100)}0]`
  expect(told(room, connection("mallory"), says([2, 1, long]))).toEqual(nothing)
  expect(told(room, connection("mallory"), says([3, 1, " null"]))).toEqual([says([3, 1, "null"])])
})

it.each([
  ["no JSON", "{"],
  ["nothing", ""],
  ["so deep that comparing it runs out of stack", "[".repeat(30_000) + "]".repeat(30_000)],
])("[S12] a state that makes stock clients throw is refused: %s", (_what, state) => {
  const room = new AwarenessRoom(100_000)
  expect(told(room, connection("mallory"), says([1, 1, "{}"], [2, 1, state]))).toBeUndefined()
  expect(all(room)).toEqual([])
})

it("[S12] no clock is relayed that a client could not count on from", () => {
  const room = new AwarenessRoom(1_000)
  const mallory = connection("mallory")
  expect(told(room, mallory, says([1, Number.MAX_SAFE_INTEGER, "{}"], [2, 1, "{}"]))).toEqual([says([2, 1, "{}"])])
  expect(room.leave(mallory)).toEqual([says([2, 2, "null"])])
})

it("[S12] of what was not told yet the latest is, once, and who is gone before that is told to be", () => {
  const room = new AwarenessRoom(1_000)
  const alice = connection("alice")
  room.take(alice, says([1, 1, '"a"'], [2, 1, '"x"']))
  room.take(alice, says([1, 2, '"b"']))
  room.take(alice, says([1, 3, '"c"'], [2, 2, "null"]))
  expect(all(room)).toEqual([says([1, 3, '"c"'])])
  expect(room.news(alice)).toEqual([says([1, 3, '"c"'], [2, 2, "null"])])
  expect([room.hasNews(alice), room.news(alice)]).toEqual([false, []])
  room.take(alice, says([1, 4, '"d"'], [3, 1, '"y"']))
  room.take(alice, says([3, 2, "null"]))
  expect(room.leave(alice)).toEqual([says([1, 5, "null"], [3, 2, "null"])])
  expect([room.hasNews(alice), all(room)]).toEqual([false, []])
})

it("[S12] what waits to be told is bounded, also of clients that come and go, and is told in parts that may come back", () => {
  const room = new AwarenessRoom(500)
  const mallory = connection("mallory")
  for (let client = 0; client < 1_000; client++) {
    room.take(mallory, says([2 ** 40 + client, 1, text(400)]))
    room.take(mallory, says([2 ** 40 + client, 2, "null"]))
  }
  const parts = room.news(mallory)
  expect(parts.reduce((sum, [count]) => sum + (count ?? 0), 0)).toBe(64)
  for (const part of parts) {
    expect(part.length).toBeLessThanOrEqual(500)
    expect(told(room, connection("alice"), part)).toBeDefined()
  }
  // What was told makes room.
  expect(told(room, mallory, says([1, 1, "{}"]))).toEqual([says([1, 1, "{}"])])
})
