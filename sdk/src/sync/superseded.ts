import * as decoding from "lib0/decoding"
import { encodeBytes } from "../protocol/encode.js"
import { readStored } from "../base/errors.js"
import type { Entry } from "../log/check.js"
import { draftEntry, type Draft } from "../log/draft.js"
import type { EraseRecord } from "../log/erasure.js"
import { regroundKey, supersededKey, supersededPrefix } from "../log/keys.js"
import { readControlIds, writeControlIds } from "../log/summary.js"
import type { Signer } from "../log/writer.js"
import { BODY_SALT_BYTES, type ControlId } from "../protocol/entry.js"
import { MAX_SEEN } from "../protocol/limits.js"
import type { ConversationId, DeviceId, DocumentName } from "../protocol/names.js"
import { prefixRange, type Storage, type StorageOperation } from "../storage/storage.js"
import { eraseDraft, recordOfDraft } from "./erase-draft.js"

const NOTHING = new Uint8Array(0)

/** A control entry, and what those name instead that had seen it. */
export type Instead = readonly [id: ControlId, instead: readonly ControlId[]]

/**
 * Own control entries of a conversation that no replica takes under their names: those that were refused for good, and
 * those that were written again with another clock or on other ground. What had seen them names instead what is given
 * here. Kept for ever: another tab, or a backup, may bring what rests on them. [SPEC R6]
 */
export class Superseded {
  private readonly instead: Map<ControlId, readonly ControlId[]>

  constructor(instead: Iterable<Instead> = []) {
    this.instead = new Map(instead)
  }

  async reload(conversation: ConversationId, storage: Storage): Promise<void> {
    const prefix = supersededPrefix(conversation)
    for (const { key, value } of await storage.scan(prefixRange(prefix))) {
      const instead = readStored(key, () => readControlIds(decoding.createDecoder(value)))
      this.instead.set(key.slice(prefix.length) as ControlId, instead)
    }
  }

  get size(): number {
    return this.instead.size
  }

  /** For names that are not durable yet. */
  copy(): Superseded {
    return new Superseded(this.instead)
  }

  add(names: Iterable<Instead>): void {
    for (const [id, instead] of names) this.instead.set(id, instead)
  }

  /** What to name as seen; the same list where all of it may be named, and where nothing else could. */
  resolve(seen: readonly ControlId[]): readonly ControlId[] {
    if (!seen.some((id) => this.instead.has(id))) return seen
    const found = new Set<ControlId>()
    const visited = new Set<ControlId>()
    const visit = (id: ControlId): void => {
      if (visited.has(id)) return
      visited.add(id)
      const instead = this.instead.get(id)
      if (instead === undefined) found.add(id)
      else instead.forEach(visit)
    }
    seen.forEach(visit)
    return found.size === 0 ? seen : Array.from(found).slice(0, MAX_SEEN)
  }

  /** Whether an own draft names what nobody takes, itself or in its record. */
  concerns(draft: Draft): boolean {
    return this.has(draft.seen) || this.has(recordOfDraft(draft)?.seen ?? [])
  }

  /** The same of an own entry. */
  concernsEntry({ seen, head, body }: Entry): boolean {
    return body !== null && this.concerns({ class: head.class, clock: head.clock, seen, body })
  }

  /** The same of a record. */
  concernsRecord({ seen }: EraseRecord): boolean {
    return this.has(seen)
  }

  private has(seen: readonly ControlId[]): boolean {
    return this.instead.size > 0 && this.resolve(seen) !== seen
  }

  /** The draft on ground that holds: the same body, but for the record of an erasure, which is signed anew. */
  async regrounded(document: DocumentName, draft: Draft, signer: Signer): Promise<Draft> {
    const seen = this.resolve(draft.seen)
    const record = recordOfDraft(draft)
    if (record === undefined) return { ...draft, seen }
    const { target: device, bodyHash, kind } = record
    const salt = draft.body.slice(1, 1 + BODY_SALT_BYTES)
    return eraseDraft(document, { device, bodyHash, kind }, { signer, clock: draft.clock, seen, salt })
  }
}

/** The name of a control draft that got another one. */
export function renamed(device: DeviceId, before: Draft, after: Draft): Instead | undefined {
  if (before === after) return undefined
  const [old, fresh] = [draftEntry(device, before).control, draftEntry(device, after).control]
  return old === undefined || fresh === undefined || old === fresh ? undefined : [old, [fresh]]
}

/** Durable with the change itself, and with it the mark that segments may still hold what rests on these. */
export function supersededOperations(conversation: ConversationId, names: Iterable<Instead>): StorageOperation[] {
  const operations = Array.from(names, ([id, instead]): StorageOperation => ({
    kind: "put",
    key: supersededKey(conversation, id),
    value: encodeBytes((encoder) => {
      writeControlIds(encoder, instead)
    }),
  }))
  return operations.length === 0 ? [] : [...operations, { kind: "put", key: regroundKey(conversation), value: NOTHING }]
}
