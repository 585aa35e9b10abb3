import type { ControlId } from "../protocol/entry.js"
import type { ConversationId, DeviceId, DocumentName, LogId } from "../protocol/names.js"

/*
 * The layout of a device's storage: one letter, then names that can't hold a slash at the end of another's. Everything
 * about one document is under few prefixes, so that one scan reads it.
 *
 *   m/<name>                     settings: format, guard, certificate, server keys
 *   e/<document>                 nothing; lists those whose files still hold the bytes of what was erased
 *   d/<document>                 nothing; lists the documents
 *   s/<document>                 its summary, with the number of the last update that it covers
 *   u/<document>/<number>        accepted updates, canonical, in order; an empty one: what was there is away
 *   p/<document>/<clock>.<hash>  drafts: own entries under no seal yet
 *   x/<document>/<log>           runs set aside by a cut
 *   r/<document>/<hash>          own entries that were refused for good
 *   l/<conversation>/<control>   what is named instead of an own control entry that nobody takes
 *   g/<conversation>/<device>    receipt registers
 *   w/<conversation>/<device>/<segment>  what that device has of this user's logs, and since when
 *   q/<conversation>/<segment>   what was read here
 *   t/<conversation>/<segment>   what was read here in threads
 *   a/<server>/<document>        own positions that this server acknowledged
 *   b/<conversation>             nothing; there until this device has caught up with that conversation once
 *   f/<conversation>             its imprint: what it is compared by while it is not read
 *   o/<conversation>             what the list of conversations last showed of it
 *   h/<document>                 up to where each thread goes on in it
 *   n/<tab>.<number>             updates of the user's account; any tab appends, the writer merges
 */
export const settingKey = (name: string): string => `m/${name}`
export const GUARD_KEY = settingKey("writer")
/** Written to find out whether the storage takes writes again. */
export const PROBE_KEY = settingKey("probe")

/** When all that is stored was last rewritten, where that is done at all. */
export const COMPACTED_KEY = settingKey("compacted")

export const catchUpPrefix = "b/"
export const catchUpKey = (conversation: ConversationId): string => catchUpPrefix + conversation
/** Holds what the guard holds where the last writer kept imprints. */
export const IMPRINTS_KEY = settingKey("imprints")
export const imprintPrefix = "f/"
export const imprintKey = (conversation: ConversationId): string => imprintPrefix + conversation

export const conversationRowPrefix = "o/"
export const conversationRowKey = (conversation: ConversationId): string => conversationRowPrefix + conversation

/** Around that key: whoever compacts a range writes at its ends, which hold nothing. */
export const conversationRowRange = (conversation: ConversationId): { readonly from: string; readonly to: string } => {
  const key = conversationRowKey(conversation)
  return { from: key.slice(0, -1), to: `${key}/` }
}

export const accountUpdatePrefix = "n/"
export const accountUpdateKey = (name: string): string => accountUpdatePrefix + name

export const documentPrefix = "d/"
export const documentKey = (document: DocumentName): string => documentPrefix + document
export const documentOfKey = (key: string): string => key.slice(documentPrefix.length)

export const erasedPrefix = "e/"
export const erasedKey = (document: DocumentName): string => erasedPrefix + document

export const summaryKey = (document: DocumentName): string => `s/${document}`

export const segmentEndsKey = (document: DocumentName): string => `h/${document}`

export const updatePrefix = (document: DocumentName): string => `u/${document}/`
export const updateKey = (document: DocumentName, number: number): string =>
  updatePrefix(document) + String(number).padStart(10, "0")
export const numberOfUpdateKey = (key: string): number => Number(key.slice(-10))

export const draftPrefix = (document: DocumentName): string => `p/${document}/`
export const allDraftsPrefix = "p/"
export const draftKey = (document: DocumentName, clock: number, bodyHash: string): string =>
  `${draftPrefix(document)}${String(clock).padStart(16, "0")}.${bodyHash}`
export const documentOfDraftKey = (key: string): string => key.slice(allDraftsPrefix.length, key.lastIndexOf("/"))

export const asidePrefix = (document: DocumentName): string => `x/${document}/`
export const asideKey = (document: DocumentName, log: LogId): string => asidePrefix(document) + log

export const refusedPrefix = (document: DocumentName): string => `r/${document}/`
/** Of all documents of a conversation. */
export const allRefusedPrefix = (conversation: ConversationId): string => `r/c/${conversation}/`
export const documentOfRefusedKey = (key: string): string => key.slice("r/".length, key.lastIndexOf("/"))
export const refusedKey = (document: DocumentName, bodyHash: string): string => refusedPrefix(document) + bodyHash

export const supersededPrefix = (conversation: ConversationId): string => `l/${conversation}/`
export const supersededKey = (conversation: ConversationId, id: ControlId): string =>
  supersededPrefix(conversation) + id
/** There while segments may hold own entries that rest on what nobody takes. */
export const regroundPrefix = settingKey("reground/")
export const regroundKey = (conversation: ConversationId): string => regroundPrefix + conversation

/** `server` is the URL; it is escaped so that its slashes end nothing. */
export const ackPrefix = (server: string): string => `a/${encodeURIComponent(server)}/`
export const ackKey = (server: string, document: DocumentName): string => ackPrefix(server) + document
export const allAcksPrefix = "a/"

export const registerPrefix = (conversation: ConversationId): string => `g/${conversation}/`
export const registerKey = (conversation: ConversationId, device: DeviceId): string =>
  registerPrefix(conversation) + device

export const progressPrefix = (conversation: ConversationId): string => `w/${conversation}/`
export const progressKey = (conversation: ConversationId, device: DeviceId, segment: number): string =>
  `${progressPrefix(conversation)}${device}/${String(segment)}`
export const progressOfKey = (key: string): { device: DeviceId; segment: number } => {
  const end = key.lastIndexOf("/")
  return { device: key.slice(end - 24, end) as DeviceId, segment: Number(key.slice(end + 1)) }
}

export const readPrefix = (conversation: ConversationId): string => `q/${conversation}/`
export const readKey = (conversation: ConversationId, segment: number): string =>
  readPrefix(conversation) + String(segment)
export const threadReadPrefix = (conversation: ConversationId): string => `t/${conversation}/`
export const threadReadKey = (conversation: ConversationId, segment: number): string =>
  threadReadPrefix(conversation) + String(segment)
export const segmentOfReadKey = (key: string): number => Number(key.slice(key.lastIndexOf("/") + 1))
