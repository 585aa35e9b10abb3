/* Strangers who put a user into more conversations than the user may open. */
import { WIRE_DIGEST_BYTES, type ConversationId } from "@weft/sdk/protocol"
import { expect, it } from "vitest"
import { RawClient, RawConversation } from "../support/raw-client.js"
import { openArena } from "./arena.js"

const conversationsPerUser = 10

it("[L1, S4] whom strangers put into more conversations than a user may open compares all of them, and opens some", async () => {
  const arena = await openArena({ limits: { conversationsPerUser } })
  const { server, alice } = arena
  const ids: ConversationId[] = [arena.trip.id]
  for (let stranger = 0; stranger < 3; stranger++) {
    const mallory = await RawClient.connect(server.url, { user: `mallory${stranger}` })
    for (let count = 0; count < conversationsPerUser; count++) {
      const { id, made } = await RawConversation.prepare(mallory, ["alice"])
      expect(await mallory.push(made.control, made.run)).toEqual([])
      ids.push(id)
    }
    const { made } = await RawConversation.prepare(mallory)
    expect(await mallory.push(made.control, made.run)).toEqual(["QUOTA_EXCEEDED"])
  }
  const items = ids.map((conversation) => ({ conversation, digest: new Uint8Array(WIRE_DIGEST_BYTES) }))
  const from = alice.connection.frames.length
  alice.connection.send({ kind: "digests", last: false, items: items.slice(0, 20) })
  alice.connection.send({ kind: "digests", last: true, items: items.slice(20) })
  await alice.connection.next("compared")
  const frames = alice.connection.frames.slice(from)
  const compared = frames.flatMap((frame) => (frame.kind === "documents" ? [frame.conversation] : []))
  expect(compared).toEqual(ids)
  const own = await RawConversation.prepare(alice)
  expect(await alice.push(own.made.control, own.made.run)).toEqual([])
  await arena.honest()
})

it("[L1] who brings what another made opens it: no name of another's makes room", async () => {
  const { server } = await openArena({ limits: { conversationsPerUser: 2 } })
  const mallory = await RawClient.connect(server.url, { user: "mallory2" })
  const codes = []
  for (let count = 0; count < 3; count++) {
    const ghost = await RawClient.connect(server.url, { user: `ghost${count}` })
    const { made } = await RawConversation.prepare(ghost, ["mallory2"])
    codes.push(...(await mallory.push(made.control, made.run)))
  }
  expect(codes).toEqual(["QUOTA_EXCEEDED"])
})
