/* Who may use an account, and what bytes can't do to it or to the server. [SPEC U] */
import { encodeNative, MAX_ACCOUNT_BYTES, readNative, type RefusalCode } from "@weft/sdk/protocol"
import * as encoding from "lib0/encoding"
import { expect, it } from "vitest"
import * as Y from "yjs"
import { accountNamed, draft, edit, fetchAccount, heldAccount, pushAccount, waitFor } from "../support/raw-account.js"
import { RawClient } from "../support/raw-client.js"
import { startTestServer, type TestServer } from "../support/server.js"

/** An honest client still works: what one device writes becomes durable and reaches the other. */
async function honest(server: TestServer, user = "alice"): Promise<void> {
  const one = await RawClient.connect(server.url, { user })
  const other = await RawClient.connect(server.url, { user })
  const { doc } = await heldAccount(one)
  const update = edit(doc, () => doc.getMap("privacy").set(`check ${String(Math.random())}`, true))
  expect(await pushAccount(one, update)).toBeUndefined()
  await waitFor(other, "accountUpdate", () => true)
  one.connection.end()
  other.connection.end()
}

it("[U1] another user's account is neither read nor written, whether it exists or not", async () => {
  const server = await startTestServer()
  const alice = await RawClient.connect(server.url, { user: "alice" })
  const mallory = await RawClient.connect(server.url, { user: "mallory" })
  expect(await pushAccount(alice, draft(new Y.Doc(), "private"))).toBeUndefined()
  for (const account of [accountNamed("alice"), accountNamed("nobody")]) {
    expect(await fetchAccount(mallory, account)).toBe("FORBIDDEN")
    expect(await pushAccount(mallory, draft(new Y.Doc(), "forged"), account)).toBe("FORBIDDEN")
  }
  await honest(server)
  expect(mallory.connection.frames.some(({ kind }) => kind === "accountUpdate")).toBe(false)
  const { doc } = await heldAccount(alice)
  expect(doc.getMap("drafts").toJSON()).toEqual({ here: "private" })
})

it("[U7] a device does not ask for all accounts", async () => {
  const server = await startTestServer()
  const mallory = await RawClient.connect(server.url, { user: "mallory" })
  mallory.connection.send({ kind: "accounts", last: true, items: [] })
  expect(await mallory.connection.closed).toBe("BAD_FRAME")
  await honest(server)
})

function numbers(...values: number[]): Uint8Array {
  return encoding.encode((encoder) => {
    for (const value of values) encoding.writeVarUint(encoder, value)
  })
}

const bad: [string, RefusalCode, () => Uint8Array][] = [
  ["format V2", "MALFORMED", () => Y.encodeStateAsUpdateV2(docWith("x"))],
  ["bytes that are cut off", "MALFORMED", () => draft(new Y.Doc(), "x").slice(0, -1)],
  ["no bytes", "MALFORMED", () => new Uint8Array()],
  ["noise", "MALFORMED", () => new Uint8Array(5_000).map((_, index) => (index * 7919) % 251)],
  ["collected clocks without end", "MALFORMED", () => numbers(1, 1, 7, 0, 0, 2 ** 50, 0)],
  ["deletes without end", "MALFORMED", () => numbers(0, 1, 7, 1, 0, 2 ** 50)],
  ["a skip", "GAP", () => numbers(1, 2, 7, 0, 10, 2 ** 20, 0, 1, 0)],
  ["a start far ahead", "GAP", () => numbers(1, 1, 7, 2 ** 20, 0, 1, 0)],
  ["deletes of what is not there", "GAP", () => numbers(0, 1, 7, 1, 0, 2 ** 20)],
  ["a list", "MALFORMED", () => edit(new Y.Doc(), (doc) => doc.getMap("drafts").set("x", new Y.Array()))],
  ["a subdocument", "MALFORMED", () => edit(new Y.Doc(), (doc) => doc.getMap("drafts").set("x", new Y.Doc()))],
]

function docWith(text: string): Y.Doc {
  const doc = new Y.Doc()
  draft(doc, text)
  return doc
}

it.each(bad)("[U4] %s is refused with %s, and nothing of it is kept", async (_, code, make) => {
  const server = await startTestServer()
  const alice = await RawClient.connect(server.url, { user: "alice" })
  expect(await pushAccount(alice, draft(new Y.Doc(), "before"))).toBeUndefined()
  const { digest } = await heldAccount(alice)
  expect(await pushAccount(alice, make())).toBe(code)
  expect((await heldAccount(alice)).digest).toEqual(digest)
  await honest(server)
})

it("[U5] a document is full at 1 MiB, says so, and takes more after something was deleted", async () => {
  const server = await startTestServer()
  const alice = await RawClient.connect(server.url, { user: "alice" })
  const doc = new Y.Doc()
  const big = "x".repeat(200_000)
  const set = (key: number) => edit(doc, () => doc.getMap("drafts").set(String(key), new Y.Text(big)))
  for (let key = 0; key < 5; key++) expect(await pushAccount(alice, set(key))).toBeUndefined()
  const over = set(5)
  expect(await pushAccount(alice, over)).toBe("QUOTA_EXCEEDED")
  await honest(server)
  // Overwriting goes on for ever: what is deleted takes no room.
  const free = edit(doc, () => doc.getMap("drafts").delete("0"))
  const [structs, deletes] = [readNative(over), readNative(free)]
  const both = encodeNative({ structs: structs?.structs ?? new Map(), deletes: deletes?.deletes ?? new Map() })
  expect(await pushAccount(alice, both)).toBeUndefined()
  const { doc: held } = await heldAccount(alice)
  expect(Array.from(held.getMap("drafts").keys()).sort()).toEqual(["1", "2", "3", "4", "5"])
  const whole = Y.encodeStateAsUpdate(held).length
  expect(whole).toBeLessThan(MAX_ACCOUNT_BYTES)
  await honest(server)
})

it("a frame that is too large ends that connection alone", async () => {
  const server = await startTestServer()
  const alice = await RawClient.connect(server.url, { user: "alice" })
  const huge = edit(new Y.Doc(), (doc) => doc.getMap("drafts").set("x", new Y.Text("x".repeat(600_000))))
  alice.connection.send({ kind: "accountUpdate", id: 1, account: accountNamed("alice"), update: huge })
  expect(await alice.connection.closed).toBe("FRAME_TOO_LARGE")
  await honest(server)
})

it("a vector that is none ends the connection", async () => {
  const server = await startTestServer()
  const alice = await RawClient.connect(server.url, { user: "alice" })
  const vector = Uint8Array.of(255, 255, 255, 255, 255, 255)
  const account = accountNamed("alice")
  alice.connection.send({ kind: "account", account, reply: true, digest: new Uint8Array(12), vector })
  expect(await alice.connection.closed).toBe("BAD_FRAME")
  await honest(server)
})

it("updates beyond the rate are refused for now", async () => {
  const server = await startTestServer({ limits: { entryBurst: 2, entriesPerSecond: 1 } })
  const alice = await RawClient.connect(server.url, { user: "alice" })
  const doc = new Y.Doc()
  expect(await pushAccount(alice, draft(doc, "1"))).toBeUndefined()
  expect(await pushAccount(alice, draft(doc, "2"))).toBeUndefined()
  expect(await pushAccount(alice, draft(doc, "3"))).toBe("RATE_LIMITED")
  await honest(server, "bob")
})
