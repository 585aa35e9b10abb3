import type { Env } from "../base/env.js"
import type { Unread } from "../conversation/unread.js"
import type { MessageId } from "../protocol/entry.js"
import type { ConversationId, DeviceId, UserId } from "../protocol/names.js"
import type { Storage } from "../storage/storage.js"
import type { Acks } from "../sync/acks.js"
import type { ReadVector } from "../sync/registers.js"
import type { Replica } from "../sync/replica.js"
import type { Signals } from "../sync/signals.js"
import type { AccountHandle } from "./account.js"
import { ConversationHandle } from "./conversation.js"
import { isWhole, orderDirect } from "./direct.js"
import { Idle } from "./idle.js"
import type { Joins } from "./joins.js"
import { OpenConversation } from "./open-conversation.js"
import { StoredRows, type RowBasis, type StoredRow } from "./stored-rows.js"

export interface HandlesPorts {
  readonly replica: Replica
  readonly acks: Acks
  readonly env: Env
  readonly storage: Storage
  readonly user: UserId
  readonly device: DeviceId
  readonly account: AccountHandle
  readonly signals: Signals
  readonly joins: Joins
  /** How long what nobody looks at stays in memory, milliseconds. */
  readonly releaseAfterMs: number | undefined
  server(): string | undefined
  /** Names the servers' keys that owners add. */
  trust(): string
  /** Asks the tab that writes to tell what was read; false where it is this one. */
  tellRead(id: ConversationId, vector: ReadVector | undefined, root: MessageId | undefined, fresh: ReadVector): boolean
  /** Whether somebody looks at the list. */
  isListWatched(): boolean
  isClosed(): boolean
  /** What the list or the status shows may be another now. */
  changed(): void
}

/** Newest first. */
export function byActivity(a: ConversationHandle, b: ConversationHandle): number {
  return b.info.get().lastActivity - a.info.get().lastActivity || (a.id < b.id ? -1 : 1)
}

/** All conversations of a client, as an application holds them: which of them are read, and what is shown of the others. */
export class ConversationHandles {
  private readonly handles = new Map<ConversationId, ConversationHandle>()
  private readonly rows: StoredRows
  private readonly idle: Idle
  private readonly stops: (() => void)[] = []
  /** Names of the conversations that another one stands for. */
  private foldedNames = ""
  private failed = false

  constructor(private readonly ports: HandlesPorts) {
    const { replica, acks, env, storage } = ports
    this.rows = new StoredRows({
      storage,
      env,
      guard: () => replica.writeGuard,
      row: (id) => this.rowOf(id),
      imprints: {
        stampOf: (id) => replica.stampOf(id),
        mayImprint: (id) => ports.isListWatched() && this.get(id)?.isSettled === true && replica.mayImprint(id),
        prepareImprint: (id) => replica.prepareImprint(id),
        storeImprint: (id, stamp) => replica.storeImprint(id, stamp),
        saveAcks: () => acks.save(),
      },
      compact: (id) => {
        this.background(() => replica.compactor.requestRow(id))
      },
      failed: (error) => {
        replica.report(error)
      },
    })
    this.idle = new Idle({
      env,
      afterMs: ports.releaseAfterMs,
      open: () => this.all.filter(({ isOpen }) => isOpen),
      release: (handle) => this.release(handle),
      shrink: (handle) => {
        this.background(() => handle.shrink())
      },
      failed: (error) => {
        replica.report(error)
      },
    })
  }

  get all(): ConversationHandle[] {
    return Array.from(this.handles.values())
  }

  get size(): number {
    return this.handles.size
  }

  get(id: ConversationId): ConversationHandle | undefined {
    return this.handles.get(id)
  }

  get isAllOpen(): boolean {
    return this.all.every(({ isOpen }) => isOpen)
  }

  /** Whether one could not be read. */
  get readingFailed(): boolean {
    return this.failed
  }

  /** Shows what is stored: as the list showed it the last time, or read now, where it did not or something waits. [SPEC U13] */
  async openStored(rows: ReadonlyMap<ConversationId, StoredRow>): Promise<void> {
    const { replica, joins } = this.ports
    this.rows.adopt(rows)
    const rest = replica.ids.filter((id) => {
      const row = replica.hasStoredDrafts(id) || joins.has(id) ? undefined : rows.get(id)
      const counted = this.isCurrent(id, row)
      this.hold(id, row && { ...row, unread: { ...row.unread, counted } })
      return row === undefined
    })
    await Promise.all(rest.map((id) => this.ports.replica.attempt(() => this.open(id))))
  }

  /** Reads, in the order of the list, what may be another by now than what it shows. [SPEC U13] */
  async openStale(): Promise<void> {
    const { replica, acks } = this.ports
    this.failed = false
    try {
      // What a tab wrote that did not know of this one yet, it was not told.
      if (!replica.writing.get()) await Promise.all([replica.look(), acks.reload()])
    } catch (error) {
      this.failed = true
      throw error
    }
    const handles = replica.ids.map((id) => this.hold(id))
    const stale = handles.filter(({ id, isOpen, unreadRow }) => !isOpen && !this.isCurrent(id, unreadRow))
    stale.sort(byActivity)
    for (const handle of stale) {
      if (this.ports.isClosed()) return
      await this.ports.replica.attempt(() => handle.open())
    }
  }

  /** Whether a conversation that was not read shows what it would show then. */
  private isCurrent(id: ConversationId, row: StoredRow | undefined): boolean {
    return (
      row?.stamp !== undefined &&
      row.stamp === this.ports.replica.imprintOf(id)?.stamp &&
      row.basis?.countedBy === this.ports.account.countedBy(id)
    )
  }

  /** Reads what the account says something else of than when its row was stored. */
  review(): void {
    const { account } = this.ports
    for (const handle of this.handles.values()) {
      const basis = handle.unreadRow?.basis
      if (basis === undefined || basis.countedBy === account.countedBy(handle.id)) continue
      this.background(() => handle.open())
    }
  }

  /** What the list shows of a conversation that was read, with what that rests on. */
  private rowOf(id: ConversationId): Omit<StoredRow, "stamp"> | undefined {
    if (!this.ports.isListWatched()) return undefined
    const countedBy = this.ports.account.countedBy(id)
    const handle = this.handles.get(id)
    const row = handle?.row
    return handle && row && { ...row, basis: this.basisOf(handle, countedBy) }
  }

  /** Undefined where this device is still to be introduced, or is joining: every start has to do with that. */
  private basisOf({ info, isIntroduced }: ConversationHandle, countedBy: string): RowBasis | undefined {
    const { membership, role } = info.get()
    if (membership === "joining" || membership === "unknown") return undefined
    if (membership === "member" && !isIntroduced) return undefined
    return { countedBy, trust: role === "owner" ? this.ports.trust() : "" }
  }

  /** What is read, for whatever reason, is shown as it is. */
  openRead(): void {
    for (const id of this.ports.replica.conversations.get().keys()) {
      if (this.handles.get(id)?.isOpen !== true) this.background(() => this.open(id))
    }
  }

  /** Reads a conversation. */
  async open(id: ConversationId): Promise<ConversationHandle> {
    const handle = this.hold(id)
    await handle.open()
    return handle
  }

  /** A conversation, read or not. */
  hold(id: ConversationId, row?: StoredRow): ConversationHandle {
    const present = this.handles.get(id)
    if (present !== undefined) return present
    const { env, replica, device, account, signals } = this.ports
    const changed = (): void => {
      this.ports.changed()
    }
    const handle = new ConversationHandle({
      ...{ id, device, row, account, signals, env },
      now: () => replica.now(),
      isClosed: () => this.ports.isClosed(),
      open: (told) =>
        this.read(id, told).catch((error: unknown) => {
          this.failed = true
          throw error
        }),
      opened: () => {
        changed()
        this.changed(id)
        this.idle.watch()
      },
      shown: () => {
        this.changed(id)
      },
      waits: changed,
      failed: (error) => {
        replica.report(error)
      },
    })
    this.handles.set(id, handle)
    this.stops.push(
      handle.info.subscribe(() => {
        changed()
        this.changed(id)
        signals.reviewMembers()
      }),
      handle.settings.subscribe(changed),
    )
    return handle
  }

  private async read(id: ConversationId, told: Unread): Promise<OpenConversation> {
    const { replica, acks, joins, user, device, env, storage, account, signals } = this.ports
    const [conversation] = await Promise.all([replica.conversation(id), acks.load()])
    const opened = await OpenConversation.open({
      ...{ told, user, device, env, storage, account, signals, conversation, acks },
      registers: replica.registersOf(conversation),
      server: () => this.ports.server(),
      isClosed: () => this.ports.isClosed(),
      tellRead: (...read) => this.ports.tellRead(id, ...read),
      followed: () => this.get(id)?.followed ?? [],
      isWriter: () => replica.writing.get(),
      isJoining: () => joins.has(id),
      failed: (error) => {
        replica.report(error)
      },
      setCarrier: (carrier, present) => {
        replica.setCarrier(carrier, present)
        this.background(() => replica.wakeAll())
      },
    })
    this.background(() => this.tellMarks(opened))
    return opened
  }

  /** This tab writes from now on: nobody else stores what is shown, or tells what was read. */
  takeOver(): void {
    for (const handle of this.handles.values()) {
      this.changed(handle.id)
      if (handle.isOpen) this.background(async () => this.tellMarks(await handle.open()))
      // It left memory here while another tab wrote: whether that one told what was read nobody knows.
      else if (handle.unreadRow?.stamp === undefined) this.background(() => handle.open())
    }
  }

  private async tellMarks(conversation: OpenConversation): Promise<void> {
    const { replica } = this.ports
    if (this.ports.isClosed() || !replica.writing.get()) return
    await replica.using(conversation.id, () => conversation.tellMarks())
  }

  /** Something of a conversation changed; what was not read shows what is stored. */
  changed(id: ConversationId): void {
    if (this.handles.get(id)?.isOpen === true) this.rows.changed(id)
  }

  /** A text was erased: the row went with it. [SPEC U13] */
  erased(id: ConversationId): void {
    this.rows.forget(id)
  }

  /**
   * A conversation goes out of memory with all that are shown as one with it: what a start would show of them is stored.
   * False where it can't. [SPEC U14]
   */
  private release({ group }: ConversationHandle): boolean {
    const leaving: (readonly [ConversationHandle, StoredRow])[] = []
    for (const id of group) {
      const handle = this.handles.get(id)
      const row = handle?.mayRelease === true ? this.leavingRow(id) : undefined
      if (handle === undefined || row === undefined) return false
      leaving.push([handle, row])
    }
    if (!this.ports.replica.release(group)) return false
    for (const [handle, row] of leaving) handle.release(row)
    return true
  }

  /** What is shown of a conversation that leaves memory: at the writer what is stored. */
  private leavingRow(id: ConversationId): StoredRow | undefined {
    if (this.ports.replica.writing.get()) return this.rows.current(id)
    const row = this.rowOf(id)
    return row?.basis === undefined ? undefined : { ...row, stamp: undefined }
  }

  directWith(other: UserId): ConversationHandle[] {
    return orderDirect(this.all.filter(({ info }) => info.get().direct === other && isWhole(info.get())))
  }

  /**
   * Shows direct conversations with one person as one. Returns those that another stands for, with that one, and whether
   * they are others than before. [SPEC A20]
   */
  fold(): { readonly folded: ReadonlyMap<ConversationHandle, ConversationHandle>; readonly changed: boolean } {
    const folded = new Map<ConversationHandle, ConversationHandle>()
    const direct = new Map<string, ConversationHandle[]>()
    for (const handle of this.handles.values()) {
      const info = handle.info.get()
      // Those that are not in force any more, as somebody left, are one by themselves.
      const key = `${isWhole(info) ? "in" : info.membership}/${info.direct ?? ""}`
      if (info.direct === undefined) handle.joinSiblings([handle])
      else direct.set(key, [...(direct.get(key) ?? []), handle])
    }
    for (const handles of direct.values()) {
      const several = orderDirect(handles)
      const [first, ...others] = several
      for (const handle of several) handle.joinSiblings(several)
      // Each shows all of them.
      if (several.some(({ isOpen }) => isOpen)) for (const { id } of several) this.background(() => this.open(id))
      if (first !== undefined) for (const handle of others) folded.set(handle, first)
    }
    const names = Array.from(folded.keys(), ({ id }) => id).join()
    const changed = names !== this.foldedNames
    this.foldedNames = names
    return { folded, changed }
  }

  private background(task: () => Promise<unknown>): void {
    task().catch((error: unknown) => {
      this.ports.replica.report(error)
    })
  }

  async close(): Promise<void> {
    for (const stop of this.stops) stop()
    this.idle.close()
    await this.rows.close()
    for (const handle of this.handles.values()) await handle.close()
  }
}
