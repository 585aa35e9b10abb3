import { readStored } from "../base/errors.js"
import { draftHash } from "../log/draft.js"
import { allRefusedPrefix, documentOfRefusedKey } from "../log/keys.js"
import type { BodyHash } from "../protocol/entry.js"
import { parseDocumentName, type ConversationId, type DocumentName } from "../protocol/names.js"
import { prefixRange, type Storage } from "../storage/storage.js"
import { decodeRefused, type RefusedDraft } from "./refused.js"

export interface RefusedIn {
  readonly document: DocumentName
  readonly refused: RefusedDraft
}

/** Own entries of a conversation that were refused for good, wherever they were written. [SPEC R1] */
export class RefusedDrafts {
  private known = new Map<BodyHash, RefusedIn>()

  constructor(
    private readonly conversation: ConversationId,
    private readonly storage: Storage,
  ) {}

  get all(): ReadonlyMap<BodyHash, RefusedIn> {
    return this.known
  }

  /** These were stored as refused. */
  add(document: DocumentName, drafts: readonly RefusedDraft[]): void {
    for (const refused of drafts) this.known.set(draftHash(refused.draft), { document, refused })
  }

  /** These are stored no more. */
  delete(hashes: readonly BodyHash[]): void {
    for (const hash of hashes) this.known.delete(hash)
  }

  /** False where it is what was read before. Until all is read the former ones stand: whoever looks meanwhile misses none. */
  async read(): Promise<boolean> {
    const before = new Set(this.known.keys())
    const found = new Map<BodyHash, RefusedIn>()
    for (const { key, value } of await this.storage.scan(prefixRange(allRefusedPrefix(this.conversation)))) {
      const document = parseDocumentName(documentOfRefusedKey(key))?.name
      if (document === undefined) continue
      const refused = readStored(key, () => decodeRefused(value))
      found.set(draftHash(refused.draft), { document, refused })
    }
    // What was refused or discarded while this was read is newer than it.
    for (const [hash, item] of this.known) if (!before.has(hash)) found.set(hash, item)
    for (const hash of before) if (!this.known.has(hash)) found.delete(hash)
    this.known = found
    return before.size !== found.size || Array.from(before).some((hash) => !found.has(hash))
  }
}
