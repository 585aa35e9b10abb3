import type { Env, Timer } from "../base/env.js"
import { conversationRowKey, conversationRowPrefix } from "../log/keys.js"
import type { Unread } from "../conversation/unread.js"
import { utf8, utf8Text } from "../protocol/bytes.js"
import type { MessageId } from "../protocol/entry.js"
import { parseConversationId, type ConversationId } from "../protocol/names.js"
import { prefixRange, type Storage, type StorageOperation, type WriteOptions } from "../storage/storage.js"
import type { ConversationInfo } from "./api.js"
import type { DirectOrder } from "./direct.js"

/** What a list showed of a conversation. [SPEC U13] */
export interface StoredRow {
  readonly info: ConversationInfo
  readonly unread: Unread
  readonly order: DirectOrder
}

export interface RowsPorts {
  readonly storage: Storage
  readonly env: Pick<Env, "setTimer" | "clearTimer">
  /** The writer's; undefined in other tabs, which store nothing. */
  readonly guard: () => WriteOptions["guard"]
  /** As it is shown now; undefined where that is not to be kept: something waits there, or nobody looks at the list. */
  row(id: ConversationId): StoredRow | undefined
  failed(error: unknown): void
}

/** Another version is not read: the conversation is. */
const VERSION = 2
/** What changes in a moment is stored once. */
const STORE_MS = 1_000
/** Long titles, texts and lists of members are not worth a second copy. */
const MAX_BYTES = 16 * 1024

/** Keeps what the list of conversations showed, so that the next start shows it before any of them is read. [SPEC U13] */
export class StoredRows {
  /** Conversations whose rows may be others now. */
  private readonly due = new Set<ConversationId>()
  /** As they are stored, as far as is known. */
  private readonly stored = new Map<ConversationId, string | StoredRow>()
  /** Conversations in which a text was erased since their rows were stored. */
  private readonly erased = new Set<ConversationId>()
  private timer: Timer
  private writing: Promise<void> = Promise.resolve()

  constructor(private readonly ports: RowsPorts) {}

  /** These are stored. */
  adopt(rows: ReadonlyMap<ConversationId, StoredRow>): void {
    for (const [id, row] of rows) this.stored.set(id, row)
  }

  /** Something of a conversation changed. */
  changed(id: ConversationId): void {
    this.due.add(id)
    this.timer ??= this.ports.env.setTimer(STORE_MS, () => {
      this.timer = undefined
      this.flush().catch((error: unknown) => {
        this.ports.failed(error)
      })
    })
  }

  /** A text was erased: the write that took it out took the row, too. */
  forget(id: ConversationId): void {
    this.stored.delete(id)
    this.erased.add(id)
    this.changed(id)
  }

  /** Stores what is due. Rejects with STORE_*; it is due again then. */
  flush(): Promise<void> {
    this.writing = this.writing.catch(() => undefined).then(() => this.write())
    return this.writing
  }

  close(): Promise<void> {
    this.ports.env.clearTimer(this.timer)
    // A copy of what is stored elsewhere: the next start does without.
    return this.flush().catch(() => undefined)
  }

  private storedText(id: ConversationId): string | undefined {
    const stored = this.stored.get(id)
    return typeof stored === "object" ? encode(stored) : stored
  }

  private async write(): Promise<void> {
    const guard = this.ports.guard()
    if (guard === undefined) return
    const batch: StorageOperation[] = []
    const next = new Map<ConversationId, string | undefined>()
    for (const id of this.due) {
      const row = this.ports.row(id)
      const text = row === undefined ? undefined : encode(row)
      if (text === this.storedText(id)) continue
      const key = conversationRowKey(id)
      const value = text === undefined ? undefined : utf8(text)
      const isKept = value !== undefined && value.length <= MAX_BYTES
      if (!isKept && !this.stored.has(id)) continue
      next.set(id, isKept ? text : undefined)
      batch.push(isKept ? { kind: "put", key, value } : { kind: "delete", key })
    }
    this.due.clear()
    if (batch.length === 0) return
    try {
      await this.ports.storage.write(batch, { durability: "relaxed", guard })
    } catch (error) {
      for (const id of next.keys()) this.due.add(id)
      throw error
    }
    for (const [id, text] of next) {
      if (text === undefined) this.stored.delete(id)
      else this.stored.set(id, text)
    }
    await this.compact()
  }

  /** A row may have been under way with the text while that was erased: its bytes go from the files with the next one. [SPEC X7] */
  private async compact(): Promise<void> {
    for (const id of this.erased) {
      if (this.due.has(id)) continue
      this.erased.delete(id)
      await this.ports.storage.compact?.(prefixRange(conversationRowKey(id)))
    }
  }
}

/** What is stored; what can't be read counts as not there. */
export async function readRows(storage: Storage): Promise<Map<ConversationId, StoredRow>> {
  const rows = new Map<ConversationId, StoredRow>()
  for (const { key, value } of await storage.scan(prefixRange(conversationRowPrefix))) {
    const id = parseConversationId(key.slice(conversationRowPrefix.length))
    const row = decode(utf8Text(value) ?? "")
    if (id !== undefined && row !== undefined) rows.set(id, row)
  }
  return rows
}

function encode({ info, unread, order }: StoredRow): string {
  return JSON.stringify([VERSION, info, { ...unread, threads: Array.from(unread.threads) }, order])
}

function decode(text: string): StoredRow | undefined {
  try {
    const [version, info, unread, order] = JSON.parse(text) as [
      number,
      ConversationInfo,
      Omit<Unread, "threads"> & { readonly threads: [MessageId, never][] },
      DirectOrder,
    ]
    return version === VERSION ? { info, unread: { ...unread, threads: new Map(unread.threads) }, order } : undefined
  } catch {
    return undefined
  }
}
