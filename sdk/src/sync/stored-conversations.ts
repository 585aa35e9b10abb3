import {
  allDraftsPrefix,
  documentOfDraftKey,
  documentOfKey,
  documentPrefix,
  GUARD_KEY,
  imprintPrefix,
  IMPRINTS_KEY,
} from "../log/keys.js"
import { equalBytes } from "../protocol/bytes.js"
import {
  documentParts,
  parseConversationId,
  parseDocumentName,
  type ConversationId,
  type DocumentName,
} from "../protocol/names.js"
import { prefixRange, type Storage } from "../storage/storage.js"
import { decodeImprint, type Imprint } from "./imprint.js"

/** What a storage holds of a conversation: numbers of its segments, and of those with drafts. */
export interface StoredConversation {
  readonly segments: readonly number[]
  readonly withDrafts: readonly number[]
  /** Whether there is any draft, of a control entry too. */
  readonly waits: boolean
  readonly imprint: Imprint | undefined
}

export const nothingStored: StoredConversation = { segments: [], withDrafts: [], waits: false, imprint: undefined }

/** Without their imprints. */
export async function storedConversations(storage: Storage): Promise<Map<ConversationId, StoredConversation>> {
  const [documents, drafts] = await Promise.all([storage.keys(prefixRange(documentPrefix)), storedDrafts(storage)])
  const waiting = new Set(drafts.keys())
  const names = new Set(waiting)
  for (const key of documents) {
    const name = parseDocumentName(documentOfKey(key))?.name
    if (name !== undefined) names.add(name)
  }
  const withDrafts = segmentsOf(waiting)
  return new Map(
    Array.from(segmentsOf(names), ([id, segments]) => {
      return [id, { ...nothingStored, segments, withDrafts: withDrafts.get(id) ?? [], waits: withDrafts.has(id) }]
    }),
  )
}

/** Keys of the drafts that a storage holds, by document. */
export async function storedDrafts(storage: Storage): Promise<Map<DocumentName, string[]>> {
  const drafts = new Map<DocumentName, string[]>()
  for (const key of await storage.keys(prefixRange(allDraftsPrefix))) {
    const name = parseDocumentName(documentOfDraftKey(key))?.name
    if (name === undefined) continue
    const keys = drafts.get(name)
    if (keys === undefined) drafts.set(name, [key])
    else keys.push(key)
  }
  return drafts
}

/** With their imprints. */
export async function storedWithImprints(storage: Storage): Promise<Map<ConversationId, StoredConversation>> {
  const [conversations, imprints] = await Promise.all([storedConversations(storage), storedImprints(storage)])
  return new Map(Array.from(conversations, ([id, stored]) => [id, { ...stored, imprint: imprints.get(id) }]))
}

/** Those that count: whoever wrote last kept them. */
async function storedImprints(storage: Storage): Promise<Map<ConversationId, Imprint>> {
  const imprints = new Map<ConversationId, Imprint>()
  const [guard, keeper, rows] = await Promise.all([
    storage.get(GUARD_KEY),
    storage.get(IMPRINTS_KEY),
    storage.scan(prefixRange(imprintPrefix)),
  ])
  if (guard === undefined || keeper === undefined || !equalBytes(guard, keeper)) return imprints
  for (const { key, value } of rows) {
    const id = parseConversationId(key.slice(imprintPrefix.length))
    const imprint = id === undefined ? undefined : decodeImprint(id, value)
    if (id !== undefined && imprint !== undefined) imprints.set(id, imprint)
  }
  return imprints
}

function segmentsOf(names: ReadonlySet<DocumentName>): Map<ConversationId, number[]> {
  const segments = new Map<ConversationId, number[]>()
  for (const name of names) {
    const parts = documentParts(name)
    const numbers = segments.get(parts.conversation) ?? []
    if (parts.kind === "segment") numbers.push(parts.segment)
    segments.set(parts.conversation, numbers)
  }
  return segments
}
