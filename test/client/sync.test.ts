import { describe, expect, it } from "vitest"
import { openClient } from "../support/client.ts"
import { projectionHash, replayRoom } from "../replay/replay.ts"
import { conversationOf, until } from "../support/until.ts"
import { readRooms } from "../replay/chat-log.ts"
import { seededRandom } from "../support/seed.ts"
import { quickEnv } from "../support/quick-env.ts"
import { startTestServer } from "../support/server.ts"

describe("clients and a server", () => {
  it("[S6] one message goes from a device through LevelDB to another device", async () => {
    const { url } = await startTestServer()
    const alice = await openClient("alice", { servers: [url] })
    const bob = await openClient("bob", { servers: [url] })
    const trip = await alice.createConversation({ title: "Trip", members: ["bob"] })
    const message = trip.send("hello")
    await message.reached("sent")
    const received = await conversationOf(bob, trip.id)
    await until(received.messages, ({ items }) => items.length === 1)
    expect(received.messages.get().items).toMatchObject([{ text: "hello", author: "alice", own: false }])
    await received.send("hi").reached("sent")
    await until(trip.messages, ({ items }) => items.length === 2)
    await Promise.all([alice.synced(), bob.synced()])
    expect(await trip.digest()).toBe(await received.digest())
    expect(projectionHash(trip)).toBe(projectionHash(received))
  })

  it("replays a real room through two peered servers to one projection", async () => {
    const first = await startTestServer()
    const second = await startTestServer({ peers: [`${first.url}/sync`] })
    const [lines = []] = (await readRooms("test/data/ubuntu-irc-2005-05-19.jsonl.gz")).values()
    const result = await replayRoom({ lines: lines.slice(-200), servers: [first.url, second.url] })
    console.log({ ...result, projections: result.projections.size, unread: result.unread.size })
    expect(result.replies).toBeGreaterThan(0)
    expect(new Set(result.projections.values()).size).toBe(1)
  })

  it(
    "[M, I4] with reactions, edits, erasures, receipts, changes of membership and offline spells mixed in, all replicas end with one projection",
    { timeout: 120_000 },
    async () => {
      const first = await startTestServer()
      const second = await startTestServer({ peers: [`${first.url}/sync`] })
      const [lines = []] = (await readRooms("test/data/ubuntu-irc-2005-05-19.jsonl.gz")).values()
      const mix = seededRandom("mixed replay")
      const result = await replayRoom({
        lines: lines.slice(-200),
        servers: [first.url, second.url],
        env: quickEnv,
        mix,
        window: 8,
      })
      console.log({ ...result, projections: result.projections.size, unread: result.unread.size })
      expect(result.mixed?.reactions).toBeGreaterThan(0)
      expect(result.mixed?.edits).toBeGreaterThan(0)
      expect(result.mixed?.reads).toBeGreaterThan(0)
      expect(result.mixed?.added).toBeGreaterThan(0)
      for (const [name, { counted, expected }] of result.unread) expect(counted, name).toBe(expected)
      expect(result.ticks).toBeGreaterThan(0)
      expect(new Set(result.projections.values()).size).toBe(1)
    },
  )
})
