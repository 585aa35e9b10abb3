import { expect, it, onTestFinished } from "vitest"
import { WeftError } from "../base/errors.js"
import { systemEnv } from "../base/env.js"
import { createClient } from "../node.js"
import { createMemoryStorage } from "../storage/memory.js"
import type { Storage } from "../storage/storage.js"
import type { Client, ClientOptions } from "./api.js"

async function open(options: Partial<ClientOptions> = {}): Promise<Client> {
  const client = await createClient({ user: "alice", storage: createMemoryStorage(), ...options })
  onTestFinished(() => client.close())
  return client
}

/** Some of a storage's methods, done otherwise. */
function but(storage: Storage, changes: Partial<Storage>): Storage {
  return new Proxy(storage, {
    get: (target, name) => Reflect.get(name in changes ? changes : target, name) as unknown,
  })
}

const codes = async (client: Client): Promise<string[]> => {
  const { findings } = await client.doctor()
  return findings.map(({ code }) => code)
}

it("[H1] a client without servers: what it holds, and nothing to find but that memory is not for good", async () => {
  const alice = await open()
  const trip = await alice.createConversation({ title: "Trip" })
  await trip.send("hello").reached("saved")
  const diagnosis = await alice.doctor()
  expect(diagnosis).toMatchObject({
    storage: { kind: "memory", persisted: false, failing: false, lastFailure: undefined },
    connection: { state: "local", server: undefined, reconnects: 0, lastRefusal: undefined },
    clock: { skewMs: undefined },
    waiting: { messages: 0, changes: 0, since: undefined, refused: 0 },
    documents: { conversations: 1, segments: 1, open: 1 },
    tab: "writer",
  })
  expect(diagnosis.findings.map(({ code }) => code)).toEqual(["STORAGE_NOT_PERSISTED"])
})

it("[H1] what was written offline waits, since when it was written", async () => {
  let now = Date.UTC(2026, 0, 1)
  const alice = await open({ env: { ...systemEnv, now: () => now }, servers: ["ws://localhost:1"] })
  alice.goOffline()
  const trip = await alice.createConversation({ title: "Trip", members: ["bob"] })
  const since = now
  await trip.send("one").reached("saved")
  now += 7 * 60_000
  await trip.send("two").reached("saved")
  const { waiting, connection, findings } = await alice.doctor()
  expect(waiting).toEqual({ messages: 2, changes: 1, since, refused: 0 })
  expect(connection).toMatchObject({ state: "offline", server: undefined })
  expect(findings.map(({ level, code }) => `${level} ${code}`)).toEqual([
    "info STORAGE_NOT_PERSISTED",
    "info OFFLINE",
    "info WAITS_LONG",
  ])
})

it("[H1] how full the storage is comes from the storage; one that can't say is no reason to say nothing", async () => {
  const storage = createMemoryStorage()
  let full = true
  const estimate: Storage["estimate"] = async () => {
    if (full) return { usedBytes: 95e6, quotaBytes: 100e6, persisted: true }
    throw new WeftError("STORE_FAILED", "no idea")
  }
  const alice = await open({ storage: but(storage, { estimate }) })
  expect((await alice.doctor()).storage).toMatchObject({ usedBytes: 95e6, quotaBytes: 100e6, persisted: true })
  expect(await codes(alice)).toEqual(["STORAGE_NEARLY_FULL"])
  full = false
  expect((await alice.doctor()).storage).toMatchObject({ usedBytes: undefined, persisted: false })
})

it("[H1] a failure of the storage is remembered when it is over", async () => {
  const storage = createMemoryStorage()
  let failing = false
  const write: Storage["write"] = async (batch, options) => {
    if (failing) throw new WeftError("STORE_QUOTA", "full")
    await storage.write(batch, options)
  }
  const alice = await open({ storage: but(storage, { write }) })
  const trip = await alice.createConversation({ title: "Trip" })
  failing = true
  const message = trip.send("while it is full")
  await expect.poll(() => codes(alice)).toContain("STORAGE_FAILING")
  failing = false
  await message.reached("saved")
  await expect.poll(async () => (await alice.doctor()).storage.failing).toBe(false)
  expect((await alice.doctor()).storage.lastFailure?.code).toBe("STORE_QUOTA")
})

it("[H1] holds no text, no name and nothing secret", async () => {
  const alice = await open({ servers: ["ws://someone:password@localhost:1/path?token=secret"] })
  const trip = await alice.createConversation({ title: "Journey", members: ["bob"] })
  await trip.send("hello").reached("saved")
  const diagnosis = await alice.doctor()
  expect(diagnosis.connection.server).toBe("ws://localhost:1")
  const text = JSON.stringify(diagnosis)
  for (const word of ["alice", "bob", "Journey", "hello", "password", "secret", trip.id, alice.device]) {
    expect(text).not.toContain(word)
  }
})

it("[H1] a closed client says that it is closed", async () => {
  const alice = await open()
  await alice.close()
  await expect(alice.doctor()).rejects.toMatchObject({ code: "CLIENT_CLOSED" })
})
