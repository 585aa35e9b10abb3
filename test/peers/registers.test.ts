/* Registers and signals between servers, in both directions. [SPEC P6, P11] */
import type { RunningServer } from "@weft/sync-server"
import { expect, it } from "vitest"
import { RawClient, RawConversation } from "../support/raw-client.js"
import { fetchRegisters, makeRegister, sendRegisters } from "../support/registers.js"
import { startTestServer } from "../support/server.js"
import { temporaryDirectory } from "../support/temporary.js"
import { eventually } from "../support/until.js"

const OFFLINE = 0
const ONLINE = 1
const TYPING = 2

async function isLinked({ url }: RunningServer): Promise<boolean> {
  const metrics = await (await fetch(`${url.replace("ws", "http")}/metrics`)).text()
  return /^weft_peer_link_up\{.*\} 1$/m.test(metrics)
}

/** The clients' conversation is on both servers: bob, who is on the second, was let in. */
async function room(first: RunningServer, second: RunningServer) {
  // The first one knows the second's key by then: a conversation trusts those that its creator was told of.
  await eventually(() => isLinked(second))
  const alice = await RawClient.connect(first.url, { user: "alice" })
  const bob = await RawClient.connect(second.url, { user: "bob" })
  const trip = await RawConversation.create(alice, ["bob"])
  await bob.connection.next("documents", ({ conversation }) => conversation === trip.id)
  // The creator's introduction comes after the conversation, and bob's names it.
  const control = async (of: RawClient): Promise<Uint8Array> => (await of.fetch(trip.made.control)).digest
  await eventually(async () => Buffer.compare(await control(alice), await control(bob)) === 0)
  await trip.introduce({ ...bob, push: bob.push.bind(bob), certificate: bob.certificate } as RawClient)
  await alice.connection.next("update", ({ document }) => document === trip.made.control)
  return { alice, bob, trip }
}

function has(items: readonly Uint8Array[], bytes: Uint8Array): boolean {
  return items.some((item) => Buffer.compare(item, bytes) === 0)
}

it("[P6] a register goes on to the other server's members, whichever side it came in on", async () => {
  const first = await startTestServer()
  const second = await startTestServer({ peers: [`${first.url}/sync`] })
  const { alice, bob, trip } = await room(first, second)
  const alices = await makeRegister(alice.device, trip.id)
  sendRegisters(alice, trip.id, alices.bytes)
  await bob.connection.next("registers", ({ items }) => has(items, alices.bytes))
  const bobs = await makeRegister(bob.device, trip.id)
  sendRegisters(bob, trip.id, bobs.bytes)
  await alice.connection.next("registers", ({ items }) => has(items, bobs.bytes))
  // Nobody gets back what they brought.
  const brought = (of: RawClient, bytes: Uint8Array): boolean =>
    of.connection.frames.some((frame) => frame.kind === "registers" && has(frame.items, bytes))
  expect([brought(alice, alices.bytes), brought(bob, bobs.bytes)]).toEqual([false, false])
})

it("[P5, P6] what came while the link was down is found by digest, in both directions", async () => {
  const [firstData, secondData] = [await temporaryDirectory(), await temporaryDirectory()]
  const first = await startTestServer({ data: firstData })
  const second = await startTestServer({ data: secondData, peers: [`${first.url}/sync`] })
  const { alice, bob, trip } = await room(first, second)
  await second.close()
  const alices = await makeRegister(alice.device, trip.id)
  sendRegisters(alice, trip.id, alices.bytes)
  expect(await fetchRegisters(alice, trip.id)).toHaveLength(1)
  // The second one alone: what it takes now the first does not know.
  const alone = await startTestServer({ data: secondData })
  const bobAlone = await RawClient.connect(alone.url, { user: "bob", device: bob.device })
  const bobs = await makeRegister(bob.device, trip.id)
  sendRegisters(bobAlone, trip.id, bobs.bytes)
  expect(await fetchRegisters(bobAlone, trip.id)).toHaveLength(1)
  await alone.close()
  const again = await startTestServer({ data: secondData, peers: [`${first.url}/sync`] })
  const bobAgain = await RawClient.connect(again.url, { user: "bob", device: bob.device })
  await alice.connection.next("registers", ({ items }) => has(items, bobs.bytes))
  // The second one held its own before; that of the other side came over the link.
  for (let held = 0; held < 2;) held = (await fetchRegisters(bobAgain, trip.id)).length
  expect(has(await fetchRegisters(bobAgain, trip.id), alices.bytes)).toBe(true)
})

it("[P9, P11] who comes, types and goes on one server is told on the other, and nobody is told of themselves", async () => {
  const first = await startTestServer()
  const second = await startTestServer({ peers: [`${first.url}/sync`] })
  const { alice, bob, trip } = await room(first, second)
  const look = (client: RawClient, hidden: readonly string[] = []): void => {
    client.connection.send({ kind: "watch", conversations: [trip.id], visible: true, hidden: hidden as never })
  }
  look(alice)
  look(bob)
  const says = (user: string, state: number) => (frame: { items: readonly { user: string; state: number }[] }) =>
    frame.items.some((item) => item.user === user && item.state === state)
  await alice.connection.next("signals", says("bob", ONLINE))
  await bob.connection.next("signals", says("alice", ONLINE))
  bob.connection.send({ kind: "typing", conversation: trip.id, on: true })
  await alice.connection.next("signals", says("bob", TYPING))
  alice.connection.send({ kind: "typing", conversation: trip.id, on: true })
  await bob.connection.next("signals", says("alice", TYPING))
  // Somebody who looks later learns what the other server said before.
  const later = await RawClient.connect(first.url, { user: "alice" })
  look(later)
  await later.connection.next("signals", says("bob", ONLINE))
  bob.connection.end()
  const gone = await alice.connection.next("signals", says("bob", OFFLINE))
  expect(gone.items.find(({ user }) => user === "bob")?.at).toBeGreaterThan(1)
  for (const client of [alice, later, bob]) {
    const own = client.connection.frames.some(
      (frame) => frame.kind === "signals" && frame.items.some(({ user }) => user === client.user),
    )
    expect(own).toBe(false)
  }
  // Users from whom somebody hides are never named to devices.
  expect(
    alice.connection.frames.every(
      (frame) => frame.kind !== "signals" || frame.items.every(({ hidden }) => hidden.length === 0),
    ),
  ).toBe(true)
})

it("[P11, P12] hiding holds across servers, and a lost server takes its people along", async () => {
  const first = await startTestServer()
  const second = await startTestServer({ peers: [`${first.url}/sync`] })
  const { alice, bob, trip } = await room(first, second)
  await trip.govern(alice, { kind: "add", user: "carol" as never, role: "member" })
  await bob.connection.next("update", ({ document }) => document === trip.made.control)
  const carol = await RawClient.connect(first.url, { user: "carol" })
  const show = (client: RawClient, hidden: readonly string[] = []): void => {
    client.connection.send({ kind: "watch", conversations: [trip.id], visible: true, hidden: hidden as never })
  }
  show(alice)
  show(carol)
  show(bob, ["carol"])
  await alice.connection.next("signals", ({ items }) =>
    items.some(({ user, state }) => user === "bob" && state === ONLINE),
  )
  bob.connection.send({ kind: "typing", conversation: trip.id, on: true })
  await alice.connection.next("signals", ({ items }) =>
    items.some(({ user, state }) => user === "bob" && state === TYPING),
  )
  await second.close()
  await alice.connection.next("signals", ({ items }) =>
    items.some(({ user, state }) => user === "bob" && state === OFFLINE),
  )
  alice.connection.send({ kind: "typing", conversation: trip.id, on: true })
  await carol.connection.next("signals", ({ items }) =>
    items.some(({ user, state }) => user === "alice" && state === TYPING),
  )
  const ofBob = carol.connection.frames.flatMap((frame) =>
    frame.kind === "signals" ? frame.items.filter(({ user }) => user === "bob") : [],
  )
  expect(ofBob).toEqual([])
})
