import { parseConversationId, parseDocumentName, type DocumentName } from "@weft/sdk/protocol"
import type { StoredEntry } from "./database.js"
import { parseKey } from "./keys.js"
import type { ConversationDigests } from "./store.js"

/** Entries of the digests' range, in their order, by conversation. What is no key of ours is left out. */
export function groupDigests(entries: readonly StoredEntry[]): ConversationDigests[] {
  const found: (ConversationDigests & {
    documents: { document: DocumentName; digest: Uint8Array }[]
    registers: Uint8Array | undefined
  })[] = []
  for (const [bytes, value] of entries) {
    const key = parseKey(bytes)
    if (key?.kind !== "digest" && key?.kind !== "registers") continue
    const conversation = parseConversationId(key.conversation)
    if (conversation === undefined) continue
    let last = found.at(-1)
    if (last?.conversation !== conversation) found.push((last = { conversation, documents: [], registers: undefined }))
    // A small array of its own costs a third of the memory of LevelDB's buffer.
    const digest = new Uint8Array(value)
    if (key.kind === "registers") last.registers = digest
    else {
      const document = parseDocumentName(`c/${conversation}/${key.segment === 0 ? "control" : key.segment}`)?.name
      if (document !== undefined) last.documents.push({ document, digest })
    }
  }
  return found
}
