import type { Env, Timer } from "../base/env.js"
import { randomFraction } from "../base/env.js"
import { readStored, WeftError } from "../base/errors.js"
import { createSignal } from "../base/store.js"
import { admitRegister, refusesClock, RegisterSet } from "../authority/register-set.js"
import { ReceiptBook } from "../conversation/receipts.js"
import type { Entry } from "../log/check.js"
import {
  segmentOfReadKey,
  progressKey,
  progressOfKey,
  progressPrefix,
  readKey,
  readPrefix,
  registerKey,
  registerPrefix,
  threadReadKey,
  threadReadPrefix,
} from "../log/keys.js"
import {
  decodeRegister,
  encodeRegisterSaid,
  MAX_REGISTER_SAID_BYTES,
  saidBytes,
  signRegister,
  type HeldLog,
  type ReadThread,
  type RegisterKeys,
  type RegisterSaid,
  type RegisterVector,
  type SignedRegister,
} from "../log/register.js"
import { tick } from "../log/clock.js"
import { claimInThreads, claimOf, describeHeld, restHash, type Segments } from "../log/register-vector.js"
import type { LogSummary } from "../log/summary.js"
import { threadName, type ThreadName } from "../log/thread-name.js"
import type { Signer } from "../log/writer.js"
import { equalBytes } from "../protocol/bytes.js"
import { clockMs, type Clock, type MessageId } from "../protocol/entry.js"
import type { FrameOf } from "../protocol/frame.js"
import {
  clientIdOf,
  deviceOf,
  documentParts,
  segmentDocument,
  type DeviceId,
  type DocumentName,
  type LogId,
  type UserId,
} from "../protocol/names.js"
import { prefixRange, type Storage, type StorageOperation, type WriteOptions } from "../storage/storage.js"
import type { ReplicaConversation } from "./conversation.js"
import { OwnReceipts } from "./own-receipts.js"
import { decodeCounts, decodeProgress, encodeCounts, encodeProgress } from "./register-codec.js"
import { ThreadReads, type Counts } from "./thread-reads.js"

export interface RegistersPorts extends RegisterKeys {
  readonly conversation: ReplicaConversation
  readonly storage: Storage
  readonly env: Env
  readonly signer: Signer
  readonly device: DeviceId
  readonly user: UserId
  readonly now: () => number
  /** The writer's hold on the storage; undefined while another tab is the writer. */
  readonly guard: () => WriteOptions["guard"]
  /** Whether its user lets others know what was read. */
  readonly sharesReads: () => boolean
  /** Whom its user blocked: they are told nothing, and nothing of them is told. */
  readonly blocked: () => ReadonlySet<UserId>
  readonly failed: (error: unknown) => void
}

/** Elements read, of logs by segment. */
export type ReadVector = ReadonlyMap<number, ReadonlyMap<LogId, number>>

/** What came in a moment is told together, and not by all devices at once. */
const WRITE_MS = 1_000
const WRITE_JITTER_MS = 1_000
/** Registers of devices that have no place yet, by the control document. */
const MAX_WAITING = 256

/** The receipt registers of one conversation on a device: others', what they say of own messages, and its own. [SPEC P] */
export class ConversationRegisters {
  /** Receipts of own messages changed, or registers came: with the segments of which those say something new; undefined: all. */
  readonly changes = createSignal<ReadonlySet<number> | undefined>()
  /** This device has something new to say. */
  readonly written = createSignal<SignedRegister>()
  /** Of this user's messages. */
  readonly receipts: OwnReceipts
  readonly #ports: RegistersPorts
  readonly #set: RegisterSet
  readonly #book = new ReceiptBook()
  readonly #queue
  /** What this device's user has read outside of threads: by segment, by client id. */
  readonly #reads = new Map<number, Map<number, number>>()
  readonly #threadReads = new ThreadReads()
  readonly #recent = new Map<string, number>()
  readonly #waiting = new Map<DeviceId, SignedRegister>()
  /** What was read here and is not stored yet, by its key: a storage that failed gets it with what is read next. */
  readonly #owed = new Map<string, StorageOperation>()
  /** What registers said of own messages and is not stored yet, by its key: a storage that failed gets it with what they say next. */
  readonly #said = new Map<string, StorageOperation>()
  /** Segments of which registers said something new that nobody was told of yet. */
  #news = new Set<number>()
  /** Devices whose registers are not understood as a whole yet: they hold something else. */
  readonly #foreign = new Set<DeviceId>()
  /** Logs of this user's that were here when registers were last read for them: by segment and client id. */
  #ownLogs = new Set<string>()
  /** Registers that are about to be read again. */
  #again: "foreign" | "all" | undefined
  /** Since a start nobody looked which registers are not understood. */
  #isNew = false
  #changeCount = 0
  #hasAnswered = false
  #timer: Timer
  #closed = false

  private constructor(ports: RegistersPorts) {
    this.#ports = ports
    this.#queue = ports.conversation.imprint.queue()
    this.#set = new RegisterSet(ports.conversation.id)
    this.receipts = new OwnReceipts(this.#book, ports)
  }

  /** `foreign`: what the ones knew that left; undefined: there were none. */
  static async load(ports: RegistersPorts, foreign?: Iterable<DeviceId>): Promise<ConversationRegisters> {
    const registers = new ConversationRegisters(ports)
    registers.#isNew = foreign === undefined
    for (const device of foreign ?? []) registers.#foreign.add(device)
    await registers.#read()
    ports.conversation.changes.on((change) => {
      if (change.kind === "control") registers.#run(() => registers.#onControl())
      else if (change.kind === "document" && change.change.kind === "accepted") {
        registers.#onAccepted(change.document.name, change.change.entries, change.change.source)
      }
    })
    return registers
  }

  async #read(): Promise<void> {
    const { conversation, storage } = this.#ports
    const [registers, progress, reads, threadReads] = await Promise.all([
      storage.scan(prefixRange(registerPrefix(conversation.id))),
      storage.scan(prefixRange(progressPrefix(conversation.id))),
      storage.scan(prefixRange(readPrefix(conversation.id))),
      storage.scan(prefixRange(threadReadPrefix(conversation.id))),
    ])
    this.#set.become(registers.flatMap(({ value }) => decodeRegister(value) ?? []))
    for (const { key, value } of progress) {
      const { device, segment } = progressOfKey(key)
      this.#book.restore(
        device,
        segment,
        readStored(key, () => decodeProgress(value)),
      )
    }
    for (const { key, value } of reads) {
      const segment = segmentOfReadKey(key)
      const counts = readStored(key, () => decodeCounts(value))
      this.#reads.set(segment, merged(this.#reads.get(segment), counts))
    }
    for (const { key, value } of threadReads) {
      readStored(key, () => {
        this.#threadReads.restore(segmentOfReadKey(key), value)
      })
    }
    this.receipts.review()
  }

  /** Another tab took registers, or read something. */
  async reload(): Promise<void> {
    await this.#queue(() => this.#read())
    this.changes.emit(undefined)
  }

  /** 32 bytes over all registers here; undefined where there are none. */
  get digest(): Uint8Array | undefined {
    return this.#set.digest
  }

  get own(): SignedRegister | undefined {
    return this.#set.get(this.#ports.device)
  }

  /** Whether there is one of a device that has its place by what is known here. */
  holds(device: DeviceId): boolean {
    return this.#set.get(device) !== undefined
  }

  get clocks(): FrameOf<"clocks">["items"] {
    return this.#set.clocks
  }

  /** Those that the other side lacks, or holds older. */
  beyond(held: FrameOf<"clocks">["items"]): Uint8Array[] {
    return this.#set.beyond(held)
  }

  /** Takes registers that a server brought; returns those whose clocks are ahead of the time as it is known here. */
  async take(items: readonly Uint8Array[]): Promise<Uint8Array[]> {
    return this.#queue(() => this.#take(items.flatMap((bytes) => decodeRegister(bytes) ?? [])))
  }

  async #take(registers: readonly SignedRegister[]): Promise<Uint8Array[]> {
    const { conversation, device, now, guard } = this.#ports
    // Whoever is the writer now asks for them itself.
    if (guard() === undefined) return []
    const taken: SignedRegister[] = []
    const ahead: Uint8Array[] = []
    const before = new Map(registers.map((register) => [register.device, this.#set.get(register.device)]))
    for (const register of registers) {
      const code = await this.#set.take(register, conversation.state, now(), this.#ports)
      if (code === undefined) taken.push(register)
      else if (code === "CLOCK_AHEAD" || code === "CLOCK_FAR_AHEAD") ahead.push(register.bytes)
      // Who brought it may know more of authority: of who came back, for example. [SPEC P6]
      else if ((code === "CONTROL_UNKNOWN" || code === "NOT_MEMBER") && this.#waiting.size < MAX_WAITING)
        this.#waiting.set(register.device, register)
    }
    if (taken.length === 0) return ahead
    try {
      await this.#understand(taken)
      // Together: of a register that is held nobody asks again what it said.
      await this.#write([...taken.map((register) => this.#put(register)), ...this.#said.values()])
    } catch (error) {
      // Compared by what is stored: what a full disk did not take is asked for again.
      for (const { device } of taken) this.#set.putBack(device, before.get(device))
      throw error
    }
    this.#said.clear()
    for (const register of taken) if (register.device === device) await this.#adopt(register)
    this.#tellNews()
    return ahead
  }

  /**
   * A clone of this device said it, or this device before its storage was restored: what it says now is to count, and what
   * was read is. It answers once, until there is news: two clones that each say what the other has no room for would go on
   * for ever.
   */
  async #adopt({ read, threads }: SignedRegister): Promise<void> {
    if (read !== undefined) {
      const segments = await this.#segments()
      const claim = claimOf(read, segments)
      const reads = Array.from(segments, ([segment, { logs }]) => {
        const counts = Array.from(logs.keys(), (client) => [client, claim(segment, client) ?? 0] as const)
        return [segment, new Map(counts.filter(([, count]) => count > 0))] as const
      })
      const batch = this.#takeReads(new Map(reads))
      for (const { thread, logs } of threads) {
        const counts = new Map<number, Map<number, number>>()
        for (const { segment, client, count } of logs) {
          counts.set(segment, (counts.get(segment) ?? new Map<number, number>()).set(client, count))
        }
        batch.push(...this.#takeThreadReads(thread, counts, true))
      }
      await this.#keep(batch)
    }
    if (this.#hasAnswered) return
    this.#writeSoon()
    this.#hasAnswered = true
  }

  /** A start that comes before others were told is to tell them. [SPEC S13] */
  async #keep(batch: readonly StorageOperation[]): Promise<void> {
    const { conversation, storage } = this.#ports
    for (const operation of batch) this.#owed.set(operation.key, operation)
    const owed = Array.from(this.#owed.values())
    if (owed.length === 0) return
    await conversation.imprint.change((forget) => storage.write([...owed, ...forget], { durability: "relaxed" }))
    for (const { key } of owed) this.#owed.delete(key)
  }

  /** Writes what changes the digest, as the writer; rejects with STORE_FENCED where another tab is. */
  async #write(batch: readonly StorageOperation[]): Promise<void> {
    const { conversation, storage, guard: held } = this.#ports
    const guard = held()
    if (guard === undefined) throw new WeftError("STORE_FENCED", "another tab is the writer")
    await conversation.imprint.change((forget) =>
      storage.write([...batch, ...forget], { durability: "relaxed", guard }),
    )
  }

  #put(register: SignedRegister): StorageOperation {
    return { kind: "put", key: registerKey(this.#ports.conversation.id, register.device), value: register.bytes }
  }

  #tellNews(): void {
    const news = this.#news
    this.#news = new Set()
    this.changes.emit(news)
  }

  /** Reads what registers say of this user's messages; what is new is to be stored, and told. What is known stays known. [SPEC P8] */
  async #understand(registers: Iterable<SignedRegister>): Promise<void> {
    const { conversation, user } = this.#ports
    const others = Array.from(registers).filter(({ device }) => this.#userOf(device) !== user)
    if (others.length === 0) return
    const segments = await this.#segments()
    const own: HeldLog[] = []
    for (const [segment, { logs }] of segments) {
      for (const { log, client, count } of logs.values()) {
        if (this.#userOf(deviceOf(log)) === user) own.push({ segment, client, count })
      }
    }
    this.#ownLogs = new Set(own.map(({ segment, client }) => `${segment}/${client}`))
    for (const { device, delivered, read, threads, clock } of others) {
      const held = this.#claim(device, delivered, segments)
      const seen = read === undefined ? undefined : this.#claim(device, read, segments)
      if (held.whole && seen?.whole !== false) this.#foreign.delete(device)
      else this.#foreign.add(device)
      const inThreads = claimInThreads(threads)
      for (const { segment, client, count } of own) {
        const said = {
          delivered: held.claim(segment, client) ?? 0,
          read: seen?.claim(segment, client) ?? 0,
          threads: inThreads(segment, client),
          held: count,
        }
        if (!this.#book.note(device, segment, client, said, clockMs(clock))) continue
        this.#news.add(segment)
        const key = progressKey(conversation.id, device, segment)
        this.#said.set(key, { kind: "put", key, value: encodeProgress(this.#book.segmentOf(device, segment)) })
      }
    }
    this.receipts.review(this.#news)
  }

  #claim(device: DeviceId, vector: RegisterVector, segments: Segments) {
    const whole =
      vector.through === 0 ||
      equalBytes(restHash(this.#ports.conversation.id, device, segments, vector.through, vector.logs), vector.rest)
    return { whole, claim: claimOf(vector, whole ? segments : undefined) }
  }

  #isBlocked(log: LogId): boolean {
    const blocked = this.#ports.blocked()
    const user = blocked.size === 0 ? undefined : this.#userOf(deviceOf(log))
    return user !== undefined && blocked.has(user)
  }

  #userOf(device: DeviceId): UserId | undefined {
    const { conversation, device: own, user } = this.#ports
    return device === own ? user : conversation.state.devices.get(device)?.user
  }

  async #segments(): Promise<Segments> {
    const { conversation } = this.#ports
    const segments = new Map<number, Awaited<ReturnType<ReplicaConversation["segment"]>>["summary"]>()
    for (const number of conversation.segmentNumbers) segments.set(number, (await conversation.segment(number)).summary)
    return segments
  }

  async #onControl(): Promise<void> {
    const { conversation, guard } = this.#ports
    this.receipts.review()
    const gone = this.#set.prune(conversation.state)
    // Where another tab is the writer, that one does the same.
    if (gone.length > 0 && guard() !== undefined) {
      await this.#write(gone.map((device) => ({ kind: "delete", key: registerKey(conversation.id, device) })))
    }
    const waiting = Array.from(this.#waiting.values())
    this.#waiting.clear()
    await this.#take(waiting)
    this.#writeSoon()
    this.changes.emit(undefined)
  }

  #onAccepted(document: DocumentName, entries: readonly Entry[], source: unknown): void {
    const parts = documentParts(document)
    if (parts.kind !== "segment") return
    let isNewLog = false
    for (const log of new Set(entries.map((entry) => entry.log))) {
      const name = `${parts.segment}/${clientIdOf(document, log)}`
      this.#recent.set(name, ++this.#changeCount)
      isNewLog ||= this.#userOf(deviceOf(log)) === this.#ports.user && !this.#ownLogs.has(name)
    }
    // What this device writes itself it has no receipt for.
    if (source !== undefined) this.#writeSoon()
    // What another device of this user's wrote may come after the receipts of it.
    if ((isNewLog || this.#isNew) && source !== undefined) this.#understandAgain("all")
    else if (this.#foreign.size > 0) this.#understandAgain("foreign")
  }

  /** Once for all that comes before it is done. */
  #understandAgain(which: "foreign" | "all"): void {
    const isUnderWay = this.#again !== undefined
    if (this.#again !== "all") this.#again = which
    if (isUnderWay) return
    this.#run(async () => {
      const again = this.#again
      this.#again = undefined
      const foreign = Array.from(this.#foreign).flatMap((device) => this.#set.get(device) ?? [])
      await this.#understand(again === "all" ? this.#set.all : foreign)
      if (again === "all") this.#isNew = false
      this.#tellNews()
      if (this.#said.size === 0) return
      await this.#ports.storage.write(Array.from(this.#said.values()), { durability: "relaxed" })
      this.#said.clear()
    })
  }

  /**
   * What this device's user has read, beside what was known: outside of threads, or in the one below `root`; undefined: all
   * that is here. `isOld`: some time ago. Never goes back. [SPEC P7]
   */
  async advanceRead(vector?: ReadVector, root?: MessageId, isOld = false): Promise<void> {
    await this.#queue(async () => {
      const counts = await this.#clientsOf(vector)
      const batch =
        root === undefined ? this.#takeReads(counts) : this.#takeThreadReads(threadName(root), counts, isOld)
      if (batch.length === 0 && this.#owed.size === 0) return
      await this.#keep(batch)
      this.#writeSoon()
    })
  }

  #takeReads(read: Counts): StorageOperation[] {
    return Array.from(read).flatMap(([segment, counts]) => {
      const before = this.#reads.get(segment)
      const after = merged(before, counts)
      if (before !== undefined && Array.from(after).every(([client, count]) => before.get(client) === count)) return []
      this.#reads.set(segment, after)
      return { kind: "put", key: readKey(this.#ports.conversation.id, segment), value: encodeCounts(after) }
    })
  }

  #takeThreadReads(thread: ThreadName, counts: Counts, isOld: boolean): StorageOperation[] {
    return Array.from(this.#threadReads.take(thread, counts, isOld), (segment) => {
      const key = threadReadKey(this.#ports.conversation.id, segment)
      const value = this.#threadReads.encode(segment)
      return value === undefined ? { kind: "delete", key } : { kind: "put", key, value }
    })
  }

  async #clientsOf(vector: ReadVector | undefined): Promise<Map<number, Map<number, number>>> {
    const { conversation } = this.#ports
    const found = new Map<number, Map<number, number>>()
    if (vector === undefined) {
      for (const [segment, { logs }] of await this.#segments()) {
        const seen = Array.from(logs.values()).filter(({ log }) => !this.#isBlocked(log))
        found.set(segment, new Map(seen.map(({ client, count }) => [client, count])))
      }
      return found
    }
    for (const [segment, logs] of vector) {
      const document = segmentDocument(conversation.id, segment)
      found.set(segment, new Map(Array.from(logs, ([log, count]) => [clientIdOf(document, log), count])))
    }
    return found
  }

  /** Other people are blocked now. */
  reviewBlocks(): void {
    this.receipts.review()
    this.#writeSoon()
    this.changes.emit(undefined)
  }

  /** Something that this device says may have changed: what it shares, its clock, who it is. */
  touch(): void {
    this.#writeSoon()
  }

  /** Whether this device has nothing new to say. */
  get isAtRest(): boolean {
    return this.#timer === undefined
  }

  /** Whether some wait for authority, or what some said is to be stored: it is nowhere but in memory. */
  get isWaiting(): boolean {
    return this.#waiting.size + this.#said.size > 0
  }

  /** They go out of memory; returns the devices whose claims were not all understood. */
  leave(): ReadonlySet<DeviceId> {
    this.#closed = true
    return this.#foreign
  }

  #writeSoon(): void {
    this.#hasAnswered = false
    if (this.#timer !== undefined || this.#closed) return
    const { env } = this.#ports
    this.#timer = env.setTimer(WRITE_MS + randomFraction(env) * WRITE_JITTER_MS, () => {
      this.#timer = undefined
      this.#run(async () => {
        try {
          await this.#tell()
        } catch (error) {
          this.#writeSoon()
          throw error
        }
      })
    })
  }

  async #tell(): Promise<void> {
    const { conversation, device, user, signer, now, guard, sharesReads } = this.#ports
    const { state } = conversation
    if (this.#closed || guard() === undefined || admitRegister(state, device) !== undefined) return
    // Who is blocked would hear it, and nobody else.
    const blocked = this.#ports.blocked()
    if (state.direct && Array.from(state.members.keys()).some((member) => blocked.has(member))) return
    const segments = await this.#segments()
    const recent = (segment: number, client: number): number => this.#recent.get(`${segment}/${client}`) ?? 0
    const heldCount = (_segment: number, { log }: LogSummary): number => (this.#isBlocked(log) ? 0 : Infinity)
    const readCount = (segment: number, { log, client }: LogSummary): number => {
      if (this.#isBlocked(log)) return 0
      return this.#userOf(deviceOf(log)) === user ? Infinity : (this.#reads.get(segment)?.get(client) ?? 0)
    }
    const delivered = describeHeld(conversation.id, device, segments, recent, heldCount)
    if (delivered.logs.length === 0) return
    const read = sharesReads() ? describeHeld(conversation.id, device, segments, recent, readCount) : undefined
    // One from before this device's clock was set right is taken by nobody: what it says is said again. [SPEC P3]
    const last = this.own !== undefined && refusesClock(this.own, now()) === undefined ? this.own : undefined
    const threads = read === undefined ? [] : this.#listThreads(segments, { delivered, read })
    const said = { delivered, read, threads }
    if (last !== undefined && equalBytes(saidBytes(last), encodeRegisterSaid(said))) return
    const clock = tick(last?.clock ?? (0 as Clock), now())
    const register = await signRegister(conversation.id, { clock, ...said }, signer)
    await this.#write([this.#put(register)])
    this.#set.restore(register)
    this.written.emit(register)
  }

  /** What is told of threads, in the room that the vectors leave: nothing of logs of blocked people. [SPEC P12] */
  #listThreads(segments: Segments, vectors: Omit<RegisterSaid, "threads">): readonly ReadThread[] {
    const held = (segment: number, client: number): number => {
      const log = segments.get(segment)?.logs.get(client)
      if (log === undefined || this.#isBlocked(log.log)) return 0
      // What this user wrote nobody waits for.
      return this.#userOf(deviceOf(log.log)) === this.#ports.user ? 0 : log.count
    }
    return this.#threadReads.list(held, (threads) => {
      return encodeRegisterSaid({ ...vectors, threads }).length <= MAX_REGISTER_SAID_BYTES
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#ports.env.clearTimer(this.#timer)
    await this.#queue(async () => undefined)
  }

  #run(task: () => Promise<void>): void {
    this.#queue(() => (this.#closed ? Promise.resolve() : task())).catch((error: unknown) => {
      this.#ports.failed(error)
    })
  }
}

function merged(
  before: ReadonlyMap<number, number> | undefined,
  more: ReadonlyMap<number, number>,
): Map<number, number> {
  const after = new Map(before)
  for (const [client, count] of more) after.set(client, Math.max(after.get(client) ?? 0, count))
  return after
}
