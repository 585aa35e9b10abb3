import { expect, it, onTestFinished } from "vitest"
import { manualEnv, type ManualEnv } from "../../../test/support/manual-env.js"
import { until } from "../../../test/support/until.js"
import { createSignal } from "../base/store.js"
import { deviceNamed } from "../log/scenario.js"
import { base64url, utf8 } from "../protocol/bytes.js"
import { decodeFrame, encodeFrame, type Frame } from "../protocol/frame.js"
import type { UserId } from "../protocol/names.js"
import { PROTOCOL_VERSION } from "../protocol/version.js"
import { createMemoryStorage } from "../storage/memory.js"
import type { Transport } from "../transport/transport.js"
import { AccountReplica } from "./account-replica.js"
import { Acks } from "./acks.js"
import { Replica } from "./replica.js"
import { FIRST_BACKOFF_MS } from "./session-state.js"
import { Session, type SessionPorts } from "./session.js"
import { Signals } from "./signals.js"

const user = "ann" as UserId
/** Shorter than the silence after which a connection is asked whether it is there. */
const TOKEN_MS = 10_000

/** The server's end of a connection. */
interface ServerEnd {
  readonly url: string
  /** What the device said here, in order. */
  readonly said: readonly Frame[]
  isClosed(): boolean
  say(frame: Frame): void
  /** Resolves with the first such frame that the device says, or said. */
  hears(kind: Frame["kind"]): Promise<Frame>
  challenge(): void
  welcome(serverTime: number): void
  cut(): void
}

/** A session whose connections are the test's, and whose time stands still until told. */
async function start({ token = () => "token", env = manualEnv() }: { token?: SessionPorts["token"]; env?: ManualEnv }) {
  const storage = createMemoryStorage()
  const signer = await deviceNamed("ann")
  const replica = await Replica.open({
    ...{ storage, env, user, signer },
    verify: async () => true,
    refusesKey: () => false,
  })
  await replica.becomeWriter()
  const account = await AccountReplica.open({
    ...{ storage, env, user },
    guard: () => replica.writeGuard,
    report: () => undefined,
  })
  const connections: ServerEnd[] = []
  const transport: Transport = {
    connect: (url, events) => {
      const said: Frame[] = []
      const heard = createSignal<Frame>()
      let closed = false
      const say = (frame: Frame): void => {
        events.message(encodeFrame(frame))
      }
      connections.push({
        ...{ url, said, say },
        isClosed: () => closed,
        hears: (kind) =>
          new Promise((resolve) => {
            const take = (frame: Frame): void => {
              if (frame.kind === kind) resolve(frame)
            }
            said.forEach(take)
            heard.on(take)
          }),
        challenge: () => {
          events.opened()
          say({
            kind: "challenge",
            version: PROTOCOL_VERSION,
            nonce: new Uint8Array(16),
            serverKey: new Uint8Array(32),
          })
        },
        welcome: (serverTime) => {
          const [incarnation, certificate] = [new Uint8Array(16), new Uint8Array()]
          say({ kind: "welcome", user, serverTime, incarnation, certificate, trust: [], frameBytes: 2 ** 23 })
        },
        cut: () => {
          events.closed(1006)
        },
      })
      return {
        unsentBytes: 0,
        send: (bytes) => {
          const frame = decodeFrame(bytes)
          if (frame === undefined) throw new TypeError("a device says whole frames")
          said.push(frame)
          heard.emit(frame)
        },
        close: () => {
          closed = true
        },
      }
    },
  }
  const session = new Session({
    ...{ replica, account, acks: await Acks.load(storage), env, transport, user, token },
    signals: new Signals({ env, user, membersOf: () => [], ask: () => undefined, pass: () => undefined }),
    servers: () => ["ws://server"],
    welcomed: async () => undefined,
    trusted: async () => undefined,
  })
  onTestFinished(async () => {
    await session.close()
    await replica.close()
    await account.close()
  })
  session.start()
  const live = (): Promise<unknown> => until(session.status, ({ state }) => state.kind === "live")
  /** The connection of this number, from 0, once it was made: the wait until the next try passes by itself. */
  const connection = (number: number): ServerEnd => {
    if (connections.length <= number) env.advance(2 * FIRST_BACKOFF_MS)
    const found = connections[number]
    if (found === undefined) throw new TypeError("no such connection was made")
    return found
  }
  return { env, replica, session, connection, live }
}

/** A promise, and what settles it. */
function later<T>() {
  let settle: { resolve: (value: T) => void; reject: (error: Error) => void } | undefined
  const promise = new Promise<T>((resolve, reject) => (settle = { resolve, reject }))
  return { promise, resolve: (value: T) => settle?.resolve(value), reject: (error: Error) => settle?.reject(error) }
}

/** A token that says when it ends. */
function tokenUntil(ms: number): string {
  return `head.${base64url(utf8(JSON.stringify({ exp: Math.floor(ms / 1000) })))}.signature`
}

/** All that follows from what has happened, and waits for nothing else, has happened. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

it("[S8] a token that was asked for on a connection that broke is not sent on the next one", async () => {
  const [env, late, asked] = [manualEnv(), later<string>(), later<undefined>()]
  let calls = 0
  const token = (): Promise<string> | string => {
    if (++calls !== 2) return tokenUntil(env.now() + TOKEN_MS)
    asked.resolve(undefined)
    return late.promise
  }
  const { connection, live } = await start({ token, env })
  const first = connection(0)
  first.challenge()
  await first.hears("hello")
  first.welcome(env.now())
  await live()
  env.advance(0.8 * TOKEN_MS)
  await asked.promise
  first.cut()
  const second = connection(1)
  late.resolve(tokenUntil(env.now() + TOKEN_MS))
  await turn()
  second.challenge()
  await second.hears("hello")
  expect(second.said.map(({ kind }) => kind)).toEqual(["hello"])
})

it("[S8] a token that could not be had for a connection that broke does not end the next one", async () => {
  const [env, late] = [manualEnv(), later<string>()]
  let calls = 0
  const { connection, live, session } = await start({ token: () => (++calls === 1 ? late.promise : "token"), env })
  connection(0).challenge()
  expect(calls).toBe(1)
  connection(0).cut()
  const second = connection(1)
  second.challenge()
  await second.hears("hello")
  second.welcome(env.now())
  await live()
  late.reject(new TypeError("fetch failed"))
  await turn()
  expect([session.status.get().state.kind, second.isClosed()]).toEqual(["live", false])
})

it.each([
  ["an hour", 3_600_000],
  ["half a minute", 30_000],
])("[S8] a clock that is %s ahead, and jumps again, asks for a token when one is due", async (_, ahead) => {
  const env = manualEnv()
  let [off, calls] = [ahead, 0]
  const token = (): string => {
    calls++
    return tokenUntil(env.now() + TOKEN_MS)
  }
  const { connection, live } = await start({ token, env: { ...env, now: () => env.now() + off } })
  const server = connection(0)
  server.challenge()
  await server.hears("hello")
  server.welcome(env.now())
  await live()
  env.advance(0.7 * TOKEN_MS)
  expect(calls).toBe(1)
  env.advance(0.1 * TOKEN_MS)
  await server.hears("token")
  off += ahead
  server.say({ kind: "renewed", expiresAt: env.now() + TOKEN_MS })
  await server.hears("ping")
  server.say({ kind: "pong", id: 0, serverTime: env.now() })
  await turn()
  env.advance(0.7 * TOKEN_MS)
  await turn()
  expect(calls).toBe(2)
})

it("[W4] a server that says its time in another unit is left, at the greeting and later, and its time is not taken", async () => {
  const { connection, live, session, replica, env } = await start({})
  const first = connection(0)
  first.challenge()
  await first.hears("hello")
  first.welcome(env.now() * 1000)
  await until(session.status, ({ state }) => state.kind === "waiting")
  expect([first.isClosed(), replica.skew.get()]).toEqual([true, undefined])
  const second = connection(1)
  second.challenge()
  await second.hears("hello")
  second.welcome(env.now())
  await live()
  second.say({ kind: "pong", id: 0, serverTime: env.now() * 1000 })
  await until(session.status, ({ state }) => state.kind === "waiting")
  expect([second.isClosed(), replica.skew.get()]).toEqual([true, 0])
})
