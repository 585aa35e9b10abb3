import { decodeUpdate, type DocumentName } from "@weft/sdk/protocol"
import type { ServerOptions } from "@weft/sync-server"
import { expect } from "vitest"
import { RawClient, RawConversation } from "../support/raw-client.js"
import { startTestServer, type TestServer } from "../support/server.js"

/** A server with one conversation of two honest members and a malicious one, all with introduced devices. */
export interface Arena {
  readonly server: TestServer
  readonly alice: RawClient
  readonly bob: RawClient
  readonly mallory: RawClient
  readonly trip: RawConversation
  /** Segment 1. */
  readonly segment: DocumentName
  /** An honest client still works: what alice writes becomes durable and reaches bob. */
  honest(): Promise<void>
}

export async function openArena(options: Partial<ServerOptions> = {}): Promise<Arena> {
  const server = await startTestServer(options)
  const alice = await RawClient.connect(server.url, { user: "alice" })
  const bob = await RawClient.connect(server.url, { user: "bob" })
  const mallory = await RawClient.connect(server.url, { user: "mallory" })
  const trip = await RawConversation.create(alice, ["bob", "mallory"])
  await trip.introduce(bob)
  await trip.introduce(mallory)
  const segment = trip.segment(1)
  return {
    server,
    alice,
    bob,
    mallory,
    trip,
    segment,
    async honest() {
      const log = trip.log(alice)
      expect(await alice.push(segment, await log.seal(trip.message("still here")))).toEqual([])
      await bob.connection.next("update", (frame) => {
        return decodeUpdate(frame.update)?.some(({ client }) => client === log.client) ?? false
      })
    },
  }
}
