import { createQueue } from "../base/queue.js"
import { createSignal } from "../base/store.js"
import { Counted } from "../conversation/counted.js"
import { isRead, positionsOf, readBelow, type PlacedCopy, type ReadPositions } from "../conversation/unread.js"
import type { Entry } from "../log/check.js"
import type { LogSummary } from "../log/summary.js"
import { messageIdOf, type Clock, type MessageId } from "../protocol/entry.js"
import {
  deviceOf,
  documentParts,
  segmentDocument,
  type DocumentName,
  type LogId,
  type UserId,
} from "../protocol/names.js"
import type { ReplicaConversation } from "../sync/conversation.js"
import type { ReplicaDocument } from "../sync/document.js"
import type { AccountHandle } from "./account.js"
import { SegmentAway } from "../sync/segment-away.js"
import { authorIn, segmentVersion } from "../sync/segment-version.js"
import type { ReplyEnd, SegmentEnds } from "./segment-ends.js"
import { projectSegment, type SegmentReader } from "./segment-projection.js"

export interface EarlierPorts {
  readonly conversation: ReplicaConversation
  readonly reader: SegmentReader
  readonly ends: SegmentEnds
  readonly account: Pick<AccountHandle, "readCount" | "readVersion" | "marksOf">
  /** The first segment of the list; what is before it is asked here. */
  oldestListed(): number
  /** Whether anybody wants to know what is unread. */
  isWatched(): boolean
  isListed(id: MessageId): boolean
  /** The clock of the last message of the list, outside of threads, that was read on this device while it caught up; 0: none. */
  readHereUpTo(): Clock
  /** The same set while it holds the same. */
  blocked(): ReadonlySet<UserId>
  /** Read, as what came from below what was read while this device caught up. */
  passOver(read: ReadPositions): void
  failed(error: unknown): void
}

/**
 * Elements of a log that may stand behind the head of an entry and belong to no other: its body and a seal. A log ends with
 * a seal, so what holds another entry is longer. Read counts end with a head.
 */
const ENTRY_REST = 2

/** What that depends on, beside the segments. */
interface Known {
  readonly reads: number
  readonly marks: string
  readonly blocked: ReadonlySet<UserId>
}

function sameKnown(a: Known, b: Known): boolean {
  return a.reads === b.reads && a.marks === b.marks && a.blocked === b.blocked
}

interface ReadSegment {
  readonly version: string
  readonly inputs: readonly Counted[]
}

/**
 * What is unread in segments that are not part of the list. A segment is read where a log goes beyond what was read of it,
 * or a mark is to be found; of the others their summaries say that nothing is unread. [SPEC U10]
 */
export class EarlierUnread {
  /** They were looked at: whether anything was found that is another than before. */
  readonly changes = createSignal<boolean>()
  private readonly segments = new Map<number, ReadSegment>()
  private readonly enqueue = createQueue()
  private readonly stop: () => void
  private asked = false
  private closed = false
  private known: Known | undefined
  /** The list's first segment when those before it were last looked at. */
  private lookedBelow = 0
  private running = 0
  /** Segments that are away, and may hold what is unread. */
  private readonly awaited = new Set<DocumentName>()

  constructor(private readonly ports: EarlierPorts) {
    this.stop = ports.conversation.changes.on((change) => {
      let from = 0
      if (change.kind === "document") {
        const parts = documentParts(change.document.name)
        this.awaited.delete(change.document.name)
        if (parts.kind !== "segment") return
        from = parts.segment
      }
      const isListed = from >= ports.oldestListed()
      // What was found there is of before: it is looked at anew once the list begins behind it, or somebody wants to know.
      if (isListed || !ports.isWatched()) this.lookedBelow = Math.min(this.lookedBelow, from)
      if (isListed) return
      this.known = undefined
      this.look()
    })
  }

  /** Those of each segment in their order, with what was read among them. */
  inputs(): readonly Counted[] {
    const oldest = this.ports.oldestListed()
    return Array.from(this.segments)
      .filter(([number]) => number < oldest)
      .sort(([a], [b]) => a - b)
      .flatMap(([, { inputs }]) => inputs)
  }

  /** The segment of a message that `inputs` holds. */
  segmentOf(id: MessageId): number | undefined {
    for (const [number, { inputs }] of this.segments) if (inputs.some((input) => input.id === id)) return number
    return undefined
  }

  /** Looks for what may be unread, where somebody wants to know and anything changed, as where the list begins. */
  look(): void {
    const { conversation } = this.ports
    if (!(this.ports.isWatched() || conversation.catchUp.isUnderWay) || this.asked || this.closed) return
    if (this.isKnown()) return
    this.asked = true
    this.run(async () => {
      this.asked = false
      if (conversation.catchUp.isUnderWay) await this.passOver()
      if (!this.ports.isWatched()) return
      this.known = this.state()
      const below = this.ports.oldestListed()
      const changed = await this.readUnread().catch((error: unknown) => {
        this.known = undefined
        throw error
      })
      if (this.closed) return
      // What changed while nobody watched is not among it.
      if (this.ports.isWatched()) this.lookedBelow = below
      this.changes.emit(changed)
    }).catch(() => undefined) // told as `failed`
  }

  private state(): Known {
    const { account, conversation } = this.ports
    const marks = account.marksOf(conversation.id).join()
    return { reads: account.readVersion, marks, blocked: this.ports.blocked() }
  }

  /** Resolves when what came while this device caught up was looked at. */
  passed(): Promise<void> {
    return this.run(() => this.passOver())
  }

  /** Whether something of them is unread, or may be: nobody looked yet. */
  get mayBeUnread(): boolean {
    return this.segments.size > 0 || (this.numbers().length > 0 && !this.isSettled)
  }

  /** Whether somebody has looked at all of them since the list begins where it does. */
  get isCounted(): boolean {
    return this.lookedBelow >= this.ports.oldestListed() || this.numbers().length === 0
  }

  /** Everything in them up to a clock is read from now on. Resolves when that is marked, or can't be. */
  markRead(upTo: Clock, mark: (read: ReadPositions) => void): Promise<void> {
    return this.run(async () => {
      const read = new Map<DocumentName, ReadonlyMap<LogId, number>>()
      for (const number of this.numbers()) {
        const document = await this.ports.conversation.segment(number)
        if (!this.goesBeyond(document)) continue
        const counts = await this.countsUpTo(document, upTo)
        if (counts !== undefined) read.set(document.name, counts)
      }
      if (read.size > 0 && !this.closed) mark(read)
    })
  }

  close(): void {
    this.closed = true
    this.stop()
  }

  /** Whether `inputs` hold what is unread now. */
  get isSettled(): boolean {
    return this.running === 0 && this.awaited.size === 0 && (this.isKnown() || this.numbers().length === 0)
  }

  private isKnown(): boolean {
    return this.known !== undefined && this.isCounted && sameKnown(this.known, this.state())
  }

  private async run(task: () => Promise<unknown>): Promise<void> {
    this.running++
    try {
      await this.enqueue(task)
    } catch (error) {
      if (!this.closed) this.ports.failed(error)
    } finally {
      this.running--
    }
  }

  /** Newest first. */
  private numbers(): number[] {
    const oldest = this.ports.oldestListed()
    return this.ports.conversation.segmentNumbers.filter((number) => number < oldest).reverse()
  }

  /** Whether something in a segment may be unread; so it may while nobody looked at its replies, which is done then. */
  mayHoldUnread(document: ReplicaDocument): boolean {
    const ends = this.ports.ends.peek(document)?.replies
    if (ends === undefined) this.run(() => this.replyEndsIn(document)).catch(() => undefined) // told as `failed`
    const isUnread = this.beyond(document).some((log) => this.isOthers(log) && this.mayHoldFor(log))
    return isUnread || ends === undefined || this.areUnread(document, ends)
  }

  /** What this user wrote is read. */
  private isOthers({ log }: LogSummary): boolean {
    const { conversation, reader } = this.ports
    return authorIn(conversation.state, deviceOf(log), reader) !== reader.user
  }

  /** Whether anything in a log may be for this user. [SPEC P8] */
  private mayHoldFor(log: LogSummary): boolean {
    const { conversation, reader } = this.ports
    return conversation.state.mayHoldFor(reader.user, log)
  }

  /** Logs that go beyond what was read of them, outside of threads. Of what is away only others': it is not fetched for what nobody counts. */
  private notRead(document: ReplicaDocument): LogSummary[] {
    const logs = this.beyond(document)
    return document.isAway ? logs.filter((log) => this.isOthers(log)) : logs
  }

  private goesBeyond(document: ReplicaDocument): boolean {
    return this.notRead(document).length > 0
  }

  /** Whether something in a segment may be unread, in threads too. */
  private async maySeemUnread(document: ReplicaDocument): Promise<boolean> {
    const notRead = this.notRead(document)
    if (notRead.some((log) => this.mayHoldFor(log))) return true
    // Of history nobody looks for replies.
    if (notRead.length > 0 && !this.logsOf(document).some((log) => this.mayHoldFor(log))) return false
    return this.areUnread(document, await this.replyEndsIn(document))
  }

  /** Whether anything in a segment was read, as far as that is known: what is before that is late. */
  private holdsRead(document: ReplicaDocument): boolean {
    const { account, ends } = this.ports
    const replies = ends.peek(document)?.replies ?? []
    return (
      this.logsOf(document).some(({ log }) => account.readCount(document.name, log) > 0) ||
      replies.some(({ root, log }) => account.readCount(document.name, log, root) > 0)
    )
  }

  /** The segment of a thread's root, as its replies name it; undefined where there are none here. */
  async threadSegment(root: MessageId): Promise<number | undefined> {
    for (const number of this.numbers()) {
      const ends = await this.replyEndsIn(await this.ports.conversation.segment(number))
      const found = ends.find((end) => end.root === root)
      if (found !== undefined) return found.segment
    }
    return undefined
  }

  /** The last replies of threads. Of what is away, as far as that was known before. */
  private async replyEndsIn(document: ReplicaDocument): Promise<readonly ReplyEnd[]> {
    try {
      return (await this.ports.ends.of(document)).replies
    } catch (error) {
      if (error instanceof SegmentAway) return []
      throw error
    }
  }

  /** Whether somebody's reply in a thread may be unread. */
  private areUnread(document: ReplicaDocument, ends: readonly ReplyEnd[]): boolean {
    const { account } = this.ports
    const beyond = ends.filter(({ root, log, end }) => end > account.readCount(document.name, log, root))
    if (beyond.length === 0) return false
    const others = this.logsOf(document).filter((log) => this.isOthers(log) && this.mayHoldFor(log))
    const logs = new Set(others.map(({ log }) => log))
    return beyond.some(({ log }) => logs.has(log))
  }

  /** Logs that hold more than was read of them. */
  private beyond(document: ReplicaDocument): LogSummary[] {
    return this.logsOf(document).filter(({ log, count }) => {
      return count > this.ports.account.readCount(document.name, log) + ENTRY_REST
    })
  }

  private countsOf(document: ReplicaDocument): ReadonlyMap<LogId, number> {
    return new Map(this.logsOf(document).map(({ log, count }) => [log, count]))
  }

  /** How far each log goes up to a clock: what stands behind that is read with what is after it. Undefined where it is away. */
  private async countsUpTo(document: ReplicaDocument, upTo: Clock): Promise<ReadonlyMap<LogId, number> | undefined> {
    if (document.summary.lastClock <= upTo) return this.countsOf(document)
    const inputs = (await this.readHere(document))?.filter(({ author }) => !this.ports.blocked().has(author))
    const isBelow = ({ first }: Counted): boolean => first !== undefined && first.clock <= upTo
    const behind = inputs?.filter(
      (message) => message.thread === undefined && !isBelow(message) && !this.isRead(message),
    )
    return inputs && positionsOf(inputs.filter(isBelow), behind).get(document.name)
  }

  private isRead(message: Counted): boolean {
    return isRead(message, (...place) => this.ports.account.readCount(...place))
  }

  /** Those of people who are not blocked: what blocked people write nobody reads. */
  private logsOf({ summary }: ReplicaDocument): LogSummary[] {
    const blocked = this.ports.blocked()
    const logs = Array.from(summary.logs.values())
    if (blocked.size === 0) return logs
    const { devices } = this.ports.conversation.state
    return logs.filter(({ log }) => {
      const user = devices.get(deviceOf(log))?.user
      return user === undefined || !blocked.has(user)
    })
  }

  /** What stands below the newest message that was read on this device meanwhile is read. */
  private async passOver(): Promise<void> {
    const { conversation } = this.ports
    const newest = conversation.segmentNumbers
      .filter((number) => conversation.catchUp.reads.has(segmentDocument(conversation.id, number)))
      .at(-1)
    if (newest === undefined) return
    const isReadHere = (message: Counted): boolean =>
      isRead(message, (...place) => conversation.catchUp.reads.count(...place))
    const read = new Map<DocumentName, ReadonlyMap<LogId, number>>()
    let upTo = this.ports.readHereUpTo()
    for (const number of this.numbers()) {
      if (number > newest || this.closed) continue
      const document = await conversation.segment(number)
      if (number < newest) {
        if (!this.goesBeyond(document)) continue
        const counts = await this.countsUpTo(document, upTo)
        if (counts !== undefined) read.set(document.name, counts)
        continue
      }
      const inputs = ((await this.readHere(document)) ?? []).filter(({ author }) => !this.ports.blocked().has(author))
      const below = readBelow(inputs, {
        isRead: (message) => this.isRead(message),
        isReadHere,
      })
      for (const [name, counts] of below.get(undefined) ?? []) read.set(name, counts)
      const last = inputs.filter((message) => message.thread === undefined && isReadHere(message)).at(-1)?.first
      if (last !== undefined && last.clock > upTo) upTo = last.clock
    }
    if (read.size > 0 && !this.closed) this.ports.passOver(read)
  }

  /** True where `inputs` changed. */
  private async readUnread(): Promise<boolean> {
    const { account, conversation, reader } = this.ports
    let changed = false
    this.awaited.clear()
    // A mark in the list needs nothing of what is before it.
    const sought = new Set(account.marksOf(conversation.id).filter((mark) => !this.ports.isListed(mark)))
    /** Behind this all is unread, in whatever segment. */
    let marked = Infinity
    const needed = new Set<number>()
    let last: { readonly number: number; readonly clock: Clock } | undefined
    const read = async (number: number): Promise<boolean> => {
      needed.add(number)
      const document = await conversation.segment(number)
      const version = segmentVersion(conversation, document, reader)
      if (this.segments.get(number)?.version === version) return true
      const inputs = await this.readHere(document)
      if (inputs === undefined) return false
      this.segments.set(number, { version, inputs })
      changed = true
      return true
    }
    for (const number of this.numbers()) {
      if (this.closed) return false
      const document = await conversation.segment(number)
      const mayBeUnread = await this.maySeemUnread(document)
      const isRead = this.holdsRead(document)
      const clock = await this.clockOf(document, isRead ? Math.min(marked, last?.clock ?? 0) : marked)
      if (sought.size === 0 && !mayBeUnread && clock < marked) {
        if (isRead && (last === undefined || clock > last.clock)) last = { number, clock }
        continue
      }
      // One after another, where a mark may be in any of them: looked for again when it is back.
      if (!(await read(number)) && sought.size > 0) return changed
      for (const { id, first } of this.segments.get(number)?.inputs ?? []) {
        if (sought.delete(id)) marked = Math.min(marked, first?.clock ?? Infinity)
      }
    }
    // What is unread is late where anything behind it was read.
    if (needed.size > 0 && last !== undefined) await read(last.number)
    for (const number of Array.from(this.segments.keys())) {
      if (!needed.has(number)) changed = this.segments.delete(number) || changed
    }
    return changed
  }

  /** The clock of a segment's last message; 0 where that is known to be no greater than `least`, or not known here. */
  private async clockOf(document: ReplicaDocument, least: number): Promise<Clock> {
    if (document.summary.lastClock <= least) return 0 as Clock
    try {
      return (await this.ports.ends.of(document)).clock
    } catch (error) {
      if (error instanceof SegmentAway) return 0 as Clock
      throw error
    }
  }

  /** Undefined where it is away: it is asked for, and changes when it comes. [SPEC U15] */
  private async readHere(document: ReplicaDocument): Promise<readonly Counted[] | undefined> {
    try {
      return await this.readSegment(document)
    } catch (error) {
      if (!(error instanceof SegmentAway)) throw error
      this.awaited.add(document.name)
      this.ports.conversation.fetch(document.name).catch(() => undefined) // It stays wanted.
      return undefined
    }
  }

  private async readSegment(document: ReplicaDocument): Promise<readonly Counted[]> {
    const { projection, entries } = await projectSegment(this.ports.conversation, document, this.ports.reader)
    const copies = copiesOf(document.name, entries)
    return projection.items.map((message) => new Counted(message, copies.get(message.id) ?? []))
  }
}

function copiesOf(document: DocumentName, entries: readonly Entry[]): Map<MessageId, PlacedCopy[]> {
  const copies = new Map<MessageId, PlacedCopy[]>()
  for (const { device, head, log, position, seen } of entries) {
    if (head.class !== "message") continue
    const id = messageIdOf(device, head.bodyHash)
    const copy = { document, log, position, clock: head.clock, seen }
    const present = copies.get(id)
    if (present === undefined) copies.set(id, [copy])
    else present.push(copy)
  }
  return copies
}
