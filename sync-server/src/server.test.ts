import { expect, it } from "vitest"
import { RawClient, RawConversation } from "../../test/support/raw-client.js"
import { startTestServer } from "../../test/support/server.js"
import { temporaryDirectory } from "../../test/support/temporary.js"

it("[S3] welcomes a device with a certificate", async () => {
  const server = await startTestServer()
  const alice = await RawClient.connect(server.url, { user: "alice" })
  expect(alice.welcome.user).toBe("alice")
  expect(alice.certificate.user).toBe("alice")
  expect(alice.certificate.publicKey).toEqual(alice.device.publicKey)
  expect(alice.welcome.trust).toEqual([server.publicKey])
})

it("[S6, S7] an update is acknowledged, and relayed to the other members", async () => {
  const server = await startTestServer()
  const alice = await RawClient.connect(server.url, { user: "alice" })
  const bob = await RawClient.connect(server.url, { user: "bob" })
  const trip = await RawConversation.create(alice, ["bob"])
  const told = await bob.connection.next("documents")
  expect(told.conversation).toBe(trip.id)
  const log = trip.log(alice)
  expect(await alice.push(trip.segment(1), await log.seal(trip.message("hello")))).toEqual([])
  const relayed = await bob.connection.next("update", ({ document }) => document === trip.segment(1))
  expect(relayed.id).toBe(0)
  const fetched = await bob.fetch(trip.segment(1))
  expect(fetched.updates).toEqual([relayed.update])
})

it("a start that fails by its options lets go of its data folder", async () => {
  const data = await temporaryDirectory()
  const auth = { kind: "jwt", keys: { kind: "pem", pem: "no key" }, issuer: "i", audience: "a" } as const
  await expect(startTestServer({ data, auth })).rejects.toThrow()
  await startTestServer({ data })
})
