/* What a client's connection does for its user. [SPEC R, S8, W4] */
import { exportSPKI, generateKeyPair, SignJWT } from "jose"
import { expect, it, onTestFinished } from "vitest"
import { WebSocket } from "ws"
import { createMemoryStorage } from "@weft/sdk/node"
import { decodeFrame, systemEnv, WeftError } from "@weft/sdk/protocol"
import { createStore } from "../../sdk/src/base/store.ts"
import { settingKey } from "../../sdk/src/log/keys.ts"
import { prefixRange } from "../../sdk/src/storage/storage.ts"
import type { Transport } from "../../sdk/src/transport/transport.ts"
import { webSocketTransport } from "../../sdk/src/transport/websocket.ts"
import { openClient } from "../support/client.ts"
import { conversationOf, until } from "../support/until.ts"
import { quickEnv } from "../support/quick-env.ts"
import { startTestServer } from "../support/server.ts"
import { TestProfile } from "../support/tabs.ts"

it("[S9] goes on with the next server when the first is gone", async () => {
  const second = await startTestServer()
  const first = await startTestServer({ peers: [`${second.url}/sync`] })
  const alice = await openClient("alice", { servers: [first.url, second.url] })
  const trip = await alice.createConversation({ title: "Trip" })
  await trip.send("by the first").reached("sent")
  await first.close()
  await trip.send("by the second").reached("sent")
  await alice.synced()
  expect(alice.status.get().connection).toMatchObject({ kind: "online", server: `${second.url}/sync` })
  const reader = await openClient("alice", { servers: [second.url] })
  const read = await conversationOf(reader, trip.id)
  await until(read.messages, ({ items }) => items.length === 2)
  expect(read.messages.get().items.map(({ text }) => text)).toEqual(["by the first", "by the second"])
})

it("writes without servers, and sends everything once one is added", async () => {
  const server = await startTestServer()
  const alice = await openClient("alice")
  const trip = await alice.createConversation({ title: "Trip" })
  const message = trip.send("kept here")
  await message.reached("saved")
  expect(alice.status.get()).toMatchObject({ connection: { kind: "local" }, pending: [] })
  alice.addServer(server.url)
  await message.reached("sent")
  await alice.synced()
  expect(alice.status.get().connection).toMatchObject({ kind: "online", synced: true })
})

it("[S3, A5] what a server says while a slow disk is asked what one said before counts: the device is introduced", async () => {
  const server = await startTestServer()
  let open = (): void => undefined
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  const asked = createStore(0)
  const profile = new TestProfile("alice", createMemoryStorage(), [])
  const { client, lead } = await profile.open((storage) => ({
    ...storage,
    get: async (key) => {
      const found = await storage.get(key)
      if (key !== settingKey("certificate")) return found
      asked.set(asked.get() + 1)
      // At the start, and as the tab becomes the writer.
      if (asked.get() === 2) await gate
      return found
    },
  }))
  onTestFinished(() => client.close())
  await lead()
  await until(asked, (times) => times === 2)
  client.addServer(server.url)
  await until(client.status, ({ connection }) => connection.kind === "online" && connection.synced)
  open()
  const trip = await client.createConversation({ title: "Trip" })
  await trip.send("hello").reached("sent")
})

it("[S8] renews its token in band: the connection outlives the first one", async () => {
  const { publicKey, privateKey } = await generateKeyPair("EdDSA", { extractable: true })
  const [issuer, audience, pem] = ["https://issuer.example", "weft", await exportSPKI(publicKey)]
  const server = await startTestServer({ auth: { kind: "jwt", keys: { kind: "pem", pem }, issuer, audience } })
  const ends: number[] = []
  const token = async (): Promise<string> => {
    const end = Math.floor(Date.now() / 1000) + (ends.length === 0 ? 4 : 600)
    ends.push(end)
    const claims = new SignJWT({}).setProtectedHeader({ alg: "EdDSA" }).setSubject("alice")
    return claims.setIssuer(issuer).setAudience(audience).setExpirationTime(end).sign(privateKey)
  }
  const alice = await openClient("alice", { servers: [server.url], token })
  await until(alice.status, ({ connection }) => connection.kind === "online")
  const kinds = new Set<string>()
  alice.status.subscribe(({ connection }) => kinds.add(connection.kind))
  // The server ends a connection with its token: being heard after that time is the proof.
  const trip = await alice.createConversation({ title: "Trip" })
  await new Promise((resolve) => systemEnv.setTimer((ends[0] ?? 0) * 1000 + 200 - Date.now(), () => resolve(undefined)))
  await trip.send("still here").reached("sent")
  expect(kinds).toEqual(new Set(["online"]))
  expect(ends.length).toBe(2)
})

it("[S9] says why it is refused for good, and stays usable", async () => {
  const { publicKey } = await generateKeyPair("EdDSA", { extractable: true })
  const [issuer, audience, pem] = ["https://issuer.example", "weft", await exportSPKI(publicKey)]
  const server = await startTestServer({ auth: { kind: "jwt", keys: { kind: "pem", pem }, issuer, audience } })
  const alice = await openClient("alice", { servers: [server.url], token: () => "no token at all" })
  const { connection } = await until(alice.status, (status) => status.connection.kind === "refused")
  expect(connection).toEqual({ kind: "refused", server: `${server.url}/sync`, code: "AUTH_FAILED" })
  const trip = await alice.createConversation({ title: "Trip" })
  await trip.send("offline").reached("saved")
  expect(alice.status.get().pending).toMatchObject([{ messages: 1, reason: "connection" }])
})

it("[S3] a token of another user is refused, and nothing is written under it", async () => {
  const server = await startTestServer()
  let name = "mallory"
  const alice = await openClient("alice", { servers: [server.url], token: () => name })
  const trip = await alice.createConversation({ title: "Trip" })
  const message = trip.send("mine")
  const { connection } = await until(alice.status, (status) => status.connection.kind === "refused")
  expect(connection).toEqual({ kind: "refused", server: `${server.url}/sync`, code: "AUTH_FAILED" })
  await message.reached("saved")
  expect(message.status).toBe("saved")
  name = "alice"
  alice.goOffline()
  alice.goOnline()
  await message.reached("sent")
})

it.each(["challenge", "welcome"] as const)("[S3] a server that says %s twice is left", async (kind) => {
  const server = await startTestServer()
  const sockets = webSocketTransport(WebSocket)
  let said = 0
  let isLeft = (): void => undefined
  const left = new Promise<void>((resolve) => (isLeft = resolve))
  const transport: Transport = {
    connect: (url, events) => {
      const own = sockets.connect(url, {
        ...events,
        message: (bytes) => {
          events.message(bytes)
          if (decodeFrame(bytes)?.kind === kind && ++said === 1) events.message(bytes)
        },
      })
      const isFirst = said === 0
      return {
        ...own,
        get unsentBytes() {
          return own.unsentBytes
        },
        close: (code) => {
          own.close(code)
          if (isFirst) isLeft()
        },
      }
    },
  }
  const profile = new TestProfile("alice", createMemoryStorage(), [server.url])
  const { client: alice, lead } = await profile.open(undefined, { transport })
  onTestFinished(() => alice.close())
  await lead()
  await left
  // Its next connection is as good as any.
  const trip = await alice.createConversation({ title: "Trip" })
  await trip.send("once").reached("sent")
  await alice.synced()
})

it("[W4, E3] a clock that is hours ahead is set right before anything is sealed, and the message arrives", async () => {
  const server = await startTestServer()
  const ahead = 3 * 60 * 60 * 1000
  const alice = await openClient("alice", { env: { ...quickEnv, now: () => Date.now() + ahead } })
  const trip = await alice.createConversation({ title: "Trip", members: ["bob"] })
  const message = trip.send("from the future")
  await message.reached("saved")
  expect(trip.messages.get().items[0]?.sentAt).toBeGreaterThan(Date.now() + ahead / 2)
  alice.addServer(server.url)
  await message.reached("sent")
  const bob = await openClient("bob", { servers: [server.url] })
  const received = await conversationOf(bob, trip.id)
  await until(received.messages, ({ items }) => items.length === 1)
  expect(received.messages.get().items[0]?.sentAt).toBeLessThan(Date.now() + 60_000)
})

it.each([
  ["ten years ahead", 10 * 365 * 86_400_000],
  ["ten minutes back", -600_000],
])(
  "[R2, W4] a clock that jumps %s under a live connection is set right, and what is written then arrives",
  async (_, jump) => {
    const server = await startTestServer()
    let off = 0
    const alice = await openClient("alice", {
      servers: [server.url],
      env: { ...quickEnv, now: () => Date.now() + off },
    })
    const bob = await openClient("bob", { servers: [server.url] })
    const trip = await alice.createConversation({ title: "Trip", members: ["bob"] })
    const before = trip.send("before")
    await before.reached("sent")
    const received = await conversationOf(bob, trip.id)
    off = jump
    await trip.setTitle("Journey")
    await trip.erase(before.id)
    await trip.send("after").reached("sent")
    off *= 2
    const other = await alice.createConversation({ title: "Other" })
    await other.send("and there").reached("sent")
    await received.send("seen").reached("sent")
    await until(received.messages, ({ items }) => items.length === 3)
    await until(trip.messages, ({ items }) => items.length === 3)
    await until(received.info, ({ title }) => title === "Journey")
    await until(received.messages, ({ items }) => items.some(({ id, form }) => id === before.id && form === "erased"))
    for (const { sentAt } of received.messages.get().items) expect(sentAt).toBeLessThan(Date.now() + 180_000)
    await until(alice.status, ({ pending }) => pending.length === 0)
  },
)

it("[R1, I3, I7] what a removed member wrote offline is shown as not accepted, to copy or discard", async () => {
  const server = await startTestServer()
  const alice = await openClient("alice", { servers: [server.url] })
  const bob = await openClient("bob", { servers: [server.url] })
  const trip = await alice.createConversation({ title: "Trip", members: ["bob"] })
  const received = await conversationOf(bob, trip.id)
  await received.send("in time").reached("sent")
  await until(trip.messages, ({ items }) => items.length === 1)
  bob.goOffline()
  const late = received.send("too late")
  await late.reached("saved")
  await trip.removeMember("bob")
  await alice.synced()
  bob.goOnline()
  await expect(late.reached("sent")).rejects.toMatchObject({ code: "MESSAGE_REJECTED" })
  expect(late.rejection).toBe("PAST_CUT")
  expect(received.messages.get().items.map(({ text, status }) => [text, status])).toEqual([
    ["in time", "sent"],
    ["too late", "rejected"],
  ])
  expect(() => received.retry(late.id)).toThrow(expect.objectContaining({ code: "NOT_ALLOWED" }))
  await received.discard(late.id)
  await until(received.messages, ({ items }) => items.length === 1)
  await until(bob.status, ({ pending }) => pending.length === 0)
})

it("[R5] who was let in on one server writes on another that has not heard of it", async () => {
  const first = await startTestServer()
  const second = await startTestServer()
  const alice = await openClient("alice", { servers: [first.url] })
  const bob = await openClient("bob", { servers: [first.url] })
  const trip = await alice.createConversation({ title: "Trip", members: ["bob"] })
  const received = await conversationOf(bob, trip.id)
  await received.send("here").reached("sent")
  await bob.synced()
  await first.close()
  const message = received.send("and there")
  bob.addServer(second.url)
  await message.reached("sent")
  expect(received.messages.get().items.map(({ status }) => status)).toEqual(["sent", "sent"])
})

it("[S6, I1] what a refusal stopped in the middle of a sealed run is not shown as sent: nothing of the run is durable", async () => {
  const server = await startTestServer({ limits: { entriesPerSecond: 0.001, entryBurst: 10 } })
  const alice = await openClient("alice", { servers: [server.url] })
  const bob = await openClient("bob", { servers: [server.url] })
  const trip = await alice.createConversation({ title: "Trip", members: ["bob"] })
  const bobs = await conversationOf(bob, trip.id)
  await trip.send("first").reached("sent")
  await alice.synced()
  alice.goOffline()
  const waiting = Array.from({ length: 12 }, (_, index) => trip.send(`${index}`))
  await Promise.all(waiting.map((message) => message.reached("saved")))
  const shown = new Set(waiting.map(({ status }) => status))
  for (const message of waiting) message.subscribe((status) => shown.add(status))
  alice.goOnline()
  const refusals = async (): Promise<number> => {
    const metrics = await (await fetch(`${server.url.replace("ws", "http")}/metrics`)).text()
    return Number(/^weft_rejects_total\{code="RATE_LIMITED"\} (\d+)/m.exec(metrics)?.[1] ?? 0)
  }
  await expect.poll(refusals).toBeGreaterThan(0)
  // What comes in behind the refusal is taken behind it.
  await bobs.send("behind it").reached("sent")
  await until(trip.messages, ({ items }) => items.length === 14)
  expect(Array.from(shown)).toEqual(["saved"])
})

/** A storage whose disk is full where that is said. */
function fillableStorage() {
  const disk = { isFull: false }
  const storage = new Proxy(createMemoryStorage(), {
    get(target, name, receiver) {
      if (name !== "write" || !disk.isFull) return Reflect.get(target, name, receiver) as unknown
      return () => Promise.reject(new WeftError("STORE_QUOTA", "full"))
    },
  })
  return { disk, storage }
}

it("connects again with a full disk", async () => {
  const server = await startTestServer()
  const { disk, storage } = fillableStorage()
  const alice = await openClient("alice", { storage, servers: [server.url] })
  await alice.synced()
  alice.goOffline()
  disk.isFull = true
  alice.goOnline()
  await alice.synced()
})

it("[S3, I1] what a server that lost its disk had acknowledged waits again, and is shown so, on a full disk too", async () => {
  const first = await startTestServer()
  const { disk, storage } = fillableStorage()
  const alice = await openClient("alice", { storage, servers: [first.url] })
  const trip = await alice.createConversation({ title: "Trip" })
  const message = trip.send("first")
  await message.reached("sent")
  await alice.synced()
  alice.goOffline()
  await first.close()
  // It has to do without all that a comparison would tell it.
  disk.isFull = true
  await startTestServer({ port: first.port })
  alice.goOnline()
  await until(trip.messages, ({ items }) => items[0]?.status === "saved")
  await until(alice.status, ({ pending }) => pending[0]?.messages === 1)
  disk.isFull = false
  await message.reached("sent")
})

it("[H1] the doctor knows the server, the way to it, and by how much the clock is off", async () => {
  const server = await startTestServer()
  const ahead = 3 * 60 * 60 * 1000
  const alice = await openClient("alice", {
    servers: [server.url],
    env: { ...quickEnv, now: () => Date.now() + ahead },
  })
  await alice.synced()
  const { connection, clock, findings } = await alice.doctor()
  expect(connection).toMatchObject({ state: "online", server: server.url, reconnects: 0, lastRefusal: undefined })
  expect(connection.roundTripMs).toBeGreaterThanOrEqual(0)
  expect(Math.round((clock.skewMs ?? 0) / 60_000)).toBe(180)
  expect(findings.map(({ code }) => code)).toContain("CLOCK_SKEWED")
  alice.goOffline()
  alice.goOnline()
  await alice.synced()
  expect((await alice.doctor()).connection.reconnects).toBe(1)
})

it("[W1] what was sealed when its page went, and was left behind as well, is said once", async () => {
  const server = await startTestServer()
  const storage = createMemoryStorage()
  const before = await openClient("alice", { storage: storage.share() })
  const trip = await before.createConversation({ title: "Trip", members: ["bob"] })
  const message = trip.send("once")
  await message.reached("saved")
  const left = await storage.scan(prefixRange("p/"))
  before.addServer(server.url)
  await message.reached("sent")
  await before.close()
  expect(await storage.scan(prefixRange("p/"))).toEqual([])
  await storage.write(left.map(({ key, value }) => ({ kind: "put", key, value })))
  const alice = await openClient("alice", { storage: storage.share(), servers: [server.url] })
  const bob = await openClient("bob", { servers: [server.url] })
  const atAlice = await conversationOf(alice, trip.id)
  const atBob = await conversationOf(bob, trip.id)
  await atAlice.send("twice").reached("sent")
  await until(atBob.messages, ({ items }) => items.length === 2)
  await until(atBob.unread, ({ counted, count }) => counted && count === 2)
  for (const { messages } of [atAlice, atBob]) {
    expect(messages.get().items.map(({ text }) => text)).toEqual(["once", "twice"])
  }
  expect(atBob.info.get().title).toBe("Trip")
  expect(await storage.scan(prefixRange("p/"))).toEqual([])
})
