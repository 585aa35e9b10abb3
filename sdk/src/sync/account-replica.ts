import * as Y from "yjs"
import type { Env } from "../base/env.js"
import { createQueue } from "../base/queue.js"
import { createSignal } from "../base/store.js"
import { accountUpdateKey, accountUpdatePrefix } from "../log/keys.js"
import { readNative } from "../native/codec.js"
import { digestOfNative, summarizeNative } from "../native/summary.js"
import { accountOf, type AccountName } from "../protocol/account-name.js"
import { hex } from "../protocol/bytes.js"
import type { UserId } from "../protocol/names.js"
import { prefixRange, type Storage, type StorageOperation, type WriteOptions } from "../storage/storage.js"

export interface AccountReplicaPorts {
  readonly storage: Storage
  readonly env: Env
  readonly user: UserId
  /** The writer's; undefined in other tabs. */
  guard(): WriteOptions["guard"]
  /** Takes a storage failure, to tell of it. */
  report(error: unknown): void
}

/** What changed the document: `source` is the exchange that brought it, `STORED` another tab, undefined this one. */
export interface AccountReplicaChange {
  readonly update: Uint8Array
  readonly source: unknown
}

const STORED = "stored"
/** Stored updates after which the writer puts one in their place. */
const MERGE_UPDATES = 64
const RETRY_MS = 1_000
/** Writes under way at once that are to survive a power cut; what is changed while there are so many does with the next. */
const MAX_STRICT_WRITES = 8

/** What one transaction changed, and how many had changed the document by then. */
interface Change {
  readonly count: number
  readonly update: Uint8Array
}

/**
 * A user's private document on a device: one Y.Doc in each tab, and updates in the storage that any tab appends to and the
 * writer merges. [SPEC U2, U8]
 */
export class AccountReplica {
  readonly name: AccountName
  readonly doc: Y.Doc
  readonly changes = createSignal<AccountReplicaChange>()
  /** A key under which something is stored now, for other tabs to read. */
  readonly saves = createSignal<string>()
  /** Distinguishes this tab's keys. */
  private readonly tab: string
  private number = 0
  /** Changes made by this tab or brought by a server, and how many of them, from the first on, are durable. */
  private changed = 0
  private durable = 0
  /** What is not durable yet, oldest first. */
  private unsaved: Change[] = []
  /** A write is to begin. */
  private isDue = false
  /** What was to begin last: all changes until then are durable once it has ended well. */
  private lastWrite: Promise<void> | undefined
  /** Under way. */
  private readonly writes = new Set<Promise<void>>()
  private readonly strictWrites = new Set<Promise<void>>()
  /** What is to begin when fewer are under way. */
  private nextStrict: Promise<void> | undefined
  private readonly inTurn = createQueue()
  /** Why what is unsaved could not be written at the last try. */
  private failure: unknown
  private isToRetry = false
  private stored = 0
  private closed = false
  private readonly stay: (() => void) | undefined

  private constructor(private readonly ports: AccountReplicaPorts) {
    this.name = accountOf(ports.user)
    this.tab = hex(ports.env.randomBytes(8))
    this.doc = new Y.Doc({ guid: this.name, gc: true })
    this.doc.clientID = randomClientId(ports.env)
    this.doc.on("update", (update: Uint8Array, origin: unknown) => {
      if (origin !== STORED) {
        this.unsaved.push({ count: ++this.changed, update })
        this.save()
      }
      this.changes.emit({ update, source: origin ?? undefined })
    })
    this.stay = ports.storage.leaveBehind?.(() => this.nextUpdate())
  }

  static async open(ports: AccountReplicaPorts): Promise<AccountReplica> {
    const replica = new AccountReplica(ports)
    await replica.reload()
    return replica
  }

  /** Reads what the storage holds: also what other tabs wrote. */
  async reload(): Promise<string[]> {
    const entries = await this.ports.storage.scan(prefixRange(accountUpdatePrefix))
    this.doc.transact(() => {
      for (const { value } of entries) Y.applyUpdate(this.doc, value, STORED)
    }, STORED)
    this.stored = entries.length
    return entries.map(({ key }) => key)
  }

  /** Reads what a tab stored and did not live to tell, and tells the others. [SPEC W3] */
  async readUntold(): Promise<void> {
    let isNew = false
    const stop = this.changes.on(({ source }) => {
      isNew ||= source === STORED
    })
    const keys = await this.reload().finally(stop)
    if (isNew) for (const key of keys) this.saves.emit(key)
  }

  /** Another tab stored something; by now it may stand under another key. */
  async heard(key: string): Promise<void> {
    const update = await this.ports.storage.get(key)
    if (update === undefined) await this.reload()
    else Y.applyUpdate(this.doc, update, STORED)
    this.stored++
    await this.mergeWhenDue()
  }

  get digest(): Uint8Array {
    const whole = readNative(Y.encodeStateAsUpdate(this.doc))
    if (whole === undefined) throw new RangeError("the account's document holds what it may not")
    return digestOfNative(this.name, summarizeNative(whole))
  }

  /** Resolves when all that was changed so far is durable; rejects where it could not be written yet. */
  async saved(): Promise<void> {
    const { changed } = this
    await this.lastWrite
    if (this.durable < changed) throw this.failure as Error
  }

  async close(): Promise<void> {
    this.closed = true
    await this.lastWrite
    // Nobody tries again later.
    if (this.durable < this.changed) await this.saveAll()
    while (this.writes.size > 0) await Promise.all(this.writes)
    this.stay?.()
    this.doc.destroy()
  }

  /** Writes what this turn changes when it ends, whatever else is being written. [SPEC U8] */
  private save(): void {
    if (this.isDue) return
    this.isDue = true
    this.lastWrite = this.saveNext()
  }

  private async saveNext(): Promise<void> {
    await Promise.resolve()
    this.isDue = false
    if (this.strictWrites.size < MAX_STRICT_WRITES) return this.saveAll()
    // The next one says what became of it.
    this.write("relaxed").catch(() => undefined)
    this.nextStrict ??= this.saveWhenFree()
    return this.nextStrict
  }

  private async saveWhenFree(): Promise<void> {
    while (this.strictWrites.size >= MAX_STRICT_WRITES) await Promise.race(this.strictWrites)
    this.nextStrict = undefined
    await this.saveAll()
  }

  /** Makes all durable that is not. */
  private async saveAll(): Promise<void> {
    const { changed } = this
    try {
      await this.write("strict")
    } catch (error) {
      // A later one has written it.
      if (this.durable < changed) this.fail(error)
      return
    }
    this.durable = Math.max(this.durable, changed)
    this.unsaved = this.unsaved.filter(({ count }) => count > this.durable)
    await this.mergeWhenDue()
  }

  /** Writes all that is not durable: whichever of several writes are lost, those that stand lack nothing of each other. */
  private async write(durability: "strict" | "relaxed"): Promise<void> {
    const [put] = this.nextUpdate()
    if (put === undefined) return
    const write = this.ports.storage.write([put], { durability })
    const ended = write.then(done, done).then(() => {
      this.writes.delete(ended)
      this.strictWrites.delete(ended)
    })
    this.writes.add(ended)
    if (durability === "strict") this.strictWrites.add(ended)
    await write
    this.stored++
    this.saves.emit(put.key)
  }

  /** What makes durable what is not, under a key of its own. */
  private nextUpdate(): StorageOperation[] {
    const updates = this.unsaved.map(({ update }) => update)
    return updates.length === 0 ? [] : [{ kind: "put", key: this.nextKey(), value: merged(updates) }]
  }

  private nextKey(): string {
    return accountUpdateKey(`${this.tab}.${String(this.number++).padStart(10, "0")}`)
  }

  private fail(error: unknown): void {
    this.failure = error
    // A disk may be full for hours.
    this.unsaved = [{ count: this.changed, update: merged(this.unsaved.map(({ update }) => update)) }]
    if (this.closed) return
    this.ports.report(error)
    if (this.isToRetry) return
    this.isToRetry = true
    this.ports.env.setTimer(RETRY_MS, () => {
      this.isToRetry = false
      if (!this.closed) this.save()
    })
  }

  /** This tab is the writer now: what all tabs stored becomes one update. */
  becomeWriter(): Promise<void> {
    return this.inTurn(() => this.mergeOrReport())
  }

  private async mergeWhenDue(): Promise<void> {
    if (this.stored < MERGE_UPDATES) return
    await this.inTurn(async () => {
      if (this.stored >= MERGE_UPDATES) await this.mergeOrReport()
    })
  }

  private async mergeOrReport(): Promise<void> {
    try {
      await this.merge()
    } catch (error) {
      this.ports.report(error)
    }
  }

  /** Puts one update in the place of all that are stored; for the writer alone. */
  private async merge(): Promise<void> {
    const guard = this.ports.guard()
    if (guard === undefined) return
    const keys = await this.reload()
    if (keys.length < 2) return
    const key = this.nextKey()
    const batch: StorageOperation[] = keys.map((old) => ({ kind: "delete", key: old }))
    batch.push({ kind: "put", key, value: Y.encodeStateAsUpdate(this.doc) })
    await this.ports.storage.write(batch, { durability: "strict", guard })
    this.stored = 1
  }
}

const done = (): void => undefined

function merged(updates: Uint8Array[]): Uint8Array {
  return updates.length === 1 && updates[0] !== undefined ? updates[0] : Y.mergeUpdates(updates)
}

/** 53 random bits: two tabs or clones never draw the same. */
function randomClientId(env: Env): number {
  const view = new DataView(env.randomBytes(8).slice().buffer)
  return (view.getUint32(0) & 0x1fffff) * 2 ** 32 + view.getUint32(4)
}
