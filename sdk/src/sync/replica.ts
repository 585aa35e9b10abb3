import type { Env } from "../base/env.js"
import { isDamage, WeftError, type ErrorCode } from "../base/errors.js"
import { createSignal, createStore, type Subscribable } from "../base/store.js"
import { encodeControl } from "../authority/control.js"
import type { InitialMember } from "../authority/fields.js"
import { TIME_LIMIT_MS } from "../log/clock.js"
import { draftHash } from "../log/draft.js"
import { catchUpPrefix, draftKey, regroundPrefix } from "../log/keys.js"
import { equalBytes } from "../protocol/bytes.js"
import { rootDigestOf, type DocumentSummary } from "../log/summary.js"
import type { SignedRegister } from "../log/register.js"
import type { Signer } from "../log/writer.js"
import type { Verify } from "../identity/verify.js"
import { MAX_CLOCK_AHEAD_MS, SEGMENT_MESSAGES } from "../protocol/limits.js"
import { BODY_SALT_BYTES } from "../protocol/entry.js"
import {
  conversationIdOf,
  conversationOf,
  deviceIdOf,
  parseConversationId,
  type ConversationId,
  type DeviceId,
  type DocumentName,
  type UserId,
} from "../protocol/names.js"
import { prefixRange, type Storage, type StorageOperation } from "../storage/storage.js"
import { Compactor } from "./compactor.js"
import { ReplicaConversation, type ConversationChange, type ConversationRun } from "./conversation.js"
import type { ReplicaDocument } from "./document.js"
import { HealthKeeper, type StorageHealth } from "./health-keeper.js"
import { firstDue, type Imprint } from "./imprint.js"
import type { ImprintKeeper } from "./imprint-keeper.js"
import { shortVersion } from "./segment-version.js"
import { ConversationRegisters } from "./registers.js"
import { Sealer } from "./sealer.js"
import {
  nothingStored,
  storedConversations,
  storedDrafts,
  storedWithImprints,
  type StoredConversation,
} from "./stored-conversations.js"
import { Sweeper } from "./sweeper.js"
import { WantedSegments } from "./wanted-segments.js"
import { WriterGuard, type Guard } from "./writer-guard.js"

export interface ReplicaPorts {
  readonly storage: Storage
  readonly env: Env
  readonly user: UserId
  readonly signer: Signer
  readonly verify: Verify
  readonly refusesKey: (publicKey: Uint8Array) => boolean
  /** Messages after which this device opens the next segment: fewer than by default in simulations. [SPEC R3] */
  readonly segmentMessages?: number
}

export interface ReplicaChange {
  readonly conversation: ReplicaConversation
  readonly change: ConversationChange
}

/** What a conversation's registers say changed: `own` where this device has something new to say. */
export interface RegisterChange {
  readonly conversation: ConversationId
  readonly own: SignedRegister | undefined
}

export interface ConversationDigest {
  readonly conversation: ConversationId
  readonly digest: Uint8Array
  /** What was read of it, or its imprint. */
  readonly of: readonly DocumentSummary[] | Imprint
}

/** A clock that differs from the server's by more is set right. */
export const TOLERATED_SKEW_MS = MAX_CLOCK_AHEAD_MS / 2

/** All conversations of one device. It knows no network: carriers take what it accepted, and bring what others wrote. */
export class Replica {
  readonly changes = createSignal<ReplicaChange>()
  /** A conversation was read. */
  readonly reads = createSignal<ReplicaConversation>()
  /** What is stored of a conversation is another now. */
  readonly stores = createSignal<ConversationId>()
  readonly conversations = createStore<ReadonlyMap<ConversationId, ReplicaConversation>>(new Map())
  readonly registerChanges = createSignal<RegisterChange>()
  /** Segments that are away and wanted back. */
  readonly wanted = new WantedSegments()
  /** Documents that somebody begins to show in this tab. */
  readonly shows = createSignal<DocumentName>()
  /** Whether others may know what was read here. [SPEC P7] */
  readonly sharesReads = createStore(true)
  private blocked: ReadonlySet<UserId> = new Set()
  /** Whether this tab or process is the writer: it alone seals, receives and merges. */
  readonly writing = createStore(false)
  /** What is added to this device's clock, milliseconds; undefined before a server said its time. [SPEC W4] */
  readonly skew = createStore<number | undefined>(undefined)
  readonly device: DeviceId
  private readonly guard: WriterGuard
  private readonly healthKeeper: HealthKeeper
  private readonly sealer: Sealer
  private readonly sweeper: Sweeper
  /** What the storage held when this opened, of conversations that nobody asked for yet. */
  private readonly stored = new Map<ConversationId, StoredConversation>()
  private readonly loading = new Map<ConversationId, Promise<ReplicaConversation>>()
  /**
   * Conversations of which nothing is here: nobody is shown them, and they are in memory while what arrived for them is
   * looked at. [SPEC S15]
   */
  private readonly strangers = new Map<ConversationId, ReplicaConversation>()
  /** How many have something to do with a conversation at this moment: it stays in memory meanwhile. */
  private readonly uses = new Map<ConversationId, number>()
  /** What this run of the writer knows of conversations that left memory. */
  private readonly runs = new Map<ConversationId, Run>()
  readonly compactor: Compactor
  private readonly registers = new Map<ConversationId, ConversationRegisters>()
  private told: Uint8Array | undefined
  private measured: number | undefined
  /** Whether `stored` is what the storage holds under this tab's guard. */
  private isCaughtUp = false
  private closed = false
  private readonly stay: (() => void) | undefined

  private constructor(readonly ports: ReplicaPorts) {
    this.device = deviceIdOf(ports.signer.publicKey)
    const { storage, env } = ports
    const report = (error: unknown): void => {
      this.report(error)
    }
    this.stay = storage.leaveBehind?.(() => this.unsaved())
    this.compactor = new Compactor({ storage, env, report })
    this.guard = new WriterGuard(storage, env)
    this.healthKeeper = new HealthKeeper({
      ...{ storage, env },
      fenced: () => {
        this.dropGuard()
      },
      retry: (code) => this.retry(code),
    })
    this.sealer = new Sealer({
      health: this.healthKeeper,
      isWriter: () => this.guard.held !== undefined,
      conversation: (id) => this.conversations.get().get(id),
      want: (name) => {
        this.wanted.want(name)
      },
    })
    this.sweeper = new Sweeper({
      report,
      isWriting: () => this.isAtWork,
      swept: ({ id }) => {
        this.stores.emit(id)
      },
    })
  }

  /**
   * Reads which conversations the storage holds. Each is read when it is asked for; before this tab writes, all whose
   * imprints do not say that there is nothing to do.
   */
  static async open(ports: ReplicaPorts): Promise<Replica> {
    const replica = new Replica(ports)
    for (const [id, stored] of await storedConversations(ports.storage)) replica.stored.set(id, stored)
    return replica
  }

  /** Looks again, where another tab is the writer, what the storage holds: also of what was read. [SPEC W3] */
  async look(): Promise<void> {
    const found = await storedWithImprints(this.ports.storage)
    // Whoever took over meanwhile looked by itself, and later.
    if (this.guard.held !== undefined) return
    this.take(found)
    for (const id of this.here) await this.withReadable(id, (conversation) => this.refresh(conversation, found.get(id)))
  }

  /** Takes in what another tab wrote into a conversation that was read, and did not tell this one. */
  private async refresh(conversation: ReplicaConversation, { segments } = nothingStored): Promise<void> {
    await this.registersOf(conversation).reload()
    await conversation.refresh(segments)
  }

  private take(found: ReadonlyMap<ConversationId, StoredConversation>): void {
    for (const [id, stored] of found) if (!this.isHere(id)) this.stored.set(id, stored)
  }

  /** How the storage is doing. */
  get health(): Subscribable<StorageHealth> {
    return this.healthKeeper.health
  }

  /** The imprint of a conversation that was not read and need not be. */
  imprintOf(id: ConversationId): Imprint | undefined {
    const stored = this.stored.get(id)
    return stored !== undefined && this.isAtRest(stored) ? stored.imprint : undefined
  }

  /** Whether a start has nothing to do with a conversation but to compare it. [SPEC S13] */
  private isAtRest({ imprint, waits }: StoredConversation): boolean {
    if (imprint === undefined || waits || !equalBytes(imprint.tells, this.tells)) return false
    return firstDue(imprint) > this.ports.env.now()
  }

  /** The stored imprint's of a conversation that was read; undefined where there is none. */
  stampOf(id: ConversationId): string | undefined {
    return this.conversations.get().get(id)?.imprint.stamp
  }

  /** Whether nothing is under way in a conversation that was read, and all of it is in line, sealed and told. */
  mayImprint(id: ConversationId): boolean {
    const conversation = this.conversations.get().get(id)
    return conversation?.isAtRest === true && this.registers.get(id)?.isAtRest === true
  }

  /** Reads what its imprint would lack. */
  async prepareImprint(id: ConversationId): Promise<void> {
    await this.conversations.get().get(id)?.prepareImprint()
  }

  /** The imprint of a conversation as it is now, to be stored at once; undefined where something is under way or lacks. */
  storeImprint(id: ConversationId, stamp: string): ReturnType<ImprintKeeper["store"]> | undefined {
    const conversation = this.conversations.get().get(id)
    const documents = this.mayImprint(id) ? conversation?.imprintDocuments() : undefined
    if (conversation === undefined || documents === undefined || documents.size === 0) return undefined
    const named = Array.from(documents, ([name, { digest }]) => ({ name, digest }))
    const digest = rootDigestOf(id, named, this.registers.get(id)?.digest)
    return conversation.imprint.store({ stamp, digest, tells: this.tells, documents })
  }

  private get tells(): Uint8Array {
    this.told ??= shortVersion(JSON.stringify([this.sharesReads.get(), Array.from(this.blocked).sort()]))
    return this.told
  }

  private isHere(id: ConversationId): boolean {
    return this.conversations.get().has(id) || this.loading.has(id)
  }

  /** Those that were read, or are about to be. */
  private get here(): Set<ConversationId> {
    return new Set([...this.conversations.get().keys(), ...this.loading.keys()])
  }

  /** Conversations that are here, read or not. */
  get ids(): ConversationId[] {
    return Array.from(new Set([...this.conversations.get().keys(), ...this.stored.keys()]))
  }

  /** Whether something waits in a conversation that nobody asked for yet. */
  hasStoredDrafts(id: ConversationId): boolean {
    return this.stored.get(id)?.waits === true
  }

  /** Documents of which the storage holds drafts that are not known here: another tab wrote them. */
  async untoldDrafts(): Promise<DocumentName[]> {
    const stored = await storedDrafts(this.ports.storage)
    return Array.from(stored).flatMap(([name, keys]) => {
      const conversation = this.conversations.get().get(conversationOf(name))
      const document = conversation?.loadedDocuments.find((loaded) => loaded.name === name)
      const known = new Set(document?.drafts.map((draft) => draftKey(name, draft.clock, draftHash(draft))))
      return keys.every((key) => known.has(key)) ? [] : [name]
    })
  }

  /** Numbers of a conversation's segments, read or not. */
  segmentsOf(id: ConversationId): readonly number[] {
    return this.conversations.get().get(id)?.segmentNumbers ?? this.stored.get(id)?.segments ?? []
  }

  private async load(id: ConversationId, stored: StoredConversation = nothingStored): Promise<ReplicaConversation> {
    const { storage, env, signer, verify, refusesKey, user } = this.ports
    const { segments, withDrafts } = stored
    const { tells } = this
    // What another tab may write, or wrote, is not known before this one takes over.
    const guard = this.isCaughtUp ? this.guard.held : undefined
    const run = this.runs.get(id)
    const conversation = await ReplicaConversation.load(
      id,
      {
        storage,
        env,
        signer,
        verify,
        refusesKey,
        compactor: this.compactor,
        user,
        device: this.device,
        now: () => this.now(),
        guard: () => this.guard.held,
        wake: (document) => {
          this.sealer.wake(document)
        },
        changed: () => {
          this.stores.emit(id)
        },
        report: (error) => {
          this.report(error)
        },
        wanted: this.wanted,
        shown: (name) => {
          this.shows.emit(name)
        },
        segmentMessages: this.ports.segmentMessages ?? SEGMENT_MESSAGES,
      },
      segments,
      withDrafts,
      run?.conversation,
    )
    conversation.changes.on((change) => {
      if (this.strangers.has(id)) {
        if (conversation.isEmpty) return
        this.show(conversation)
      }
      this.changes.emit({ conversation, change })
    })
    const registers = await this.loadRegisters(conversation, run?.foreign)
    this.registers.set(id, registers)
    // Whoever changed that meanwhile did not find it.
    if (tells !== this.tells) registers.reviewBlocks()
    if (guard !== undefined && guard === this.guard.held) {
      conversation.imprint.adopt(stored.imprint)
      // Whatever is due, it was in line.
      if (stored.imprint !== undefined && !stored.waits) conversation.beInLine()
    } else conversation.endSessions()
    this.runs.delete(id)
    this.strangers.set(id, conversation)
    if (this.stored.has(id) || !conversation.isEmpty || registers.digest !== undefined) this.show(conversation)
    return conversation
  }

  /** It is one of this device's from now on. */
  private show(conversation: ReplicaConversation): void {
    const { id } = conversation
    if (!this.strangers.delete(id)) return
    this.stored.delete(id)
    this.conversations.set(new Map(this.conversations.get()).set(id, conversation))
    this.reads.emit(conversation)
  }

  private async loadRegisters(
    conversation: ReplicaConversation,
    foreign: Run["foreign"] | undefined,
  ): Promise<ConversationRegisters> {
    const { storage, env, signer, verify, refusesKey, user } = this.ports
    const { id } = conversation
    const registers = await ConversationRegisters.load(
      {
        ...{ conversation, storage, env, signer, verify, refusesKey, user, device: this.device },
        now: () => this.now(),
        guard: () => this.guard.held,
        sharesReads: () => this.sharesReads.get(),
        blocked: () => this.blocked,
        failed: (error) => {
          this.report(error)
        },
      },
      foreign,
    )
    registers.changes.on(() => {
      this.registerChanges.emit({ conversation: id, own: undefined })
    })
    registers.written.on((own) => {
      this.registerChanges.emit({ conversation: id, own })
    })
    return registers
  }

  /** The receipt registers of a conversation that is here. */
  registersOf(conversation: ReplicaConversation): ConversationRegisters {
    const registers = this.registers.get(conversation.id)
    if (registers === undefined) throw new TypeError("a conversation is loaded with its registers")
    return registers
  }

  /** Whether others may know what is read here, from now on; what they were told they know. */
  shareReads(shares: boolean): void {
    if (shares === this.sharesReads.get()) return
    this.sharesReads.set(shares)
    for (const registers of this.registers.values()) registers.touch()
    this.tellOthers()
  }

  /** What is told is another now: also in conversations that were not read. */
  private tellOthers(): void {
    this.told = undefined
    if (!this.isCaughtUp) return
    const reading = this.readRestless().catch((error: unknown) => {
      this.report(error)
    })
    this.sweeper.beginAfter(reading)
  }

  /** These people are told nothing from now on, and nothing is told of them. [SPEC P12] */
  setBlocked(users: ReadonlySet<UserId>): void {
    if (users === this.blocked) return
    this.blocked = users
    for (const registers of this.registers.values()) registers.reviewBlocks()
    this.tellOthers()
  }

  /** Whether anything of a conversation may be here, or somebody asked for it. */
  knows(id: ConversationId): boolean {
    return this.isHere(id) || this.stored.has(id)
  }

  /** The conversation, if anything of it may be here. */
  async known(id: ConversationId): Promise<ReplicaConversation | undefined> {
    return this.knows(id) ? this.using(id, async (conversation) => conversation) : undefined
  }

  /** The conversation, read from the storage or empty, to stay in memory. */
  async conversation(id: ConversationId): Promise<ReplicaConversation> {
    const present = this.conversations.get().get(id)
    if (present !== undefined) return present
    return this.using(id, async (conversation) => {
      this.show(conversation)
      return conversation
    })
  }

  /** The same, where what arrives for it decides whether it is one. */
  private async reach(id: ConversationId): Promise<ReplicaConversation> {
    const present = this.conversations.get().get(id) ?? this.strangers.get(id)
    if (present !== undefined) return present
    const loading =
      this.loading.get(id) ??
      this.load(id, this.stored.get(id)).finally(() => {
        this.loading.delete(id)
      })
    this.loading.set(id, loading)
    return loading
  }

  /** Does something with a conversation, which stays in memory until that has ended. */
  async using<T>(id: ConversationId, task: (conversation: ReplicaConversation) => Promise<T>): Promise<T> {
    this.uses.set(id, (this.uses.get(id) ?? 0) + 1)
    try {
      return await task(await this.reach(id))
    } finally {
      const left = (this.uses.get(id) ?? 1) - 1
      if (left > 0) this.uses.set(id, left)
      else {
        this.uses.delete(id)
        this.forgetStrange(id)
      }
    }
  }

  /** What was named to this device, and of which nothing came, leaves memory. [SPEC S15] */
  private forgetStrange(id: ConversationId): void {
    this.conversations.get().get(id)?.forgetEmptySegments()
    const stranger = this.strangers.get(id)
    if (stranger === undefined) return
    this.strangers.delete(id)
    stranger.leave()
    this.registers.get(id)?.leave()
    this.registers.delete(id)
  }

  /**
   * Whether a conversation can go out of memory. At the writer all that a start would ask of it is in its imprint; in other
   * tabs nothing of it is in memory alone, and what becomes of it they are told. [SPEC S13, U14]
   */
  mayRelease(id: ConversationId): boolean {
    const conversation = this.conversations.get().get(id)
    const registers = this.registers.get(id)
    if (conversation === undefined || registers?.isAtRest !== true || registers.isWaiting) return false
    if (this.uses.has(id) || this.sweeper.awaits(conversation)) return false
    if (conversation.loadedDocuments.some((document) => this.sealer.isAt(document))) return false
    if (this.guard.isWanted)
      return this.writing.get() && this.mayImprint(id) && conversation.imprint.stamp !== undefined
    return conversation.isQuiet
  }

  /** These go out of memory, if all of them can; they are read again when somebody asks. False where one can't. */
  release(ids: readonly ConversationId[]): boolean {
    if (!ids.every((id) => this.mayRelease(id))) return false
    const rest = new Map(this.conversations.get())
    for (const id of ids) {
      const conversation = rest.get(id)
      const registers = this.registers.get(id)
      if (conversation === undefined || registers === undefined) continue
      const { knownSegments: segments, imprint } = conversation
      this.stored.set(id, { ...nothingStored, segments, imprint: imprint.stored })
      this.runs.set(id, { conversation: conversation.leave(), foreign: registers.leave() })
      this.registers.delete(id)
      rest.delete(id)
    }
    this.conversations.set(rest)
    return true
  }

  /** Opens a conversation with this user as its owner; `direct`: with one other, for good. Durable, or in memory with a failing `health`, when it resolves. */
  async create(
    title: string,
    members: readonly InitialMember[],
    trust: readonly Uint8Array[],
    direct = false,
  ): Promise<ReplicaConversation> {
    const { env, user } = this.ports
    const action = { kind: "create", user, title, trust, members, ...(direct && { direct: true as const }) } as const
    const body = encodeControl(action, env.randomBytes(BODY_SALT_BYTES))
    const conversation = await this.conversation(conversationIdOf(this.device, body))
    await conversation.create(body)
    return conversation
  }

  /** The wall clock, set right by what a server said of it. */
  now(): number {
    return this.ports.env.now() + (this.skew.get() ?? 0)
  }

  /** By how much this device's clock was ahead of a server's when one last said its time, milliseconds. */
  get measuredSkewMs(): number | undefined {
    return this.measured
  }

  /** Takes a server's time; drafts get clocks that fit it before they are sealed. Small differences are left alone: clocks would jump with every round trip. Rejects with RangeError where no clock can be set to it. */
  async setTime(serverMs: number): Promise<void> {
    if (serverMs >= TIME_LIMIT_MS) throw new RangeError("no server's clock says that")
    const skew = serverMs - this.ports.env.now()
    this.measured = -skew
    this.skew.set(Math.abs(skew) > TOLERATED_SKEW_MS ? skew : 0)
    for (const conversation of this.conversations.get().values()) await conversation.correctClocks()
  }

  /** The same, as the tab heard it that is the writer: what waits is that one's to correct. */
  followTime(skewMs: number): void {
    if (this.writing.get()) return
    this.skew.set(skewMs)
    for (const conversation of this.conversations.get().values()) conversation.followTime()
  }

  /** Makes this tab the writer: from now on writes under an older guard fail. [SPEC W3] */
  async becomeWriter(): Promise<void> {
    this.guard.setWanted(true)
    try {
      await this.takeGuard()
    } catch (error) {
      // A full disk, for example: what is there can be read, and the next try follows.
      this.report(error)
    }
  }

  private async takeGuard(): Promise<void> {
    const guard = await this.guard.take()
    if (guard === undefined) return
    this.healthKeeper.beOk()
    this.endSessions()
    try {
      await this.catchUp()
    } catch (error) {
      // The next try begins anew: who has not read that is no writer.
      if (this.guard.held === guard) this.dropGuard()
      throw error
    }
    // Another tab took over meanwhile, or this one did once more.
    if (this.guard.held !== guard) return
    this.writing.set(true)
    await this.compactor.resume()
    await this.wakeAll()
    this.sweeper.begin()
  }

  /** Takes in what the writer before wrote and did not live to tell, and reads what a start has to do with. */
  private async catchUp(): Promise<void> {
    const { storage } = this.ports
    const found = await storedWithImprints(this.ports.storage)
    await this.attempt(() => this.forgetCatchUps(found))
    this.take(found)
    this.isCaughtUp = true
    for (const id of this.here) {
      await this.withReadable(id, async (conversation) => {
        const stored = found.get(id) ?? nothingStored
        if (this.strangers.has(id)) return
        conversation.imprint.adopt(stored.imprint)
        await this.refresh(conversation, stored)
        if (this.isAtRest(stored) && conversation.controlDocument.drafts.length === 0) conversation.beInLine()
        else this.sweeper.add(conversation)
      })
    }
    await this.readRestless()
    for (const key of await storage.keys(prefixRange(regroundPrefix))) {
      const id = parseConversationId(key.slice(regroundPrefix.length))
      if (id !== undefined) await this.withReadable(id, (conversation) => conversation.resumeReground())
    }
  }

  /** Of conversations of which nothing else is stored: earlier versions noted whatever a server named. [SPEC S15] */
  private async forgetCatchUps(stored: ReadonlyMap<ConversationId, StoredConversation>): Promise<void> {
    const { storage } = this.ports
    const gone = (await storage.keys(prefixRange(catchUpPrefix))).flatMap((key): StorageOperation[] => {
      const id = parseConversationId(key.slice(catchUpPrefix.length))
      return id === undefined || stored.has(id) ? [] : [{ kind: "delete", key }]
    })
    if (gone.length === 0) return
    const guard = this.guard.held
    await storage.write(gone, { durability: "relaxed", ...(guard && { guard }) })
  }

  /** One that is damaged is told, and keeps nobody from the others. [SPEC U13] */
  private async withReadable(
    id: ConversationId,
    task: (conversation: ReplicaConversation) => Promise<void>,
  ): Promise<void> {
    try {
      await this.using(id, task)
    } catch (error) {
      if (!isDamage(error)) throw error
      this.report(error)
    }
  }

  /** Reads conversations with which the writer has something to do. */
  private async readRestless(): Promise<void> {
    for (const [id, stored] of Array.from(this.stored)) {
      if (!this.isAtWork) return
      if (this.isHere(id) || this.isAtRest(stored)) continue
      await this.withReadable(id, async (conversation) => {
        this.sweeper.add(conversation)
        // What only the writer does about it is to do now.
        conversation.changes.emit({ kind: "control" })
      })
    }
  }

  /** Whether what only the writer does is to go on. */
  private get isAtWork(): boolean {
    return !this.closed && this.guard.held !== undefined
  }

  /** Another tab is the writer. What is under way fails with STORE_FENCED and stays a draft. */
  loseWriter(): void {
    this.guard.setWanted(false)
    this.dropGuard()
    // That it could not write is the writer's concern now; should this one write again, other things may fail.
    this.healthKeeper.beOk()
    this.healthKeeper.forgetRetry()
    // What was written meanwhile is in memory alone: it was to be sealed at once.
    this.wakeAll().catch((error: unknown) => {
      this.report(error)
    })
  }

  private dropGuard(): void {
    this.guard.drop()
    this.isCaughtUp = false
    this.writing.set(false)
    this.endSessions()
    for (const conversation of this.conversations.get().values()) conversation.imprint.release()
  }

  private endSessions(): void {
    this.runs.clear()
    for (const conversation of this.conversations.get().values()) conversation.endSessions()
  }

  /** A carrier came or went. While there is one, drafts are sealed as soon as they are written. */
  setCarrier(carrier: unknown, present: boolean): void {
    this.sealer.setCarrier(carrier, present)
  }

  /** With which the writer's merges and seals are written; undefined in other tabs. */
  get writeGuard(): Guard | undefined {
    return this.guard.held
  }

  async wakeAll(): Promise<void> {
    for (const conversation of this.conversations.get().values()) {
      for (const document of await conversation.waiting()) this.sealer.wake(document)
      this.enforce(conversation)
      for (const document of conversation.loadedDocuments) if (document.holdsErased) this.destroy(document)
    }
  }

  /** What a storage that failed had kept where it was. [SPEC A11] */
  private enforce(conversation: ReplicaConversation): void {
    if (this.guard.held === undefined || conversation.isInLine) return
    conversation.resumeEnforcing().catch((error: unknown) => {
      this.report(error)
    })
  }

  /** What a storage that failed had kept. [SPEC X3] */
  private destroy(document: ReplicaDocument): void {
    if (this.guard.held === undefined) return
    document.destroyDue().catch((error: unknown) => {
      this.report(error)
    })
  }

  /** What fails in one conversation keeps nobody from the others: it is reported. */
  async attempt(task: () => Promise<unknown>): Promise<void> {
    try {
      await task()
    } catch (error) {
      this.report(error)
    }
  }

  /** Takes a storage failure: says so, and tries again later. Losing the writer's guard is no failure. */
  report(error: unknown): void {
    this.healthKeeper.report(error)
  }

  private async retry(code: ErrorCode): Promise<void> {
    if (this.closed) return
    if (!this.guard.isWanted || this.guard.held !== undefined) {
      await this.healthKeeper.probe(code)
      await this.wakeAll()
    } else if (code !== "STORE_FENCED") await this.takeGuard()
    else {
      // Nobody took over, and yet the guard is gone: the site's data were cleared under this page.
      this.healthKeeper.failed(new WeftError("STORE_CORRUPT", "this device's storage was cleared; reload the page"))
    }
  }

  /** Conversations with their digests: what a carrier compares; of those that were not read, what their imprints say. */
  async digests(): Promise<ConversationDigest[]> {
    const digests: ConversationDigest[] = []
    for (const id of this.ids) {
      const imprint = this.isHere(id) || !this.isCaughtUp ? undefined : this.stored.get(id)?.imprint
      if (imprint !== undefined) {
        digests.push({ conversation: id, digest: imprint.digest, of: imprint })
        continue
      }
      await this.withReadable(id, async (conversation) => {
        const documents = await conversation.digests()
        if (documents.length === 0) return
        digests.push({
          conversation: id,
          digest: rootDigestOf(id, documents, this.registers.get(id)?.digest),
          of: documents.flatMap(({ summary }) => summary ?? []),
        })
      })
    }
    return digests
  }

  document(name: DocumentName): Promise<{ conversation: ReplicaConversation; document: ReplicaDocument }> {
    return this.using(conversationOf(name), async (conversation) => {
      return { conversation, document: await conversation.document(name) }
    })
  }

  /** The document, if anything of it may be here. */
  async knownDocument(name: DocumentName): Promise<ReplicaDocument | undefined> {
    const conversation = await this.known(conversationOf(name))
    return conversation?.hasDocument(name) === true ? conversation.document(name) : undefined
  }

  async close(): Promise<void> {
    this.closed = true
    this.healthKeeper.close()
    await this.sealer.close()
    await this.sweeper.idle()
    for (const registers of this.registers.values()) await registers.close()
    for (const conversation of this.conversations.get().values()) {
      try {
        // what was written while another write was under way
        await conversation.save()
      } catch (error) {
        // Nobody is there to try again; what was not saved was never reported as saved.
        this.report(error)
      }
      await conversation.idle()
    }
    await this.compactor.close()
    this.stay?.()
  }

  /** What makes all that was written here durable. */
  private unsaved(): StorageOperation[] {
    const conversations = Array.from(this.conversations.get().values())
    return conversations.flatMap(({ loadedDocuments }) => loadedDocuments.flatMap(({ unsaved }) => unsaved))
  }
}

/** What a run of the writer knows of a conversation beside what is stored of it. */
interface Run {
  readonly conversation: ConversationRun
  /** Devices whose registers say something of what is not here. */
  readonly foreign: ReadonlySet<DeviceId>
}
