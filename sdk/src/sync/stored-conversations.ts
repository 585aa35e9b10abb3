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
  const [documents, drafts] = await Promise.all([
    storage.scan(prefixRange(documentPrefix)),
    storage.scan(prefixRange(allDraftsPrefix)),
  ])
  const waiting = new Set<DocumentName>()
  for (const { key } of drafts) addName(waiting, documentOfDraftKey(key))
  const names = new Set(waiting)
  for (const { key } of documents) addName(names, documentOfKey(key))
  const withDrafts = segmentsOf(waiting)
  return new Map(
    Array.from(segmentsOf(names), ([id, segments]) => {
      return [id, { ...nothingStored, segments, withDrafts: withDrafts.get(id) ?? [], waits: withDrafts.has(id) }]
    }),
  )
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

function addName(names: Set<DocumentName>, text: string): void {
  const parsed = parseDocumentName(text)
  if (parsed !== undefined) names.add(parsed.name)
}
