import { createSignal } from "../base/store.js"
import { decodeControl, encodeControl, type ControlAction } from "../authority/control.js"
import { createLedger, type Ledger } from "../authority/ledger.js"
import type { ControlState } from "../authority/project.js"
import type { Entry } from "../log/check.js"
import { draftEntry, type Draft } from "../log/draft.js"
import { digestOf, type DocumentSummary } from "../log/summary.js"
import type { RefusalCode } from "../protocol/codes.js"
import { BODY_SALT_BYTES, encodeBody, type BodyHash, type Clock, type ControlId } from "../protocol/entry.js"
import type { Content } from "../protocol/content.js"
import {
  controlDocument,
  deviceOf,
  documentParts,
  segmentDocument,
  type ConversationId,
  type DeviceId,
  type DocumentName,
  type LogId,
  type UserId,
} from "../protocol/names.js"
import { equalBytes } from "../protocol/bytes.js"
import { ReplicaDocument, type DocumentChange, type DocumentPorts } from "./document.js"
import { CatchUp } from "./catch-up.js"
import { ConversationSegments } from "./conversation-segments.js"
import { DraftClock } from "./draft-clock.js"
import { Enforcement } from "./enforcement.js"
import { eraseDraft, type Erasable } from "./erase-draft.js"
import { lateEdits } from "./late-edits.js"
import type { WantedSegments } from "./wanted-segments.js"
import type { DocumentImprint } from "./imprint.js"
import { ImprintKeeper } from "./imprint-keeper.js"
import type { RefusedDraft } from "./refused.js"
import { RefusedDrafts } from "./refused-drafts.js"
import { segmentVersion, shortVersion } from "./segment-version.js"
import { Superseded } from "./superseded.js"

export interface ConversationPorts extends Omit<
  DocumentPorts,
  "state" | "superseded" | "renamed" | "readAgain" | "saveAuthority" | "forgetRefused" | "imprint"
> {
  readonly user: UserId
  readonly device: DeviceId
  /** The wall clock, set right by what a server said; milliseconds since 1970. */
  now(): number
  /** Called when drafts wait: makes them durable, and seals them where a carrier is there. */
  wake(document: ReplicaDocument): void
  /** What is stored of it is another now. */
  changed(): void
  /** A storage failure in what follows from something that is durable already. */
  report(error: unknown): void
  /** Segments that are away and wanted back. */
  readonly wanted: WantedSegments
  /** Messages after which an author opens the next segment. */
  readonly segmentMessages: number
}

export type ConversationChange =
  | { readonly kind: "control" }
  | { readonly kind: "document"; readonly document: ReplicaDocument; readonly change: DocumentChange }
  | { readonly kind: "refused" }
  /** The comparison that first brought messages has ended. */
  | { readonly kind: "compared" }

/** What this run of the writer knows of a conversation beside what is stored of it. */
export interface ConversationRun {
  readonly clock: Clock
  /** The logs that it appends to. [SPEC W3] */
  readonly logs: ReadonlyMap<DocumentName, LogId>
}

export type Proposal =
  { readonly kind: "written"; readonly id: ControlId } | { readonly kind: "refused"; readonly code: RefusalCode }

/** One conversation on a device: its control document, what that adds up to, and its segments. */
export class ReplicaConversation {
  readonly changes = createSignal<ConversationChange>()
  readonly imprint: ImprintKeeper
  readonly catchUp: CatchUp
  private readonly segments: ConversationSegments
  private readonly refusedDrafts: RefusedDrafts
  private readonly enforcement: Enforcement
  private readonly governing
  private readonly clock: DraftClock
  private ledger: Ledger
  private readonly superseded = new Superseded()
  private control!: ReplicaDocument
  /** Carriers that show all of it, and so need it here. */
  private carriers = 0
  private left = false
  /** Those that this session appends to, of documents that were not read since it left. */
  private readonly logs: Map<DocumentName, LogId>

  private constructor(
    readonly id: ConversationId,
    private readonly ports: ConversationPorts,
    segments: Iterable<number>,
    run: ConversationRun | undefined,
  ) {
    this.clock = new DraftClock(run?.clock ?? (0 as Clock), () => ports.now())
    this.logs = new Map(run?.logs)
    this.ledger = createLedger(id, ports)
    this.imprint = new ImprintKeeper(id, () => {
      ports.changed()
    })
    this.governing = this.imprint.queue()
    this.segments = new ConversationSegments(id, segments, {
      document: this.documentPorts(),
      segmentMessages: ports.segmentMessages,
      read: (document) => {
        this.resume(document)
      },
      adopted: (document) => {
        this.watch(document)
      },
    })
    this.refusedDrafts = new RefusedDrafts(id, ports.storage)
    this.enforcement = new Enforcement(this.segments, {
      ...ports,
      state: () => this.state,
      refused: (document, drafts) => {
        this.showRefused(document, drafts)
      },
    })
    this.catchUp = new CatchUp(id, {
      storage: ports.storage,
      guard: ports.guard,
      knownDocuments: () => this.segmentNumbers.map((number) => segmentDocument(id, number)),
      loadedDocuments: () => this.loadedDocuments,
    })
  }

  /**
   * Reads the control document and the newest segment; `segments` are the numbers that the storage holds. `run`: what the
   * one knew that left.
   */
  static async load(
    id: ConversationId,
    ports: ConversationPorts,
    segments: Iterable<number>,
    withDrafts: Iterable<number> = [],
    run?: ConversationRun,
  ): Promise<ReplicaConversation> {
    const conversation = new ReplicaConversation(id, ports, segments, run)
    await conversation.superseded.reload(id, ports.storage)
    conversation.control = await ReplicaDocument.load(controlDocument(id), {
      ...conversation.documentPorts(),
      saveAuthority: async () => undefined,
      forgetRefused: () => undefined,
      renamed: () => {
        conversation.followNames().catch(() => {
          // A storage that can't be read is the replica's to tell; the mark is there for the next start.
        })
      },
    })
    conversation.resume(conversation.control)
    conversation.watch(conversation.control)
    await conversation.readControl()
    await conversation.segment(conversation.segments.newest)
    // Also those that hold drafts: what is said about old messages waits there.
    for (const number of withDrafts) await conversation.segment(number)
    await conversation.refusedDrafts.read()
    await conversation.catchUp.load()
    return conversation
  }

  /** It goes out of memory: from now on another one, read anew, stands for it, and this one writes nothing. */
  leave(): ConversationRun {
    this.left = true
    const logs = this.loadedDocuments.flatMap(({ name, ownLog }) =>
      ownLog === undefined ? [] : [[name, ownLog] as const],
    )
    return { clock: this.clock.reading, logs: new Map([...this.logs, ...logs]) }
  }

  private resume(document: ReplicaDocument): void {
    const log = this.logs.get(document.name)
    this.logs.delete(document.name)
    if (log !== undefined) document.resumeSession(log)
  }

  private demandPresent(): void {
    if (this.left) throw new TypeError("a conversation that left memory is read anew before it is written to")
  }

  get state(): ControlState {
    return this.ledger.state
  }

  get controlDocument(): ReplicaDocument {
    return this.control
  }

  /** Whether this user is a member, by all that is known here. */
  get isMember(): boolean {
    return this.state.members.has(this.ports.user)
  }

  /** Whether this user was a member, and left or was removed, by all that is known here. */
  get isOut(): boolean {
    return !this.isMember && this.state.everMembers.has(this.ports.user)
  }

  /** Whether somebody whom the conversation trusts said whom this device acts for. [SPEC A5] */
  get isIntroduced(): boolean {
    return this.state.devices.get(this.ports.device)?.certified === true
  }

  /** Whether this device may write anything, by all that is known here. */
  get mayReact(): boolean {
    const user = this.state.devices.get(this.ports.device)?.user
    return user !== undefined && this.state.mayReact(user)
  }

  /** Numbers of the segments that exist here, ascending; always one at least. */
  get segmentNumbers(): number[] {
    return this.segments.numbers
  }

  /** Those that the storage may hold. */
  get knownSegments(): number[] {
    return this.segments.known
  }

  hasSegment(number: number): boolean {
    return this.segments.has(number)
  }

  /** Segments in memory: the newest, and those that somebody asked for. */
  get loadedSegments(): Iterable<ReplicaDocument> {
    return this.segments.loaded
  }

  /** Documents in memory, the control document first. */
  get loadedDocuments(): ReplicaDocument[] {
    return [this.control, ...this.segments.loaded]
  }

  /** What stands for an own control entry that was written again; itself where it was not. [SPEC R6] */
  insteadOf(id: ControlId): readonly ControlId[] {
    return this.superseded.resolve([id])
  }

  /** Own entries that were refused for good. */
  get refused(): RefusedDrafts["all"] {
    return this.refusedDrafts.all
  }

  segment(number: number): Promise<ReplicaDocument> {
    return this.segments.load(number)
  }

  /** No message in a segment, draft or not, has a greater clock. */
  async lastClock(number: number): Promise<Clock> {
    const name = segmentDocument(this.id, number)
    const imprint = this.loaded(name) === undefined ? this.imprint.of(name) : undefined
    if (imprint !== undefined) return imprint.lastClock
    const { summary, drafts } = await this.segment(number)
    return drafts.reduce((last, { clock }) => (clock > last ? clock : last), summary.lastClock)
  }

  async document(name: DocumentName): Promise<ReplicaDocument> {
    const parts = documentParts(name)
    return parts.kind === "control" ? this.control : this.segment(parts.segment)
  }

  /** Whether a document is here, as far as is known without looking. */
  hasDocument(name: DocumentName): boolean {
    return this.loaded(name) !== undefined || this.segments.hasDocument(name)
  }

  /** Whether nothing of it is here. */
  get isEmpty(): boolean {
    const isKnown = this.knownSegments.length + this.refused.size > 0
    return !isKnown && this.loadedDocuments.every(({ isEmpty }) => isEmpty)
  }

  /** Segments that somebody named, and of which nothing came, leave memory. [SPEC S15] */
  forgetEmptySegments(): void {
    // A carrier may have one that is still to come.
    if (this.carriers === 0) this.segments.forgetEmpty()
  }

  /** Documents that hold anything, control first, then segments from the newest. */
  get documentNames(): DocumentName[] {
    return [this.control.name, ...this.segments.documentNames]
  }

  /** Segments that a carrier is to look for: those that exist here, and the one behind a full one. */
  get carriedSegments(): DocumentName[] {
    return this.segments.carried
  }

  /** The digests of its documents that hold sealed entries, with what they are of, where that was read. */
  async digests(): Promise<{ name: DocumentName; digest: Uint8Array; summary: DocumentSummary | undefined }[]> {
    const digests = []
    for (const name of this.documentNames) {
      const imprint = this.loaded(name) === undefined ? this.imprint.of(name) : undefined
      if (imprint !== undefined) digests.push({ name, digest: imprint.digest, summary: undefined })
      else {
        const { summary } = await this.document(name)
        if (holdsAnything(summary)) digests.push({ name, digest: digestOf(summary), summary })
      }
    }
    return digests
  }

  private loaded(name: DocumentName): ReplicaDocument | undefined {
    const parts = documentParts(name)
    return parts.kind === "control" ? this.control : this.segments.get(parts.segment)
  }

  /** Whether what is stored is in line with authority, as the writer makes it. */
  get isInLine(): boolean {
    return this.enforcement.isInLine
  }

  /** What is stored was brought in line with authority before. */
  beInLine(): void {
    this.enforcement.beInLine()
  }

  /**
   * Whether nothing is under way here, and a start would have nothing to do: all is in line with authority, sent, and shown
   * as it is.
   */
  get isAtRest(): boolean {
    return this.ports.guard() !== undefined && this.imprint.isFree && this.isInLine && this.isQuiet
  }

  /** Whether segments may be let go of: all is in line with authority, and nothing but messages is under way. [SPEC U15] */
  get mayLetGo(): boolean {
    return this.ports.guard() !== undefined && this.isInLine && !this.catchUp.isUnderWay && this.carriers === 0
  }

  /** All of it is to be here, until the result is called. */
  carry(): () => void {
    this.carriers++
    return () => {
      this.carriers--
    }
  }

  /** Whether somebody shows a document in this tab. */
  isShown(name: DocumentName): boolean {
    return this.loaded(name)?.lastUsed === Infinity
  }

  /** Brings a segment back that is away. Rejects with SEGMENT_AWAY where nobody gives it now; it stays wanted then. */
  fetch(name: DocumentName): Promise<void> {
    return this.ports.wanted.reach(name)
  }

  /**
   * Numbers of the segments before the newest ones that hold so many messages together, ascending; their summaries are
   * read. [SPEC U15]
   */
  segmentsBefore(messages: number): Promise<number[]> {
    return this.segments.before(messages)
  }

  /** Whether nothing is under way, waits, or was refused, as far as this tab knows. */
  get isQuiet(): boolean {
    return (
      this.imprint.isIdle &&
      !this.catchUp.isUnderWay &&
      this.refused.size === 0 &&
      this.loadedDocuments.every(({ drafts }) => drafts.length === 0)
    )
  }

  /** Reads what an imprint would lack, and destroys what is due. */
  async prepareImprint(): Promise<void> {
    const carried = this.carriedImprints()
    for (const number of this.segmentNumbers) {
      if (carried(segmentDocument(this.id, number)) === undefined) await this.segment(number)
    }
    for (const segment of this.segments.loaded) if (segment.nextDue <= this.ports.env.now()) await segment.destroyDue()
  }

  /** Its documents as they are stored; undefined where that takes a preparation. */
  imprintDocuments(): Map<DocumentName, DocumentImprint> | undefined {
    const carried = this.carriedImprints()
    const documents = new Map<DocumentName, DocumentImprint>()
    for (const name of this.documentNames) {
      const document = this.loaded(name)
      const imprint = document === undefined ? carried(name) : this.imprintOf(document)
      // Zero: nobody looked what is due there.
      if (imprint === undefined || imprint.due === 0) return undefined
      if (document === undefined || holdsAnything(document.summary)) documents.set(name, imprint)
    }
    return documents
  }

  /** What the last imprint says of documents that were not read: all of it while the control document is what it was. */
  private carriedImprints(): (name: DocumentName) => DocumentImprint | undefined {
    const before = this.imprint.of(this.control.name)
    // Whom devices write for, and what may be erased, follow from there.
    const isSame = before !== undefined && equalBytes(before.digest, digestOf(this.control.summary))
    return (name) => (isSame && this.loaded(name) === undefined ? this.imprint.of(name) : undefined)
  }

  private imprintOf(document: ReplicaDocument): DocumentImprint {
    const version = shortVersion(segmentVersion(this, document, this.ports))
    const { summary, nextDue } = document
    return { digest: digestOf(summary), version, due: nextDue, lastClock: summary.lastClock }
  }

  /** Whether a draft is on the disk. What is not loaded holds none that is in memory alone. */
  isDurable(name: DocumentName, draft: Draft): boolean {
    return this.loaded(name)?.isDurable(draft) ?? true
  }

  /** Makes all drafts durable, wherever they are. */
  async save(): Promise<void> {
    for (const document of this.loadedDocuments) await document.save()
  }

  private documentPorts(): DocumentPorts {
    return {
      ...this.ports,
      imprint: this.imprint,
      guard: () => {
        this.demandPresent()
        return this.ports.guard()
      },
      state: () => this.ledger.state,
      superseded: this.superseded,
      renamed: () => undefined,
      readAgain: (name) => {
        this.followStored(name).catch((error: unknown) => {
          this.ports.report(error)
        })
      },
      saveAuthority: async () => {
        if (this.control.hasUnsaved) await this.control.save()
      },
      forgetRefused: (hashes) => {
        this.refusedDrafts.delete(hashes)
        this.changes.emit({ kind: "refused" })
      },
    }
  }

  private watch(document: ReplicaDocument): void {
    document.changes.on((change) => {
      if (change.kind === "accepted") this.clock.observe(change.entries)
      if (document !== this.control) this.eraseLate(document, change)
      if (document !== this.control && change.kind !== "rewritten") this.segments.addDocument(document.name)
      this.changes.emit({ kind: "document", document, change })
    })
  }

  private async readControl(): Promise<void> {
    const { entries, drafts } = await this.control.entriesWithDrafts()
    this.clock.observe(entries)
    const ledger = createLedger(this.id, this.ports)
    await ledger.add([...entries, ...drafts.map((draft) => draftEntry(this.ports.device, draft))])
    // Not before: what is written meanwhile is to name something.
    this.ledger = ledger
  }

  /** Gives drafts whose clocks are ahead of the servers' time a clock that is not. [SPEC W4] */
  async correctClocks(): Promise<void> {
    const correct = this.clock.correction()
    const before = this.superseded.size
    await this.control.replaceDrafts(correct)
    if (this.superseded.size > before) {
      await this.control.reground()
      await this.followNames()
    }
    for (const segment of this.segments.loaded) await segment.replaceDrafts(correct)
  }

  /** What is written from now on gets clocks that fit the servers' time. */
  followTime(): void {
    this.clock.followTime()
  }

  /** Own control entries have other names: authority is read again, and what rests on them follows. [SPEC R6] */
  private async followNames(): Promise<void> {
    await this.readAuthority()
    await this.reground()
  }

  /** Has own entries written again that rest on control entries which nobody takes. [SPEC R6] */
  private async reground(): Promise<void> {
    const { size } = this.superseded
    for (const number of this.segmentNumbers) {
      const document = await this.segment(number)
      if (await document.reground()) this.ports.wake(document)
    }
    await this.control.regrounded(size)
  }

  /** The same, where that was not finished. */
  async resumeReground(): Promise<void> {
    await this.superseded.reload(this.id, this.ports.storage)
    await this.reground()
  }

  private salt(): Uint8Array {
    return this.ports.env.randomBytes(BODY_SALT_BYTES)
  }

  /**
   * Writes a message into the newest segment, at once; a full one makes room for the next. What is said about a message
   * goes into that one's document. Throws RangeError beyond the limits.
   */
  post(content: Content, about?: ReplicaDocument): { document: ReplicaDocument; draft: Draft } {
    return this.write(encodeBody(this.salt(), content), about)
  }

  /** The same of a body that was made before. */
  write(
    body: Uint8Array,
    about = this.segments.writable(),
    entryClass: "message" | "reaction" = "message",
  ): { document: ReplicaDocument; draft: Draft } {
    const draft: Draft = {
      class: entryClass,
      clock: this.clock.next(),
      body,
      seen: this.state.headsFor(this.ports.device),
    }
    this.place(about, draft)
    return { document: about, draft }
  }

  /** Writes erasures into the document of their targets; returns their drafts. [SPEC X] */
  async erase(document: ReplicaDocument, targets: readonly Erasable[]): Promise<Draft[]> {
    const { signer } = this.ports
    const seen = this.state.headsFor(this.ports.device)
    const drafts = await Promise.all(
      targets.map((target) =>
        eraseDraft(document.name, target, { signer, seen, clock: this.clock.next(), salt: this.salt() }),
      ),
    )
    for (const draft of drafts) this.place(document, draft)
    return drafts
  }

  /** Takes a segment back that was away; false where that is not what was held. [SPEC U15] */
  async takeHome(document: ReplicaDocument, runs: Parameters<ReplicaDocument["takeHome"]>[0]): Promise<boolean> {
    if (!(await document.takeHome(runs))) return false
    this.ports.wanted.arrived(document.name)
    // What could not be done without it.
    this.eraseLate(document, { kind: "records", records: [], source: undefined })
    if (!this.isInLine) await this.resumeEnforcing()
    if (this.superseded.size > 0) await document.reground()
    if (document.drafts.length > 0) this.ports.wake(document)
    return true
  }

  private eraseLate(document: ReplicaDocument, change: DocumentChange): void {
    if (this.ports.guard() === undefined) return
    // Queued like changes of authority, so that one edit is not erased twice by two changes.
    this.governing(async () => {
      const late = await lateEdits(document, change, this.state, this.ports.device)
      if (late.length > 0) await this.erase(document, late)
    }).catch(() => {
      // A storage that can't be read is the replica's to tell; the next change looks again.
    })
  }

  /** Writes a draft again, as it is: one that was refused. */
  place(document: ReplicaDocument, draft: Draft): void {
    this.demandPresent()
    document.add(draft)
    this.ports.wake(document)
  }

  /** Writes a control entry that names all that is known here, or what is said. The state has it when this resolves. */
  async govern(action: ControlAction, seen?: readonly ControlId[]): Promise<void> {
    await this.governing(() => this.addDraft(this.controlDraft(action, seen)))
  }

  /** The same, unless the rules would refuse it: then nothing is written, and this is why. */
  async propose(action: ControlAction): Promise<Proposal> {
    return this.governing(async () => {
      const draft = this.controlDraft(action)
      const entry = draftEntry(this.ports.device, draft)
      const preview = await this.ledger.preview([entry])
      if (entry.control === undefined) throw new TypeError("a control entry has a name")
      const outcome = preview.outcomeOf(entry.control)
      if (outcome.kind === "refused") return outcome
      await this.addDraft(draft)
      return { kind: "written", id: entry.control }
    })
  }

  private controlDraft(action: ControlAction, seen = this.state.headsFor(this.ports.device)): Draft {
    return { class: "control", clock: this.clock.next(), body: encodeControl(action, this.salt()), seen }
  }

  /** Seals all messages that wait, so that a cut can name them; where another tab is the writer they wait for that one. */
  async sealMessages(): Promise<void> {
    if (this.ports.guard() === undefined) return
    const waiting = (await this.waiting()).filter((document) => document !== this.control)
    if (waiting.length > 0 && this.control.drafts.length > 0) await this.control.flush()
    for (const document of waiting) await document.flush()
  }

  /** Writes the entry that creates this conversation. */
  async create(body: Uint8Array): Promise<void> {
    await this.governing(() => this.addDraft({ class: "control", clock: this.clock.next(), body, seen: [] }))
  }

  private async addDraft(draft: Draft): Promise<void> {
    this.demandPresent()
    await this.ledger.add([draftEntry(this.ports.device, draft)])
    this.control.add(draft)
    this.ports.wake(this.control)
    await this.followControl()
  }

  /** Takes what arrived for one of the documents; authority follows what a control document brings. */
  async receive(
    document: ReplicaDocument,
    update: Uint8Array,
    source: unknown,
  ): ReturnType<ReplicaDocument["receive"]> {
    const verdicts = await document.receive(update, source)
    if (document !== this.control || verdicts === undefined) return verdicts
    const entries = verdicts.flatMap((verdict) => verdict.entries)
    if (entries.length > 0) await this.governing(() => this.takeControl(entries))
    return verdicts
  }

  private async takeControl(entries: Parameters<Ledger["add"]>[0]): Promise<void> {
    if (await this.ledger.add(entries)) await this.followControl()
  }

  /** Tells at once who may do what, before the segments follow; and again where they had to. */
  private async followControl(): Promise<void> {
    this.changes.emit({ kind: "control" })
    if (await this.enforcement.carryOut()) this.changes.emit({ kind: "control" })
  }

  /** Another tab changed what is stored. */
  async reload(name: DocumentName): Promise<void> {
    const document = await this.document(name)
    // Before what it wrote is seen: whether that is late. That it has caught up, it says.
    if (!this.catchUp.isUnderWay) await this.catchUp.load()
    await document.reload()
    if (!document.isAway) this.ports.wanted.arrived(name)
    if (document === this.control) await this.reloadControl()
    else this.segments.addDocument(name)
    await this.refusedDrafts.read()
    this.changes.emit({ kind: "refused" })
  }

  /** What a failed write had left was read. */
  private async followStored(name: DocumentName): Promise<void> {
    if (name === this.control.name) await this.reloadControl()
    if (await this.refusedDrafts.read()) this.changes.emit({ kind: "refused" })
  }

  private async reloadControl(): Promise<void> {
    await this.superseded.reload(this.id, this.ports.storage)
    await this.readAuthority()
  }

  private async readAuthority(): Promise<void> {
    await this.governing(async () => {
      await this.readControl()
      await this.followControl()
    })
  }

  /** Carries out what a crash left half done, or another tab wrote. Reads all segments where anybody was ever removed. */
  async resumeEnforcing(): Promise<void> {
    await this.governing(async () => {
      if (await this.enforcement.carryOutAgain()) this.changes.emit({ kind: "control" })
    })
  }

  /**
   * Takes in what another tab wrote and did not live to tell. Only what is in memory is read again; `segments`: the numbers
   * that the storage holds.
   */
  async refresh(segments: Iterable<number>): Promise<void> {
    this.segments.add(segments)
    if (await this.control.refresh()) await this.reloadControl()
    // What only the writer does about it is to do now.
    else this.changes.emit({ kind: "control" })
    await this.segment(this.segments.newest)
    for (const segment of Array.from(this.segments.loaded)) await segment.refresh()
    if (await this.refusedDrafts.read()) this.changes.emit({ kind: "refused" })
    await this.catchUp.load()
  }

  private showRefused(document: ReplicaDocument, refused: readonly RefusedDraft[]): void {
    this.refusedDrafts.add(document.name, refused)
    if (refused.length > 0) this.changes.emit({ kind: "refused" })
  }

  /** Takes own entries back that a server refused: to be sealed again, or with a code as refused for good. [SPEC R1] */
  async takeBack(document: ReplicaDocument, log: LogId, from: number, code: RefusalCode | undefined): Promise<void> {
    const { refused, changed } = await document.takeBack(log, from, code)
    if (document === this.control && changed) await this.followNames()
    this.ports.wake(document)
    if (code === undefined) return
    this.showRefused(
      document,
      refused.map((draft) => ({ code, draft })),
    )
  }

  /** Whether an own entry joins by this invite, and no server knows it yet. [SPEC A19] */
  async isJoiningBy(invite: ControlId): Promise<boolean> {
    const drafts = this.control.drafts.map((draft) => draftEntry(this.ports.device, draft))
    const own = [...(await this.control.entries()), ...drafts].filter(({ device }) => device === this.ports.device)
    return own.some((entry) => entry.head.seen.includes(invite) && this.isJoinOfUnknown(entry))
  }

  /** Whether an own entry joins by an invite that nobody knows, while its user came in by another way. [SPEC A19] */
  async joinsInVain(document: ReplicaDocument, log: LogId, at: number): Promise<boolean> {
    if (document !== this.control || !this.isMember || deviceOf(log) !== this.ports.device) return false
    const entry = (await this.control.entries()).find((one) => one.log === log && one.position === at)
    return entry !== undefined && this.isJoinOfUnknown(entry)
  }

  private isJoinOfUnknown({ control, body }: Entry): boolean {
    if (control === undefined || body === null) return false
    const outcome = this.state.outcomeOf(control)
    const isUnknown = outcome.kind === "refused" && outcome.code === "CONTROL_UNKNOWN"
    return isUnknown && decodeControl(body)?.kind === "join"
  }

  /** Forgets a refused entry. */
  async discard(hash: BodyHash): Promise<void> {
    const found = this.refused.get(hash)
    if (found === undefined) return
    const document = await this.document(found.document)
    await document.forgetRefused(hash)
    this.refusedDrafts.delete([hash])
    this.changes.emit({ kind: "refused" })
  }

  /** Ends the sessions of all its logs: another tab took over, or this one did. */
  endSessions(): void {
    this.logs.clear()
    this.control.endSession()
    for (const segment of this.segments.loaded) segment.endSession()
  }

  /** Documents with drafts, in the order in which they are to be sent: authority first. */
  async waiting(): Promise<ReplicaDocument[]> {
    const documents = [this.control, ...this.segmentNumbers.flatMap((number) => this.segments.get(number) ?? [])]
    return documents.filter((document) => document.drafts.length > 0)
  }

  async idle(): Promise<void> {
    await this.governing(async () => undefined)
    for (const document of this.loadedDocuments) await document.idle()
  }
}

function holdsAnything({ logs, records }: DocumentSummary): boolean {
  return logs.size > 0 || records.size > 0
}
