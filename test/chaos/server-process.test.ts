/* A server process that is stopped, or dies. [SPEC S6; DESIGN I1] */
import { createServer } from "node:net"
import { readContents } from "@weft/sdk/protocol"
import { describe, expect, it } from "vitest"
import { RawClient, RawConnection, RawConversation, sayHello } from "../support/raw-client.js"
import { makeDevice } from "../support/device.js"
import { spawnServer } from "../support/spawn-server.js"
import { temporaryDirectory } from "../support/temporary.js"

const limits = ["--limit-entries-per-second", "100000", "--limit-entry-burst", "100000"]

/** Writes without pause until the connection ends; returns the log and how many of its elements were acknowledged. */
async function writeUntilClosed(
  url: string,
  after: number,
  then: () => void,
): Promise<{ client: RawClient; trip: RawConversation; logs: Map<number, number> }> {
  const client = await RawClient.connect(url, { user: "alice" })
  const trip = await RawConversation.create(client)
  const logs = new Map<number, number>()
  let written = 0
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      const log = trip.log(client)
      for (;;) {
        const run = await log.seal(trip.message("x".repeat(200)))
        const codes = await client.push(trip.segment(1), run).catch(() => undefined)
        if (codes === undefined) return
        expect(codes).toEqual([])
        logs.set(log.client, log.whole.elements.length)
        if (++written === after) then()
      }
    }),
  )
  return { client, trip, logs }
}

async function expectHeld(url: string, written: Awaited<ReturnType<typeof writeUntilClosed>>): Promise<void> {
  const { client, trip, logs } = written
  const again = await RawClient.connect(url, { user: "alice", device: client.device })
  expect(again.welcome.incarnation).toEqual(client.welcome.incarnation)
  const contents = readContents((await again.fetch(trip.segment(1))).updates)
  for (const [log, acknowledged] of logs) {
    expect(contents.get(log)?.elements.length ?? 0).toBeGreaterThanOrEqual(acknowledged)
  }
  expect(await again.push(trip.segment(1), await trip.log(again).seal(trip.message("goes on")))).toEqual([])
}

it("[I1] a server killed in mid-stream loses nothing that it acknowledged", async () => {
  const args = ["--dev", "--port", "0", "--data", await temporaryDirectory(), ...limits]
  const server = await spawnServer(args)
  const written = await writeUntilClosed(await server.url, 200, () => server.child.kill("SIGKILL"))
  expect((await server.ended).signal).toBe("SIGKILL")
  await expectHeld(await (await spawnServer(args)).url, written)
})

it("[I1] a server that is asked to stop answers what came in, says why it closes, and ends well", async () => {
  const args = ["--dev", "--port", "0", "--data", await temporaryDirectory(), ...limits]
  const server = await spawnServer(args)
  const url = await server.url
  const idle = await RawConnection.open(url)
  await sayHello(idle, await makeDevice(), "bob")
  await idle.next("welcome")
  const written = await writeUntilClosed(url, 200, () => server.child.kill("SIGTERM"))
  expect(await written.client.connection.closed).toBe("SHUTTING_DOWN")
  expect(await idle.closed).toBe("SHUTTING_DOWN")
  const { code, stdout } = await server.ended
  expect(code).toBe(0)
  expect(stdout).toContain("stopped")
  await expectHeld(await (await spawnServer(args)).url, written)
})

describe("the command line", () => {
  it.each([
    [["--port", "99999", "--dev"], '--port "99999" is no port'],
    [["--nonsense"], "Unknown option '--nonsense'"],
    [["--dev", "--host", "0.0.0.0"], "for this machine only"],
    [[], "who are the users?"],
    [["--dev", "--ack", "all"], '--ack "all" is neither local nor peers=N'],
    [["--jwks", "https://example.com/keys"], "--issuer and --audience"],
    [["--jwt-key", "/nowhere", "--issuer", "i", "--audience", "a"], "/nowhere"],
  ])("%j is refused in one line", async (args, text) => {
    const { code, stderr, stdout } = await (await spawnServer(args)).ended
    expect(code).toBe(2)
    expect(stderr).toContain(text)
    expect(stderr.trimEnd().split("\n").length).toBe(1)
    expect(stdout).toBe("")
  })

  it("says what it takes, and its version", async () => {
    const help = await (await spawnServer(["--help"])).ended
    expect(help.code).toBe(0)
    expect(help.stdout).toContain("--limit-frame-bytes N")
    const version = await (await spawnServer(["--version"])).ended
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  it("says who has the port or the folder", async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve))
    const address = taken.address()
    const port = typeof address === "object" && address !== null ? String(address.port) : ""
    const data = await temporaryDirectory()
    const busy = await (await spawnServer(["--dev", "--port", port, "--data", data])).ended
    taken.close()
    expect(busy.code).toBe(1)
    expect(busy.stderr).toContain(`EADDRINUSE`)
    const first = await spawnServer(["--dev", "--port", "0", "--data", data])
    await first.url
    const second = await (await spawnServer(["--dev", "--port", "0", "--data", data])).ended
    expect(second.code).toBe(1)
    expect(second.stderr).toContain("in use by another process")
  })
})
