import type * as Y from "yjs"
import type { Env } from "../base/env.js"
import { readStored } from "../base/errors.js"
import { createSignal } from "../base/store.js"
import { checkContext, checkRecord, destroyedMessages } from "../authority/gate.js"
import { admitEntry, cutOf } from "../authority/project.js"
import { acceptedUpdate, advanceSummary, check, type Entry, type LogVerdict } from "../log/check.js"
import { punch, readContents, runsBeyond, type Contents } from "../log/contents.js"
import { draftHash, type Draft } from "../log/draft.js"
import { eraserOf, recordIdOf, type EraseRecord, type RecordId } from "../log/erasure.js"
import { asideKey, asidePrefix, refusedKey, refusedPrefix, regroundKey } from "../log/keys.js"
import { cutRun, readRun, recordsOf, summarize } from "../log/rebuild.js"
import { digestOf, emptySummary, encodeSummary, vectorOf, type DocumentSummary, type Vector } from "../log/summary.js"
import { encodeUpdate, type LogRun } from "../log/update.js"
import { openLog, sealRun, type Signer } from "../log/writer.js"
import type { Verify } from "../identity/verify.js"
import { equalBytes, hex } from "../protocol/bytes.js"
import type { RefusalCode } from "../protocol/codes.js"
import { bodyHashText, type BodyHash, type ControlId } from "../protocol/entry.js"
import {
  clientIdOf,
  conversationOf,
  deviceIdOf,
  deviceOf,
  documentParts,
  type DocumentName,
  type LogId,
} from "../protocol/names.js"
import { prefixRange, type StorageOperation } from "../storage/storage.js"
import { DocumentDrafts, type DraftPorts, type Rewritten } from "./document-drafts.js"
import { DocumentErasures, type ErasurePorts } from "./document-erasures.js"
import { homeRuns } from "./home-runs.js"
import { nextRun } from "./next-run.js"
import { OpenDocument } from "./open-document.js"
import { encodeRefused, type RefusedDraft } from "./refused.js"
import { SegmentAway } from "./segment-away.js"
import { StoredDocument, type StoredDocumentPorts } from "./stored-document.js"
import { renamed, supersededOperations, type Superseded } from "./superseded.js"
import { writeAgain, type TakenBack } from "./write-again.js"

export interface DocumentPorts extends StoredDocumentPorts, DraftPorts, ErasurePorts {
  readonly env: Env
  readonly signer: Signer
  readonly verify: Verify
  refusesKey(publicKey: Uint8Array): boolean
  /** Own control entries that nobody takes. */
  readonly superseded: Superseded
  /** Drafts were written again before they were sealed: control entries among them have other names. */
  renamed(): void
  /** Somebody begins to show a document. */
  shown(name: DocumentName): void
  /** More, or less, is stored of a document than was known: what follows from it is to be read again. */
  readAgain(name: DocumentName): void
}

/** What became of a document. */
export type DocumentChange =
  /** Entries were accepted, or sealed; `runs`, and `update`, hold exactly them. `source` is the carrier that brought them. */
  | {
      readonly kind: "accepted"
      readonly entries: readonly Entry[]
      readonly runs: readonly LogRun[]
      readonly update: Uint8Array
      readonly source: unknown
    }
  /** Erase records were accepted. */
  | { readonly kind: "records"; readonly records: readonly EraseRecord[]; readonly source: unknown }
  /** Drafts were added, became durable, or were given up: those in `gone` are never sealed. */
  | { readonly kind: "drafts"; readonly added: readonly Draft[]; readonly gone: readonly Draft[] }
  /** What was there before may be gone: read it all again. `reloaded`: another tab wrote it. */
  | { readonly kind: "rewritten"; readonly reloaded: boolean }

/**
 * One document on a device: its summary, its stored updates, the drafts that wait for a seal and, while it is open, a
 * Y.Doc. Everything that changes it goes through one queue.
 */
export class ReplicaDocument {
  readonly changes = createSignal<DocumentChange>()
  private readonly enqueue
  private current: DocumentSummary
  private readonly own: DocumentDrafts
  private writer: LogId | undefined
  private readonly stored: StoredDocument
  private readonly opened: OpenDocument
  private readonly erasures: DocumentErasures
  /** Who shows it: it stays here meanwhile. */
  private holders = 0
  /** When its entries were last of use, milliseconds since 1970. */
  private used: number

  private constructor(
    readonly name: DocumentName,
    private readonly ports: DocumentPorts,
  ) {
    this.enqueue = ports.imprint.queue()
    this.current = emptySummary(name)
    this.own = new DocumentDrafts(name, deviceIdOf(ports.signer.publicKey), ports)
    this.opened = new OpenDocument(name)
    this.stored = new StoredDocument(name, ports)
    const { stored, own: drafts, opened } = this
    const contents = async (): Promise<Contents | undefined> => (this.isAway ? undefined : this.contents())
    this.erasures = new DocumentErasures(name, { stored, drafts, opened, contents }, ports)
    this.used = ports.env.now()
  }

  /** Reads what the storage holds of it; empty where it holds nothing. */
  static async load(name: DocumentName, ports: DocumentPorts): Promise<ReplicaDocument> {
    const document = new ReplicaDocument(name, ports)
    await document.read()
    return document
  }

  /** A document that the storage does not hold yet. */
  static empty(name: DocumentName, ports: DocumentPorts): ReplicaDocument {
    return new ReplicaDocument(name, ports)
  }

  get summary(): DocumentSummary {
    return this.current
  }

  /** Own entries under no seal, in the order of their writing. */
  get drafts(): readonly Draft[] {
    return this.own.all
  }

  /** Whether a draft is on the disk; false while it is in memory alone. */
  isDurable(draft: Draft): boolean {
    return this.own.isDurable(draft)
  }

  get hasUnsaved(): boolean {
    return this.own.hasUnsaved
  }

  /** Whether nothing of it is here: not where that is unsure, as of a write that failed. */
  get isEmpty(): boolean {
    const { logs, records } = this.current
    return logs.size + records.size + this.drafts.length === 0 && !this.stored.isUnsure
  }

  /** Waits until nothing is under way. */
  async idle(): Promise<void> {
    await this.enqueue(async () => undefined)
  }

  /** False where it is what was read before. */
  private async read(): Promise<boolean> {
    const before = this.fingerprint()
    const [summary] = await Promise.all([this.stored.read(), this.own.read()])
    this.current = summary
    return this.fingerprint() !== before
  }

  private fingerprint(): string {
    return [this.stored.next, hex(encodeSummary(this.current)), ...this.drafts.map(draftHash)].join()
  }

  /** Reads again what another tab wrote. */
  async reload(): Promise<void> {
    await this.enqueue(async () => {
      await this.read()
      await this.reopen()
    })
    this.changes.emit({ kind: "rewritten", reloaded: true })
  }

  /** Reads again what another tab may have written; true, and told, where it has. */
  async refresh(): Promise<boolean> {
    const changed = await this.enqueue(async () => {
      const changed = await this.read()
      if (changed) await this.reopen()
      return changed
    })
    if (changed) this.changes.emit({ kind: "rewritten", reloaded: true })
    return changed
  }

  /** Runs what writes, upon what is stored: where a write failed that may be there all the same, that is read first. */
  private change<T>(task: () => Promise<T>): Promise<T> {
    return this.enqueue(async () => {
      if (this.stored.isUnsure) await this.readAgain()
      return task()
    })
  }

  /** The session ends: the log that it wrote may be shorter there, or longer. */
  private async readAgain(): Promise<void> {
    const before = this.current
    this.current = await this.stored.readAgain()
    await this.own.read()
    const contents = this.isAway ? new Map<number, LogRun>() : await this.contents()
    const device = deviceIdOf(this.ports.signer.publicKey)
    const own = Array.from(contents.values()).filter(({ log }) => deviceOf(log) === device)
    const sealed = new Set(own.flatMap((run) => readRun(run)).map(({ head }) => bodyHashText(head.bodyHash)))
    const done = this.drafts.filter((draft) => sealed.has(draftHash(draft)))
    await this.own.settled()
    // They may have been saved since.
    if (done.length > 0) await this.stored.write(this.own.removals(done))
    this.own.removed(done)
    this.writer = undefined
    await this.reopen()
    // What was sealed is to be sent.
    const runs = runsBeyond(contents, vectorOf(before))
    const entries = runs.flatMap(({ client, from }) =>
      readRun(contents.get(client)!).filter(({ position }) => position >= from),
    )
    if (runs.length > 0) {
      this.changes.emit({ kind: "accepted", entries, runs, update: encodeUpdate(runs), source: undefined })
    }
    this.changes.emit({ kind: "rewritten", reloaded: false })
    this.ports.readAgain(this.name)
    // An erasure may have been what failed, or what it takes out.
    const fresh = Array.from(this.current.records).flatMap(([id, record]) => (before.records.has(id) ? [] : [record]))
    if (fresh.length > 0) await this.erase(fresh, undefined)
    else await this.destroy()
    this.ports.compactor.request(this.name)
  }

  private async reopen(): Promise<void> {
    if (this.opened.isOpen) this.opened.become(Array.from((await this.contents()).values()))
  }

  /** Rejects with STORE_CORRUPT, and with SEGMENT_AWAY where its summary alone is here. */
  contents(): Promise<Contents> {
    this.used = this.ports.env.now()
    return this.stored.contents()
  }

  /** Whether its summary alone is here. [SPEC U15] */
  get isAway(): boolean {
    return this.stored.isAway
  }

  /** When somebody last had to do with its entries, milliseconds since 1970. */
  get lastUsed(): number {
    return this.holders > 0 || this.opened.isOpen ? Infinity : this.used
  }

  /** Somebody shows it; every `hold` needs its `unhold`. */
  hold(): void {
    if (this.holders++ === 0) this.ports.shown(this.name)
  }

  unhold(): void {
    this.holders--
    this.used = this.ports.env.now()
  }

  /**
   * Lets go of its stored entries, where a server has just said that it holds the same: its digest, as frames carry it. The
   * summary stays. False where something here needs them. [SPEC U15]
   */
  async letGo(held: Uint8Array): Promise<boolean> {
    return this.change(async () => {
      const { storage } = this.ports
      const waits = await Promise.all([
        storage.keys(prefixRange(asidePrefix(this.name))),
        storage.keys(prefixRange(refusedPrefix(this.name))),
      ])
      const isSame = equalBytes(digestOf(this.current).subarray(0, held.length), held)
      const isNeeded = this.holders > 0 || this.opened.isOpen || this.drafts.length > 0 || waits.flat().length > 0
      if (!isSame || isNeeded || this.isAway || this.current.logs.size === 0) return false
      await this.stored.letGo(this.current, this.ports.compactor.releaseOperations(this.name))
      this.ports.compactor.requestRelease(this.name)
      return true
    })
  }

  /**
   * Takes its entries back, each log from its beginning: as a whole, or not at all. They are here again when this resolves
   * with true; false where they are not what was held. [SPEC U15]
   */
  async takeHome(came: ReadonlyMap<number, LogRun>): Promise<boolean> {
    const isHome = await this.change(async () => {
      if (!this.isAway) return true
      const home = await homeRuns(this.current, came, { ...this.ports, cutOf: (log) => this.cutOf(log) })
      if (home === undefined) return false
      const destroyed = destroyedMessages(this.current, this.ports.state(), this.ports.env.now())
      const { runs } = punch(home.runs, (message) => destroyed.has(message))
      const summary = home.isWhole ? this.current : this.summarizeWithRecords(runs)
      await this.stored.rewrite(runs, summary)
      this.commit(summary)
      this.used = this.ports.env.now()
      return true
    })
    if (isHome) this.changes.emit({ kind: "rewritten", reloaded: false })
    return isHome
  }

  /** All accepted entries, log by log. */
  async entries(): Promise<Entry[]> {
    const contents = await this.contents()
    return Array.from(contents.values()).flatMap((run) => readRun(run))
  }

  /** All accepted entries, and the drafts at that moment: none is missing because it was sealed between two looks. */
  async entriesWithDrafts(): Promise<{ readonly entries: Entry[]; readonly drafts: readonly Draft[] }> {
    return this.enqueue(async () => ({ entries: await this.entries(), drafts: this.drafts }))
  }

  /** The open document; every `open` needs its `release`. */
  async open(): Promise<Y.Doc> {
    return this.enqueue(() => this.opened.use(async () => Array.from((await this.contents()).values())))
  }

  /** All accepted entries of the open document, read from its Y types; none where it is not open. */
  openEntries(): Entry[] {
    return this.opened.entries()
  }

  release(): void {
    this.opened.release()
  }

  /** What makes all drafts durable; nothing where they are. */
  get unsaved(): StorageOperation[] {
    const fresh = this.own.unsaved
    if (fresh.length === 0) return []
    const { withdrawn } = this.own
    return [...this.own.puts(fresh), ...this.own.removals(withdrawn), ...this.erasures.marks(withdrawn.length)]
  }

  /** Adds a draft at once, in memory; `save` or `flush` makes it durable. */
  add(draft: Draft): void {
    const gone = this.own.add(draft)
    this.changes.emit({ kind: "drafts", added: [draft], gone })
  }

  /**
   * Begins to write new drafts in this turn, whatever else is under way: they survive the end of the page or process, and
   * are as before what `save` or `flush` makes durable. [SPEC W1]
   */
  keep(): void {
    this.own.keep()
  }

  /** Makes all drafts durable. Rejects with STORE_*; they stay in memory then and are written with the next call. */
  async save(): Promise<void> {
    await this.enqueue(async () => {
      const fresh = this.own.unsaved
      if (fresh.length === 0) return
      await this.ports.saveAuthority()
      await this.own.settled()
      const { withdrawn } = this.own
      await this.ports.storage.write(this.unsaved, { durability: "strict" })
      if (withdrawn.length > 0) this.ports.compactor.request(this.name)
      this.own.removed(withdrawn)
      this.own.saved(fresh)
      this.changes.emit({ kind: "drafts", added: [], gone: [] })
    })
  }

  /** Replaces drafts before they are sealed: clocks that ran ahead. [SPEC W4] */
  async replaceDrafts(change: (draft: Draft) => Draft): Promise<void> {
    const replaced = await this.change(async () => {
      const before = this.drafts
      const again = before.map((draft) => ({ before: draft, draft: change(draft) }))
      const replaced = again.filter(({ before, draft }) => before !== draft)
      if (replaced.length === 0) return 0
      const device = deviceIdOf(this.ports.signer.publicKey)
      const names = replaced.flatMap(({ before, draft }) => {
        const name = renamed(device, before, draft)
        return name === undefined ? [] : [name]
      })
      await this.own.settled()
      await this.stored.write([...this.rewritten(replaced), ...supersededOperations(conversationOf(this.name), names)])
      this.ports.superseded.add(names)
      this.own.become(before, again)
      return replaced.length
    })
    if (replaced > 0) this.changes.emit({ kind: "rewritten", reloaded: false })
  }

  /** Seals what waits, run by run. Each run is durable before the change is told. False where nothing waited. [SPEC W2] */
  async flush(): Promise<boolean> {
    let sealed = false
    // What is away comes back first.
    while (this.drafts.length > 0 && !this.isAway) {
      sealed = true
      await this.change(() => this.sealOnce())
    }
    return sealed
  }

  private async sealOnce(): Promise<void> {
    const { signer, env } = this.ports
    // It may have turned out just now.
    if (this.isAway) return
    this.dropped(await this.erasures.fromDrafts(this.current))
    if (this.drafts.some((draft) => this.ports.superseded.concerns(draft))) {
      const { changed } = await this.writeAgain()
      if (changed) this.ports.renamed()
    }
    const { drafts, opensLog } = nextRun(this.drafts)
    if (drafts.length === 0) return
    await this.ports.saveAuthority()
    if (opensLog) this.writer = undefined
    // Who was removed and came back begins anew: nothing stands beyond the cut of an old log. [SPEC A11]
    if (this.writer !== undefined && this.cutOf(this.writer) < Infinity) this.writer = undefined
    const log = (this.writer ??= openLog(this.current, signer, (length) => env.randomBytes(length)))
    const before = this.current.logs.get(clientIdOf(this.name, log))
    const { run, next } = await sealRun(this.name, log, before, drafts, signer)
    const entries = readRun(run, before)
    const records = recordsOf(entries)
    const verdict: LogVerdict = { client: run.client, log, run, entries, records, next, refusal: undefined }
    const summary = copySummary(this.current)
    advanceSummary(summary, [verdict])
    const update = encodeUpdate([run])
    await this.own.settled()
    // What was erased meanwhile is never sealed; the others are signed again without it. [SPEC X6]
    if (!this.own.areWaiting(drafts)) return
    const { withdrawn } = this.own
    const removed = [...drafts, ...withdrawn]
    await this.stored.append(update, summary, [...this.own.removals(removed), ...this.erasures.marks(withdrawn.length)])
    this.commit(summary)
    if (withdrawn.length > 0) this.ports.compactor.request(this.name)
    this.own.removed(removed)
    if (!this.opened.push(run)) this.writer = undefined
    this.changes.emit({ kind: "accepted", entries, runs: [run], update, source: undefined })
    if (records.length > 0) await this.erase(records, undefined)
    await this.mergeIfDue()
  }

  /** Elements of a held log that may stand, by all that is known here. [SPEC A11] */
  private cutOf(log: LogId): number {
    const place = documentParts(this.name)
    const held = this.current.logs.get(clientIdOf(this.name, log))
    if (place.kind !== "segment" || held === undefined) return Infinity
    return cutOf(this.ports.state(), log, place.segment, held.firstSeen)
  }

  /** Why the entry at a position, or the first behind it, does not stand by all that is known here; undefined: it stands. */
  async refusalOf(log: LogId, from: number): Promise<RefusalCode | undefined> {
    const place = documentParts(this.name)
    if (place.kind !== "segment" || this.isAway) return undefined
    const entry = (await this.entries()).find((each) => each.log === log && each.position >= from)
    if (entry === undefined || entry.head.class === "control") return undefined
    return admitEntry(this.ports.state(), { ...entry, segment: place.segment, class: entry.head.class })
  }

  /** The log that this session appends to, once it has appended. */
  get ownLog(): LogId | undefined {
    return this.writer
  }

  /** The session that wrote a log before this was read anew goes on with it. [SPEC W3] */
  resumeSession(log: LogId): void {
    this.writer = log
  }

  /** Ends the session: the next entry opens a new log. */
  endSession(): void {
    this.writer = undefined
  }

  /** Takes an update through the check; what passes is durable when this resolves. Undefined: not an update at all. */
  async receive(update: Uint8Array, source: unknown): Promise<readonly LogVerdict[] | undefined> {
    return this.change(async () => {
      if (this.isAway) throw new SegmentAway(this.name)
      const state = this.ports.state()
      const recent = this.stored.recent.reader()
      let held: Promise<Contents> | undefined
      const context = checkContext(this.current, state, {
        // Read once for all logs of an update: a stranger's may overlap thousands.
        held: async (log, client, from, end) =>
          recent(log, client, from, end) ?? (await (held ??= this.contents())).get(client),
        verify: (key, message, signature) => this.ports.verify(key, message, signature),
        refusesKey: (key) => this.ports.refusesKey(key),
      })
      const verdicts = await check(update, context)
      if (verdicts === undefined) return undefined
      const entries = verdicts.flatMap((verdict) => verdict.entries)
      if (entries.length === 0) return verdicts
      const summary = copySummary(this.current)
      advanceSummary(summary, verdicts)
      const destroyed = destroyedMessages(summary, state, this.ports.env.now())
      const accepted = verdicts.flatMap((verdict) => verdict.run ?? [])
      const { runs } = destroyed.size === 0 ? { runs: accepted } : punch(accepted, (message) => destroyed.has(message))
      const canonical = destroyed.size === 0 ? acceptedUpdate(verdicts) : encodeUpdate(runs)
      if (canonical === undefined) return verdicts
      const records = verdicts.flatMap((verdict) => verdict.records)
      // A record that named a hole, but whose own log did not pass, stands in no update: nothing would replay it.
      const carried = new Set(recordsOf(entries).map(recordIdOf))
      const covering = records.some((record) => !carried.has(recordIdOf(record)))
      // Who wrote it keeps it; what a power cut takes from here, the next comparison brings back.
      await this.stored.append(canonical, summary, [], { durability: "relaxed", covering })
      this.commit(summary)
      this.opened.apply(runs)
      this.changes.emit({ kind: "accepted", entries, runs, update: canonical, source })
      if (records.length > 0) await this.erase(records, source)
      await this.mergeIfDue()
      return verdicts
    })
  }

  /** Takes erase records that came by themselves; returns how many wait for authority that is not known here. */
  async receiveRecords(records: readonly EraseRecord[], source: unknown): Promise<number> {
    return this.change(async () => {
      const summary = copySummary(this.current)
      const taken: EraseRecord[] = []
      let waiting = 0
      for (const record of records) {
        const id = recordIdOf(record)
        if (summary.records.has(id)) continue
        const refusal = await checkRecord(summary, this.ports.state(), record, this.ports)
        if (refusal === "CONTROL_UNKNOWN") waiting++
        if (refusal !== undefined) continue
        summary.records.set(id, record)
        taken.push(record)
      }
      if (taken.length === 0) return waiting
      await this.stored.cover(summary)
      this.commit(summary)
      await this.erase(taken, source)
      return waiting
    })
  }

  private async erase(records: readonly EraseRecord[], source: unknown): Promise<void> {
    try {
      await this.destroy()
    } finally {
      // They are durable: nobody is shown what they name any more, also where a full disk keeps it for now.
      this.changes.emit({ kind: "records", records, source })
    }
  }

  /** Whether it holds, or may hold, what was to be destroyed, as the storage did not take that. */
  get holdsErased(): boolean {
    return this.erasures.areLeft
  }

  /** Destroys what records name and is due by now: a moderator's erasures are after their time of grace. [SPEC X3] */
  async destroyDue(): Promise<void> {
    await this.change(() => this.destroy())
  }

  /** When something here is to be destroyed next; Infinity: nothing waits for that, 0: it may be due. */
  get nextDue(): number {
    return this.erasures.next(this.current)
  }

  private async destroy(): Promise<void> {
    this.dropped(await this.erasures.carryOut(this.current))
  }

  private dropped(gone: readonly Draft[]): void {
    if (gone.length > 0) this.changes.emit({ kind: "drafts", added: [], gone })
  }

  /** Nothing of what is away. */
  async missingFrom(vector: Vector): Promise<LogRun[]> {
    if (this.isAway) return []
    return runsBeyond(await this.contents(), vector)
  }

  /** Elements of a log up to its last seal at or before a position: what a server keeps that stopped there. [SPEC C7] */
  async sealedUpTo(log: LogId, at: number): Promise<number> {
    if (this.isAway) return 0
    const run = (await this.contents()).get(clientIdOf(this.name, log))
    return run === undefined ? 0 : (cutRun(run, at).kept?.elements.length ?? 0)
  }

  recordsBeyond(held: ReadonlySet<RecordId>): EraseRecord[] {
    return Array.from(this.current.records).flatMap(([id, record]) => (held.has(id) ? [] : [record]))
  }

  /** Sets aside what lies beyond the cuts of its logs, and returns the entries that went. Rejects with SEGMENT_AWAY. [SPEC A] */
  async applyCuts(
    cutOf: (log: LogId, firstSeen: readonly ControlId[]) => number,
    keep: (entry: Entry) => RefusedDraft | undefined,
  ): Promise<Entry[]> {
    const gone = await this.change(async () => {
      const logs = Array.from(this.current.logs.values())
      // A log that a removal binds is never written again, also where all of it stands and its author comes back.
      if (logs.some(({ log, firstSeen }) => log === this.writer && cutOf(log, firstSeen) !== Infinity)) {
        this.writer = undefined
      }
      if (logs.every(({ log, firstSeen, count }) => cutOf(log, firstSeen) >= count)) return []
      const kept: LogRun[] = []
      const beyond: LogRun[] = []
      const lost: Entry[] = []
      for (const run of (await this.contents()).values()) {
        const held = this.current.logs.get(run.client)
        const parts = cutRun(run, held === undefined ? Infinity : cutOf(run.log, held.firstSeen))
        if (parts.kept !== undefined) kept.push(parts.kept)
        if (parts.beyond === undefined) continue
        beyond.push(run)
        const end = parts.beyond.from
        lost.push(...readRun(run).filter(({ position }) => position >= end))
      }
      await this.shorten(kept, beyond, this.refusedOperations(lost.flatMap((entry) => keep(entry) ?? [])))
      return lost
    })
    if (gone.length > 0) this.changes.emit({ kind: "rewritten", reloaded: false })
    return gone
  }

  /**
   * Takes own entries out that a server refused, from a position on, and ends the session of that log. With a code they
   * become refused drafts, without one drafts that the next session seals; they are never nowhere. Of control entries the
   * one at that position alone is refused. Returns what was refused. [SPEC R1, R6]
   */
  async takeBack(
    log: LogId,
    from: number,
    code: RefusalCode | undefined,
  ): Promise<{ readonly refused: readonly Draft[]; readonly changed: boolean }> {
    return this.change(() => {
      if (this.writer === log) this.writer = undefined
      return this.writeAgain({ log, from, code })
    })
  }

  /** Writes own entries again that rest on what nobody takes. False where there were none. [SPEC R6] */
  async reground(): Promise<boolean> {
    return (await this.change(() => this.writeAgain())).changed
  }

  private async writeAgain(taken?: TakenBack): ReturnType<ReplicaDocument["takeBack"]> {
    const { superseded } = this.ports
    // A server held it as it is. What rests on what nobody takes is looked for when it is back.
    if (this.isAway) return { refused: [], changed: false }
    const before = this.drafts
    const again = await writeAgain(this.name, { contents: await this.contents(), pending: before }, this.ports, taken)
    const replaced = again.drafts.filter(({ before, draft }) => before !== draft)
    const isShorter =
      again.lost.length > 0 || Array.from(this.current.records.values()).some((each) => !this.keeps(each))
    if (!isShorter && replaced.length === 0) return { refused: [], changed: false }
    const code = taken?.code
    const operations = [
      ...this.rewritten(replaced),
      ...(code === undefined ? [] : this.refusedOperations(again.refused.map((draft) => ({ code, draft })))),
      ...supersededOperations(conversationOf(this.name), again.superseded),
    ]
    await this.own.settled()
    if (isShorter) await this.shorten(again.kept, [], operations)
    else await this.stored.write(operations)
    superseded.add(again.superseded)
    if (again.lost.some(({ log }) => log === this.writer)) this.writer = undefined
    this.own.become(before, again.drafts)
    // Also where no draft remains: what was erased has none.
    this.changes.emit({ kind: "rewritten", reloaded: false })
    return { refused: again.refused, changed: true }
  }

  /** All segments were brought in line with the names that were superseded, if there are so many still. */
  async regrounded(superseded: number): Promise<void> {
    await this.change(async () => {
      if (this.ports.superseded.size > superseded) return
      await this.stored.write([{ kind: "delete", key: regroundKey(conversationOf(this.name)) }], "relaxed")
    })
  }

  private refusedOperations(refused: readonly RefusedDraft[]): StorageOperation[] {
    return refused.map((item) => ({
      kind: "put",
      key: refusedKey(this.name, draftHash(item.draft)),
      value: encodeRefused(item),
    }))
  }

  /** Each in the place of the one before. */
  private rewritten(drafts: readonly Rewritten[]): StorageOperation[] {
    const gone = drafts.flatMap(({ before }) => before ?? [])
    return [...this.own.removals(gone), ...this.own.puts(drafts.map(({ draft }) => draft))]
  }

  private async shorten(
    kept: readonly LogRun[],
    beyond: readonly LogRun[],
    extra: readonly StorageOperation[],
  ): Promise<void> {
    const summary = this.summarizeWithRecords(kept)
    await this.stored.rewrite(kept, summary, [...(await this.asideOperations(beyond)), ...extra])
    this.commit(summary)
    if (this.writer !== undefined && beyond.some(({ log }) => log === this.writer)) this.writer = undefined
    this.opened.replace(kept)
  }

  /** What an earlier cut set aside of a log may be more: it stays then. */
  private async asideOperations(beyond: readonly LogRun[]): Promise<StorageOperation[]> {
    const batch: StorageOperation[] = []
    for (const run of beyond) {
      const key = asideKey(this.name, run.log)
      const held = await this.ports.storage.get(key)
      const before = held === undefined ? undefined : readStored(key, () => readContents([held])).get(run.client)
      if (before !== undefined && before.elements.length > run.elements.length) continue
      batch.push({ kind: "put", key, value: encodeUpdate([run]) })
    }
    return batch
  }

  private summarizeWithRecords(runs: readonly LogRun[]): DocumentSummary {
    const summary = summarize(this.name, new Map(runs.map((run) => [run.client, run])))
    for (const [id, record] of this.current.records) if (this.keeps(record)) summary.records.set(id, record)
    return summary
  }

  /** Records are kept even where their log was cut, but for own ones that nobody takes. [SPEC X2, R6] */
  private keeps(record: EraseRecord): boolean {
    const { superseded, signer } = this.ports
    return !superseded.concernsRecord(record) || eraserOf(record) !== deviceIdOf(signer.publicKey)
  }

  /** Offers what was set aside to the check again, after authority changed. */
  async retryAsides(): Promise<void> {
    const asides = await this.ports.storage.scan(prefixRange(asidePrefix(this.name)))
    for (const { key, value } of asides) {
      const verdicts = await this.receive(value, undefined)
      if (verdicts?.every(({ refusal }) => refusal === undefined) === true)
        await this.stored.write([{ kind: "delete", key }])
    }
  }

  /** Removes a draft and keeps it as refused, or forgets it. */
  async dropDraft(hash: BodyHash, refused: Uint8Array | undefined): Promise<void> {
    const gone = await this.change(async () => {
      await this.own.settled()
      const item = this.own.named(hash)
      const gone = item === undefined ? [] : [item]
      const batch = this.own.removals(gone)
      if (refused !== undefined) batch.push({ kind: "put", key: refusedKey(this.name, hash), value: refused })
      if (batch.length > 0) await this.stored.write(batch)
      this.own.removed(gone)
      return gone
    })
    this.changes.emit({ kind: "drafts", added: [], gone })
  }

  async forgetRefused(hash: BodyHash): Promise<void> {
    await this.enqueue(() =>
      this.ports.storage.write([{ kind: "delete", key: refusedKey(this.name, hash) }], { durability: "strict" }),
    )
    // Other tabs show it still, and could write it again.
    this.changes.emit({ kind: "drafts", added: [], gone: [] })
  }

  private commit(summary: DocumentSummary): void {
    this.current = summary
  }

  /** What was appended is durable, and in force: a merge that fails stays due, and the next append asks again. */
  private async mergeIfDue(): Promise<void> {
    if (!this.stored.isMergeDue) return
    try {
      await this.stored.rewrite(Array.from((await this.contents()).values()), this.current)
    } catch {
      // A storage that takes nothing any more says so at the next append.
    }
  }
}

function copySummary(summary: DocumentSummary): DocumentSummary {
  return { ...summary, logs: new Map(summary.logs), records: new Map(summary.records) }
}
