import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { expect, it } from "vitest"
import { RawClient, RawConversation } from "../../../test/support/raw-client.js"
import { startTestServer, type TestServer } from "../../../test/support/server.js"
import { tamper } from "../../../test/support/tamper.js"
import { temporaryDirectory } from "../../../test/support/temporary.js"
import { metaKey, updateKey } from "../store/keys.js"
import type { DebugReport } from "./debug-report.js"

const adminToken = "of the operator"

function ask({ port }: TestServer, authorization?: string): Promise<Response> {
  const headers = authorization === undefined ? {} : { authorization }
  return fetch(`http://127.0.0.1:${port}/debug`, { headers })
}

async function read(server: TestServer): Promise<DebugReport> {
  const response = await ask(server, `Bearer ${adminToken}`)
  expect(response.status).toBe(200)
  return (await response.json()) as DebugReport
}

const codes = ({ findings }: DebugReport): string[] => findings.map(({ code }) => code)

it("[H3] without an admin token there is no /debug", async () => {
  const folder = await temporaryDirectory()
  await writeFile(join(folder, "debug"), "a page of its own")
  const server = await startTestServer({ static: folder })
  expect((await ask(server, `Bearer ${adminToken}`)).status).toBe(404)
})

it("[H3] nobody else reads it", async () => {
  const server = await startTestServer({ adminToken })
  for (const authorization of [undefined, "", "Bearer", "Bearer ", "Bearer other", `Basic ${adminToken}`, adminToken]) {
    const response = await ask(server, authorization)
    expect(response.status, authorization).toBe(401)
    expect(response.headers.get("WWW-Authenticate")).toBe("Bearer")
    expect(await response.text()).not.toContain("version")
  }
})

it("[H3] who has it reads how store and connections are", async () => {
  const server = await startTestServer({ adminToken })
  const alice = await RawClient.connect(server.url, { user: "alice" })
  const trip = await RawConversation.create(alice, ["bob"])
  const report = await read(server)
  expect(report).toMatchObject({
    server: Buffer.from(server.publicKey).toString("hex"),
    store: { failing: false, documents: 1, pendingWrites: 0, quarantined: 0, errors: 0 },
    connections: { open: { "/sync": 1 }, unsentBytes: 0, slowest: [] },
    peers: [],
    clocks: { refused: { CLOCK_AHEAD: 0, CLOCK_FAR_AHEAD: 0 } },
  })
  expect(report.store.usedBytes).toBeGreaterThan(0)
  expect(report.eventLoop.maxMs).toBeGreaterThanOrEqual(report.eventLoop.p50Ms)
  const text = JSON.stringify(report)
  for (const name of ["alice", "bob", trip.id, adminToken]) expect(text).not.toContain(name)
})

it("[H3, R7] a document that can't be read is counted, not named", async () => {
  const before = await startTestServer()
  const alice = await RawClient.connect(before.url, { user: "alice" })
  const trip = await RawConversation.create(alice, [])
  expect(await alice.push(trip.segment(1), await trip.log(alice).seal(trip.message("hello")))).toEqual([])
  await before.close()
  await tamper(before.data, async (level) => {
    await level.put(updateKey(trip.segment(1), 0), Uint8Array.of(1, 2, 3))
    await level.put(metaKey(trip.segment(1), "weft-summary"), Uint8Array.of(9, 9))
  })
  const server = await startTestServer({ data: before.data, adminToken })
  const again = await RawClient.connect(server.url, { user: "alice", device: alice.device })
  expect((await again.fetch(trip.segment(1))).updates).toEqual([])
  const report = await read(server)
  expect(report.store).toMatchObject({ quarantined: 1, documents: 2 })
  expect(codes(report)).toContain("DOCUMENTS_QUARANTINED")
  expect(JSON.stringify(report)).not.toContain(trip.id)
})

it("[H3] a peer is there or away, by its address", async () => {
  const other = await startTestServer()
  const server = await startTestServer({ adminToken, peers: [`${other.url.replace("//", "//name:secret@")}/sync`] })
  await expect.poll(async () => (await read(server)).peers).toMatchObject([{ connected: true, lag: 0, differing: 0 }])
  const report = await read(server)
  const metrics = await (await fetch(`http://127.0.0.1:${server.port}/metrics`)).text()
  expect(metrics).toContain("weft_peer_link_up{")
  expect(JSON.stringify(report) + metrics).not.toContain("secret")
  expect(`ws://${report.peers[0]?.peer}`).toBe(other.url)
  await other.close()
  await expect.poll(async () => codes(await read(server))).toContain("PEER_AWAY")
})
