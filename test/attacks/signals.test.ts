/* Who types and who is here: told to those who look, together, and to nobody else. [SPEC P9-P12] */
import type { ConversationId, FrameOf, UserId } from "@weft/sdk/protocol"
import { expect, it } from "vitest"
import { RawClient, RawConversation } from "../support/raw-client.js"
import { startTestServer } from "../support/server.js"
import { openArena } from "./arena.js"

const OFFLINE = 0
const ONLINE = 1
const TYPING = 2
const STOPPED = 3

interface Looks {
  readonly visible?: boolean
  readonly hidden?: readonly string[]
}

function look(
  client: RawClient,
  conversations: readonly ConversationId[],
  { visible = true, hidden = [] }: Looks = {},
): void {
  client.connection.send({ kind: "watch", conversations, visible, hidden: hidden as readonly UserId[] })
}

function types(client: RawClient, conversation: ConversationId, on = true): void {
  client.connection.send({ kind: "typing", conversation, on })
}

function says(user: string, state: number): (frame: FrameOf<"signals">) => boolean {
  return ({ items }) => items.some((item) => item.user === user && item.state === state)
}

/** What a client was told so far, as `user state`. */
function told(client: RawClient): string[] {
  return client.connection.frames.flatMap((frame) =>
    frame.kind === "signals" ? frame.items.map(({ user, state }) => `${user} ${state}`) : [],
  )
}

async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url.replace("ws", "http")}/metrics`)).text()
  const line = text.split("\n").find((part) => part.startsWith(name) && !part.startsWith("#"))
  return Number(line?.split(" ").at(-1) ?? 0)
}

/** Both directions work: alice types, and bob is told. */
async function honest({ alice, bob, trip }: Awaited<ReturnType<typeof openArena>>): Promise<void> {
  look(alice, [trip.id])
  look(bob, [trip.id])
  types(alice, trip.id)
  await bob.connection.next("signals", says("alice", TYPING))
}

it("[P9, P10] typing is told to those who look, and not to who types", async () => {
  const arena = await openArena()
  const { alice, bob, mallory, trip } = arena
  await honest(arena)
  types(alice, trip.id, false)
  await bob.connection.next("signals", says("alice", STOPPED))
  expect(told(alice).filter((text) => text.startsWith("alice"))).toEqual([])
  expect(told(mallory)).toEqual([])
})

it("[P9] who comes is told, who goes too, and when; who looks later learns of both", async () => {
  const { server, alice, bob, mallory, trip } = await openArena()
  look(alice, [trip.id])
  look(bob, [])
  await alice.connection.next("signals", says("bob", ONLINE))
  bob.connection.end()
  const gone = await alice.connection.next("signals", says("bob", OFFLINE))
  expect(gone.items[0]?.at).toBeGreaterThan(Date.now() - 60_000)
  look(mallory, [trip.id], { visible: false })
  const { items } = await mallory.connection.next("signals")
  expect(items.map(({ user, state }) => [user, state])).toEqual([
    ["alice", ONLINE],
    ["bob", OFFLINE],
  ])
  // Two devices of a user: only the last to go counts.
  const one = await RawClient.connect(server.url, { user: "bob" })
  const two = await RawClient.connect(server.url, { user: "bob" })
  look(one, [])
  await alice.connection.next("signals", says("bob", ONLINE))
  look(two, [trip.id])
  await two.connection.next("signals", says("alice", ONLINE))
  const before = told(alice).length
  one.connection.end()
  types(two, trip.id)
  await alice.connection.next("signals", says("bob", TYPING))
  expect(told(alice).slice(before)).toEqual(["bob 2"])
})

it("[P12] who keeps presence private is not seen, nor when they were last here; some are hidden from", async () => {
  const { server, alice, bob, mallory, trip } = await openArena()
  await trip.govern(alice, { kind: "add", user: "dave" as UserId, role: "member" })
  look(bob, [trip.id], { visible: false })
  look(mallory, [trip.id])
  look(alice, [trip.id], { hidden: ["mallory"] })
  await bob.connection.next("signals", says("alice", ONLINE))
  types(alice, trip.id)
  await bob.connection.next("signals", says("alice", TYPING))
  // Told in the same tick, had it been told: the next thing that mallory hears is bob's.
  types(bob, trip.id)
  await mallory.connection.next("signals", says("bob", TYPING))
  bob.connection.end()
  alice.connection.end()
  // Who looks afterwards is told of neither.
  const later = await RawClient.connect(server.url, { user: "mallory", device: mallory.device })
  const dave = await RawClient.connect(server.url, { user: "dave" })
  await trip.introduce(dave)
  look(later, [trip.id], { visible: false })
  look(dave, [trip.id])
  await later.connection.next("signals", says("dave", ONLINE))
  expect(told(later)).toEqual(["dave 1"])
  expect(told(mallory)).not.toContain("alice 2")
  expect(told(mallory)).not.toContain("alice 0")
})

it("[P9] who may not read is told nothing, may not type, and stops being told when removed", async () => {
  const arena = await openArena()
  const { server, alice, bob, mallory, trip } = arena
  const eve = await RawClient.connect(server.url, { user: "eve" })
  look(eve, [trip.id])
  types(eve, trip.id)
  expect(await eve.connection.next("declined")).toMatchObject({ code: "FORBIDDEN" })
  look(mallory, [trip.id])
  await honest(arena)
  await mallory.connection.next("signals", says("alice", TYPING))
  await trip.govern(alice, { kind: "remove", user: mallory.certificate.user, cut: new Map() })
  // Its removal reaches everybody before what is typed behind it.
  await bob.connection.next("update", ({ document }) => document === trip.made.control)
  const before = told(mallory).length
  types(mallory, trip.id)
  expect(await mallory.connection.next("declined")).toMatchObject({ code: "FORBIDDEN" })
  await honest(arena)
  expect(told(mallory).slice(before)).toEqual([])
  expect(told(eve)).toEqual([])
  expect(told(bob).filter((text) => text.startsWith("mallory 2"))).toEqual([])
})

it("[P10] a flood of signals is dropped and counted, and nobody else is limited", async () => {
  const arena = await openArena()
  const { server, mallory, trip } = arena
  look(mallory, [trip.id])
  for (let index = 0; index < 500; index++) types(mallory, trip.id, index % 2 === 0)
  const declined = await mallory.connection.next("declined")
  expect(declined.code).toBe("RATE_LIMITED")
  await honest(arena)
  // One answer, not one for each.
  expect(mallory.connection.frames.filter(({ kind }) => kind === "declined")).toHaveLength(1)
  expect(await metric(server.url, 'weft_signal_refusals_total{code="RATE_LIMITED"}')).toBeGreaterThan(400)
})

it("[P9] too many conversations at once end the connection", async () => {
  const arena = await openArena()
  const names = Array.from({ length: 65 }, (_, n) => String(n).padStart(24, "A") as ConversationId)
  look(arena.mallory, names)
  expect(await arena.mallory.connection.closed).toBe("BAD_FRAME")
  await honest(arena)
})

it("[P10] fifty people who all type at once cost one frame for each, not one for each pair", async () => {
  const count = 50
  const server = await startTestServer()
  const names = Array.from({ length: count }, (_, n) => `user${n}`)
  const [first, ...others] = await Promise.all(names.map((user) => RawClient.connect(server.url, { user })))
  const room = await RawConversation.create(first!, names.slice(1))
  const all = [first!, ...others]
  for (const client of all) look(client, [room.id])
  for (const client of all) {
    const heard = new Set<string>()
    // Everybody is told of everybody else.
    while (heard.size < count - 1) {
      const { items } = await client.connection.next("signals")
      for (const { user } of items) heard.add(user)
    }
    expect(heard.has(client.user)).toBe(false)
  }
  const before = await metric(server.url, "weft_signal_frames_total")
  for (const client of all) types(client, room.id)
  await Promise.all(
    all.map((client) => client.connection.next("signals", ({ items }) => items.some(({ state }) => state === TYPING))),
  )
  const frames = (await metric(server.url, "weft_signal_frames_total")) - before
  console.log(`a room of ${count}, all typing at once: ${frames} frames of signals, ${count * (count - 1)} pairs`)
  // One tick takes them all on an idle machine; on a busy one they may come in over several.
  expect(frames).toBeLessThan((count * (count - 1)) / 10)
})
