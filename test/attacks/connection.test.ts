/* What a stranger's connection can't do. [SPEC S] */
import { randomBytes } from "node:crypto"
import { request } from "node:http"
import { deflateRawSync } from "node:zlib"
import { decodeFrame, encodeFrame, encodeUpdate, MAX_FRAME_BYTES, type FrameOf, type LogRun } from "@weft/sdk/protocol"
import { exportSPKI, generateKeyPair, SignJWT, type CryptoKey } from "jose"
import { expect, it } from "vitest"
import { WebSocket } from "ws"
import { makeDevice } from "../support/device.js"
import { RawClient, RawConnection, RawConversation, sayHello } from "../support/raw-client.js"
import { startTestServer } from "../support/server.js"
import { openArena } from "./arena.js"

it("[S1] a text frame ends the connection", async () => {
  const arena = await openArena()
  const connection = await RawConnection.open(arena.server.url)
  connection.sendText("hello")
  expect(await connection.closed).toBe("TEXT_FRAME")
  arena.mallory.connection.sendText("{}")
  expect(await arena.mallory.connection.closed).toBe("TEXT_FRAME")
  await arena.honest()
})

it("[S1] who says nothing is not waited for, and who says too much is not heard out", async () => {
  const arena = await openArena({ limits: { preAuthMs: 300 } })
  const silent = await RawConnection.open(arena.server.url)
  const drip = await RawConnection.open(arena.server.url)
  const timer = setInterval(() => {
    drip.sendBytes(new Uint8Array())
  }, 50)
  expect(["AUTH_TIMEOUT", "BAD_FRAME"]).toContain(await drip.closed)
  clearInterval(timer)
  expect(await silent.closed).toBe("AUTH_TIMEOUT")
  const loud = await RawConnection.open(arena.server.url)
  loud.sendBytes(new Uint8Array(17 * 1024))
  expect(await loud.closed).toBe("FRAME_TOO_LARGE")
  await arena.honest()
})

it("[S2] an oversized frame ends the connection", async () => {
  const arena = await openArena()
  arena.mallory.connection.sendBytes(new Uint8Array(MAX_FRAME_BYTES + 1))
  expect(await arena.mallory.connection.closed).toBe("FRAME_TOO_LARGE")
  // Far larger ones are not even read: WebSocket's own code says so.
  const huge = await RawClient.connect(arena.server.url, { user: "mallory" })
  huge.connection.sendBytes(new Uint8Array(8 * 1024 * 1024))
  expect(await huge.connection.closed).toBe(1009)
  await arena.honest()
})

it("[S1] a truncated varint, an unknown frame and trailing bytes end the connection", async () => {
  const arena = await openArena()
  const ping = encodeFrame({ kind: "ping", id: 1 })
  const wrong = [
    Uint8Array.of(),
    Uint8Array.of(7, 0x80),
    Uint8Array.of(99),
    Uint8Array.from([...ping, 0]),
    Uint8Array.of(7, ...Array<number>(12).fill(0xff)),
  ]
  for (const bytes of wrong) {
    const mallory = await RawClient.connect(arena.server.url, { user: "mallory" })
    mallory.connection.sendBytes(bytes)
    expect(await mallory.connection.closed).toBe("BAD_FRAME")
  }
  await arena.honest()
})

/** A packed frame of these bytes, whatever they are. */
function packed(frame: Uint8Array, change: Partial<FrameOf<"packed">> = {}): Uint8Array {
  return encodeFrame({ kind: "packed", size: frame.length, bytes: deflateRawSync(frame), ...change })
}

/** What deflates to a third. */
function few(length: number): Uint8Array {
  return Uint8Array.from(randomBytes(length), (byte) => byte & 3)
}

it("[S14] a packed frame counts as what it holds, in its place", async () => {
  const arena = await openArena()
  const { mallory, trip, segment } = arena
  const log = trip.log(mallory)
  const texts = Array.from({ length: 60 }, (_, index) => trip.message(`message ${index} of many, as people write them`))
  const update = (run: LogRun, id: number): Uint8Array =>
    encodeFrame({ kind: "update", id, document: segment, update: encodeUpdate([run]) })
  const large = update(await log.seal(...texts), 901)
  expect(packed(large).length).toBeLessThan(large.length)
  const [first, second] = [mallory.connection.answer(901), mallory.connection.answer(902)]
  mallory.connection.sendBytes(packed(large))
  // It builds on what is being unpacked.
  mallory.connection.sendBytes(update(await log.seal(trip.message("behind it")), 902))
  expect((await first).kind).toBe("ack")
  expect((await second).kind).toBe("ack")
  // Who takes packed frames is sent them, and nobody else: one frame, packed once.
  const device = await RawClient.connect(arena.server.url, { user: "bob", packs: true })
  const { updates } = await device.fetch(segment)
  expect(updates).toEqual((await arena.bob.fetch(segment)).updates)
  expect(device.connection.packed).toBe(1)
  expect(arena.bob.connection.packed).toBe(0)
  await arena.honest()
})

it("[S14] what is no packed frame ends the connection, and none comes before the welcome", async () => {
  const arena = await openArena()
  const frame = encodeFrame({ kind: "update", id: 1, document: arena.segment, update: few(30_000) })
  const bytes = deflateRawSync(frame)
  const ping = encodeFrame({ kind: "ping", id: 1 })
  const bad: readonly (readonly [string, Uint8Array])[] = [
    ["empty", packed(new Uint8Array())],
    ["of no bytes", packed(frame, { bytes: new Uint8Array() })],
    ["small", packed(ping)],
    ["of more than it says", packed(frame, { size: frame.length - 1 })],
    ["of less than it says", packed(frame, { size: frame.length + 1 })],
    ["cut", packed(frame, { bytes: bytes.subarray(0, -1) })],
    ["with more behind it", packed(frame, { bytes: Buffer.concat([bytes, ping]) })],
    ["with more behind the frame", packed(Buffer.concat([frame, ping]))],
    ["in a packed one", packed(packed(few(30_000)))],
    ["of garbage", packed(frame, { bytes: randomBytes(9_000) })],
    ["of what is no frame", packed(few(30_000))],
    ["of far more than its bytes", packed(new Uint8Array(MAX_FRAME_BYTES))],
    ["that says less than it makes", packed(new Uint8Array(MAX_FRAME_BYTES), { size: 8_000 })],
  ]
  for (const [what, bomb] of bad) {
    const mallory = await RawClient.connect(arena.server.url, { user: "mallory", packs: true })
    mallory.connection.sendBytes(bomb)
    expect([what, await mallory.connection.closed]).toEqual([what, "BAD_FRAME"])
  }
  const mallory = await RawClient.connect(arena.server.url, { user: "mallory" })
  mallory.connection.sendBytes(packed(few(MAX_FRAME_BYTES + 1)))
  expect(await mallory.connection.closed).toBe("FRAME_TOO_LARGE")
  const stranger = await RawConnection.open(arena.server.url)
  await stranger.next("challenge")
  stranger.sendBytes(packed(few(8_000)))
  expect(await stranger.closed).toBe("BAD_FRAME")
  await arena.honest()
})

it("[S6] next is a further update of the last one's document; without one it is out of place", async () => {
  const arena = await openArena()
  const first = await RawClient.connect(arena.server.url, { user: "mallory" })
  first.connection.send({ kind: "next", id: 1, update: new Uint8Array([0, 0]) })
  expect(await first.connection.closed).toBe("BAD_FRAME")
  const other = await RawClient.connect(arena.server.url, { user: "mallory" })
  const document = arena.trip.segment(1)
  other.connection.send({ kind: "update", id: 1, document, update: new Uint8Array([0]) })
  expect(await other.connection.next("reject")).toMatchObject({ id: 1, document })
  other.connection.send({ kind: "next", id: 2, update: new Uint8Array([0]) })
  expect(await other.connection.next("reject")).toMatchObject({ id: 2, document })
  await arena.honest()
})

it("[S1] frames out of order end the connection", async () => {
  const arena = await openArena()
  const early = await RawConnection.open(arena.server.url)
  early.send({ kind: "ping", id: 1 })
  expect(await early.closed).toBe("BAD_FRAME")
  const { welcome } = arena.mallory
  const wrong = [
    welcome,
    { kind: "compared" as const },
    { kind: "ack" as const, id: 1, copies: 1 },
    { kind: "renewed" as const, expiresAt: 1 },
    { kind: "documents" as const, conversation: arena.trip.id, registers: new Uint8Array(12), items: [] },
    { kind: "signals" as const, items: [] },
    {
      kind: "declined" as const,
      conversation: arena.trip.id,
      device: [],
      code: "RATE_LIMITED" as const,
      retryAfterMs: 0,
    },
  ]
  for (const frame of wrong) {
    const mallory = await RawClient.connect(arena.server.url, { user: "mallory" })
    mallory.connection.send(frame)
    if (frame.kind === "compared") {
      // Says nothing that could do harm.
      mallory.connection.send({ kind: "ping", id: 7 })
      await mallory.connection.next("pong")
    } else expect(await mallory.connection.closed).toBe("BAD_FRAME")
  }
  await arena.honest()
})

it("[S3] a device that can't sign is not let in, nor one that signed for another server or connection", async () => {
  const server = await startTestServer()
  const device = await makeDevice()
  const forged = await RawConnection.open(server.url)
  await sayHello(forged, device, "alice", { signature: new Uint8Array(64) })
  expect(await forged.closed).toBe("DEVICE_PROOF_FAILED")
  const first = await RawConnection.open(server.url)
  const { nonce, serverKey } = await first.next("challenge")
  const relayed = await RawConnection.open(server.url)
  await sayHello(relayed, { ...device, sign: () => device.sign(Buffer.concat([nonce, serverKey])) }, "alice")
  expect(await relayed.closed).toBe("DEVICE_PROOF_FAILED")
  const weak = await RawConnection.open(server.url)
  await sayHello(weak, device, "alice", { publicKey: new Uint8Array(32) })
  expect(await weak.closed).toBe("DEVICE_PROOF_FAILED")
  const future = await RawConnection.open(server.url)
  await sayHello(future, device, "alice", { version: 99 })
  expect(await future.closed).toBe("UNSUPPORTED_VERSION")
  await RawClient.connect(server.url, { user: "alice", device })
})

const issuer = "https://issuer.example"
const audience = "weft"

async function signToken(
  key: CryptoKey,
  user: string,
  seconds: number,
  change: { issuer?: string; alg?: string } = {},
): Promise<string> {
  return (
    new SignJWT({})
      .setProtectedHeader({ alg: change.alg ?? "EdDSA" })
      .setSubject(user)
      .setIssuer(change.issuer ?? issuer)
      .setAudience(audience)
      // Not rounded: it lives as long as is said.
      .setExpirationTime(Date.now() / 1000 + seconds)
      .sign(key)
  )
}

it("[S3, S8] tokens that ended, or are not for this server, open nothing; a live connection ends with its token", async () => {
  const { publicKey, privateKey } = await generateKeyPair("EdDSA", { extractable: true })
  const pem = await exportSPKI(publicKey)
  const server = await startTestServer({ auth: { kind: "jwt", keys: { kind: "pem", pem }, issuer, audience } })
  const tryToken = async (token: string): Promise<unknown> => {
    const connection = await RawConnection.open(server.url)
    await sayHello(connection, await makeDevice(), token)
    return connection.closed
  }
  expect(await tryToken(await signToken(privateKey, "alice", -60))).toBe("TOKEN_EXPIRED")
  expect(await tryToken(await signToken(privateKey, "alice", 60, { issuer: "https://elsewhere.example" }))).toBe(
    "AUTH_FAILED",
  )
  const { privateKey: another } = await generateKeyPair("EdDSA")
  expect(await tryToken(await signToken(another, "alice", 60))).toBe("AUTH_FAILED")
  expect(await tryToken("alice")).toBe("AUTH_FAILED")
  // A secret that the attacker chose, which is the public key that everybody knows.
  const confused = await new SignJWT({ sub: "alice", iss: issuer, aud: audience, exp: 9999999999 })
    .setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode(pem))
  expect(await tryToken(confused)).toBe("AUTH_FAILED")

  // Both get a token that ends soon once they are connected: how long that took does not matter then.
  const connect = async (user: string): Promise<RawClient> =>
    RawClient.connect(server.url, { user, token: await signToken(privateKey, user, 60) })
  const [short, renewed] = [await connect("alice"), await connect("bob")]
  const [ending, ended, lasting] = [
    await signToken(privateKey, "bob", 2),
    await signToken(privateKey, "alice", 2),
    await signToken(privateKey, "bob", 60),
  ]
  short.connection.send({ kind: "token", token: ended })
  for (const token of [ending, lasting]) {
    renewed.connection.send({ kind: "token", token })
    expect((await renewed.connection.next("renewed")).expiresAt).toBeGreaterThan(Date.now())
  }
  expect(await short.connection.closed).toBe("TOKEN_EXPIRED")
  await RawConversation.create(renewed)
  renewed.connection.send({ kind: "token", token: await signToken(privateKey, "mallory", 60) })
  expect(await renewed.connection.closed).toBe("AUTH_FAILED")
})

it("[L1] one user, or one address, does not take all sockets", async () => {
  const server = await startTestServer({ limits: { socketsPerUser: 2, socketsPerAddress: 3 }, trustedProxy: true })
  await RawClient.connect(server.url, { user: "mallory" })
  const second = await RawClient.connect(server.url, { user: "mallory" })
  const third = await RawConnection.open(server.url)
  await sayHello(third, await makeDevice(), "mallory")
  expect(await third.closed).toBe("TOO_MANY_CONNECTIONS")
  second.connection.end()
  await second.connection.closed
  await RawClient.connect(server.url, { user: "alice" })

  const closes = await Promise.all(
    Array.from({ length: 5 }, () => {
      // What a client claims comes before what the proxy saw.
      const headers = { "x-forwarded-for": `${Math.floor(Math.random() * 255)}.1.1.1, 203.0.113.9` }
      const socket = new WebSocket(`${server.url}/sync`, { headers })
      return new Promise((resolve) => {
        socket.on("close", (code) => {
          resolve(code)
        })
        socket.on("message", (data: Buffer) => {
          if (data[0] === 1) setTimeout(() => socket.close(), 500)
        })
      })
    }),
  )
  expect(closes.filter((code) => code === 4577).length).toBe(2)
})

it("[L1] a handshake that is no WebSocket's takes no socket of its address", async () => {
  const server = await startTestServer({ limits: { socketsPerAddress: 1 }, trustedProxy: true })
  const forwarded = { "x-forwarded-for": "203.0.113.9" }
  const upgrade = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13" }
  for (const key of ["", "x", "!".repeat(24)]) {
    const status = await new Promise((resolve, reject) => {
      const headers = { ...forwarded, ...upgrade, "sec-websocket-key": key }
      request(`${server.url.replace("ws", "http")}/sync`, { headers }, ({ statusCode }) => {
        resolve(statusCode)
      })
        .on("error", reject)
        .end()
    })
    expect(status).toBe(400)
  }
  const socket = new WebSocket(`${server.url}/sync`, { headers: forwarded })
  const first = await new Promise<Buffer>((resolve) => socket.once("message", resolve))
  expect(decodeFrame(new Uint8Array(first))?.kind).toBe("challenge")
  socket.close()
})

it.each([false, true])(
  "[S10] a reader that does not read is let go, and the others don't notice; packs: %s",
  async (packs) => {
    const arena = await openArena({
      limits: { frameBytes: 500_000, unsentBytes: 1_000_000, entriesPerSecond: 1000, entryBurst: 1000 },
    })
    const { alice, bob, trip, segment } = arena
    const mallory = await RawClient.connect(arena.server.url, { user: "mallory", packs })
    mallory.connection.pause()
    arena.mallory.connection.end()
    const log = trip.log(alice)
    // Packed it is half of it.
    const large = randomBytes(30_000).toString("hex")
    const metrics = async (): Promise<string> =>
      (await fetch(`${arena.server.url.replace("ws", "http")}/metrics`)).text()
    // The kernel's own buffers take megabytes before the server notices; how many differs from machine to machine.
    let sent = 0
    while (!(await metrics()).includes('weft_refused_connections_total{code="SLOW_READER"} 1')) {
      for (let index = 0; index < 100; index++, sent++) {
        expect(await alice.push(segment, await log.seal(trip.message(large)))).toEqual([])
      }
      expect(sent).toBeLessThan(2_000)
    }
    expect(bob.connection.frames.length).toBeGreaterThan(sent)
    await arena.honest()
  },
)

it("[S10] what is relayed behind an answer that is not read counts as unread, too", async () => {
  const limits = { entriesPerSecond: 1e6, entryBurst: 1e6, unsentBytes: 500_000 }
  const arena = await openArena({ limits })
  const { alice, mallory, trip, segment } = arena
  const large = (): string => randomBytes(30_000).toString("hex")
  const log = trip.log(alice)
  // More than kernels take of an answer that nobody reads.
  for (let count = 0; count < 250; count++) await alice.push(segment, await log.seal(trip.message(large())))
  mallory.connection.pause()
  mallory.connection.send({ kind: "vector", document: segment, reply: false, logs: [], records: [] })
  const metrics = async (): Promise<string> => (await fetch(`${arena.server.url.replace("ws", "http")}/metrics`)).text()
  for (let sent = 0; !(await metrics()).includes('weft_refused_connections_total{code="SLOW_READER"} 1'); sent++) {
    expect(await alice.push(segment, await log.seal(trip.message(large())))).toEqual([])
    expect(sent).toBeLessThan(2_000)
  }
  await arena.honest()
})
