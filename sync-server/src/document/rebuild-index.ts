import { digestOf } from "@weft/sdk/protocol"
import type { Log } from "../observe/log.js"
import type { Store } from "../store/store.js"
import { ActiveDocument } from "./active-document.js"
import type { DigestTable } from "./digest-table.js"
import type { Registry } from "./registry.js"
import type { UserIndex } from "./user-index.js"

const SETTING = "conversations-indexed"
const VERSION = Uint8Array.of(1)

/** Makes digests and the index of users' conversations where the store has none: one that y-leveldb wrote, say. */
export async function rebuildIndex(
  store: Store,
  digests: DigestTable,
  registry: Registry,
  index: UserIndex,
  log: Log,
): Promise<void> {
  if ((await store.getSetting(SETTING)) !== undefined) return
  for (const name of await store.documents()) {
    if (digests.has(name)) continue
    try {
      digests.set(name, digestOf((await ActiveDocument.load(name, store)).summary))
    } catch (error) {
      log.error({ err: error, document: name }, "a document can't be read; it is left alone")
    }
  }
  for (const id of Array.from(digests.conversations())) {
    await index.set(id, await registry.conversation(id).standings())
  }
  await store.putSetting(SETTING, VERSION)
}
