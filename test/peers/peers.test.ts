/* Servers that keep each other converged. [SPEC S11] */
import { rm } from "node:fs/promises"
import { encodeRecord, encodeUpdate, hashBody, readContents, recordMessage } from "@weft/sdk/protocol"
import type { RunningServer, ServerOptions } from "@weft/sync-server"
import { createServer, connect, type Socket } from "node:net"
import { expect, it, onTestFinished } from "vitest"
import { makeDevice } from "../support/device.js"
import { clockNow, RawClient, RawConnection, RawConversation, sayHello } from "../support/raw-client.js"
import { startTestServer, type TestServer } from "../support/server.js"
import { temporaryDirectory } from "../support/temporary.js"

/** A line between two servers that can be cut. */
async function startLine(to: () => number): Promise<{ url: string; cut(): void; mend(): void }> {
  const open = new Set<Socket>()
  let isCut = false
  const line = createServer((socket) => {
    if (isCut) {
      socket.destroy()
      return
    }
    const far = connect(to(), "127.0.0.1")
    for (const [one, other] of [
      [socket, far],
      [far, socket],
    ] as const) {
      open.add(one)
      one.pipe(other)
      one.on("error", () => undefined)
      one.on("close", () => {
        open.delete(one)
        other.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => line.listen(0, "127.0.0.1", resolve))
  onTestFinished(() => {
    for (const socket of open) socket.destroy()
    line.close()
  })
  const address = line.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  return {
    url: `ws://127.0.0.1:${port}/sync`,
    cut() {
      isCut = true
      for (const socket of open) socket.destroy()
    },
    mend() {
      isCut = false
    },
  }
}

async function metric(server: RunningServer, name: string): Promise<number> {
  const text = await (await fetch(`${server.url.replace("ws", "http")}/metrics`)).text()
  const line = text.split("\n").find((part) => part.startsWith(name) && !part.startsWith("#"))
  return Number(line?.split(" ").at(-1) ?? NaN)
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 15_000
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error("it did not come to pass")
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Waits until both servers say the same digest of each document, and compares what they hold. */
async function converge(clients: readonly RawClient[], conversation: RawConversation, segments: number): Promise<void> {
  const names = [conversation.made.control, ...Array.from({ length: segments }, (_, n) => conversation.segment(n + 1))]
  for (const name of names) {
    await until(async () => {
      const digests = await Promise.all(
        clients.map(async (client) => Buffer.from((await client.fetch(name)).digest).toString("hex")),
      )
      return new Set(digests).size === 1
    })
    const held = await Promise.all(clients.map(async (client) => readContents((await client.fetch(name)).updates)))
    for (const contents of held) {
      expect(contents.size).toBeGreaterThan(0)
      expect(contents).toEqual(held[0])
    }
  }
}

async function startPair(options: Partial<ServerOptions> = {}): Promise<{
  a: TestServer
  b: TestServer
  line: Awaited<ReturnType<typeof startLine>>
  startB(): Promise<TestServer>
}> {
  const a = await startTestServer(options)
  const line = await startLine(() => a.port)
  const data = await temporaryDirectory()
  const startB = (): Promise<TestServer> => startTestServer({ ...options, data, peers: [line.url] })
  const b = await startB()
  await until(async () => (await metric(b, "weft_peer_link_up")) === 1)
  return { a, b, line, startB }
}

it("[S11] what one server accepts reaches those on the other", async () => {
  const { a, b } = await startPair()
  const alice = await RawClient.connect(a.url, { user: "alice" })
  const bob = await RawClient.connect(b.url, { user: "bob" })
  expect(alice.welcome.trust.length).toBe(2)
  const trip = await RawConversation.create(alice, ["bob"])
  expect((await bob.connection.next("documents")).conversation).toBe(trip.id)
  // The creator's introduction comes after the conversation, and bob's names it.
  await converge([alice, bob], trip, 0)
  await trip.introduce(bob)
  const fromAlice = await trip.log(alice).seal(trip.message("to the other server"))
  await until(
    async () =>
      (await alice.fetch(trip.made.control)).digest.join() === (await bob.fetch(trip.made.control)).digest.join(),
  )
  expect(await alice.push(trip.segment(1), fromAlice)).toEqual([])
  await bob.connection.next("update", ({ document }) => document === trip.segment(1))
  expect(await bob.push(trip.segment(1), await trip.log(bob).seal(trip.message("and back")))).toEqual([])
  await alice.connection.next("update", ({ document }) => document === trip.segment(1))
  await converge([alice, bob], trip, 1)
  // Nothing goes back to where it came from: each server relayed what its own client wrote, once.
  expect(await metric(a, "weft_peer_rejects_total")).toBeNaN()
  expect(await metric(b, "weft_peer_rejects_total")).toBeNaN()
})

it("[S11] a partition heals, whatever was written on either side", async () => {
  const { a, b, line } = await startPair()
  const alice = await RawClient.connect(a.url, { user: "alice" })
  const bob = await RawClient.connect(b.url, { user: "bob" })
  const trip = await RawConversation.create(alice, ["bob"])
  await bob.connection.next("documents")
  // The creator's introduction comes after the conversation, and bob's names it.
  await converge([alice, bob], trip, 0)
  await trip.introduce(bob)
  await converge([alice, bob], trip, 0)
  line.cut()
  await until(async () => (await metric(b, "weft_peer_link_up")) === 0)
  const logs = [trip.log(alice), trip.log(bob)] as const
  for (let index = 0; index < 20; index++) {
    expect(await alice.push(trip.segment(1), await logs[0].seal(trip.message(`a ${index}`)))).toEqual([])
    expect(await bob.push(trip.segment(1), await logs[1].seal(trip.message(`b ${index}`)))).toEqual([])
  }
  expect(await bob.push(trip.segment(2), await trip.log(bob, 2).seal(trip.message("next segment")))).toEqual([])
  const alone = await RawConversation.create(alice, ["carol"])
  line.mend()
  await converge([alice, bob], trip, 2)
  const carol = await RawClient.connect(b.url, { user: "carol" })
  await until(async () => (await carol.fetch(alone.made.control)).updates.length > 0)
})

it("[S11] a server that lost its data folder is refilled by its peer", async () => {
  const { a, b, startB } = await startPair()
  const alice = await RawClient.connect(a.url, { user: "alice" })
  const trip = await RawConversation.create(alice, ["bob"])
  const log = trip.log(alice)
  for (let index = 0; index < 30; index++) await alice.push(trip.segment(1), await log.seal(trip.message(`${index}`)))
  const before = await RawClient.connect(b.url, { user: "bob" })
  await converge([alice, before], trip, 1)
  const { incarnation } = before.welcome
  await b.close()
  await rm(b.data, { recursive: true })
  const again = await startB()
  const bob = await RawClient.connect(again.url, { user: "bob" })
  expect(bob.welcome.incarnation).not.toEqual(incarnation)
  await converge([alice, bob], trip, 1)
})

it("[S4] servers that lost everything are refilled by a client", async () => {
  const first = await startTestServer()
  const alice = await RawClient.connect(first.url, { user: "alice" })
  const trip = await RawConversation.create(alice, ["bob"])
  const bob = await RawClient.connect(first.url, { user: "bob" })
  await trip.introduce(bob)
  const log = trip.log(bob)
  await bob.push(trip.segment(1), await log.seal(trip.message("kept by alice")))
  const held = await alice.fetch(trip.made.control)

  const second = await startTestServer()
  const healer = await RawClient.connect(second.url, { user: "alice", device: alice.device })
  healer.connection.send({
    kind: "digests",
    last: true,
    items: [{ conversation: trip.id, digest: new Uint8Array(12) }],
  })
  expect(await healer.connection.next("documents")).toMatchObject({ conversation: trip.id, items: [] })
  for (const update of held.updates)
    expect(await healer.update(trip.made.control, update)).toMatchObject({ kind: "ack" })
  expect(await healer.push(trip.segment(1), log.whole)).toEqual([])
  expect((await healer.fetch(trip.made.control)).digest).toEqual(held.digest)
})

it("[S6] with peers=1 nothing is acknowledged before the peer has it", async () => {
  const { a, b, line } = await startPair()
  const eager = await startTestServer({
    ack: { kind: "peers", count: 1 },
    limits: { peerAckMs: 700 },
    peers: [line.url],
  })
  await until(async () => (await metric(eager, "weft_peer_link_up")) === 1)
  const alice = await RawClient.connect(eager.url, { user: "alice" })
  const trip = await RawConversation.create(alice)
  const log = trip.log(alice)
  const run = await log.seal(trip.message("copied"))
  const answer = await alice.update(trip.segment(1), encodeUpdate([run]))
  expect(answer).toMatchObject({ kind: "ack", copies: 2 })
  const reader = await RawClient.connect(a.url, { user: "alice" })
  expect(readContents((await reader.fetch(trip.segment(1))).updates).get(log.client)?.elements).toEqual(run.elements)

  line.cut()
  await until(async () => (await metric(eager, "weft_peer_link_up")) === 0)
  const alone = await log.seal(trip.message("alone"))
  const forged = await trip.log(alice).seal(trip.message("with a bad seal"))
  forged.elements.at(-1)?.fill(0, -8)
  // What is refused anyway keeps its code.
  expect(await alice.push(trip.segment(1), alone, forged)).toEqual(["BAD_SEAL", "STORAGE_FAILED"])
  expect(await metric(eager, "weft_peer_ack_timeouts_total")).toBe(1)
  line.mend()
  await until(async () => (await metric(eager, "weft_peer_link_up")) === 1)
  // The same bytes again: held here already, but now the peer says that it has them too.
  expect(await alice.push(trip.segment(1), alone)).toEqual([])
  await b.close()
})

/** A server that waits for a copy on another, and one of its clients. */
async function startEager(peerAckMs: number): Promise<{ peer: TestServer; eager: TestServer; alice: RawClient }> {
  const peer = await startTestServer()
  const ack = { kind: "peers", count: 1 } as const
  const eager = await startTestServer({ ack, limits: { peerAckMs }, peers: [`${peer.url}/sync`] })
  await until(async () => (await metric(eager, "weft_peer_link_up")) === 1)
  return { peer, eager, alice: await RawClient.connect(eager.url, { user: "alice" }) }
}

it("[S6] with peers=1 what is refused waits for no peer, and has its code", async () => {
  const { eager, alice } = await startEager(600_000)
  const trip = await RawConversation.create(alice)
  const stranger = await RawConversation.prepare(await RawClient.connect(eager.url, { user: "bob" }))
  expect(await alice.push(stranger.segment(1), await stranger.log(alice).seal("unknown"))).toEqual(["FORBIDDEN"])
  const malformed = await alice.update(trip.segment(1), Uint8Array.of(1, 2, 3))
  expect(malformed).toMatchObject({ kind: "reject", items: [{ code: "MALFORMED" }] })
  const run = await trip.log(alice).seal(trip.message("with a bad seal"))
  run.elements.at(-1)?.fill(0, -8)
  expect(await alice.push(trip.segment(1), run)).toEqual(["BAD_SEAL"])
})

it("[S6] with peers=1 erase records, which are not acknowledged, are not refused", async () => {
  const { peer, eager, alice } = await startEager(200)
  const trip = await RawConversation.create(alice)
  const draft = trip.message("to be erased")
  expect(await alice.push(trip.segment(1), await trip.log(alice).seal(draft))).toEqual([])
  const { id: target, publicKey } = alice.device
  const bodyHash = hashBody(draft.body)
  const fields = { target, bodyHash, kind: "message", publicKey, clock: clockNow(), seen: trip.heads } as const
  const signature = await alice.device.sign(recordMessage(trip.segment(1), fields))
  const records = [encodeRecord({ ...fields, signature })]
  alice.connection.send({ kind: "records", id: 0, document: trip.segment(1), records })
  const reader = await RawClient.connect(peer.url, { user: "alice" })
  await until(async () => {
    await reader.fetch(trip.segment(1))
    return reader.connection.frames.some(({ kind }) => kind === "records")
  })
  // A stop waits for all answers.
  await eager.close()
  await alice.connection.closed
  expect(alice.connection.frames.filter(({ kind }) => kind === "reject")).toEqual([])
})

it("[S11] without the secret nobody is a peer", async () => {
  const a = await startTestServer({ peerToken: "correct horse" })
  const b = await startTestServer({ peerToken: "wrong", peers: [`${a.url}/sync`] })
  const c = await startTestServer({ peerToken: "correct horse", peers: [`${a.url}/sync`] })
  await until(async () => (await metric(c, "weft_peer_link_up")) === 1)
  expect(await metric(b, "weft_peer_link_up")).toBe(0)
  const posing = await RawConnection.open(a.url)
  await sayHello(posing, await makeDevice(), "", { role: 1 })
  expect(await posing.closed).toBe("AUTH_FAILED")
})

it("[S11] links in both directions don't echo, and a server knows itself", async () => {
  const a = await startTestServer()
  const lineToB = await startLine(() => b.port)
  const b: RunningServer = await startTestServer({ peers: [`${a.url}/sync`] })
  await a.close()
  const again = await startTestServer({ peers: [lineToB.url] })
  const loop = await startLine(() => again.port)
  const third = await startTestServer({ peers: [lineToB.url, loop.url] })
  await until(async () => (await metric(third, "weft_peer_link_up")) === 1)
  const alice = await RawClient.connect(again.url, { user: "alice" })
  const trip = await RawConversation.create(alice, ["bob"])
  const log = trip.log(alice)
  for (let index = 0; index < 10; index++) await alice.push(trip.segment(1), await log.seal(trip.message(`${index}`)))
  const bob = await RawClient.connect(third.url, { user: "bob" })
  await converge([alice, bob], trip, 1)
  await new Promise((resolve) => setTimeout(resolve, 300))
  for (const server of [again, b, third]) expect(await metric(server, "weft_fan_out_updates_total")).toBeLessThan(40)
})
