import { once } from "node:events"
import { createServer } from "node:http"
import { connect, type AddressInfo, type Socket } from "node:net"
import { closeCode } from "@weft/sdk/protocol"
import { expect, it, onTestFinished, vi } from "vitest"
import { defaultLimits } from "../limits/limits.js"
import { Slots } from "../limits/slots.js"
import { createMetrics } from "../observe/metrics.js"
import { upgradeListener } from "./upgrade.js"

const paths = ["/sync", `/y/${encodeURIComponent(`c/${"A".repeat(24)}/1`)}`]

/** A socket to a server that refuses everybody, and that answers nothing; resolves when the close frame came. */
async function openMute(path: string): Promise<{ socket: Socket; closed: Promise<unknown> }> {
  const server = createServer().on(
    "upgrade",
    upgradeListener({
      limits: defaultLimits,
      metrics: createMetrics({ process: false }),
      addresses: new Slots(),
      trustedProxy: false,
      loopbackOriginsOnly: false,
      isDraining: () => true,
      accept: () => {
        throw new Error("accepted")
      },
    }),
  )
  await once(server.listen(0, "127.0.0.1"), "listening")
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1")
  onTestFinished(() => {
    socket.destroy()
    server.close()
  })
  socket.on("error", () => undefined)
  const closed = new Promise((resolve) => socket.once("close", resolve))
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${"A".repeat(22)}==\r\n\r\n`,
  )
  let said = Buffer.alloc(0)
  const close = Buffer.alloc(2)
  close.writeUInt16BE(closeCode("SHUTTING_DOWN"))
  await new Promise<void>((resolve) => {
    socket.on("data", (bytes: Buffer) => {
      said = Buffer.concat([said, bytes])
      if (said.includes(close)) resolve()
    })
  })
  return { socket, closed }
}

it.each(paths)("[L1] who is refused at %s and does not answer is let go of", async (path) => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })
  onTestFinished(() => {
    vi.useRealTimers()
  })
  const { socket, closed } = await openMute(path)
  vi.advanceTimersByTime(2_000)
  await closed
  expect(socket.destroyed).toBe(true)
})

it.each(paths)("[L1] of who is refused at %s no message is read", async (path) => {
  const { socket, closed } = await openMute(path)
  // The beginning of a binary message of 1 MiB, which is not too large yet.
  socket.write(Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0]))
  socket.write(Buffer.alloc(defaultLimits.preAuthBytes))
  await closed
  expect(socket.destroyed).toBe(true)
})
