import type { Env } from "../base/env.js"
import { WeftError } from "../base/errors.js"
import { createStore, type Subscribable } from "../base/store.js"
import type { Role } from "../authority/role.js"
import type { GivenMention } from "../conversation/mention.js"
import type { Message, MessageList, Version } from "../conversation/message.js"
import type { MessageReceipts } from "../conversation/receipts.js"
import type { SaidMessage } from "../conversation/said.js"
import { nothingUnread, type Unread } from "../conversation/unread.js"
import { tick } from "../log/clock.js"
import { hashBody, messageIdOf, type Clock, type ControlId, type MessageId } from "../protocol/entry.js"
import type { ConversationId, DeviceId, DocumentName } from "../protocol/names.js"
import type { ReplicaDocument } from "../sync/document.js"
import type { ReadVector } from "../sync/registers.js"
import type { Signals } from "../sync/signals.js"
import type { AccountHandle } from "./account.js"
import type { AccountState, ConversationAct, ConversationSettings, OwnAct, TextDraft } from "./account-api.js"
import type {
  Conversation,
  ConversationInfo,
  OutgoingEdit,
  OutgoingMessage,
  ProviderFactory,
  SendOptions,
} from "./api.js"
import type { DirectOrder } from "./direct.js"
import type { Change, Invite, InviteOptions } from "./governance-api.js"
import { JoinedDraft } from "./draft.js"
import { Handover } from "./handover.js"
import { noReceipts } from "./live-receipts.js"
import type { OpenConversation } from "./open-conversation.js"
import { Outgoing, type Progress } from "./outgoing.js"
import { sameUnread } from "./personal-view.js"
import type { StoredRow } from "./stored-rows.js"
import { forwarded, messageBody, notAllowed, notLoaded, plainMessage } from "./writing.js"

export interface HandlePorts {
  readonly id: ConversationId
  readonly device: DeviceId
  /** What the list showed of it the last time. */
  readonly row: StoredRow | undefined
  readonly account: AccountHandle
  readonly signals: Signals
  readonly env: Pick<Env, "randomBytes">
  /** The time that what is written gets. */
  now(): number
  isClosed(): boolean
  /** Reads it; `told`: what was said to be unread. Rejects with STORE_*. */
  open(told: Unread): Promise<OpenConversation>
  /** It was read. */
  opened(): void
  /** All that are shown as one with it were read, too: what the list shows is known. */
  shown(): void
  /** Something waits now. */
  waits(): void
  /** Something in the background failed. */
  failed(error: unknown): void
}

const saving: Progress = { status: "saving", rejection: undefined }
const loading: MessageList = { state: "loading", items: [], complete: false }
const nobody: DirectOrder = { introduced: false, clock: 0 }
const unknown: ConversationInfo = {
  title: "",
  topic: "",
  direct: undefined,
  membership: "unknown",
  refusal: undefined,
  addedBy: undefined,
  mayWrite: false,
  mayReact: false,
  announcementsOnly: false,
  pinned: [],
  members: [],
  role: undefined,
  lastActivity: 0,
  lastMessage: undefined,
}

/**
 * What an application holds of a conversation. Before it is read, and when it has left memory, it shows what the list
 * showed the last time; it is read when somebody wants more than that, or when that may not be so any more. [SPEC U13]
 */
export class ConversationHandle implements Conversation {
  readonly id: ConversationId
  readonly info: Handover<ConversationInfo>
  readonly messages: Handover<MessageList>
  readonly unread: Handover<Unread>
  readonly changes: Handover<readonly Change[]>
  readonly invites: Handover<readonly Invite[]>
  readonly draft = new JoinedDraft()
  readonly settings: Subscribable<ConversationSettings>
  private readonly progress = new Handover(0)
  private readonly threads = new Map<MessageId, Handover<MessageList>>()
  private readonly receiptsOf = new Map<MessageId, Handover<MessageReceipts>>()
  /** Messages that were written before it was read. */
  private readonly written: Uint8Array[] = []
  /** Each looks how far something has come that this device sent, and that no server had yet when that was last asked. */
  private readonly lastLooks = new Set<() => Progress>()
  /** The same of what somebody waits for. */
  private readonly awaited = new Set<() => Progress>()
  /** What the list showed, while it is not read. */
  private kept: StoredRow | undefined
  /** Calls under way that it has to be read for. */
  private calls = 0
  /** Somebody asked for it since this was last looked at. */
  private asked = true
  private readonly stopListening: () => void
  private readonly settingsStore
  private siblings: readonly ConversationHandle[] = [this]
  private inner: OpenConversation | undefined
  /** The same, as soon as all that are shown as one with it were read. */
  private shown: OpenConversation | undefined
  private opening: Promise<OpenConversation> | undefined

  constructor(private readonly ports: HandlePorts) {
    const { id, row, account } = ports
    const wanted = (): void => {
      this.want()
    }
    this.id = id
    this.kept = row
    this.info = new Handover(row?.info ?? unknown, { same: sameInfo })
    this.unread = new Handover(row?.unread ?? nothingUnread, { same: sameUnread })
    this.messages = new Handover(loading, { wanted })
    this.changes = new Handover<readonly Change[]>([], { wanted })
    this.invites = new Handover<readonly Invite[]>([], { wanted })
    this.draft.join([account.draft(id)])
    this.settings = this.settingsStore = createStore<ConversationSettings>(account.settings(id))
    this.stopListening = account.subscribe(() => {
      this.readSettings()
    })
  }

  get typing(): Conversation["typing"] {
    return this.ports.signals.typing(this.id)
  }

  get presence(): Conversation["presence"] {
    return this.ports.signals.presenceIn(this.id)
  }

  /** Reads it, once. Rejects with STORE_*; the next call tries again. */
  open(): Promise<OpenConversation> {
    this.asked = true
    if (this.inner !== undefined) return Promise.resolve(this.inner)
    if (this.ports.isClosed()) return Promise.reject(closed())
    this.opening ??= this.ports.open(this.unread.get()).then(
      (inner) => {
        this.handOver(inner)
        return inner
      },
      (error: unknown) => {
        this.opening = undefined
        // Those that are shown as one with it are shown without it.
        for (const sibling of this.siblings) sibling.show()
        throw error
      },
    )
    return this.opening
  }

  private handOver(inner: OpenConversation): void {
    this.inner = inner
    for (const body of this.written.splice(0)) inner.write(body)
    for (const { inner: other } of this.siblings) other?.joinSiblings(this.openSiblings())
    this.progress.become(inner.progress)
    const missing = this.siblings.filter(({ isOpen }) => !isOpen)
    // Of several that are shown as one nobody is to see a part.
    if (missing.length === 0) for (const sibling of this.siblings) sibling.show()
    for (const sibling of missing) this.inBackground(sibling.open())
    this.ports.opened()
  }

  /** What was read is what is shown, from now on. */
  private show(): void {
    const { inner } = this
    if (inner === undefined || this.shown === inner) return
    this.shown = inner
    this.unread.become(inner.unread)
    this.changes.become(inner.changes)
    this.invites.become(inner.invites)
    for (const [root, thread] of this.threads) thread.become(inner.thread(root))
    for (const [message, receipts] of this.receiptsOf) receipts.become(inner.receipts(message))
    this.info.become(inner.info)
    this.messages.become(inner.messages)
    this.ports.shown()
  }

  /** Somebody wants more than what the list shows. */
  private want(): void {
    for (const sibling of this.siblings) {
      sibling.asked = true
      if (!sibling.isOpen) this.inBackground(sibling.open())
    }
  }

  /** Whether somebody looks at more than what the list shows, has something to do with it, or did since the last such question. */
  takeInterest(): boolean {
    const { asked } = this
    this.asked = false
    return asked || this.isInUse
  }

  /** Another tab looks at it. */
  noteInterest(): void {
    this.asked = true
  }

  private get isInUse(): boolean {
    const parts = [this.messages, this.changes, this.invites, this.progress]
    return (
      this.calls + this.written.length > 0 ||
      this.inner?.isAttached === true ||
      [...parts, ...this.threads.values(), ...this.receiptsOf.values()].some(({ isWatched }) => isWatched)
    )
  }

  /** Whether it can leave memory, as far as is known here. */
  get mayRelease(): boolean {
    return this.isSettled && !this.isInUse
  }

  /** Whether a segment may leave this device, as far as is known here. [SPEC U15] */
  mayLetGo(document: ReplicaDocument): boolean {
    return this.inner?.mayLetGo(document) === true
  }

  /** It leaves memory; the list shows this row of it. */
  release(row: StoredRow): void {
    const { inner } = this
    if (inner === undefined) return
    for (const look of this.lastLooks) look()
    this.lastLooks.clear()
    this.kept = row
    this.info.release()
    this.unread.release()
    this.progress.release()
    this.messages.release(loading)
    this.changes.release([])
    this.invites.release([])
    for (const thread of this.threads.values()) thread.release(loading)
    for (const receipts of this.receiptsOf.values()) receipts.release(noReceipts)
    // Whoever holds one of them comes again.
    this.threads.clear()
    this.receiptsOf.clear()
    this.inner = this.shown = this.opening = undefined
    this.inBackground(inner.close())
  }

  private inBackground(work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      if (!this.ports.isClosed()) this.ports.failed(error)
    })
  }

  /** With what was read: at once, where that is done. */
  private later<T>(act: (inner: OpenConversation) => Promise<T>): Promise<T> {
    this.asked = true
    return this.call(act)
  }

  private async call<T>(act: (inner: OpenConversation) => Promise<T>): Promise<T> {
    this.demandOpen()
    this.calls++
    try {
      return await act(this.inner ?? (await this.open()))
    } finally {
      this.calls--
    }
  }

  private soon(act: (inner: OpenConversation) => void): void {
    this.asked = true
    if (this.inner === undefined) this.inBackground(this.open().then(act))
    else act(this.inner)
  }

  get isOpen(): boolean {
    return this.inner !== undefined
  }

  /** Reads again what the conversation is. */
  review(): void {
    this.inner?.review()
  }

  /** Shows itself with others as one conversation; the first of them takes what is written. [SPEC A20] */
  joinSiblings(siblings: readonly ConversationHandle[]): void {
    const { siblings: before } = this
    if (siblings.length === before.length && siblings.every((sibling, index) => sibling === before[index])) return
    this.siblings = siblings
    this.draft.join(siblings.map(({ id }) => this.ports.account.draft(id)))
    this.readSettings()
    this.inner?.joinSiblings(this.openSiblings())
    if (siblings.every(({ isOpen }) => isOpen)) this.show()
  }

  /** The one that takes what is written, and whose settings count: all are shown as it. */
  get first(): ConversationId {
    return this.siblings[0]?.id ?? this.id
  }

  /** All that are shown as one with it. */
  get group(): readonly ConversationId[] {
    return this.siblings.map(({ id }) => id)
  }

  private readSettings(): void {
    const next = this.ports.account.settings(this.first)
    if (JSON.stringify(next) !== JSON.stringify(this.settings.get())) this.settingsStore.set(next)
  }

  private openSiblings(): OpenConversation[] {
    return this.siblings.flatMap(({ inner }) => inner ?? [])
  }

  get order(): DirectOrder {
    return this.inner?.order ?? this.kept?.order ?? nobody
  }

  /** What the list shows now, to be shown at the next start; undefined where it was not read, or has to be then. */
  get row(): Omit<StoredRow, "basis" | "stamp"> | undefined {
    if (this.shown === undefined || !this.isShown || this.waiting + this.waitingChanges > 0) return undefined
    return { info: this.info.get(), unread: this.unread.get(), order: this.order }
  }

  /** What the list showed the last time, where it was not read since. */
  get unreadRow(): StoredRow | undefined {
    return this.inner === undefined ? this.kept : undefined
  }

  /** Whether what it shows is all that is known here. */
  get isSettled(): boolean {
    return this.inner?.isSettled === true
  }

  /** Own messages that no server has yet. */
  get waiting(): number {
    return this.written.length + (this.inner?.waiting ?? 0)
  }

  /** Own control entries that no server has yet. */
  get waitingChanges(): number {
    return this.inner?.waitingChanges ?? 0
  }

  /** When the oldest of both was written, milliseconds since 1970; Infinity where nothing waits. */
  get waitingSince(): number {
    return this.inner?.waitingSince ?? Infinity
  }

  /** Whether it is this user's, or was, or is to be. */
  get isShown(): boolean {
    return this.inner?.isShown ?? this.kept !== undefined
  }

  /** Whether a valid entry ever added this user. */
  wasMember(): Promise<boolean> {
    return this.later((inner) => Promise.resolve(inner.wasMember))
  }

  get isIntroduced(): boolean {
    return this.inner?.isIntroduced ?? true
  }

  setTyping(on = true): void {
    this.demandOpen()
    this.ports.signals.setTyping(this.id, on)
  }

  receipts(id: MessageId): Subscribable<MessageReceipts> {
    return this.part(this.receiptsOf, id, noReceipts, (inner) => inner.receipts(id))
  }

  thread(root: MessageId): Subscribable<MessageList> {
    return this.part(this.threads, root, loading, (inner) => inner.thread(root))
  }

  /** One value for each name, until it leaves memory; it comes from what is read. Who held one before that goes by the next. */
  private part<T>(
    values: Map<MessageId, Handover<T>>,
    id: MessageId,
    first: T,
    partOf: (inner: OpenConversation) => Subscribable<T>,
  ): Handover<T> {
    const present = values.get(id)
    if (present !== undefined) return present
    const value: Handover<T> = new Handover(first, {
      wanted: () => {
        this.want()
        const next = values.get(id)
        if (next === value && value.hasSource) return
        if (next !== undefined && next !== value) {
          value.become(next)
          return
        }
        // It may have gone by one that is no more.
        value.release(first)
        values.set(id, value)
        if (this.shown !== undefined) value.become(partOf(this.shown))
      },
    })
    values.set(id, value)
    return value
  }

  send(text: string, options: SendOptions = {}): OutgoingMessage {
    if (this.inner === undefined) return this.sendUnread(text, options)
    const outgoing = this.outgoing(this.inner.send(text, options))
    const draft = options.thread === undefined ? this.draft : this.threadDraft(options.thread)
    // What another device types at this moment stays, and so does a draft that was not what is sent.
    if (isSameText(draft.get(), text)) draft.clear()
    return outgoing
  }

  private sendUnread(text: string, { replyTo, thread, mentions }: SendOptions): OutgoingMessage {
    this.demandOpen()
    if (replyTo !== undefined || thread !== undefined) throw notLoaded()
    const outgoing = this.write(plainMessage(text, mentions))
    // It is in memory alone until the conversation is read: so long the disk keeps the draft.
    if (isSameText(this.draft.get(), text)) this.draft.clearAfter(outgoing.reached("saved"))
    return outgoing
  }

  forward(message: Message): OutgoingMessage {
    this.demandOpen()
    return this.inner ? this.outgoing(this.inner.forward(message)) : this.write(forwarded(message))
  }

  /** Before it was read. */
  private write(said: SaidMessage): OutgoingMessage {
    const { mayWrite, announcementsOnly } = this.info.get()
    if (!mayWrite) throw notAllowed(announcementsOnly)
    const body = messageBody(said, this.ports.env)
    // What could not be written then is not taken now.
    tick(0 as Clock, this.ports.now())
    const id = messageIdOf(this.ports.device, hashBody(body))
    this.written.push(body)
    this.ports.waits()
    this.want()
    return this.outgoing({ id })
  }

  /** Goes on, where it leaves memory and is read again. */
  private outgoing({ id }: Pick<OutgoingMessage, "id">): OutgoingMessage {
    let last = saving
    // It may stand in a segment that is read no more, or was not read again.
    const look = (): Progress => (last = this.inner?.progressOf(id) ?? last)
    for (const earlier of this.lastLooks) {
      const { status } = earlier()
      if (status === "saving" || status === "saved") break
      this.lastLooks.delete(earlier)
    }
    this.lastLooks.add(look)
    const read = (): Progress => {
      this.asked = true
      return look()
    }
    const subscribe = (listener: (count: number) => void): (() => void) => {
      const wait = (): Progress => look()
      this.awaited.add(wait)
      const { document } = look()
      if (document !== undefined) this.inner?.follow(document)
      const stop = this.progress.subscribe(listener)
      return () => {
        this.awaited.delete(wait)
        stop()
      }
    }
    return new Outgoing(id, read, { subscribe }, () => this.ports.isClosed())
  }

  /** Documents with own entries that somebody waits for. */
  get followed(): readonly DocumentName[] {
    return Array.from(this.awaited).flatMap((look) => look().document ?? [])
  }

  edit(id: MessageId, text: string, options?: { readonly mentions?: readonly GivenMention[] }): OutgoingEdit {
    const edit = this.demandRead().edit(id, text, options)
    return Object.assign(this.outgoing(edit), { act: edit.act })
  }

  react(id: MessageId, emoji: string): OutgoingMessage | undefined {
    const reaction = this.demandRead().react(id, emoji)
    return reaction && this.outgoing(reaction)
  }

  unreact(id: MessageId, emoji: string): OutgoingMessage | undefined {
    const reaction = this.demandRead().unreact(id, emoji)
    return reaction && this.outgoing(reaction)
  }

  retry(id: MessageId): OutgoingMessage {
    return this.outgoing(this.demandRead().retry(id))
  }

  /** Takes back what this device did here, where it still stands. */
  takeBack(act: ConversationAct): Promise<boolean> {
    return this.later((inner) => inner.takeBack(act))
  }

  /** This device has all of it now. */
  endCatchUp(lagged: boolean): Promise<void> {
    return this.later((inner) => inner.endCatchUp(lagged))
  }

  erase(id: MessageId): Promise<void> {
    return this.later((inner) => inner.erase(id))
  }

  mayErase(id: MessageId): boolean {
    this.want()
    return this.inner?.mayErase(id) ?? false
  }

  discard(id: MessageId): Promise<void> {
    return this.later((inner) => inner.discard(id))
  }

  message(id: MessageId): Message | undefined {
    this.want()
    return this.inner?.message(id)
  }

  history(id: MessageId): readonly Version[] {
    this.want()
    return this.inner?.history(id) ?? []
  }

  loadOlder(): Promise<void> {
    return this.later((inner) => inner.loadOlder())
  }

  releaseOlder(): Promise<void> {
    this.asked = true
    return this.shrink()
  }

  /** The same, where nobody asked for it. What is not read has nothing that could go. */
  async shrink(): Promise<void> {
    if (this.inner === undefined) return
    for (const look of this.lastLooks) look()
    const followed = new Set<MessageId>()
    for (const [root, thread] of this.threads) {
      if (thread.isWatched) followed.add(root)
      else {
        thread.release(loading)
        this.threads.delete(root)
      }
    }
    await this.call((inner) => inner.releaseOlder(followed))
  }

  loadTo(id: MessageId, segment?: number): Promise<boolean> {
    return this.later((inner) => inner.loadTo(id, segment))
  }

  loadToDate(time: number): Promise<MessageId | undefined> {
    return this.later((inner) => inner.loadToDate(time))
  }

  digest(): Promise<string> {
    return this.later((inner) => inner.digest())
  }

  /** This user has read so much of each log, beside what was read before; undefined: all that is here. */
  advanceRead(vector?: ReadVector, root?: MessageId): Promise<void> {
    return this.later((inner) => inner.advanceRead(vector, root))
  }

  markRead(upTo?: MessageId): void {
    this.soon((inner) => {
      inner.markRead(upTo)
    })
  }

  markThreadRead(root: MessageId, upTo?: MessageId): void {
    this.soon((inner) => {
      inner.markThreadRead(root, upTo)
    })
  }

  markUnread(from: MessageId): void {
    if (this.inner === undefined) this.ports.account.markUnread(this.id, from)
    else this.inner.markUnread(from)
  }

  eraseForMe(id: MessageId): OwnAct | undefined {
    return this.ports.account.hide(id)
  }

  threadDraft(root: MessageId): TextDraft {
    return this.ports.account.draft(this.id, root)
  }

  mute(until = Infinity): void {
    this.ports.account.mute(this.first, until)
  }

  unmute(): void {
    this.ports.account.mute(this.first, undefined)
  }

  setArchived(archived: boolean): OwnAct | undefined {
    return this.ports.account.setArchived(this.first, archived)
  }

  setPinned(pinned: boolean): void {
    this.ports.account.setPinned(this.first, pinned)
  }

  setListed(listed: boolean): OwnAct | undefined {
    const { membership } = this.info.get()
    if (!listed && membership !== "left" && membership !== "removed")
      throw new WeftError("NOT_ALLOWED", "only what was left is taken out of the list: archive it")
    return this.ports.account.setListed(this.first, listed)
  }

  /** Whether the list has it. [SPEC U12] */
  isListed({ blocked }: AccountState): boolean {
    const { membership, direct, addedBy } = this.info.get()
    const { listed } = this.settings.get()
    if (direct !== undefined && blocked.has(direct)) return false
    if (membership !== "member") return listed !== false
    return direct !== undefined || listed === true || addedBy === undefined || !blocked.has(addedBy)
  }

  addMember(user: string, role?: Role): Promise<void> {
    return this.later((inner) => inner.addMember(user, role))
  }

  removeMember(user: string): Promise<void> {
    return this.later((inner) => inner.removeMember(user))
  }

  setRole(user: string, role: Role): Promise<void> {
    return this.later((inner) => inner.setRole(user, role))
  }

  setTitle(title: string): Promise<void> {
    return this.later((inner) => inner.setTitle(title))
  }

  setTopic(topic: string): Promise<void> {
    return this.later((inner) => inner.setTopic(topic))
  }

  setAnnouncementsOnly(on: boolean): Promise<void> {
    return this.later((inner) => inner.setAnnouncementsOnly(on))
  }

  pin(message: MessageId): Promise<void> {
    return this.later((inner) => inner.pin(message))
  }

  unpin(message: MessageId): Promise<void> {
    return this.later((inner) => inner.unpin(message))
  }

  leave(): Promise<OwnAct> {
    return this.later((inner) => inner.leave())
  }

  undoLeave(): Promise<void> {
    return this.later((inner) => inner.undoLeave())
  }

  createInvite(options?: InviteOptions): ReturnType<Conversation["createInvite"]> {
    return this.later((inner) => inner.createInvite(options))
  }

  revokeInvite(id: string): Promise<void> {
    return this.later((inner) => inner.revokeInvite(id))
  }

  retryChange(id: ControlId): Promise<void> {
    return this.later((inner) => inner.retryChange(id))
  }

  dismissChange(id: ControlId): Promise<void> {
    return this.later((inner) => inner.dismissChange(id))
  }

  attach(factory: ProviderFactory): () => Promise<void> {
    this.demandOpen()
    this.asked = true
    if (this.inner !== undefined) return this.inner.attach(factory)
    const attached = this.open().then((inner) => inner.attach(factory))
    this.inBackground(attached)
    return async () => {
      await (
        await attached
      )()
    }
  }

  /** What was written before it was read is saved first. */
  async close(): Promise<void> {
    this.stopListening()
    this.draft.close()
    // That it could not be read was told to whoever asked.
    const inner = await this.opening?.catch(() => undefined)
    if (inner === undefined) this.progress.become(createStore(1))
    await inner?.close()
  }

  private demandOpen(): void {
    if (this.ports.isClosed()) throw closed()
  }

  private demandRead(): OpenConversation {
    this.demandOpen()
    this.want()
    if (this.inner === undefined) throw notLoaded()
    return this.inner
  }
}

function isSameText(draft: string, text: string): boolean {
  return draft.trim() === text.trim()
}

function sameInfo(a: ConversationInfo, b: ConversationInfo): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function closed(): WeftError {
  return new WeftError("CLIENT_CLOSED", "this client was closed")
}
