import { WeftError } from "../base/errors.js"
import { createStore, type Subscribable } from "../base/store.js"
import { refMessageId } from "../authority/message-ref.js"
import type { ControlState } from "../authority/project.js"
import type { Role } from "../authority/role.js"
import type { GivenMention } from "../conversation/mention.js"
import type { Message, MessageList, Version } from "../conversation/message.js"
import type { ReadPositions, Unread } from "../conversation/unread.js"
import { clockMs, type Clock, type ControlId, type MessageId } from "../protocol/entry.js"
import { oldestOf } from "../log/draft.js"
import { rootDigestOf } from "../log/summary.js"
import { hex } from "../protocol/bytes.js"
import { MAX_PINS } from "../protocol/limits.js"
import { conversationOf, documentParts, type ConversationId, type DocumentName, type LogId } from "../protocol/names.js"
import type { MessageReceipts } from "../conversation/receipts.js"
import type { ReplicaDocument } from "../sync/document.js"
import { attachMirrors, type Provider } from "../sync/mirror.js"
import type { ReadVector } from "../sync/registers.js"
import type { Signals } from "../sync/signals.js"
import type { AccountHandle } from "./account.js"
import type { ConversationAct, OwnAct } from "./account-api.js"
import type {
  Conversation,
  ConversationInfo,
  OutgoingEdit,
  OutgoingMessage,
  ProviderFactory,
  SendOptions,
} from "./api.js"
import { directOrder, partnerOf, type DirectOrder } from "./direct.js"
import { EarlierUnread } from "./earlier-unread.js"
import type { Change, Governance, InviteOptions, Membership } from "./governance-api.js"
import { Governor, type GovernorPorts } from "./governor.js"
import { LiveReceipts } from "./live-receipts.js"
import { MergedList } from "./merged-list.js"
import type { Progress } from "./outgoing.js"
import { PersonalView } from "./personal-view.js"
import { SegmentEnds } from "./segment-ends.js"
import { createThread, segmentOfRoot } from "./thread.js"
import { ConversationView } from "./view.js"
import { demandTaken, Writing, type WritingPorts } from "./writing.js"

export interface OpenPorts extends WritingPorts, Pick<GovernorPorts, "env" | "storage" | "server"> {
  readonly account: AccountHandle
  readonly signals: Signals
  /** What was told to be unread the last time. */
  readonly told: Unread
  /** Asks the tab that writes to tell what was read; `fresh`: of it, on no device before. False where it is this one. */
  tellRead(vector: ReadVector | undefined, root: MessageId | undefined, fresh: ReadVector): boolean
  /** Documents with own entries that somebody waits for. */
  followed(): readonly DocumentName[]
  /** Whether this tab writes. */
  isWriter(): boolean
  /** Whether a link to this conversation waits to be used. */
  isJoining(): boolean
  /** Something in the background failed. */
  failed(error: unknown): void
  /** A carrier came or went. */
  setCarrier(carrier: unknown, present: boolean): void
}

/** A conversation that was read. */
export class OpenConversation implements Governance {
  readonly id: ConversationId
  readonly info: Subscribable<ConversationInfo>
  readonly messages: Subscribable<MessageList>
  readonly unread: Subscribable<Unread>
  /** Counts whatever may have changed the way of an own entry. */
  readonly progress = createStore(0)
  private readonly view: ConversationView
  private readonly governor: Governor
  private readonly merged = new MergedList()
  /** Direct conversations with the same person, this one among them; the first takes what is written. */
  private siblings: readonly OpenConversation[] = [this]
  /** Whether this tab saw to it, as the writer, that others are told what was marked on this device. */
  private isTold = false
  private readonly mine: PersonalView
  private readonly earlier: EarlierUnread
  private readonly writing: Writing
  private readonly threads = new Map<MessageId, Subscribable<MessageList>>()
  private readonly infoStore
  private people:
    | { readonly states: readonly ControlState[]; readonly info: Pick<ConversationInfo, "members" | "pinned"> }
    | undefined
  private readonly stopListening: (() => void)[]
  /** The last `markRead` under way. */
  private marking: Promise<unknown> = Promise.resolve()
  private readonly detachers = new Set<() => Promise<void>>()

  private constructor(private readonly ports: OpenPorts) {
    this.id = ports.conversation.id
    const ends = new SegmentEnds(ports.storage)
    const stopEnds = ports.conversation.changes.on((change) => {
      if (change.kind === "document") ends.forget(change.document)
    })
    this.view = new ConversationView({
      ...ports,
      ends,
      followed: () => {
        const names = this.siblings.flatMap(({ ports: of }) => of.followed())
        return names.filter((name) => conversationOf(name) === this.id)
      },
    })
    this.merged.show([this.view.list])
    this.earlier = new EarlierUnread({
      conversation: ports.conversation,
      reader: ports,
      ends,
      account: ports.account,
      oldestListed: () => this.view.oldestListed,
      isWatched: () => this.siblings.some(({ mine }) => mine.isWatched),
      isListed: (message) => this.view.projection.node(message)?.inOrder === true,
      readHereUpTo: () => this.mine.readHereUpTo,
      passOver: (read) => {
        this.passOver(read, undefined)
      },
      blocked: () => ports.account.get().blocked,
      failed: (error) => {
        ports.failed(error)
      },
    })
    this.mine = new PersonalView({
      told: ports.told,
      account: ports.account,
      user: ports.user,
      list: this.merged.list,
      placesOf: (message) => this.holderOf(message).view.placesOf(message),
      earlier: () => this.siblings.flatMap(({ earlier }) => earlier.inputs()),
      isEarlierCounted: () => this.siblings.every(({ earlier }) => earlier.isCounted),
      rankOf: (document) => this.siblings.findIndex(({ id }) => id === conversationOf(document)),
      isListed: (message) => this.holderOf(message).view.projection.node(message)?.inOrder === true,
      replies: (root, counts) => this.holderOf(root).view.projection.replies(root, counts),
      markOf: (thread) =>
        this.siblings.map(({ id }) => ports.account.markOf(id, thread)).find((mark) => mark !== undefined),
      isFor: ({ document, seen }) => {
        const of = this.siblings.find(({ id }) => id === conversationOf(document)) ?? this
        return of.state.isFor(ports.user, seen)
      },
      isCatchingUp: () => ports.conversation.catchUp.isUnderWay && !ports.conversation.catchUp.reads.isEmpty,
      readCountHere: (...place) => ports.conversation.catchUp.reads.count(...place),
      passOver: (read, thread) => {
        this.passOver(read, thread)
      },
      lookEarlier: () => {
        for (const { earlier } of this.siblings) earlier.look()
      },
    })
    this.messages = this.mine.messages
    this.unread = this.mine.unread
    this.writing = new Writing(ports, this.view)
    this.governor = new Governor({
      ...ports,
      documentOf: (message) => this.view.projection.node(message)?.document,
      demandOpen: () => {
        this.demandOpen()
      },
    })
    this.infoStore = createStore<ConversationInfo>(this.readInfo())
    this.info = this.infoStore
    const refresh = (): void => {
      for (const sibling of this.siblings) sibling.review()
    }
    const look = (): void => {
      this.earlier.look()
    }
    this.stopListening = [
      stopEnds,
      this.messages.subscribe(refresh),
      this.governor.changes.subscribe(refresh),
      this.view.progress.subscribe(() => {
        for (const sibling of this.siblings) sibling.tellProgress()
      }),
      ports.account.subscribe(look),
      this.view.list.subscribe(look),
      this.earlier.changes.on((changed) => {
        for (const { mine } of this.siblings) if (changed || !mine.isCounted) mine.recount()
      }),
      ports.conversation.changes.on((change) => {
        if (change.kind !== "control") return
        refresh()
        for (const { mine } of this.siblings) mine.reviewAuthority()
      }),
    ]
  }

  static async open(ports: OpenPorts): Promise<OpenConversation> {
    const handle = new OpenConversation(ports)
    await Promise.all([handle.view.open(), handle.governor.open()])
    return handle
  }

  /** Reads again what the conversation is. */
  review(): void {
    const [before, next] = [this.infoStore.get(), this.readInfo()]
    const keys = Object.keys(next) as (keyof ConversationInfo)[]
    if (keys.some((key) => next[key] !== before[key])) this.infoStore.set(next)
  }

  get order(): DirectOrder {
    return directOrder(this.state, this.ports.device)
  }

  private get state(): ControlState {
    return this.ports.conversation.state
  }

  /** Shows itself with others as one conversation; the first of them takes what is written. [SPEC A20] */
  joinSiblings(siblings: readonly OpenConversation[]): void {
    this.siblings = siblings
    // Those that come now look in all of them.
    this.threads.clear()
    this.review()
    this.merged.show(siblings.map(({ view }) => view.list))
    this.earlier.look()
  }

  private tellProgress(): void {
    this.progress.set(this.progress.get() + 1)
  }

  /** Own messages that no server has yet. */
  get waiting(): number {
    return this.view.waiting
  }

  /** Own control entries that no server has yet. */
  get waitingChanges(): number {
    return this.ports.conversation.controlDocument.drafts.length
  }

  /** When the oldest of both was written, milliseconds since 1970; Infinity where nothing waits. */
  get waitingSince(): number {
    return Math.min(this.view.waitingSince, oldestOf(this.ports.conversation.controlDocument.drafts))
  }

  /** Whether it is this user's, or was, or is to be. */
  get isShown(): boolean {
    return this.membership() !== "unknown"
  }

  get wasMember(): boolean {
    return this.state.everMembers.has(this.ports.user)
  }

  get isIntroduced(): boolean {
    return this.ports.conversation.isIntroduced
  }

  receipts(id: MessageId): Subscribable<MessageReceipts> {
    const read = (): MessageReceipts | undefined => {
      for (const { view } of this.siblings) {
        const receipts = view.receipts(id)
        if (receipts !== undefined) return receipts
      }
      return undefined
    }
    const registers = this.siblings.map(({ ports }) => ({
      subscribe: (listener: () => void) => ports.registers.changes.on(listener),
    }))
    // That a message is sealed changes nothing that the list shows of it.
    return new LiveReceipts(read, [this.progress, ...registers])
  }

  /** Whether what is shown, and counted, is what is known, and told by the tab that writes: of all that are shown as one. */
  get isSettled(): boolean {
    const isTold = (one: OpenConversation): boolean => one.isTold || !this.ports.isWriter()
    return this.siblings.every((one) => one.view.isSettled && one.earlier.isSettled && isTold(one))
  }

  /** Whether a segment is not needed to count what is unread. [SPEC U15] */
  mayLetGo(document: ReplicaDocument): boolean {
    return this.ports.account.marksOf(this.id).length === 0 && !this.earlier.mayHoldUnread(document)
  }

  /**
   * This user has read so much of each log, beside what was read before: outside of threads, or in the one below `root`;
   * undefined: all that is here outside of threads. `fresh`: what of it was read on no device before.
   */
  async advanceRead(vector?: ReadVector, root?: MessageId, fresh: ReadVector = new Map()): Promise<void> {
    this.demandOpen()
    const noted = this.ports.conversation.catchUp.noteRead(fresh, root)
    // Whether another tab took it is seen once this one writes.
    if (this.ports.tellRead(vector, root, fresh)) this.isTold = false
    else await this.ports.registers.advanceRead(vector, root)
    await noted
  }

  /** Lets the others know what was marked on this device while no tab wrote, or none that lived to tell. */
  async tellMarks(): Promise<void> {
    const marks = new Map<MessageId | undefined, Map<number, ReadonlyMap<LogId, number>>>()
    for (const { segment, thread, counts } of this.ports.account.marksHere(this.id)) {
      const vector = marks.get(thread) ?? new Map<number, ReadonlyMap<LogId, number>>()
      marks.set(thread, vector.set(segment, counts))
    }
    this.isTold = true
    // All in one turn: in between the conversation would seem to be at rest.
    const { registers } = this.ports
    await Promise.all(Array.from(marks, ([thread, vector]) => registers.advanceRead(vector, thread, true)))
  }

  async loadOlder(): Promise<void> {
    await Promise.all(this.siblings.map(({ view }) => view.loadOlder()))
  }

  /** Of these threads all stays. */
  async releaseOlder(threads: ReadonlySet<MessageId>): Promise<void> {
    await Promise.all(this.siblings.map((sibling) => sibling.releaseOwn(threads)))
  }

  private async releaseOwn(threads: ReadonlySet<MessageId>): Promise<void> {
    // Those that nobody follows are complete no more.
    for (const root of Array.from(this.threads.keys())) if (!threads.has(root)) this.threads.delete(root)
    const roots = Array.from(threads, (root) => segmentOfRoot(this.view, root) ?? Infinity)
    await this.view.releaseOlder(Math.min(...roots))
  }

  async loadTo(id: MessageId, segment?: number): Promise<boolean> {
    this.demandOpen()
    for (const { view, earlier } of this.siblings) {
      if (await view.loadTo(id, segment ?? earlier.segmentOf(id))) return true
    }
    return false
  }

  async loadToDate(time: number): Promise<MessageId | undefined> {
    this.demandOpen()
    if (Number.isNaN(time)) throw new WeftError("BAD_ARGUMENT", "not a time")
    await Promise.all(this.siblings.map(({ view }) => view.loadToDate(time)))
    return this.messages.get().items.find(({ sentAt, thread }) => sentAt >= time && thread === undefined)?.id
  }

  /** Writes a message; `at` says what it answers, or below what it stands. */
  send(text: string, options?: SendOptions): OutgoingMessage {
    const about = options?.replyTo ?? options?.thread
    const holder = about === undefined ? this.siblings[0] : this.holderOf(about)
    return (holder ?? this).writing.send(text, options)
  }

  /** Writes what was made before this was read. */
  write(body: Uint8Array): void {
    const [first = this] = this.siblings
    first.writing.write(body)
  }

  /** How far an own entry has come; undefined where nothing of it is loaded. */
  progressOf(id: MessageId): Progress | undefined {
    for (const { view } of this.siblings) {
      const progress = view.progressOf(id)
      if (progress !== undefined) return progress
    }
    return undefined
  }

  /** Somebody waits for an own entry in there. */
  follow(name: DocumentName): void {
    this.siblings.find(({ id }) => id === conversationOf(name))?.view.follow(name)
  }

  /** Whether a carrier is attached. */
  get isAttached(): boolean {
    return this.detachers.size > 0
  }

  edit(id: MessageId, text: string, { mentions }: { mentions?: readonly GivenMention[] } = {}): OutgoingEdit {
    const outgoing = this.holderOf(id).writing.edit(id, text, mentions)
    const act = { kind: "edit", conversation: this.id, message: id, version: outgoing.id } as const
    return Object.assign(outgoing, { act: this.ports.account.remember(act) })
  }

  /** Takes back what this device did here, where it still stands. [SPEC U11] */
  async takeBack(act: ConversationAct): Promise<boolean> {
    if (act.kind === "leave") {
      const left = this.siblings.filter((one) => one.membership() === "left")
      const standing = left.filter(({ state }) => state.removals.some(({ id }) => act.changes.includes(id)))
      for (const { governor } of standing) await governor.undoLeave()
      return standing.length > 0
    }
    if (!(await this.loadTo(act.message))) return false
    const { view, writing } = this.holderOf(act.message)
    const before = view.projection.textWithout(act.message, act.version)
    if (before === undefined) return false
    await writing.takeBack(act.message, act.version, before)
    return true
  }

  erase(id: MessageId): Promise<void> {
    return this.holderOf(id).writing.erase(id)
  }

  mayErase(id: MessageId): boolean {
    return this.holderOf(id).writing.mayErase(id)
  }

  react(id: MessageId, emoji: string): OutgoingMessage | undefined {
    return this.holderOf(id).writing.react(id, emoji, true)
  }

  unreact(id: MessageId, emoji: string): OutgoingMessage | undefined {
    return this.holderOf(id).writing.react(id, emoji, false)
  }

  forward(message: Message): OutgoingMessage {
    const [first = this] = this.siblings
    return first.writing.forward(message)
  }

  message(id: MessageId): Message | undefined {
    const message = this.holderOf(id).view.projection.get(id)
    return message && this.mine.look(message)
  }

  history(id: MessageId): readonly Version[] {
    if (this.message(id)?.form === "hidden") return []
    return this.holderOf(id).view.projection.history(id)
  }

  thread(root: MessageId): Subscribable<MessageList> {
    let thread = this.threads.get(root)
    if (thread === undefined) {
      const places = this.siblings.map(({ view, earlier }) => ({
        view,
        locate: (of: MessageId) => earlier.threadSegment(of),
      }))
      thread = createThread(places, root, this.ports.account, this.mine)
      this.threads.set(root, thread)
    }
    return thread
  }

  markRead(upTo?: MessageId): void {
    this.demandOpen()
    const read = this.mine.positionsUpTo(upTo)
    if (read === undefined) return
    const until = upTo === undefined ? (Infinity as Clock) : this.mine.clockOf(upTo)
    // At once: what is marked from now on stands.
    for (const { id } of this.siblings) this.ports.account.endUnread(id)
    const mark = (): void => {
      const fresh = this.ports.account.markRead(read)
      for (const handle of this.siblings) handle.tellRead(read, undefined, fresh)
    }
    // What is before the list was passed on the way. It is marked first: unread below what was read, it would be late, on
    // every device, until the second mark is there. [SPEC U10]
    const isFirst = this.siblings.some(({ earlier }) => earlier.mayBeUnread)
    if (!isFirst) mark()
    const earlier = Promise.all(this.siblings.map((handle) => handle.markEarlierRead(until)))
    this.marking = isFirst ? earlier.then(mark, mark) : earlier
  }

  markThreadRead(root: MessageId, upTo?: MessageId): void {
    this.demandOpen()
    const read = this.mine.positionsUpTo(upTo, root)
    if (read === undefined) return
    for (const { id } of this.siblings) this.ports.account.endUnread(id, root)
    const fresh = this.ports.account.markRead(read, root)
    for (const handle of this.siblings) handle.tellRead(read, root, fresh)
  }

  markUnread(from: MessageId): void {
    const [{ id } = this] = this.siblings
    const thread = this.holderOf(from).view.projection.get(from)?.thread
    for (const sibling of this.siblings) if (sibling.id !== id) this.ports.account.endUnread(sibling.id, thread)
    this.ports.account.markUnread(id, from, thread)
  }

  /** What is before the list was passed on the way. */
  private markEarlierRead(upTo: Clock): Promise<void> {
    return this.earlier.markRead(upTo, (read) => {
      this.tellRead(read, undefined, this.ports.account.markRead(read))
    })
  }

  /** This device has all of it now: what is there below what was read here was read, and what comes from now on was not. [SPEC U10] */
  async endCatchUp(lagged = false): Promise<void> {
    if (!this.ports.conversation.catchUp.isUnderWay && !lagged) return
    await this.view.settled()
    await this.earlier.passed()
    this.mine.passOver()
    await this.ports.conversation.catchUp.end()
  }

  /** Of this conversation alone: one with the same person that is shown with it may have caught up. */
  private passOver(read: ReadPositions, thread: MessageId | undefined): void {
    if (this.ports.isClosed()) return
    const own = new Map<DocumentName, ReadonlyMap<LogId, number>>()
    const { broughtTo } = this.ports.conversation.catchUp
    for (const [document, counts] of read) {
      if (conversationOf(document) !== this.id) continue
      const upTo = (log: LogId, count: number): number => Math.min(count, broughtTo?.(document, log) ?? Infinity)
      own.set(document, new Map(Array.from(counts, ([log, count]) => [log, upTo(log, count)])))
    }
    if (this.ports.account.passOver(own, thread)) this.tellRead(own, thread)
  }

  /** Lets the others know, in this conversation's own segments. [SPEC P7] */
  private tellRead(read: ReadPositions, thread?: MessageId, fresh: ReadPositions = new Map()): void {
    const vector = this.vectorOf(read)
    if (vector.size === 0) return
    // Its storage's failure is the replica's to tell.
    this.advanceRead(vector, thread, this.vectorOf(fresh)).catch(() => undefined)
  }

  private vectorOf(read: ReadPositions): ReadVector {
    const vector = new Map<number, ReadonlyMap<LogId, number>>()
    for (const [document, counts] of read) {
      const parts = documentParts(document)
      if (parts.kind === "segment" && parts.conversation === this.id) vector.set(parts.segment, counts)
    }
    return vector
  }

  retry(id: MessageId): OutgoingMessage {
    return this.holderOf(id).writing.retry(id)
  }

  discard(id: MessageId): Promise<void> {
    return this.holderOf(id).writing.discard(id)
  }

  /** Of those that are shown as one: the one in which an entry stands. */
  private holderOf(id: MessageId): OpenConversation {
    return this.siblings.find(({ view }) => view.projection.node(id) !== undefined) ?? this
  }

  async digest(): Promise<string> {
    return hex(rootDigestOf(this.id, await this.ports.conversation.digests()))
  }

  get changes(): Conversation["changes"] {
    return this.governor.changes
  }

  get invites(): Conversation["invites"] {
    return this.governor.invites
  }

  addMember(user: string, role?: Role): Promise<void> {
    return this.governor.addMember(user, role)
  }

  async removeMember(user: string): Promise<void> {
    if (user === this.ports.user) await this.leave()
    else await this.governor.removeMember(user)
  }

  setRole(user: string, role: Role): Promise<void> {
    return this.governor.setRole(user, role)
  }

  setTitle(title: string): Promise<void> {
    return this.governor.setTitle(title)
  }

  setTopic(topic: string): Promise<void> {
    return this.governor.setTopic(topic)
  }

  setAnnouncementsOnly(on: boolean): Promise<void> {
    return this.governor.setAnnouncementsOnly(on)
  }

  async pin(message: MessageId): Promise<void> {
    const known = this.message(message)
    if (known?.form === "erased") throw new WeftError("BAD_ARGUMENT", "this message was erased")
    demandTaken(known)
    await this.holderOf(message).governor.pin(message)
  }

  unpin(message: MessageId): Promise<void> {
    const pinned = this.siblings.find(({ state }) => state.pins.some((pin) => refMessageId(pin.message) === message))
    return (pinned ?? this.holderOf(message)).governor.unpin(message)
  }

  async leave(): Promise<OwnAct> {
    const changes: ControlId[] = []
    // They are apart as soon as one of them is left.
    const [first = this] = this.siblings
    for (const { governor } of this.siblings) changes.push(await governor.leave())
    return this.ports.account.remember({ kind: "leave", conversation: first.id, changes })
  }

  async undoLeave(): Promise<void> {
    for (const { governor } of this.siblings) await governor.undoLeave()
  }

  createInvite(options?: InviteOptions): ReturnType<Conversation["createInvite"]> {
    return this.governor.createInvite(options)
  }

  revokeInvite(id: string): Promise<void> {
    return this.governor.revokeInvite(id)
  }

  retryChange(id: ControlId): Promise<void> {
    return this.governor.retryChange(id)
  }

  dismissChange(id: ControlId): Promise<void> {
    return this.governor.dismissChange(id)
  }

  attach(factory: ProviderFactory): () => Promise<void> {
    this.demandOpen()
    const attachment = attachMirrors(this.ports.conversation, (name, mirror) => this.ending(factory(name, mirror)))
    this.ports.setCarrier(attachment, true)
    const detach = async (): Promise<void> => {
      if (!this.detachers.delete(detach)) return
      this.ports.setCarrier(attachment, false)
      await attachment.detach()
    }
    this.detachers.add(detach)
    return detach
  }

  /** The same provider; that it can't be ended is told, and keeps nothing else from ending. */
  private ending(provider: Provider): Provider {
    const destroy = (): unknown => {
      try {
        return provider.destroy()
      } catch (error) {
        this.ports.failed(error)
        return undefined
      }
    }
    return { destroy }
  }

  async close(): Promise<void> {
    for (const detach of Array.from(this.detachers)) await detach()
    // What was read just now is marked as such.
    await this.marking
    for (const stop of this.stopListening) stop()
    this.governor.close()
    this.merged.close()
    this.earlier.close()
    this.mine.close()
    this.view.close()
    // Who waits for something is told that nothing comes any more.
    this.tellProgress()
  }

  private membership(): Membership {
    const { user } = this.ports
    if (this.state.members.has(user)) return "member"
    if (this.state.mayReturn(user)) return "left"
    if (this.wasMember) return "removed"
    if (this.ports.isJoining() || this.joins.some(({ status }) => status === "pending")) return "joining"
    if (this.joins.length > 0) return "refused"
    return this.state.wasLetIn(user) ? "removed" : "unknown"
  }

  /** Own ones that let this user in nowhere, or not yet. */
  private get joins(): readonly Change[] {
    return this.governor.changes.get().filter(({ kind, status }) => kind === "join" && status !== "accepted")
  }

  private role(): Role | undefined {
    return this.ports.conversation.state.members.get(this.ports.user)?.role
  }

  private demandOpen(): void {
    if (this.ports.isClosed()) throw new WeftError("CLIENT_CLOSED", "this client was closed")
  }

  /** The same arrays while the states are the same. */
  private readPeople(): Pick<ConversationInfo, "members" | "pinned"> {
    const states = this.siblings.map(({ state }) => state)
    const before = this.people
    if (before?.states.length === states.length && before.states.every((state, index) => state === states[index]))
      return before.info
    const pinned = states.flatMap(({ pins }) =>
      pins.map(({ message, by, clock }) => {
        return { id: refMessageId(message), segment: message.segment, by, at: clockMs(clock) }
      }),
    )
    // Each state's are in their order already.
    if (states.length > 1) pinned.sort((a, b) => b.at - a.at).splice(MAX_PINS)
    const members = Array.from(this.state.members, ([user, { role }]) => ({ user, role }))
    this.people = { states, info: { members, pinned } }
    return this.people.info
  }

  private readInfo(): ConversationInfo {
    const { state, ports } = this
    const lastMessage = this.messages.get().items.at(-1)
    const membership = this.membership()
    return {
      title: state.title,
      topic: state.topic,
      membership,
      refusal: membership === "refused" ? this.joins.at(-1)?.code : undefined,
      addedBy: state.members.get(ports.user)?.by,
      mayWrite: state.maySpeak(ports.user),
      mayReact: state.mayReact(ports.user),
      announcementsOnly: state.announcing,
      direct: partnerOf(state, ports.user),
      ...this.readPeople(),
      role: this.role(),
      lastActivity: lastMessage?.sentAt ?? (state.created === undefined ? 0 : clockMs(state.created.clock)),
      lastMessage,
    }
  }
}
