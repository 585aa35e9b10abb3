import { conversationOf } from "@weft/sdk/protocol"
import type { Log } from "../observe/log.js"
import type { Store } from "../store/store.js"
import { ActiveDocument } from "./active-document.js"
import { isDamage } from "./damage.js"
import type { DigestTable } from "./digest-table.js"
import type { Registry } from "./registry.js"
import type { UserIndex } from "./user-index.js"

const SETTING = "conversations-indexed"
const VERSION = Uint8Array.of(1)

/**
 * Makes digests and the index of users' conversations where the store has none: one that y-leveldb wrote, say. `anew`: also
 * where it has them; that loads every conversation once.
 */
export async function rebuildIndex(
  store: Store,
  digests: DigestTable,
  registry: Pick<Registry, "conversation">,
  index: UserIndex,
  log: Log,
  anew = false,
): Promise<void> {
  if (!anew && (await store.getSetting(SETTING)) !== undefined) return
  for (const name of await store.documents()) {
    if ((await digests.of(conversationOf(name))).has(name)) continue
    try {
      const document = await ActiveDocument.load(name, store)
      if (document.isEmpty) continue
      // Written with it: the next start reads no document for its digest.
      const { durable, digest } = document.append([], { covers: true })
      await durable
      digests.set(name, digest)
    } catch (error) {
      // Else it would never be told of: this is done once.
      if (!isDamage(error)) throw error
      log.error({ err: error, document: name }, "a document can't be read; it is left alone")
    }
  }
  for await (const { conversation: id, count } of digests.all()) {
    if (count > 0) await index.set(id, await registry.conversation(id).standings())
  }
  await store.putSetting(SETTING, VERSION)
}
