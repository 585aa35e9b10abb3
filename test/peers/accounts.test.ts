/* Accounts on a server and between servers: durable, merged, converging. [SPEC U] */
import { ClassicLevel } from "classic-level"
import { LeveldbPersistence } from "y-leveldb"
import { cp, rm } from "node:fs/promises"
import { join } from "node:path"
import { expect, it, onTestFinished } from "vitest"
import * as Y from "yjs"
import { accountNamed, digestOfDoc, draft, edit, heldAccount, pushAccount, waitFor } from "../support/raw-account.js"
import { RawClient } from "../support/raw-client.js"
import { startTestServer } from "../support/server.js"
import { spawnServer } from "../support/spawn-server.js"
import { temporaryDirectory } from "../support/temporary.js"

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 15_000
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error("it did not come to pass")
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Waits until all clients' servers hold the same, and returns it. */
async function converged(clients: readonly RawClient[]): Promise<Y.Doc> {
  await until(async () => {
    const digests = await Promise.all(clients.map(async (client) => Buffer.from((await heldAccount(client)).digest)))
    return digests.every((digest) => digests[0]?.equals(digest))
  })
  const held = await Promise.all(clients.map((client) => heldAccount(client)))
  for (const { doc, digest } of held) {
    expect(doc.toJSON()).toEqual(held[0]!.doc.toJSON())
    expect(digestOfDoc(doc, clients[0]!.user)).toEqual(digest)
  }
  return held[0]!.doc
}

it("[U5] what a device writes is durable, reaches the user's others, and nobody else", async () => {
  const data = await temporaryDirectory()
  const server = await startTestServer({ data })
  const [phone, laptop] = [
    await RawClient.connect(server.url, { user: "alice" }),
    await RawClient.connect(server.url, { user: "alice" }),
  ]
  const bob = await RawClient.connect(server.url, { user: "bob" })
  const doc = new Y.Doc()
  expect(await pushAccount(phone, draft(doc, "hello"))).toBeUndefined()
  const relayed = await waitFor(laptop, "accountUpdate", () => true)
  expect(relayed.account).toBe(accountNamed("alice"))
  // What is held already is acknowledged again, and changes nothing.
  const { digest } = await heldAccount(phone)
  expect(await pushAccount(laptop, Y.encodeStateAsUpdate(doc))).toBeUndefined()
  expect((await heldAccount(phone)).digest).toEqual(digest)
  expect(bob.connection.frames.some(({ kind }) => kind.startsWith("account"))).toBe(false)
  await server.close()
  const again = await startTestServer({ data })
  const later = await RawClient.connect(again.url, { user: "alice" })
  expect((await heldAccount(later)).digest).toEqual(digest)
})

it("[U6] a server's bytes stay few, hold nothing that was deleted, and y-leveldb reads them", async () => {
  const server = await startTestServer({ limits: { entryBurst: 10_000, entriesPerSecond: 10_000 } })
  const alice = await RawClient.connect(server.url, { user: "alice" })
  const doc = new Y.Doc()
  await pushAccount(alice, draft(doc, "a secret draft"))
  await pushAccount(
    alice,
    edit(doc, () => (doc.getMap("drafts").get("here") as Y.Text).delete(2, 6)),
  )
  for (let index = 0; index < 300; index++) {
    const update = edit(doc, () => doc.getMap("marks").set("here", `${String(index)} ${"x".repeat(500)}`))
    expect(await pushAccount(alice, update)).toBeUndefined()
  }
  await server.close()
  const copy = join(await temporaryDirectory(), "copy")
  await cp(server.data, copy, { recursive: true, filter: (source) => !source.endsWith("LOCK") })
  const level = new ClassicLevel<Uint8Array, Uint8Array>(server.data, { keyEncoding: "view", valueEncoding: "view" })
  const values = await level.values().all()
  await level.close()
  expect(values.some((value) => Buffer.from(value).includes("secret"))).toBe(false)
  // 64 updates of half a kilobyte wait at most.
  expect(values.reduce((sum, value) => sum + value.length, 0)).toBeLessThan(80_000)

  const persistence = new LeveldbPersistence(copy)
  onTestFinished(() => persistence.destroy())
  expect(await persistence.getAllDocNames()).toEqual([accountNamed("alice")])
  const read = await persistence.getYDoc(accountNamed("alice"))
  for (const root of ["drafts", "marks"]) expect(read.getMap(root).toJSON()).toEqual(doc.getMap(root).toJSON())
})

it("[U5, I1] a server killed in mid-stream loses nothing that it acknowledged", async () => {
  const more = ["--limit-entries-per-second", "100000", "--limit-entry-burst", "100000"]
  const args = ["--dev", "--port", "0", "--data", await temporaryDirectory(), ...more]
  const server = await spawnServer(args)
  const alice = await RawClient.connect(await server.url, { user: "alice" })
  const acknowledged: string[] = []
  await Promise.all(
    Array.from({ length: 4 }, async (_, writer) => {
      const doc = new Y.Doc()
      for (let index = 0; ; index++) {
        const key = `${String(writer)}/${String(index)}`
        const code = await pushAccount(
          alice,
          edit(doc, () => doc.getMap("hidden").set(key, true)),
        ).catch(() => "CLOSED")
        if (code !== undefined) return
        acknowledged.push(key)
        if (acknowledged.length === 300) server.child.kill("SIGKILL")
      }
    }),
  )
  expect((await server.ended).signal).toBe("SIGKILL")
  expect(acknowledged.length).toBeGreaterThanOrEqual(300)
  const again = await RawClient.connect(await (await spawnServer(args)).url, { user: "alice" })
  const { doc } = await heldAccount(again)
  for (const key of acknowledged) expect(doc.getMap("hidden").get(key)).toBe(true)
})

it("[U7, S11] servers converge: live, after a partition, and after one lost its data", async () => {
  const a = await startTestServer()
  const data = await temporaryDirectory()
  const peered = { data, peers: [`${a.url}/sync`] }
  let b = await startTestServer(peered)
  const alice = await RawClient.connect(a.url, { user: "alice" })
  const here = new Y.Doc()
  expect(await pushAccount(alice, draft(here, "one "))).toBeUndefined()
  let there = await RawClient.connect(b.url, { user: "alice" })
  await converged([alice, there])

  // A partition: each side writes, many users at once.
  await b.close()
  b = await startTestServer({ data })
  there = await RawClient.connect(b.url, { user: "alice" })
  const { doc: other } = await heldAccount(there)
  expect(await pushAccount(alice, draft(here, "two "))).toBeUndefined()
  expect(await pushAccount(there, draft(other, "three "))).toBeUndefined()
  for (const [server, user] of [
    [a, "carol"],
    [b, "dan"],
  ] as const) {
    expect(await pushAccount(await RawClient.connect(server.url, { user }), draft(new Y.Doc(), user))).toBeUndefined()
  }
  await b.close()
  b = await startTestServer(peered)
  there = await RawClient.connect(b.url, { user: "alice" })
  const merged = await converged([alice, there])
  const text = String(merged.getMap("drafts").get("here"))
  for (const word of ["one", "two", "three"]) expect(text).toContain(word)
  for (const user of ["carol", "dan"]) {
    const both = [await RawClient.connect(a.url, { user }), await RawClient.connect(b.url, { user })]
    expect((await converged(both)).getMap("drafts").toJSON()).toEqual({ here: user })
  }

  // One loses its folder.
  await b.close()
  await rm(data, { recursive: true })
  b = await startTestServer(peered)
  there = await RawClient.connect(b.url, { user: "alice" })
  expect(String((await converged([alice, there])).getMap("drafts").get("here"))).toBe(text)
  // And what the other accepts now arrives live.
  expect(await pushAccount(there, draft(merged, "four"))).toBeUndefined()
  await waitFor(alice, "accountUpdate", () => true)
  await converged([alice, there])
})

it("[U5] with --ack peers=1 an account's update is acknowledged once a peer has it", async () => {
  const a = await startTestServer({ ack: { kind: "peers", count: 1 }, limits: { peerAckMs: 200 } })
  const alice = await RawClient.connect(a.url, { user: "alice" })
  const update = draft(new Y.Doc(), "hello")
  expect(await pushAccount(alice, update)).toBe("STORAGE_FAILED")
  const b = await startTestServer({ peers: [`${a.url}/sync`] })
  await until(async () => (await pushAccount(alice, update)) === undefined)
  const there = await RawClient.connect(b.url, { user: "alice" })
  expect((await heldAccount(there)).doc.getMap("drafts").toJSON()).toEqual({ here: "hello" })
})
