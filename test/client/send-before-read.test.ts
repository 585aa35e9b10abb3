import { createMemoryStorage } from "@weft/sdk/node"
import { expect, it, onTestFinished, vi } from "vitest"
import { openClient } from "../support/client.ts"
import { gated } from "../support/gated-storage.ts"
import { startTestServer } from "../support/server.ts"
import { until } from "../support/until.ts"

it("[U9, U13] what was sent before it was read is in the draft, or in a message, whenever a page ends", async () => {
  const storage = createMemoryStorage()
  const { url } = await startTestServer()
  const first = await openClient("alice", { storage, servers: [url] })
  onTestFinished(first.list.subscribe(() => undefined))
  const { id } = await first.createConversation({ title: "Trip" })
  await first.synced()
  const rows = { from: "o/", to: "o0" }
  await vi.waitUntil(async () => (await storage.share().scan(rows)).length > 0)
  await first.close()

  const gate = gated(storage)
  const client = await openClient("alice", { storage: gate.storage })
  onTestFinished(client.list.subscribe(() => undefined))
  const trip = client.conversation(id)!
  trip.draft.set("I come at noon")
  await client.account.saved()
  const sent = trip.send("I come at noon")
  expect(trip.draft.get()).toBe("")
  await client.account.saved()
  expect(sent.status).toBe("saving")
  // The page ends here: a copy of the storage as a crash leaves it.
  const snapshot = storage.snapshot()
  gate.open()
  await sent.reached("saved")

  const after = await openClient("alice", { storage: createMemoryStorage({ snapshot }) })
  const again = await after.openConversation(id)
  await until(again.messages, ({ state }) => state === "ready")
  const words = [again.draft.get(), ...again.messages.get().items.map(({ text }) => text)]
  expect(words).toContain("I come at noon")
})
