import {
  advanceSummary,
  check,
  checkContext,
  checkRecord,
  controlDocument,
  createLedger,
  createQueue,
  decodeRecord,
  decodeUpdate,
  destroyedMessages,
  dueTimes,
  deviceOf,
  headsOf,
  documentParts,
  encodeRecord,
  movesCuts,
  punch,
  readRun,
  recordIdOf,
  recordsOf,
  rightOf,
  runsBeyond,
  strangerBounds,
  unreachable,
  WeftError,
  wireDigest,
  type CheckContext,
  type ControlId,
  type ControlState,
  type Contents,
  type ConversationId,
  type DocumentName,
  type Heads,
  type EraseRecord,
  type Entry,
  type Ledger,
  type LogRun,
  type LogVerdict,
  type MessageId,
  type RefusalCode,
  type RegisterClock,
  type UserId,
} from "@weft/sdk/protocol"
import type { Verifier } from "../auth/verifier.js"
import type { Semaphore } from "../limits/semaphore.js"
import { asideRuns } from "../store/aside.js"
import { isMergeDue, type MergeContext } from "../store/merge.js"
import type { Standing } from "../store/store.js"
import { ActiveDocument, type AppendOptions } from "./active-document.js"
import { createAdmission, type Admission, type AdmissionPorts } from "./admission.js"
import type { Change, Readers } from "./change.js"
import { judgeControl } from "./control-gate.js"
import { cutDocument, retryAsides } from "./cut.js"
import { DamagedDocument, readable } from "./damage.js"
import { digestOf } from "./digest.js"
import { DocumentSet, type DocumentSetPorts } from "./document-set.js"
import { Confirmations, refuseAll, refusalsOf, retryAfter, type Outcome, type RefusedLog } from "./outcome.js"
import { emptySnapshot, type Held, type Snapshot } from "./snapshot.js"
import {
  StoredRegisters,
  type RegisterOutcome,
  type RegistersRead,
  type StoredRegistersPorts,
} from "./stored-registers.js"
import { changedStandings, standingsOf } from "./standings.js"
import { userOf, type Origin, type Source } from "./source.js"
import type { UserIndex } from "./user-index.js"

export interface ConversationPorts
  extends Omit<AdmissionPorts, "exists" | "documentCount">, DocumentSetPorts, StoredRegistersPorts {
  readonly verifier: Verifier
  readonly index: UserIndex
  /** Of those that are loaded or check what comes: a burst in thousands of conversations must not hold thousands of them half done. */
  readonly entering: Semaphore
  /** Lets others have their turn, when this one has gone on for long. */
  breathe(): Promise<void> | undefined
  /** Whether acknowledgements wait for peers: then what was sent again is relayed to them again. */
  readonly awaitsPeers: boolean
  /** Writes a document anew, soon: without what was erased, as one update. */
  merge(document: DocumentName): void
  /** Something was accepted and is durable. */
  relay(change: Change): void
  /** These users are members no more. */
  letOut(conversation: ConversationId, users: readonly UserId[]): void
  /** These users are members since just now, and know nothing of it yet. */
  letIn(conversation: ConversationId, users: readonly UserId[]): void
  /** Nothing of it is under way: it may be released, until it is asked again. */
  rested(conversation: Conversation): void
  /** Its memory no longer agrees with the store: it is to be loaded anew. */
  abandon(conversation: Conversation): void
}

type Phase =
  | { readonly kind: "loading" }
  | { readonly kind: "ready"; readonly ledger: Ledger; readonly control: ActiveDocument }
  | { readonly kind: "closed"; readonly code: RefusalCode }

const MAX_PASSES = 8
const ofClock: ReadonlySet<RefusalCode> = new Set(["CLOCK_AHEAD", "CLOCK_FAR_AHEAD"])
const nobody: Readers = new Set<UserId>()
const nothingHere = (): undefined => undefined
const self: Origin = {}

/** A conversation in use: its authority, its documents' summaries, and the one queue through which everything enters. */
export class Conversation {
  readonly id: ConversationId
  /** When it was last asked for anything. */
  usedAt = 0
  readonly #ports: ConversationPorts
  readonly #queue = createQueue()
  readonly #documents: DocumentSet
  readonly #registers: StoredRegisters
  readonly #formerEntries = new Map<UserId, number>()
  #phase: Phase = { kind: "loading" }
  #controlEntries = 0
  #released = false
  /** Tasks in the queue, appends on their way, merges. */
  #pending = 0
  readonly #waiting: (() => void)[] = []

  /** `ready`: when an earlier one of this name has let go of the store. */
  constructor(id: ConversationId, ports: ConversationPorts, ready: Promise<void>) {
    this.id = id
    this.#ports = ports
    this.#documents = new DocumentSet(ports, async (document) => {
      await this.#align(document)
      if (document.summary.records.size > 0) this.#later(document.name, () => this.#destroyDue(document))
    })
    this.#registers = new StoredRegisters(id, ports, (written) => {
      this.#afterwards(written)
    })
    this.#enqueue(async () => {
      await ready
      await ports.entering.run(() => this.#load())
    }).catch(() => undefined)
  }

  get isIdle(): boolean {
    return this.#pending === 0
  }

  get isEmpty(): boolean {
    return this.#phase.kind !== "ready" || this.#phase.control.isEmpty
  }

  get documentCount(): number {
    return this.#documents.size
  }

  /** Number of entries that say who may do what: what loading it again costs. */
  get controlEntries(): number {
    return this.#controlEntries
  }

  /** Whether it knows of entries that former members brought: the store does not tell them from others. */
  get countsFormer(): boolean {
    return this.#formerEntries.size > 0
  }

  /** Another object may stand for this conversation from now on: what is still held of this one must not write. */
  release(): void {
    this.#released = true
  }

  /** Resolves when nothing of it is under way, to the store least of all. */
  settled(): Promise<void> {
    return this.isIdle ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** What the source asks to store. Resolves after the check; `durable` of the outcome after the fsync. */
  submit(source: Source, document: DocumentName, update: Uint8Array): Promise<Outcome> {
    return this.#guarded(
      () =>
        documentParts(document).kind === "control"
          ? this.#submitControl(source, update)
          : this.#submitSegment(source, document, update),
      update,
    )
  }

  /** Erase records that come by themselves. */
  submitRecords(source: Source, document: DocumentName, encoded: readonly Uint8Array[]): Promise<Outcome> {
    return this.#guarded(() => this.#submitRecords(source, document, encoded))
  }

  /** What a reader lacks beyond what it has. `user` undefined: a peer. `onSnapshot` is called when all that follows will be relayed. */
  read(user: UserId | undefined, document: DocumentName, held: Held, onSnapshot: () => void): Promise<Snapshot> {
    const nothing = (refusal: RefusalCode): Snapshot => {
      onSnapshot()
      return emptySnapshot(document, refusal)
    }
    return this.#reading(nothing, async () => {
      if (!this.#mayRead(user, document)) {
        const own = await this.#ownHeads(user, document)
        return own === undefined ? nothing("FORBIDDEN") : { ...nothing("FORBIDDEN"), heads: own, asks: true }
      }
      const active = await this.#documents.open(document)
      if (active === undefined) return nothing("QUARANTINED")
      await active.durable
      const { summary } = active
      const heads = headsOf(summary)
      const lacks = heads.logs.some(({ log, count }) => (held.logs.get(log) ?? 0) < count)
      const contents = lacks ? await this.#unlessDamaged(() => active.contents()) : new Map<number, LogRun>()
      if (contents === undefined) return nothing("QUARANTINED")
      const beyond = runsBeyond(contents, held.logs)
      onSnapshot()
      return {
        records: Array.from(summary.records).flatMap(([id, record]) =>
          held.records.has(id) ? [] : [encodeRecord(record)],
        ),
        runs: this.#withoutDestroyed(active, beyond).runs,
        digest: wireDigest(digestOf(summary)),
        heads,
        refusal: undefined,
        asks: true,
      }
    })
  }

  /** Of one who was a member: what was written before leaving may not be here yet. */
  async #ownHeads(user: UserId | undefined, name: DocumentName): Promise<Heads | undefined> {
    if (user === undefined || !this.#state.everMembers.has(user)) return undefined
    const document = await this.#documents.open(name)
    if (document === undefined) return undefined
    await document.durable
    const { logs } = headsOf(document.summary)
    return { logs: logs.filter(({ log }) => this.#state.claimedUser(deviceOf(log)) === user), records: [] }
  }

  /** Registers that a source brings. [SPEC P6] */
  submitRegisters(source: Source, items: readonly Uint8Array[]): Promise<RegisterOutcome> {
    const refuse = (code: RefusalCode): RegisterOutcome => {
      this.#ports.metrics.registerRefusals.inc({ code })
      return { refused: [{ device: undefined, code, retryAfterMs: 0 }], durable: Promise.resolve() }
    }
    return this.#reading(refuse, async () => {
      await this.#ports.breathe()
      const state = this.#state
      const user = userOf(source)
      if (user !== undefined && !state.members.has(user)) return refuse("FORBIDDEN")
      return this.#registers.submit(source, state, items)
    })
  }

  /** Registers beyond what a member or a peer has, and which ones are here; or why they can't be read now. */
  readRegisters(user: UserId | undefined, held: readonly RegisterClock[]): Promise<RegistersRead> {
    const nothing = (refusal?: RefusalCode): RegistersRead => ({ refusal, registers: [], clocks: [] })
    return this.#reading(nothing, async () => {
      const state = this.#state
      if (user !== undefined && !state.members.has(user)) return nothing()
      const registers = await this.#registers.beyond(state, held)
      return { refusal: undefined, registers, clocks: await this.#registers.clocks(state) }
    })
  }

  /** Who may read all of it. */
  members(): Promise<Readers> {
    return this.#reading(
      () => nobody,
      async () => this.#state.members,
    )
  }

  /** What is held of a document here: to ask a peer for the rest. */
  heads(document: DocumentName): Promise<Heads | undefined> {
    return this.#reading(nothingHere, async () => {
      const active = await this.#documents.open(document)
      return active && headsOf(active.summary)
    })
  }

  /** Whether a user may read and write here, as far as the control document says. */
  standing(user: UserId): Promise<Standing | undefined> {
    return this.#reading(nothingHere, async () => {
      const state = this.#state
      return state.members.has(user) ? "member" : state.everMembers.has(user) ? "former" : undefined
    })
  }

  /** For an index that is made anew. Rejects where the store does not read. */
  standings(): Promise<readonly (readonly [UserId, Standing])[]> {
    return this.#reading(
      (code) => {
        if (code !== "QUARANTINED") throw new WeftError("STORE_FAILED", "a conversation could not be read")
        return []
      },
      async () => standingsOf(this.#state),
    )
  }

  /**
   * Runs what reads. `failed` answers for a conversation that is closed, or closes meanwhile, as a failing store makes it at
   * any time; and where the store itself does not read, or does not write what a document needs before it is read.
   */
  #reading<T>(failed: (code: RefusalCode) => T, task: () => Promise<T>): Promise<T> {
    return this.#enqueue(async () => {
      try {
        if (this.#closedBy() === undefined) return await task()
      } catch (error) {
        if (this.#closedBy() === undefined) return failed(this.#failedRead(error))
      }
      return failed(this.#closedBy() ?? "INTERNAL")
    })
  }

  /** Rethrows what is no failure of the store. */
  #failedRead(error: unknown): RefusalCode {
    if (this.#quarantines(error)) return "QUARANTINED"
    if (!(error instanceof WeftError)) throw error
    const { metrics, log } = this.#ports
    metrics.storeErrors.inc()
    log.error({ err: error, conversation: this.id }, "a conversation could not be read")
    return "STORAGE_FAILED"
  }

  #closedBy(): RefusalCode | undefined {
    return this.#phase.kind === "closed" ? this.#phase.code : undefined
  }

  async #enqueue<T>(task: () => Promise<T>): Promise<T> {
    // Another object may write by now. One that is closed refuses by itself.
    if (this.#released && this.#phase.kind !== "closed") throw new TypeError("the conversation has left memory")
    const done = this.#hold()
    try {
      return await this.#queue(task)
    } finally {
      done()
    }
  }

  /** It stays in memory until the returned function is called. */
  #hold(): () => void {
    this.#pending++
    let held = true
    return () => {
      if (!held) return
      held = false
      this.#pending--
      if (!this.isIdle) return
      for (const resolve of this.#waiting.splice(0)) resolve()
      this.#ports.rested(this)
    }
  }

  /** Runs what changes something; a failure in it leaves nothing half done in memory. */
  #guarded(task: () => Promise<Outcome>, update?: Uint8Array): Promise<Outcome> {
    return this.#enqueue(async () => {
      const { entering } = this.#ports
      await entering.enter()
      try {
        const closed = this.#closedBy()
        if (closed !== undefined) return refuseAll(closed, update)
        await this.#ports.breathe()
        return await task()
      } catch (error) {
        // Before anything was changed: those who change more than one document look after each of them.
        if (this.#quarantines(error)) return refuseAll("QUARANTINED", update)
        const closed = this.#closedBy()
        if (closed !== undefined) return refuseAll(closed, update)
        this.#close(error)
        return refuseAll(error instanceof WeftError ? "STORAGE_FAILED" : "INTERNAL", update)
      } finally {
        entering.leave()
      }
    })
  }

  async #load(): Promise<void> {
    const { store, verifier, log } = this.#ports
    const name = controlDocument(this.id)
    if (this.#documents.isQuarantined(name)) {
      this.#phase = { kind: "closed", code: "QUARANTINED" }
      this.#ports.abandon(this)
      return
    }
    try {
      const control = await ActiveDocument.load(name, store)
      const ledger = createLedger(this.id, {
        verify: async (...proof) => verifier.verify(...proof),
        refusesKey: (key) => verifier.refusesKey(key),
      })
      const entries = Array.from((await control.contents()).values()).flatMap((run) => readRun(run))
      this.#controlEntries = entries.length
      await ledger.add(entries)
      this.#documents.keep(control)
      this.#phase = { kind: "ready", ledger, control }
    } catch (error) {
      if (this.#quarantines(error)) return
      log.error({ err: error, document: name }, "a control document can't be read")
      this.#phase = { kind: "closed", code: "STORAGE_FAILED" }
      this.#ports.abandon(this)
    }
  }

  #context(
    document: ActiveDocument,
    admission?: Admission,
    refuse?: (entry: Entry) => RefusalCode | undefined,
  ): CheckContext {
    const { verifier } = this.#ports
    const recent = document.recent.reader()
    let contents: ReturnType<ActiveDocument["contents"]> | undefined
    return checkContext(document.summary, this.#state, {
      held: async (log, client, from, end) =>
        recent(log, client, from, end) ?? (await (contents ??= document.contents())).get(client),
      verify: (...proof) => verifier.verify(...proof),
      refusesKey: (key) => verifier.refusesKey(key),
      breathe: () => this.#ports.breathe(),
      admission: (entry) => refuse?.(entry) ?? admission?.admit(entry),
    })
  }

  get #state(): ControlState {
    if (this.#phase.kind !== "ready") throw new TypeError("the conversation is not loaded")
    return this.#phase.ledger.state
  }

  #mayRead(user: UserId | undefined, document: DocumentName): boolean {
    if (user === undefined) return true
    const { members } = this.#state
    return members.has(user) || (documentParts(document).kind === "control" && this.#state.wasLetIn(user))
  }

  async #admission(source: Source, document: ActiveDocument): Promise<Admission> {
    const digests = await this.#ports.digests.of(this.id)
    return createAdmission(source, document.summary, {
      ...this.#ports,
      now: () => this.#ports.now(),
      documentCount: digests.count,
      exists: (name) => digests.has(name) || this.#documents.get(name)?.isEmpty === false,
    })
  }

  async #submitSegment(source: Source, name: DocumentName, update: Uint8Array): Promise<Outcome> {
    const user = userOf(source)
    // Of former members too: what they had written within their cuts may come yet, what lies beyond is refused.
    if (user !== undefined && !this.#state.wasLetIn(user)) return refuseAll("FORBIDDEN", update)
    const document = await this.#documents.open(name)
    if (document === undefined) return refuseAll("QUARANTINED", update)
    const admission = await this.#admission(source, document)
    const context = this.#context(document, admission)
    const verdicts = await check(update, {
      ...context,
      admitRecord: (record) => context.admitRecord(record) ?? this.#refusesBare(user, record),
    })
    if (verdicts === undefined) return refuseAll("MALFORMED")
    const repeated = await this.#repeated(document, update, verdicts)
    await this.#ports.breathe()
    return this.#take(source, document, verdicts, admission, this.#state.members, repeated)
  }

  async #submitControl(source: Source, update: Uint8Array): Promise<Outcome> {
    if (this.#phase.kind !== "ready") throw new TypeError("the conversation is not loaded")
    const { ledger, control } = this.#phase
    const before = ledger.state
    const voids = new Map<ControlId, RefusalCode>()
    for (let pass = 0; pass < MAX_PASSES; pass++) {
      const admission = await this.#admission(source, control)
      const refuse = ({ control: id }: Entry) => (id === undefined ? undefined : voids.get(id))
      const verdicts = await check(update, this.#context(control, admission, refuse))
      if (verdicts === undefined) return refuseAll("MALFORMED")
      const entries = verdicts.flatMap((verdict) => verdict.entries)
      const next = await ledger.preview(entries)
      const judgement = judgeControl(source, before, next, entries, this.#ports.now())
      switch (judgement.kind) {
        case "refused":
          // A stranger whose join was void: of that alone the reason is told.
          if (voids.size > 0 && entries.length === 0) return this.#take(source, control, verdicts, admission, nobody)
          // Of a clock or a rate, too: it is told the same of what exists and of what does not.
          if (entries.length === 0 && verdicts.some((verdict) => isOfServer(source, verdict)))
            return this.#take(source, control, verdicts, admission, nobody)
          return refuseAll(judgement.code, update)
        case "void":
          for (const [id, code] of judgement.entries) voids.set(id, code)
          continue
        case "admitted": {
          const over = await this.#controlQuota(source, before, entries.length)
          if (over !== undefined) return refuseAll(over, update, control.summary)
          // Before the entries themselves: an index that names too much is corrected by the control state.
          const opener = before.created === undefined ? userOf(source) : undefined
          await this.#ports.index.set(this.id, changedStandings(before, next, "member"), opener)
          const repeated = await this.#repeated(control, update, verdicts)
          const outcome = this.#take(source, control, verdicts, admission, before.everMembers, repeated)
          if (entries.length > 0) await this.#govern(ledger, before, entries, outcome)
          return outcome
        }
        default:
          return unreachable(judgement)
      }
    }
    return refuseAll("RATE_LIMITED", update, control.summary)
  }

  async #controlQuota(source: Source, before: ControlState, entries: number): Promise<RefusalCode | undefined> {
    const { limits, index } = this.#ports
    const user = userOf(source)
    if (user === undefined || entries === 0) return undefined
    if (this.#controlEntries + entries > limits.controlEntries) return "QUOTA_EXCEEDED"
    if (before.created === undefined) {
      // Not those that others added the user to: strangers may, to any number.
      return (await index.countOpened(user)) >= limits.conversationsPerUser ? "QUOTA_EXCEEDED" : undefined
    }
    if (before.members.has(user)) return undefined
    const brought = (this.#formerEntries.get(user) ?? 0) + entries
    if (brought > limits.formerMemberEntries) return "QUOTA_EXCEEDED"
    this.#formerEntries.set(user, brought)
    return undefined
  }

  /** Takes accepted control entries into the authority, and draws the consequences. */
  async #govern(ledger: Ledger, before: ControlState, entries: readonly Entry[], outcome: Outcome): Promise<void> {
    this.#controlEntries += entries.length
    await ledger.add(entries)
    const { state } = ledger
    const added = Array.from(state.members.keys()).filter((user) => !before.members.has(user))
    const changes = changedStandings(before, state, "former")
    this.#afterwards(
      outcome.durable.then(async () => {
        this.#ports.letIn(this.id, added)
        this.#ports.letOut(
          this.id,
          changes.map(([user]) => user),
        )
        await this.#indexFormer(changes.map(([user]) => user))
      }),
    )
    if (changes.length > 0 || movesCuts(before, state)) await this.#registers.enforce(state)
    if (movesCuts(before, state)) await this.#enforce()
  }

  /** In the queue: who was added again meanwhile was written as a member before, and is one still. */
  #indexFormer(users: readonly UserId[]): Promise<void> {
    return this.#queue(async () => {
      // Closed meanwhile: the index names too much, and the control state corrects it.
      if (this.#phase.kind !== "ready") return
      const { members } = this.#state
      const former = users.filter((user) => !members.has(user))
      await this.#ports.index.set(
        this.id,
        former.map((user) => [user, "former"]),
      )
    })
  }

  /** Books, stores and relays what the check accepted. */
  #take(
    source: Source,
    document: ActiveDocument,
    verdicts: readonly LogVerdict[],
    admission: Admission,
    readers: Readers,
    repeated: readonly LogRun[] = [],
  ): Outcome {
    const refused = refusalsOf(verdicts)
    const entries = verdicts.flatMap((verdict) => verdict.entries)
    const rateMs = admission.settle(entries)
    const copies = new Confirmations()
    if (entries.length > 0) {
      this.#documents.keep(document)
      advanceSummary(document.summary, verdicts)
      const accepted = verdicts.flatMap((verdict) => verdict.run ?? [])
      const { runs } = this.#withoutDestroyed(document, accepted)
      const records = new Map(
        verdicts.flatMap((verdict) => verdict.records.map((record) => [recordIdOf(record), record])),
      )
      const erases = records.size > 0
      // What is left let a hole in while its own log did not pass: it stands in no update, so nothing would replay it.
      for (const record of recordsOf(entries)) records.delete(recordIdOf(record))
      const bare = Array.from(records.values())
      this.#write(document, { runs, erases, covers: bare.length > 0 }, () => {
        this.#ports.metrics.entries.inc(entries.length)
        this.#ports.relay({
          document: document.name,
          runs,
          records: bare,
          holes: [],
          readers,
          origin: source.origin,
          copies,
        })
      })
      if (erases || isMergeDue(document)) this.#ports.merge(document.name)
    } else if (repeated.length > 0) {
      this.#afterwards(
        document.durable.then(() => {
          this.#relay({ document: document.name, runs: repeated, readers: nobody, origin: source.origin, copies })
        }),
      )
    }
    const isRelayed = entries.length > 0 || repeated.length > 0
    return {
      refused,
      retryAfterMs: retryAfter(refused, rateMs),
      durable: document.durable,
      copies: isRelayed ? copies : undefined,
    }
  }

  async #submitRecords(source: Source, name: DocumentName, encoded: readonly Uint8Array[]): Promise<Outcome> {
    const user = userOf(source)
    // Also of former members: authors keep the right to erase what they wrote. [SPEC A13]
    if (user !== undefined && !this.#state.everMembers.has(user)) return refuseAll("FORBIDDEN")
    if (documentParts(name).kind === "control") return refuseAll("WRONG_CLASS")
    const document = await this.#documents.open(name)
    if (document === undefined) return refuseAll("QUARANTINED")
    const { verifier, limits } = this.#ports
    const refused: RefusedLog[] = []
    const taken: EraseRecord[] = []
    for (const bytes of encoded) {
      await this.#ports.breathe()
      const record = decodeRecord(bytes)
      if (record !== undefined && document.summary.records.has(recordIdOf(record))) continue
      const full = user !== undefined && document.summary.records.size >= limits.documentRecords
      const code =
        record === undefined
          ? "MALFORMED"
          : full
            ? "QUOTA_EXCEEDED"
            : ((await checkRecord(document.summary, this.#state, record, {
                verify: (...proof) => verifier.verify(...proof),
                refusesKey: (key) => verifier.refusesKey(key),
              })) ?? this.#refusesBare(user, record))
      if (record === undefined || code !== undefined) {
        refused.push({ log: new Uint8Array(), code: code ?? "MALFORMED", at: 0 })
        continue
      }
      document.summary.records.set(recordIdOf(record), record)
      taken.push(record)
    }
    if (taken.length > 0) {
      const readers = this.#state.members
      this.#documents.keep(document)
      this.#write(document, { runs: [], erases: true, covers: true }, () => {
        const copies = new Confirmations()
        this.#relay({ document: name, records: taken, readers, origin: source.origin, copies })
      })
      this.#ports.merge(name)
    }
    // No peer acknowledges records.
    return { refused, retryAfterMs: retryAfter(refused, 0), durable: document.durable, copies: undefined }
  }

  /** Of a record without its entry: nobody who was removed goes on erasing with an old past. [SPEC A13] */
  #refusesBare(user: UserId | undefined, record: EraseRecord): RefusalCode | undefined {
    if (user === undefined || this.#state.members.has(user)) return undefined
    return rightOf(this.#state, record) === "author" ? undefined : "PAST_CUT"
  }

  /** What an update brings again: its author waits for copies, and only peers know whether they have them. */
  async #repeated(
    document: ActiveDocument,
    update: Uint8Array,
    verdicts: readonly LogVerdict[],
  ): Promise<readonly LogRun[]> {
    if (!this.#ports.awaitsPeers) return []
    const held = new Set(verdicts.filter(({ run, refusal }) => !run && !refusal).map(({ client }) => client))
    if (held.size === 0) return []
    const contents = await document.contents()
    return (decodeUpdate(update, strangerBounds) ?? []).flatMap(({ client, from, elements }) => {
      const run = held.has(client) ? contents.get(client) : undefined
      return run === undefined ? [] : [{ ...run, from, elements: run.elements.slice(from, from + elements.length) }]
    })
  }

  #relay(change: Partial<Change> & Pick<Change, "document" | "readers" | "origin" | "copies">): void {
    this.#ports.relay({ runs: [], records: [], holes: [], ...change })
  }

  /** Appends what the summary covers already; `onDurable` runs after the fsync, in the order of the appends. */
  #write(
    document: ActiveDocument,
    { runs, ...how }: { readonly runs: readonly LogRun[] } & AppendOptions,
    onDurable: () => void,
  ): void {
    const { digests, metrics } = this.#ports
    const observe = metrics.appendSeconds.startTimer()
    const { durable, digest } = document.append(runs, how)
    this.#afterwards(
      durable.then(() => {
        observe()
        digests.set(document.name, digest)
        onDurable()
      }),
    )
  }

  /** Work behind the answer. If it fails, memory and store may disagree. */
  #afterwards(work: Promise<void>): void {
    const done = this.#hold()
    work
      .catch((error: unknown) => {
        if (!this.#quarantines(error)) this.#close(error)
      })
      .finally(done)
      .catch(() => undefined)
  }

  /** Work on a document behind everything that waits. */
  #later(name: DocumentName, task: () => Promise<void>): void {
    this.#afterwards(
      this.#queue(async () => {
        if (this.#phase.kind === "ready" && this.#documents.get(name) !== undefined) await task()
      }),
    )
  }

  #withoutDestroyed(document: ActiveDocument, runs: readonly LogRun[]): { runs: LogRun[]; punched: number } {
    if (document.summary.records.size === 0) return { runs: runs.slice(), punched: 0 }
    const destroyed = destroyedMessages(document.summary, this.#state, this.#ports.now())
    return punch(runs, (message) => destroyed.has(message))
  }

  /** What a merge of a document is to know; undefined: it can't be merged now. It stays in memory until the merge ends. */
  async mergeContext(name: DocumentName): Promise<MergeContext | undefined> {
    const end = this.#hold()
    try {
      const context = await this.#reading(nothingHere, () => this.#contextOfMerge(name, end))
      if (context === undefined) end()
      return context
    } catch (error) {
      end()
      throw error
    }
  }

  async #contextOfMerge(name: DocumentName, end: () => void): Promise<MergeContext | undefined> {
    const document = await this.#documents.open(name)
    if (document === undefined || document.isEmpty) return undefined
    // What was appended before an erasure was known, and is not stored yet, would keep the erased text behind the merge.
    await document.durable
    const destroyed = destroyedMessages(document.summary, this.#state, this.#ports.now())
    return {
      isErased: (message) => destroyed.has(message),
      describe: (contents) => {
        if (this.#phase.kind !== "ready" || this.#released)
          throw new WeftError("STORE_CLOSED", "the document has left memory")
        if (destroyed.size > 0) this.#tellHoles(name, contents, destroyed)
        return { ...document.describe(), nextErasure: this.#nextErasure(document, destroyed) }
      },
      end,
    }
  }

  /** When something is to be destroyed next, where these are: at once, where an erasure became known since. */
  #nextErasure({ summary }: ActiveDocument, destroyed: ReadonlySet<MessageId>): number {
    const [state, now] = [this.#state, this.#ports.now()]
    for (const message of destroyedMessages(summary, state, now)) if (!destroyed.has(message)) return 0
    return Math.min(Infinity, ...dueTimes(summary, state).filter((due) => due > now))
  }

  /** So many updates fewer are stored. */
  merged(name: DocumentName, fewer: number): void {
    this.#documents.get(name)?.merged(fewer)
  }

  /** Stock carriers know no records: they hear of the bodies that are gone. */
  #tellHoles(name: DocumentName, contents: Contents, destroyed: ReadonlySet<MessageId>): void {
    const { runs } = punch(contents.values(), (message) => destroyed.has(message))
    const holes = runs.flatMap((run) =>
      run.elements.flatMap((element, from) => (element === null ? [{ ...run, from, elements: [null] }] : [])),
    )
    const { members: readers } = this.#state
    this.#relay({ document: name, holes, readers, origin: self, copies: new Confirmations() })
  }

  /** A moderator's erasure that came due while nobody looked. [SPEC X3] */
  async #destroyDue(document: ActiveDocument): Promise<void> {
    const asides = await this.#ports.store.asides(document.name)
    const stored = Array.from((await document.contents()).values())
    const aside = await readable(document.name, async () =>
      asides.flatMap(({ name, update }) => asideRuns(name, update)),
    )
    const runs = stored.concat(aside)
    if (this.#withoutDestroyed(document, runs).punched > 0) this.#ports.merge(document.name)
  }

  /** Brings the segments in line with the present authority. [SPEC A11] */
  async #enforce(): Promise<void> {
    // Also those that a cut emptied, which have no digest; and those whose first entries are on their way to the disk.
    const names = new Set([...(await this.#ports.store.documents(this.id)), ...this.#documents.names])
    for (const name of names) {
      const document = this.#documents.get(name)
      // Whatever is opened is brought in line by that.
      if (document === undefined) await this.#documents.open(name)
      else await this.#unlessDamaged(() => this.#align(document))
    }
  }

  /** Cuts a segment, and takes back what may stand again of that which earlier cuts took out. */
  async #align(document: ActiveDocument): Promise<void> {
    if (documentParts(document.name).kind === "control") return
    await this.#cut(document)
    await this.#retryAsides(document)
  }

  async #retryAsides(document: ActiveDocument): Promise<void> {
    await retryAsides(document.name, this.#ports.store, async (update) => {
      const source: Source = { kind: "self", origin: self }
      const admission = await this.#admission(source, document)
      const verdicts = await check(update, this.#context(document, admission))
      if (verdicts === undefined) return false
      await this.#take(source, document, verdicts, admission, this.#state.members).durable
      return verdicts.every(({ refusal }) => refusal === undefined)
    })
  }

  async #cut(document: ActiveDocument): Promise<void> {
    if (!movesCuts(undefined, this.#state)) return
    const context = this.#context(document)
    const cut = await cutDocument(document, this.#ports.store, (log, firstSeen) => context.cutOf(log, firstSeen))
    if (cut === 0) return
    this.#ports.metrics.cutRuns.inc(cut)
    this.#ports.digests.set(document.name, document.isEmpty ? undefined : digestOf(document.summary))
  }

  /** What turned out while a document was merged. */
  quarantine(name: DocumentName, cause: unknown): Promise<void> {
    return this.#enqueue(async () => {
      this.#quarantines(new DamagedDocument(name, cause))
    })
  }

  /** What reading a document gives; undefined where its bytes are wrong, and it is left alone from now on. */
  async #unlessDamaged<T>(read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read()
    } catch (error) {
      if (!this.#quarantines(error)) throw error
      return undefined
    }
  }

  /** Leaves alone what can't be read, and without its control document the conversation. False: that is not what is wrong. */
  #quarantines(error: unknown): boolean {
    if (!(error instanceof DamagedDocument)) return false
    this.#documents.quarantine(error.document, error)
    if (documentParts(error.document).kind === "control" && this.#phase.kind !== "closed") {
      this.#phase = { kind: "closed", code: "QUARANTINED" }
      this.#ports.abandon(this)
    }
    return true
  }

  #close(error: unknown): void {
    if (this.#phase.kind === "closed") return
    const { metrics, log } = this.#ports
    const storage = error instanceof WeftError
    ;(storage ? metrics.storeErrors : metrics.errors).inc()
    log.error({ err: error, conversation: this.id }, "a conversation is dropped from memory")
    this.#phase = { kind: "closed", code: storage ? "STORAGE_FAILED" : "INTERNAL" }
    this.#ports.abandon(this)
  }
}

/** What this server says by its clock or its rates. Of what others wrote no rate: what is held does not count, and would show. */
function isOfServer(source: Source, { log, refusal }: LogVerdict): boolean {
  if (refusal === undefined) return false
  if (ofClock.has(refusal.code)) return true
  return (
    refusal.code === "RATE_LIMITED" && source.kind === "device" && log !== undefined && deviceOf(log) === source.device
  )
}
