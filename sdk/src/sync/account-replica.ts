import * as Y from "yjs"
import type { Env } from "../base/env.js"
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
  private unsaved: Uint8Array[] = []
  private saving: Promise<void> | undefined
  /** Why what is unsaved could not be written at the last try. */
  private failure: unknown
  private stored = 0
  private closed = false

  private constructor(private readonly ports: AccountReplicaPorts) {
    this.name = accountOf(ports.user)
    this.tab = hex(ports.env.randomBytes(8))
    this.doc = new Y.Doc({ guid: this.name, gc: true })
    this.doc.clientID = randomClientId(ports.env)
    this.doc.on("update", (update: Uint8Array, origin: unknown) => {
      if (origin !== STORED) {
        this.unsaved.push(update)
        this.save()
      }
      this.changes.emit({ update, source: origin ?? undefined })
    })
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
    await this.saving
    if (this.failure !== undefined) throw this.failure as Error
  }

  async close(): Promise<void> {
    this.closed = true
    await this.saving
    this.doc.destroy()
  }

  /** Writes at once; what is changed meanwhile is written as one, next. */
  private save(): void {
    if (this.saving !== undefined) return
    this.saving = this.saveAll().finally(() => {
      this.saving = undefined
    })
  }

  private async saveAll(): Promise<void> {
    // What one turn changes is written as one.
    await Promise.resolve()
    while (this.unsaved.length > 0) {
      const updates = this.unsaved.splice(0)
      const value = updates.length === 1 && updates[0] !== undefined ? updates[0] : Y.mergeUpdates(updates)
      const key = accountUpdateKey(`${this.tab}.${String(this.number++).padStart(10, "0")}`)
      try {
        await this.ports.storage.write([{ kind: "put", key, value }], { durability: "strict" })
      } catch (error) {
        this.unsaved.unshift(value)
        this.failure = error
        this.fail(error)
        return
      }
      this.failure = undefined
      this.stored++
      this.saves.emit(key)
      await this.mergeWhenDue()
    }
  }

  private fail(error: unknown): void {
    if (this.closed) return
    this.ports.report(error)
    this.ports.env.setTimer(RETRY_MS, () => {
      if (!this.closed) this.save()
    })
  }

  /** This tab is the writer now: what all tabs stored becomes one update. */
  becomeWriter(): Promise<void> {
    return this.mergeOrReport()
  }

  private async mergeWhenDue(): Promise<void> {
    if (this.stored >= MERGE_UPDATES) await this.mergeOrReport()
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
    const key = accountUpdateKey(`${this.tab}.${String(this.number++).padStart(10, "0")}`)
    const batch: StorageOperation[] = keys.map((old) => ({ kind: "delete", key: old }))
    batch.push({ kind: "put", key, value: Y.encodeStateAsUpdate(this.doc) })
    await this.ports.storage.write(batch, { durability: "strict", guard })
    this.stored = 1
  }
}

/** 53 random bits: two tabs or clones never draw the same. */
function randomClientId(env: Env): number {
  const view = new DataView(env.randomBytes(8).slice().buffer)
  return (view.getUint32(0) & 0x1fffff) * 2 ** 32 + view.getUint32(4)
}
