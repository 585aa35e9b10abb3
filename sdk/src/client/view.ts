import type { Env } from "../base/env.js"
import { createQueue } from "../base/queue.js"
import { createSignal, createStore, type Subscribable } from "../base/store.js"
import { erasuresOf } from "../conversation/erasures.js"
import type { MessageList } from "../conversation/message.js"
import { segmentNumber, threadOf, type Erasure, type Node } from "../conversation/node.js"
import { Projection } from "../conversation/projection.js"
import { draftMessageId, oldestOf } from "../log/draft.js"
import { targetOf } from "../log/erasure.js"
import type { MessageReceipts } from "../conversation/receipts.js"
import type { DocumentName, UserId } from "../protocol/names.js"
import { documentParts, segmentDocument, type DeviceId } from "../protocol/names.js"
import type { PlacedCopy } from "../conversation/unread.js"
import type { Entry } from "../log/check.js"
import { messageIdOf, type Clock, type MessageId } from "../protocol/entry.js"
import { Turns } from "../base/turns.js"
import type { Acks } from "../sync/acks.js"
import type { ConversationChange, ReplicaConversation } from "../sync/conversation.js"
import type { ReplicaDocument } from "../sync/document.js"
import type { AccountState } from "./account-api.js"
import { recordOfDraft } from "../sync/erase-draft.js"
import type { OwnMessage } from "../sync/own-receipts.js"
import { SegmentAway } from "../sync/segment-away.js"
import type { ConversationRegisters } from "../sync/registers.js"
import type { Progress } from "./outgoing.js"
import type { SegmentEnds } from "./segment-ends.js"
import { isShown } from "./visibility.js"

export interface ViewPorts {
  readonly conversation: ReplicaConversation
  readonly acks: Acks
  readonly registers: ConversationRegisters
  readonly account: Subscribable<AccountState>
  readonly user: UserId
  readonly device: DeviceId
  readonly env: Env
  readonly ends: SegmentEnds
  /** Documents of this conversation with own entries that somebody waits for. */
  followed(): Iterable<DocumentName>
}

/** Entries that are read between two looks at the clock. */
const PORTION = 64
/** One screen of messages. */
const FEWEST = 50
/** Segments that are read on opening, where their reader is shown nothing of them. [SPEC M9] */
const MOST_READ_THROUGH = 8
/** Segments before the list that it shows messages of. [SPEC M9] */
export const MOST_REACHING = 8

/** The messages of one conversation as a list that changes: the newest segment, and older ones as they are asked for. */
export class ConversationView {
  readonly list = createStore<MessageList>({ state: "loading", items: [], complete: false })
  /** Counts whatever may have changed the way of an own entry, in the list or not. */
  readonly progress = createStore(0)
  /** A segment that is not part of the list was written anew: it may have come back. */
  readonly arrivals = createSignal<undefined>()
  /** Segments that quotes point into, and that are away. */
  private readonly awaited = new Set<number>()
  /** Own entries that were erased before they were sealed. */
  private readonly withdrawn = new Set<MessageId>()
  /** Own erasures that were written since this opened. */
  private readonly erasing = new Set<MessageId>()
  private readonly queue = createQueue()
  /** Tasks under way. */
  private tasks = 0
  private readonly documents = new Map<DocumentName, ReplicaDocument>()
  /** Those that are open: what was the newest segment, where own messages go. Of older ones the entries alone are read. */
  private readonly opened = new Set<ReplicaDocument>()
  /** Segments that were read for quotes, or as they reach into the list: the rest of them is not part of it. */
  private readonly aside = new Set<number>()
  /** Those before the list that were found to reach into it, newest first. */
  private reaching: readonly number[] = []
  /** Where the list began when they were looked for; undefined where something came in since. */
  private reachedFrom: Clock | undefined
  private looking = false
  private readonly stopListening: (() => void)[]
  private places = new Map<MessageId, PlacedCopy[]>()
  private current: Projection
  /** What is read from while `current` is being filled anew. */
  private shown: Projection
  private erasures = new Map<DocumentName, ReadonlyMap<MessageId, Erasure>>()
  private oldest = Infinity
  /** Where the list began before a segment of it was found to be away: it goes back there as soon as that is here. */
  private lost = Infinity
  /** `oldest` as it was when the list was last told. */
  private listedFrom = Infinity
  private publishing = false
  private reading = false
  private closed = false
  private readingOn = false
  private blocked: AccountState["blocked"]
  private hidden: AccountState["hidden"]

  constructor(private readonly ports: ViewPorts) {
    this.blocked = ports.account.get().blocked
    this.hidden = ports.account.get().hidden
    this.shown = this.current = this.createProjection()
    this.stopListening = [
      ports.conversation.changes.on((change) => {
        this.onChange(change)
      }),
      ports.registers.changes.on((segments) => {
        this.onReceipts(segments)
      }),
      ports.acks.changes.on((document) => {
        if (!this.documents.has(document)) return
        this.current.reviewWaiting(document)
        this.publishSoon()
      }),
      ports.acks.losses.on((document) => {
        if (this.documents.has(document)) this.current.reviewOwn(document)
      }),
      ports.account.subscribe((state) => {
        this.onAccount(state)
      }),
    ]
  }

  /** Reads the newest segment; more of them while they hold few messages. */
  async open(): Promise<void> {
    await this.enqueue(() => this.load())
  }

  /** Rejects with SEGMENT_AWAY where they are not here, and no server gives them. */
  async loadOlder(): Promise<void> {
    await this.fetching(async () => {
      await this.addSegment(this.olderNumber())
      this.publish()
    })
  }

  /** The list begins with its newest segments again, at the latest with `from`. What was read of the others goes. */
  async releaseOlder(from: number): Promise<void> {
    await this.enqueue(async () => {
      const newest = this.ports.conversation.segmentNumbers.at(-1) ?? 1
      if (this.closed || (this.oldest >= Math.min(from, newest) && this.aside.size === 0)) return
      for (const [name, document] of Array.from(this.documents)) {
        if (segmentNumber(name) === newest) continue
        this.forget(document)
      }
      this.oldest = from
      this.lost = Infinity
      await this.load()
    })
  }

  /** Resolves when what was accepted by now stands in the list. */
  async settled(): Promise<void> {
    await this.enqueue(async () => {
      this.publish()
    })
  }

  /** Makes everything from a segment on part of the list. */
  async loadBackTo(segment: number): Promise<void> {
    await this.fetching(async () => {
      while (this.oldest > segment && this.olderNumber() !== undefined && !this.closed) {
        await this.addSegment(this.olderNumber())
      }
      this.publish()
    })
  }

  /** Reads back until a message is part of the list; at once to its segment, where that is known. False: it is not here. */
  async loadTo(id: MessageId, segment?: number): Promise<boolean> {
    const isListed = (): boolean => this.current.node(id)?.inOrder === true
    const node = this.current.node(id)
    const known = node === undefined ? segment : segmentNumber(node.document)
    if (known !== undefined && this.ports.conversation.hasSegment(known)) await this.loadBackTo(known)
    if (!isListed()) await this.loadUntil(isListed)
    return isListed()
  }

  /** Reads back until the list begins before a time. */
  async loadToDate(time: number): Promise<void> {
    await this.loadUntil(() => (this.current.items[0]?.sentAt ?? Infinity) < time)
  }

  private async loadUntil(enough: () => boolean): Promise<void> {
    await this.fetching(async () => {
      while (!this.closed && !enough() && this.olderNumber() !== undefined) await this.addSegment(this.olderNumber())
      this.publish()
    })
  }

  get projection(): Projection {
    return this.shown
  }

  /** The first segment of the list; Infinity before there is one. */
  get oldestListed(): number {
    return this.listedFrom
  }

  /** Where a message stands in logs, in an array that grows with it; nowhere while it is a draft. */
  placesOf(id: MessageId): readonly PlacedCopy[] {
    return this.placesAt(id)
  }

  private placesAt(id: MessageId): PlacedCopy[] {
    const present = this.places.get(id)
    if (present !== undefined) return present
    const places: PlacedCopy[] = []
    this.places.set(id, places)
    return places
  }

  private addPlaces(document: DocumentName, entries: readonly Entry[]): void {
    for (const { device, head, log, position, seen } of entries) {
      if (head.class !== "message") continue
      this.placesAt(messageIdOf(device, head.bodyHash)).push({ document, log, position, clock: head.clock, seen })
    }
  }

  /** How far an own entry has come; undefined where it was not read, in the list or beside it, or is read no more. */
  progressOf(id: MessageId): Progress | undefined {
    const node = this.current.node(id) ?? this.shown.node(id)
    if (node !== undefined) {
      return { status: this.current.statusOf(node), rejection: node.rejection, document: node.document }
    }
    if (this.withdrawn.has(id)) return { status: "rejected", rejection: undefined }
    // An erasure that rested on what nobody takes was signed anew: it goes on under another name, durable as before. [SPEC R6]
    return this.erasing.has(id) ? { status: "saved", rejection: undefined } : undefined
  }

  /** Somebody waits for what becomes of an own entry: its segment is read beside the list, where it is not part of it. */
  follow(name: DocumentName): void {
    if (this.documents.has(name)) return
    this.run(async () => {
      await this.addBeyond(segmentNumber(name))
      this.publish()
    })
  }

  /** What is known of an own message at its readers; undefined where it is not sealed, not here, or another's. */
  receipts(id: MessageId): MessageReceipts | undefined {
    const node = this.projection.node(id)
    if (node === undefined || node.draft !== undefined || node.message?.own !== true) return undefined
    return this.ports.registers.receipts.of(this.ownMessage(node))
  }

  /** Read, or delivered, in one of its copies is enough. */
  private ownMessage(node: Node): OwnMessage {
    const { document, entry, id } = node
    const { log, position, seen } = entry
    const places = this.places.get(id) ?? []
    return { copies: places.length > 1 ? places : [{ document, log, position }], seen, root: threadOf(node) }
  }

  /** The document that an entry stands in: also of one that the list still shows, and is about to let go of. */
  documentOf({ document: name }: Node): ReplicaDocument | undefined {
    const { conversation } = this.ports
    return this.documents.get(name) ?? conversation.loadedDocuments.find((document) => document.name === name)
  }

  /** Own entries that no server has: those that were read, and those written into segments that were not. */
  get waiting(): number {
    let waiting = this.projection.waiting
    for (const document of this.ports.conversation.loadedSegments) {
      if (this.documents.has(document.name)) continue
      waiting += document.drafts.length
      // What is away a server had.
      if (document.isAway) continue
      const own = document.ownLog
      const count = Array.from(document.summary.logs.values()).find(({ log }) => log === own)?.count ?? 0
      if (own !== undefined && this.ports.acks.count(document.name, own) < count) waiting++
    }
    return waiting
  }

  /** When the oldest of them was written, milliseconds since 1970; Infinity where none is known. */
  get waitingSince(): number {
    let since = this.projection.waitingSince
    for (const { name, drafts } of this.ports.conversation.loadedSegments) {
      if (!this.documents.has(name)) since = Math.min(since, oldestOf(drafts))
    }
    return since
  }

  close(): void {
    this.closed = true
    for (const stop of this.stopListening) stop()
    this.forgetAll()
    this.progress.set(this.progress.get() + 1)
  }

  private createProjection(): Projection {
    const { conversation, acks, registers, user, device } = this.ports
    return new Projection({
      user,
      device,
      authorOf: (of) => {
        const known = conversation.state.devices.get(of)
        if (known?.certified === true) return known.user
        // What this device wrote is shown to its author before anybody else may see it.
        return of === device ? user : undefined
      },
      acknowledged: (document, log) => acks.count(document, log),
      erasureOf: (document, message) => this.erasuresIn(document).get(message),
      receivedBy: (node) => registers.receipts.statusOf(this.ownMessage(node)),
      isDurable: (document, draft) => conversation.isDurable(document, draft),
      hasSegment: (segment) => conversation.hasSegment(segment),
    })
  }

  /** Readers said something new of messages in these segments, or of any. */
  private onReceipts(segments: ReadonlySet<number> | undefined): void {
    if (segments?.size === 0) return
    this.current.reviewReceipts((node) => {
      if (segments === undefined || segments.has(segmentNumber(node.document))) return true
      // What stands in several may have been read in another one.
      return (this.places.get(node.id)?.length ?? 0) > 1
    })
    this.publishSoon()
  }

  /** Who is blocked is not asked. [SPEC P8] */
  private onAccount(state: AccountState): void {
    if (state.blocked === this.blocked && state.hidden === this.hidden) return
    if (state.blocked !== this.blocked) this.current.reviewReaders()
    this.blocked = state.blocked
    this.hidden = state.hidden
    this.publishSoon()
  }

  /** By valid records, and by own ones that are on their way. */
  private erasuresIn(name: DocumentName): ReadonlyMap<MessageId, Erasure> {
    let erasures = this.erasures.get(name)
    if (erasures === undefined) {
      const document = this.documents.get(name)
      const drafts = document?.drafts.flatMap((draft) => recordOfDraft(draft) ?? []) ?? []
      erasures = erasuresOf([...(document?.summary.records.values() ?? []), ...drafts])
      this.erasures.set(name, erasures)
    }
    return erasures
  }

  private olderNumber(): number | undefined {
    return this.ports.conversation.segmentNumbers.filter((number) => number < this.oldest).at(-1)
  }

  private async load(): Promise<void> {
    const { conversation } = this.ports
    const target = Math.min(this.oldest, this.lost)
    this.places = new Map()
    this.current = this.createProjection()
    this.oldest = Infinity
    this.reachedFrom = undefined
    const newest = conversation.segmentNumbers.at(-1) ?? 1
    let isHere: boolean
    try {
      do isHere = await this.addHere(this.olderNumber())
      while (
        isHere &&
        !this.closed &&
        this.olderNumber() !== undefined &&
        // As far back as before, at least one screen, and through what its reader is shown nothing of.
        (this.oldest > target || (this.oldest >= newest - 1 && this.current.items.length < FEWEST) || this.isToReadOn)
      )
      this.aside.clear()
      for (const number of this.reaching) await this.addBeyond(number)
      for (const name of this.ports.followed()) await this.addBeyond(segmentNumber(name))
      await this.readQuoted(true)
      this.addRefused()
      for (const document of Array.from(this.documents.values())) {
        const number = segmentNumber(document.name)
        if (number < this.oldest && !this.aside.has(number)) this.forget(document)
      }
    } finally {
      this.shown = this.current
    }
    this.publish()
    if (isHere || target === Infinity || target >= this.oldest) return
    this.lost = target
    this.findLost()
  }

  private findLost(): void {
    this.loadBackTo(this.lost).catch(() => undefined) // What is away stays wanted: looked for again when it comes.
  }

  private addRefused(): void {
    for (const { document, refused } of this.ports.conversation.refused.values()) {
      this.current.addRefused(document, refused.draft, refused.code)
    }
  }

  /** False where it is away: the list begins behind it. */
  private async addHere(number: number | undefined): Promise<boolean> {
    try {
      await this.addSegment(number)
      return true
    } catch (error) {
      if (error instanceof SegmentAway && this.oldest < Infinity) return false
      throw error
    }
  }

  private async addSegment(number: number | undefined): Promise<void> {
    if (number === undefined || this.closed) return
    const { document, entries } = await this.openSegment(number)
    await this.addAside(document, entries)
    this.oldest = Math.min(this.oldest, number)
    if (this.oldest <= this.lost) this.lost = Infinity
    this.aside.delete(number)
    this.current.add(document.name, [])
    this.current.addDrafts(document.name, document.drafts)
  }

  /** Reads entries portion by portion: together they would keep whoever shares the thread waiting. */
  private async addAside(document: ReplicaDocument, entries: readonly Entry[]): Promise<void> {
    const turns = new Turns(this.ports.env)
    for (let from = 0; from < entries.length && !this.closed; from += PORTION) {
      const portion = entries.slice(from, from + PORTION)
      this.addPlaces(document.name, portion)
      this.current.add(document.name, portion, false)
      await turns.next()
    }
  }

  private async openSegment(number: number): Promise<{ document: ReplicaDocument; entries: readonly Entry[] }> {
    const { conversation } = this.ports
    const document = await conversation.segment(number)
    if (document.isAway) throw new SegmentAway(document.name)
    const isNew = !this.documents.has(document.name)
    if (isNew) document.hold()
    // What is accepted meanwhile stands in the list with the rest of it.
    this.aside.add(number)
    this.erasures.delete(document.name)
    this.documents.set(document.name, document)
    if (number === conversation.segmentNumbers.at(-1) && !this.opened.has(document)) {
      this.opened.add(document)
      await document.open()
    }
    try {
      return { document, entries: this.opened.has(document) ? document.openEntries() : await document.entries() }
    } catch (error) {
      if (isNew) this.forget(document)
      this.aside.delete(number)
      throw error
    }
  }

  private forget(document: ReplicaDocument): void {
    if (this.documents.delete(document.name)) document.unhold()
    if (this.opened.delete(document)) document.release()
  }

  private forgetAll(): void {
    for (const document of Array.from(this.documents.values())) this.forget(document)
  }

  /** Reads the segments that quotes of the list point into. Quotes in those are nobody's to see: it ends there. */
  private async readQuoted(onlyOpen = false): Promise<void> {
    for (const number of this.current.wanted) {
      if (this.closed) return
      const name = segmentDocument(this.ports.conversation.id, number)
      if (this.awaited.has(number) || (onlyOpen && !this.documents.has(name))) continue
      await this.addBeside(number)
    }
  }

  private async addBeside(number: number): Promise<void> {
    const opened = await this.openHere(number)
    if (opened === undefined) return
    const { document, entries } = opened
    await this.addAside(document, entries)
    // It was read, also where no entry of it is sealed.
    this.current.add(document.name, [], false)
    this.current.addDrafts(document.name, document.drafts, false)
  }

  /** Reads a segment before the list: what stands behind the first message is part of it, in whatever segment. [SPEC M9] */
  private async addBeyond(number: number): Promise<void> {
    if (this.closed || number >= this.oldest || this.aside.has(number)) return
    await this.addBeside(number)
  }

  /** Looks for segments that reach into the list, where it begins earlier than it did, or anything came in before it. */
  private lookBefore(): void {
    const { start } = this.current
    if (this.looking || this.closed || start === undefined) return
    if (this.reachedFrom !== undefined && start >= this.reachedFrom) return
    this.looking = true
    this.reachedFrom = start
    this.tasks++
    // Not in the queue: whoever asks for older messages need not wait for it.
    this.addFound(start)
      // A storage that can't be read is the replica's to tell; the list stays as it is.
      .catch(() => undefined)
      .finally(() => {
        this.tasks--
        this.looking = false
        this.lookBefore()
      })
  }

  private async addFound(start: Clock): Promise<void> {
    this.reaching = await this.reachingTo(start)
    if (this.reaching.length === 0) return
    await this.enqueue(async () => {
      for (const number of this.reaching) await this.addBeyond(number)
      this.publish()
    })
  }

  private async reachingTo(start: Clock): Promise<number[]> {
    const { conversation, ends } = this.ports
    const found: number[] = []
    for (const number of conversation.segmentNumbers.reverse()) {
      if (this.closed || found.length === MOST_REACHING) break
      if (number >= this.oldest || (await conversation.lastClock(number)) < start) continue
      const document = await conversation.segment(number)
      // An edit is newer than what it edits, and in no place of its own.
      const end = document.drafts.length > 0 ? undefined : await ends.of(document).catch(() => undefined)
      if (end === undefined || end.clock >= start) found.push(number)
    }
    return found
  }

  /** Undefined where it is away: it is asked for, and changes when it comes. [SPEC U15] */
  private async openHere(number: number): Promise<Awaited<ReturnType<ConversationView["openSegment"]>> | undefined> {
    try {
      return await this.openSegment(number)
    } catch (error) {
      if (!(error instanceof SegmentAway)) throw error
      this.awaited.add(number)
      this.ports.conversation.fetch(error.document).catch(() => undefined) // It stays wanted.
      return undefined
    }
  }

  private onChange(change: ConversationChange): void {
    switch (change.kind) {
      case "control":
        this.current.reviewAuthors()
        this.publishSoon()
        break
      case "refused":
        this.rebuild()
        break
      case "compared":
        break
      case "document":
        this.onDocument(change.document, change.change.kind, change)
    }
  }

  private onDocument(
    document: ReplicaDocument,
    kind: string,
    { change }: Extract<ConversationChange, { kind: "document" }>,
  ): void {
    const parts = documentParts(document.name)
    if (parts.kind !== "segment") return
    if (!this.documents.has(document.name)) {
      this.awaited.delete(parts.segment)
      this.reachedFrom = undefined
      if (parts.segment >= this.lost && parts.segment < this.oldest) this.findLost()
      if (kind === "rewritten") this.arrivals.emit(undefined)
      if (this.belongs(parts.segment)) {
        this.run(async () => {
          if (this.closed) return
          if (this.isBaseless) await this.begin()
          else if (!this.documents.has(document.name) && this.belongs(parts.segment))
            await this.addSegment(parts.segment)
          this.publish()
        })
        if (change.kind === "drafts") this.current.addDrafts(document.name, change.added)
        this.publishSoon()
      } else this.publishSoon()
      return
    }
    if (change.kind === "accepted") {
      this.addPlaces(document.name, change.entries)
      this.current.add(document.name, change.entries, !this.aside.has(parts.segment))
    } else if (change.kind === "drafts") {
      this.current.addDrafts(document.name, change.added, !this.aside.has(parts.segment))
      for (const draft of change.gone) this.withdraw(draftMessageId(this.ports.device, draft))
      const erasing = change.added.filter((draft) => draft.class === "erase")
      for (const draft of erasing) this.erasing.add(draftMessageId(this.ports.device, draft))
      if (erasing.length > 0) {
        this.erasures.delete(document.name)
        const records = erasing.flatMap((draft) => recordOfDraft(draft) ?? [])
        this.current.reviewErased(document.name, records.map(targetOf))
      }
      // A new draft changes nothing of those that wait before it: thousands may, offline.
      else if (change.added.length === 0) this.current.reviewWaiting(document.name)
    } else if (change.kind === "records") {
      this.erasures.delete(document.name)
      this.current.reviewErased(document.name, change.records.map(targetOf))
    } else this.rebuild()
    if (kind !== "rewritten") this.publishSoon()
  }

  /** Whether its reader is shown nothing of it, as things stand, and of what is before may be. [SPEC M9] */
  private get isToReadOn(): boolean {
    const newest = this.ports.conversation.segmentNumbers.at(-1) ?? 1
    if (this.olderNumber() === undefined || this.oldest <= newest - MOST_READ_THROUGH) return false
    const state = this.ports.account.get()
    return !this.current.items.some((message) => isShown(message, state))
  }

  /** What was shown is hidden now, or all that came is: as at the opening. What is away is asked for. */
  private readOn(): void {
    if (this.readingOn || this.lost < Infinity || !this.isToReadOn) return
    this.readingOn = true
    this.loadUntil(() => !this.isToReadOn)
      // What is away, and no server gives now, is looked for at the next change.
      .catch(() => undefined)
      .finally(() => {
        this.readingOn = false
      })
  }

  /** A newer segment than those that are shown, opened here or elsewhere; or an older one, where they hold few messages. */
  private belongs(segment: number): boolean {
    if (segment >= this.oldest || this.documents.size === 0) return true
    return segment === this.olderNumber() && (this.current.items.length < FEWEST || this.isToReadOn)
  }

  /** Whether what is shown is the empty segment that stands for a conversation of which nothing was here. */
  private get isBaseless(): boolean {
    const { conversation } = this.ports
    return Array.from(this.documents.keys()).every((name) => !conversation.hasSegment(segmentNumber(name)))
  }

  /** The newest segment came first: the list begins with it, and not with all that comes behind it. */
  private async begin(): Promise<void> {
    this.forgetAll()
    this.oldest = Infinity
    await this.load()
  }

  private withdraw(id: MessageId): void {
    this.withdrawn.add(id)
    this.current.remove(id)
  }

  private rebuild(): void {
    this.erasures = new Map()
    this.run(() => this.load())
  }

  /** Whether the list shows all that is known. */
  get isSettled(): boolean {
    return this.tasks === 0 && !this.publishing && this.list.get().state === "ready"
  }

  private async enqueue(task: () => Promise<void>): Promise<void> {
    this.tasks++
    try {
      await this.queue(task)
    } finally {
      this.tasks--
    }
  }

  /** The same, with segments that are away: they are fetched first, while other tasks go on. */
  private async fetching(task: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        await this.enqueue(task)
        return
      } catch (error) {
        if (!(error instanceof SegmentAway) || this.closed) throw error
        this.publish()
        await this.ports.conversation.fetch(error.document)
      }
    }
  }

  private run(task: () => Promise<void>): void {
    this.enqueue(task).catch(() => {
      // A storage that can't be read is the replica's to tell; the list stays as it is.
    })
  }

  /** At most one new list in a turn, however many changes it saw. */
  private publishSoon(): void {
    if (this.publishing) return
    this.publishing = true
    queueMicrotask(() => {
      this.publishing = false
      if (!this.closed && this.list.get().state === "ready") this.publish()
    })
  }

  private publish(): void {
    if (this.closed || this.shown !== this.current) return
    this.listedFrom = this.oldest
    this.readWanted()
    this.lookBefore()
    this.readOn()
    this.progress.set(this.progress.get() + 1)
    const { items } = this.current
    const complete = this.olderNumber() === undefined
    const before = this.list.get()
    if (before.items === items && before.complete === complete && before.state === "ready") return
    this.list.set({ state: "ready", items, complete })
  }

  private readWanted(): void {
    if (this.reading || this.current.wanted.every((number) => this.awaited.has(number))) return
    this.reading = true
    this.run(async () => {
      try {
        await this.readQuoted()
      } finally {
        this.reading = false
      }
      this.publish()
    })
  }
}
