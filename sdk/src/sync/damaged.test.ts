import { expect, it } from "vitest"
import { manualEnv } from "../../../test/support/manual-env.js"
import { catchUpKey, draftKey, progressKey, readKey, refusedKey, supersededKey, threadReadKey } from "../log/keys.js"
import { deviceNamed } from "../log/scenario.js"
import type { ControlId } from "../protocol/entry.js"
import { segmentDocument, type ConversationId, type UserId } from "../protocol/names.js"
import { createMemoryStorage } from "../storage/memory.js"
import type { Storage } from "../storage/storage.js"
import { Replica } from "./replica.js"

const name = "A".repeat(24)
const kinds: Record<string, (id: ConversationId) => string> = {
  draft: (id) => draftKey(segmentDocument(id, 1), 1, name),
  "refused entry": (id) => refusedKey(segmentDocument(id, 1), name),
  "name in another's place": (id) => supersededKey(id, name as ControlId),
  "receipt of another device": (id) => progressKey(id, name as never, 1),
  "read count": (id) => readKey(id, 1),
  "read count in threads": (id) => threadReadKey(id, 1),
  "note of what was read while a device caught up": (id) => catchUpKey(id),
}

it.each(Object.keys(kinds))("[U13] a damaged %s keeps nobody from other conversations, and is told", async (kind) => {
  const device = await deviceNamed("ann")
  const storage = createMemoryStorage()
  const open = (through: Storage): Promise<Replica> =>
    Replica.open({
      ...{ storage: through, env: manualEnv(), user: "ann" as UserId, signer: device },
      verify: async () => true,
      refusesKey: () => false,
    })
  const first = await open(storage.share())
  await first.becomeWriter()
  const { id: damaged } = await first.create("Damaged", [], [])
  const { id: sound } = await first.create("Sound", [], [])
  await first.close()
  await storage.write([{ kind: "put", key: kinds[kind]?.(damaged) ?? "", value: Uint8Array.of(123) }])

  const replica = await open(storage.share())
  await replica.becomeWriter()
  expect(replica.writing.get()).toBe(true)
  expect(replica.health.get()).toMatchObject({ kind: "failing", code: "STORE_CORRUPT" })
  await expect(replica.conversation(damaged)).rejects.toMatchObject({ code: "STORE_CORRUPT" })
  expect((await replica.conversation(sound)).state.title).toBe("Sound")
  expect((await replica.digests()).map(({ conversation }) => conversation)).not.toContain(damaged)
  await replica.close()
})
