import type { Env, Timer } from "../base/env.js"
import { Turns } from "../base/turns.js"
import { conversationRowKey, conversationRowPrefix } from "../log/keys.js"
import type { Unread } from "../conversation/unread.js"
import { base64url, utf8, utf8Text } from "../protocol/bytes.js"
import type { MessageId } from "../protocol/entry.js"
import { parseConversationId, type ConversationId } from "../protocol/names.js"
import { prefixRange, type Storage, type StorageOperation, type WriteOptions } from "../storage/storage.js"
import { STAMP_BYTES } from "../sync/imprint.js"
import type { ConversationInfo } from "./api.js"
import type { DirectOrder } from "./direct.js"

/** What a list showed of a conversation. [SPEC U13] */
export interface StoredRow {
  readonly info: ConversationInfo
  readonly unread: Unread
  readonly order: DirectOrder
  /** What that follows from beside the conversation; undefined where it is to be read at the next start anyway. */
  readonly basis: RowBasis | undefined
  /** The imprint's with which it was stored: while that is there, this is what the conversation shows. */
  readonly stamp: string | undefined
}

export interface RowBasis {
  /** Names what the account says of it. */
  readonly countedBy: string
  /** Names the servers' keys that an owner was to add to it; "" where others do that. */
  readonly trust: string
}

export interface RowsPorts {
  readonly storage: Storage
  readonly env: Pick<Env, "now" | "setTimer" | "clearTimer" | "randomBytes">
  /** The writer's; undefined in other tabs, which store nothing. */
  readonly guard: () => WriteOptions["guard"]
  /** As it is shown now; undefined where that is not to be kept: something waits there, or nobody looks at the list. */
  row(id: ConversationId): Omit<StoredRow, "stamp"> | undefined
  readonly imprints: RowImprints
  /** Takes what the stored row held before out of the files, some time. */
  compact(id: ConversationId): void
  failed(error: unknown): void
}

/** Imprints of conversations, as far as rows are stored with them. [SPEC S13] */
interface RowImprints {
  /** Of the one that is stored. */
  stampOf(id: ConversationId): string | undefined
  /** Whether nothing is under way in the conversation, or in what is shown of it. */
  mayImprint(id: ConversationId): boolean
  prepareImprint(id: ConversationId): Promise<void>
  storeImprint(id: ConversationId, stamp: string): Storing | undefined
  /** What servers acknowledged is stored before what says that nothing waits for them. */
  saveAcks(): Promise<void>
}

/** An imprint that is to go into a batch, and what is to be called when that has ended. */
interface Storing {
  readonly operation: StorageOperation
  readonly ended: (isStored: boolean) => void
}

/** A row as it is stored: none where there is no text. */
interface Stored {
  readonly text: string | undefined
  readonly stamp: string | undefined
}

/** Another version is not read: the conversation is. */
const VERSION = 4
/** What changes in a moment is stored once. */
const STORE_MS = 1_000
/** A conversation comes to rest when nothing happens for a while. Beyond so many looks, the next change is waited for. */
const MAX_LOOKS = 10
/** Rows of one write: others have their turn between two. */
const TOGETHER = 32
/** Long titles, texts and lists of members are not worth a second copy. */
const MAX_BYTES = 16 * 1024

/**
 * Keeps what the list of conversations showed, so that the next start shows it before any of them is read; and, where
 * nothing is under way, the imprint with it, so that the next start need not read it. [SPEC U13, S13]
 */
export class StoredRows {
  /** Conversations whose rows may be others now, and how often their imprints were looked for. */
  private readonly due = new Map<ConversationId, number>()
  /** As they are stored, as far as is known. */
  private readonly stored = new Map<ConversationId, string | StoredRow>()
  private readonly stamps = new Map<ConversationId, string | undefined>()
  /** Conversations in which a text was erased since their rows were stored. */
  private readonly erased = new Set<ConversationId>()
  private timer: Timer
  private writing: Promise<void> = Promise.resolve()
  private closed = false

  constructor(private readonly ports: RowsPorts) {}

  /** These are stored. */
  adopt(rows: ReadonlyMap<ConversationId, StoredRow>): void {
    for (const [id, row] of rows) {
      this.stored.set(id, row)
      this.stamps.set(id, row.stamp)
    }
  }

  /** Something of a conversation changed. */
  changed(id: ConversationId): void {
    this.due.set(id, 0)
    this.flushSoon()
  }

  private flushSoon(): void {
    if (this.closed) return
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

  /** What is stored with an imprint, where that is what is shown now, and known here. */
  current(id: ConversationId): StoredRow | undefined {
    const stamp = this.stamps.get(id)
    if (stamp === undefined || stamp !== this.ports.imprints.stampOf(id) || this.due.has(id)) return undefined
    const row = this.ports.row(id)
    return row !== undefined && encode(row) === this.storedText(id) ? { ...row, stamp } : undefined
  }

  /** Stores what is due. Rejects with STORE_*; it is due again then. */
  flush(): Promise<void> {
    this.writing = this.writing.catch(() => undefined).then(() => this.write())
    return this.writing
  }

  close(): Promise<void> {
    this.closed = true
    this.ports.env.clearTimer(this.timer)
    // A copy of what is stored elsewhere: the next start does without.
    return this.flush().catch(() => undefined)
  }

  private storedText(id: ConversationId): string | undefined {
    const stored = this.stored.get(id)
    return typeof stored === "object" ? encode(stored) : stored
  }

  private async write(): Promise<void> {
    const { imprints, env } = this.ports
    if (this.due.size === 0 || this.ports.guard() === undefined) return
    await imprints.saveAcks()
    const ids = Array.from(this.due.keys())
    const turns = new Turns(env)
    for (let from = 0; from < ids.length; from += TOGETHER) {
      await this.writeSome(ids.slice(from, from + TOGETHER))
      await turns.next()
    }
    if (this.due.size > 0) this.flushSoon()
    this.compact()
  }

  private async writeSome(ids: readonly ConversationId[]): Promise<void> {
    const { imprints, storage } = this.ports
    for (const id of ids) if (imprints.mayImprint(id)) await imprints.prepareImprint(id)
    const guard = this.ports.guard()
    if (guard === undefined) return
    // From here to the write nothing is waited for: what is stored together is of one moment.
    const batch: StorageOperation[] = []
    const next = new Map<ConversationId, Stored>()
    const ends: ((isStored: boolean) => void)[] = []
    try {
      for (const id of ids) {
        const imprint = this.collect(id, batch, next)
        if (imprint !== undefined) ends.push(imprint.ended)
      }
      if (batch.length === 0) return
      await storage.write(batch, { durability: "relaxed", guard })
      for (const ended of ends) ended(true)
    } catch (error) {
      for (const ended of ends) ended(false)
      for (const id of next.keys()) this.due.set(id, 0)
      throw error
    }
    for (const [id, { text, stamp }] of next) {
      this.stamps.set(id, stamp)
      if (text === undefined) this.stored.delete(id)
      else this.stored.set(id, text)
    }
  }

  /** Adds a conversation's row to the batch, where it is another than what is stored, and its imprint where it is at rest. */
  private collect(
    id: ConversationId,
    batch: StorageOperation[],
    next: Map<ConversationId, Stored>,
  ): Storing | undefined {
    const { imprints, env } = this.ports
    const looks = this.due.get(id) ?? 0
    this.due.delete(id)
    const row = this.ports.row(id)
    const text = row === undefined ? undefined : encode(row)
    const key = conversationRowKey(id)
    const isSame = text === this.storedText(id)
    if (row === undefined || text === undefined || utf8(text).length > MAX_BYTES) {
      if (isSame || !this.stored.has(id)) return undefined
      next.set(id, { text: undefined, stamp: undefined })
      batch.push({ kind: "delete", key })
      return undefined
    }
    const stamp = this.stamps.get(id)
    if (isSame && stamp !== undefined && stamp === imprints.stampOf(id)) return undefined
    const fresh = base64url(env.randomBytes(STAMP_BYTES))
    const imprint = row.basis !== undefined && imprints.mayImprint(id) ? imprints.storeImprint(id, fresh) : undefined
    if (imprint === undefined && row.basis !== undefined && looks < MAX_LOOKS) this.due.set(id, looks + 1)
    if (imprint === undefined && isSame) return undefined
    next.set(id, { text, stamp: imprint && fresh })
    batch.push({ kind: "put", key, value: utf8(encode(row, imprint && fresh)) })
    if (imprint !== undefined) batch.push(imprint.operation)
    return imprint
  }

  /** A row may have been under way with the text while that was erased: its bytes go from the files with the next one. [SPEC X7] */
  private compact(): void {
    for (const id of this.erased) {
      if (this.due.has(id)) continue
      this.erased.delete(id)
      this.ports.compact(id)
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

/** Without a stamp: what it says, to be compared. */
function encode({ info, unread, order, basis }: Omit<StoredRow, "stamp">, stamp?: string): string {
  // Whether it is all is asked anew at every start.
  const { counted: _, ...counts } = { ...unread, threads: Array.from(unread.threads) }
  const parts = [VERSION, info, counts, order, basis ?? null]
  return JSON.stringify(stamp === undefined ? parts : [...parts, stamp])
}

function decode(text: string): StoredRow | undefined {
  try {
    const [version, info, unread, order, basis, stamp] = JSON.parse(text) as [
      number,
      ConversationInfo,
      Omit<Unread, "threads" | "counted"> & { readonly threads: [MessageId, never][] },
      DirectOrder,
      (RowBasis | null)?,
      string?,
    ]
    if (version !== VERSION) return undefined
    const threads = new Map(unread.threads)
    return { info, unread: { ...unread, threads, counted: false }, order, basis: basis ?? undefined, stamp }
  } catch {
    return undefined
  }
}
