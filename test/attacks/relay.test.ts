/* A server that passes on the challenge of another: what it gets there says that an honest device acts for somebody else. */
import {
  controlDocument,
  decodeCertificate,
  decodeFrame,
  deviceIdOf,
  encodeControl,
  encodeFrame,
  PACKED_FRAME,
  readContents,
  readRun,
  type Certificate,
} from "@weft/sdk/protocol"
import type { AddressInfo } from "node:net"
import { expect, it, onTestFinished } from "vitest"
import { WebSocket, WebSocketServer } from "ws"
import { openClient } from "../support/client.js"
import { makeLog } from "../support/device.js"
import { clockNow, RawClient } from "../support/raw-client.js"
import { startTestServer } from "../support/server.js"
import { conversationOf, until } from "../support/until.js"

/** Passes on all but the token: it says that whoever connects is mallory. */
async function relayTo(url: string): Promise<{ readonly url: string; readonly certified: Promise<Certificate> }> {
  const relay = new WebSocketServer({ host: "127.0.0.1", port: 0 })
  await new Promise((resolve) => relay.once("listening", resolve))
  onTestFinished(() => {
    for (const socket of relay.clients) socket.terminate()
    relay.close()
  })
  const certified = new Promise<Certificate>((resolve) => {
    relay.on("connection", (device) => {
      const server = new WebSocket(`${url}/sync`)
      server.on("message", (data: Buffer) => {
        const frame = data[0] === PACKED_FRAME ? undefined : decodeFrame(new Uint8Array(data))
        if (frame?.kind === "welcome") {
          const certificate = decodeCertificate(frame.certificate)
          if (certificate !== undefined) resolve(certificate)
        }
        device.send(data)
      })
      device.on("message", (data: Buffer) => {
        const frame = data[0] === PACKED_FRAME ? undefined : decodeFrame(new Uint8Array(data))
        server.send(frame?.kind === "hello" ? encodeFrame({ ...frame, token: "mallory" }) : data)
      })
      device.on("close", () => server.terminate())
      server.on("close", () => device.terminate())
      for (const socket of [server, device]) socket.on("error", () => undefined)
    })
  })
  return { url: `ws://127.0.0.1:${(relay.address() as AddressInfo).port}`, certified }
}

it("[A5, S3] a certificate for another user that a server got for an honest device by relaying disputes nothing", async () => {
  const { url } = await startTestServer()
  const relay = await relayTo(url)
  const alice = await openClient("alice", { servers: [relay.url, url] })
  const certificate = await relay.certified
  expect([certificate.user, deviceIdOf(certificate.publicKey)]).toEqual(["mallory", alice.device])
  // The device has no use for it, and goes on to another server.
  const trip = await alice.createConversation({ title: "Trip", members: ["bob", "mallory"] })
  await trip.send("before").reached("sent")
  // In nobody else's log it says anything of the device.
  const mallory = await RawClient.connect(url, { user: "mallory" })
  const control = controlDocument(trip.id)
  const { updates } = await mallory.fetch(control)
  const [created] = Array.from(readContents(updates).values()).flatMap((run) => readRun(run))
  if (created?.control === undefined) throw new TypeError("the create entry")
  const body = encodeControl({ kind: "introduce", certificate }, new Uint8Array(12))
  const draft = { class: "control", clock: clockNow(), body, seen: [created.control] } as const
  const run = await makeLog(mallory.device, control).seal(draft)
  expect(await mallory.push(control, run)).toEqual(["KEY_REFUSED"])
  await trip.send("after").reached("sent")
  const bob = await openClient("bob", { servers: [url] })
  const read = await conversationOf(bob, trip.id)
  await until(read.messages, ({ items }) => items.length === 2)
})
