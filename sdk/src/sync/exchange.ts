import { equalBytes } from "../protocol/bytes.js"
import { isTransient, type RefusalCode } from "../protocol/codes.js"
import {
  DIGEST_PAGE,
  MAX_FRAME_UPDATE_BYTES,
  RECORDS_PER_FRAME,
  refusedLog,
  wireDigest,
  type Frame,
  type FrameOf,
} from "../protocol/frame.js"
import { base64url, hex } from "../protocol/bytes.js"
import type { Env, Timer } from "../base/env.js"
import { isDamage } from "../base/errors.js"
import { createQueue } from "../base/queue.js"
import { decodeRecord, encodeRecord, type EraseRecord, type RecordId } from "../log/erasure.js"
import { digestOf, emptySummary, headsOf, type DocumentSummary } from "../log/summary.js"
import { encodeUpdate, joinUpdates, splitRuns, type LogRun } from "../log/update.js"
import {
  clientIdOf,
  conversationOf,
  deviceOf,
  documentParts,
  type ConversationId,
  type DocumentName,
  type LogId,
} from "../protocol/names.js"
import { AccountExchange } from "./account-exchange.js"
import type { AccountReplica } from "./account-replica.js"
import type { Acks } from "./acks.js"
import type { Imprint } from "./imprint.js"
import { RegisterExchange } from "./register-exchange.js"
import type { ReplicaConversation } from "./conversation.js"
import type { ReplicaDocument } from "./document.js"
import type { Retention } from "./retention.js"
import { Rewriting, type RefusedLog, type RefusedLogs } from "./rewriting.js"
import { ReturningSegment } from "./returning-segment.js"
import { SegmentAway } from "./segment-away.js"
import type { Replica, ReplicaChange } from "./replica.js"

export interface ExchangePorts {
  readonly replica: Replica
  readonly account: AccountReplica
  readonly acks: Acks
  readonly env: Env
  /** By default everything stays. */
  readonly retention?: Retention | undefined
  /** The server's name in the acks: its URL. */
  readonly server: string
  /** Whether its store is another than it was: what it had acknowledged is not known any more. */
  readonly isRenewed: boolean
  send(frame: Frame): void
  /** Resolves when the connection has room for more. */
  drained(): Promise<void>
  /** Resolves when the server has said what time it is, and the replica knows. */
  askTime(): Promise<void>
  /** Something that `synced` depends on changed. */
  changed(): void
  failed(error: unknown): void
}

/** Updates that wait for their acknowledgement, at most; more are sent as those come. */
const MAX_UNACKNOWLEDGED = 256
/** Updates that came right behind one another are checked and stored together, up to so many bytes. */
const MAX_JOINED_BYTES = 512 * 1024
/** Vectors that wait for `served`, at most. */
const MAX_VECTORS = 16
const FIRST_RETRY_MS = 500
const LAST_RETRY_MS = 60_000
/** Refusals after which writing the same again in a new log can help. [SPEC R1] */
const rewritable: ReadonlySet<RefusalCode> = new Set(["FORK", "BAD_SEAL", "CLOCK_FAR_AHEAD", "CLIENT_ID_TAKEN"])

/** Refusals that a control entry lifts which the server does not have yet. [SPEC R5] */
const ofAuthority: ReadonlySet<RefusalCode> = new Set(["NOT_MEMBER", "PAST_CUT", "ROLE_TOO_LOW"])

/** Refusals of clocks that are ahead of the server's. [SPEC R2] */
const ofClock: ReadonlySet<RefusalCode> = new Set(["CLOCK_AHEAD", "CLOCK_FAR_AHEAD"])

/** Brings the replica and one server to the same contents, over one live connection, and keeps them there. [SPEC S4-S7] */
export class Exchange {
  private readonly inbound = createQueue()
  /** The last frame that came in, where it is an update that still waits: more of the same document join it. */
  private arrived: { readonly document: DocumentName; readonly updates: Uint8Array[]; bytes: number } | undefined
  private readonly outbound = createQueue()
  /** Updates under way: own positions that their acknowledgement covers. */
  private readonly unacknowledged = new Map<number, { document: DocumentName; counts: ReadonlyMap<LogId, number> }>()
  private readonly roomWaiters: (() => void)[] = []
  private readonly vectors = new Set<DocumentName>()
  private readonly vectorQueue = new Set<DocumentName>()
  /** Documents whose segments wait until their control document was served. */
  private readonly behindControl = new Map<ConversationId, Set<DocumentName>>()
  private readonly retries = new Map<DocumentName, Timer>()
  /** Those of conversations that no server lets this user into, or this device, yet or ever. */
  private readonly knocking = new Set<DocumentName>()
  private readonly retryMs = new Map<DocumentName, number>()
  private readonly unwanted = new Set<string>()
  /** Documents of which something was refused, or nothing told, because the server lags behind in authority. */
  private readonly lagging = new Set<DocumentName>()
  /** Segments that come back. */
  private readonly returning = new Map<DocumentName, ReturningSegment>()
  /** Those that are to go, if the server holds the same. */
  private readonly leaving = new Set<DocumentName>()
  /** What the control document was when something in a segment was last found to rest on more than that. */
  private readonly lackedBy = new Map<DocumentName, string>()
  private readonly registers: RegisterExchange
  private readonly rewriting: Rewriting
  private readonly stops: (() => void)[]
  private readonly account: AccountExchange
  private differing = new Set<ConversationId>()
  /** Those of which the server has messages, and this device none, until their authority is here. */
  private readonly newcomers = new Set<ConversationId>()
  /** What the digests that were sent are of: what is sealed since then is on its way by itself. */
  private offered = new Map<ConversationId, readonly DocumentSummary[]>()
  /** Those that were not read when that was. */
  private readonly unread = new Map<ConversationId, Imprint>()
  private compared = false
  private nextId = 1
  private ended = false

  constructor(private readonly ports: ExchangePorts) {
    this.account = new AccountExchange({ ...ports, nextId: () => this.nextId++ })
    this.registers = new RegisterExchange(ports)
    this.rewriting = new Rewriting(ports.env, (name, logs) => {
      this.rewrite(name, logs)
    })
    this.stops = [
      ports.replica.changes.on((change) => {
        this.onChange(change)
      }),
      ports.replica.reads.on((conversation) => {
        this.onRead(conversation)
      }),
      ports.replica.wanted.asked.on((name) => {
        this.bringBack(name)
      }),
    ]
  }

  /** Whether both sides were compared and nothing is under way, but for what waits to be let in. */
  get synced(): boolean {
    return (
      this.account.synced &&
      this.compared &&
      this.unacknowledged.size === 0 &&
      this.vectors.size === 0 &&
      this.vectorQueue.size === 0 &&
      this.behindControl.size === 0 &&
      this.rewriting.isIdle &&
      Array.from(this.retries.keys()).every((name) => this.knocking.has(name))
    )
  }

  /** Sends what this device holds, as digests. */
  async start(): Promise<void> {
    this.account.start()
    const digests = await this.ports.replica.digests()
    for (const { conversation, of } of digests) {
      if ("stamp" in of) this.unread.set(conversation, of)
      else this.offered.set(conversation, of)
    }
    for (let at = 0; at === 0 || at < digests.length; at += DIGEST_PAGE) {
      const items = digests
        .slice(at, at + DIGEST_PAGE)
        .map(({ conversation, digest }) => ({ conversation, digest: wireDigest(digest) }))
      this.ports.send({ kind: "digests", last: at + DIGEST_PAGE >= digests.length, items })
    }
  }

  end(): void {
    this.ended = true
    this.ports.replica.wanted.setReachable(false)
    this.ports.retention?.end()
    for (const stop of this.stops) stop()
    this.account.end()
    this.registers.end()
    this.rewriting.end()
    for (const timer of this.retries.values()) this.ports.env.clearTimer(timer)
    this.retries.clear()
    for (const resolve of this.roomWaiters.splice(0)) resolve()
  }

  /** Takes a frame of the server's; one after another, in their order. */
  take(frame: Frame): void {
    if (frame.kind === "update") this.takeUpdate(frame)
    else {
      this.arrived = undefined
      this.work(() => this.handle(frame))
    }
  }

  private takeUpdate({ document, update }: FrameOf<"update">): void {
    const { arrived } = this
    if (arrived?.document === document && arrived.bytes + update.length <= MAX_JOINED_BYTES) {
      arrived.updates.push(update)
      arrived.bytes += update.length
      return
    }
    const waiting = { document, updates: [update], bytes: update.length }
    this.arrived = waiting
    this.work(async () => {
      if (this.arrived === waiting) this.arrived = undefined
      const joined = waiting.updates.length === 1 ? undefined : joinUpdates(waiting.updates)
      await this.ports.replica.using(conversationOf(document), async () => {
        for (const bytes of joined === undefined ? waiting.updates : [joined]) await this.receive(document, bytes)
      })
    })
  }

  private work(task: () => Promise<void>): void {
    const run = async (): Promise<void> => {
      if (this.ended) return
      await task()
      this.ports.changed()
    }
    this.inbound(run).catch((error: unknown) => {
      this.failed(error)
    })
  }

  /** What is damaged here is told, and keeps no other conversation from being in sync. [SPEC U13] */
  private failed(error: unknown): void {
    if (isDamage(error)) this.ports.replica.report(error)
    else this.ports.failed(error)
  }

  private async handle(frame: Frame): Promise<void> {
    if (this.account.take(frame)) {
      this.ports.changed()
      return
    }
    const { replica } = this.ports
    const conversation = conversationOfFrame(frame)
    // Nothing is read of what was only named. [SPEC S15]
    const isStrange = "conversation" in frame && !replica.knows(frame.conversation)
    if (conversation === undefined || isStrange) await this.answerTo(frame)
    else await replica.using(conversation, () => this.answerTo(frame))
  }

  private async answerTo(frame: Frame): Promise<void> {
    switch (frame.kind) {
      case "documents":
        await this.compare(frame)
        break
      case "compared":
        this.settleEqual()
        break
      case "vector":
        await this.answer(frame)
        break
      case "served":
        await this.served(frame)
        break
      case "records":
        await this.receiveRecords(frame)
        break
      case "ack":
        this.acknowledged(frame.id)
        break
      case "reject":
        await this.rejected(frame)
        break
      case "registers":
      case "clocks":
      case "declined":
        await this.registers.take(frame)
        break
      default:
        // Frames of the greeting are the session's; the rest only devices send.
        break
    }
  }

  /** A conversation differs, or this device was just let into it: fetch and send what is different, authority first. */
  private async compare(frame: FrameOf<"documents">): Promise<void> {
    const { conversation: id, items } = frame
    const { replica } = this.ports
    this.differing.add(id)
    // Nothing is read, or kept, of what was only named. [SPEC S15]
    const conversation = await replica.known(id)
    const mine = new Map((await conversation?.digests())?.map((item) => [item.name, item]))
    const hasMessages = (names: Iterable<DocumentName>): boolean =>
      Array.from(names).some((name) => segmentNumber(name) > 0)
    if (hasMessages(items.map(({ document }) => document)) && !hasMessages(mine.keys())) this.newcomers.add(id)
    if (conversation !== undefined) await this.beginCatchUp(conversation)
    const theirs = new Map(items.map(({ document, digest }) => [document, digest]))
    const names = new Set([...mine.keys(), ...theirs.keys()])
    const different: DocumentName[] = []
    for (const name of names) {
      const own = mine.get(name)
      const other = theirs.get(name)
      if (own !== undefined && other !== undefined && equalBytes(wireDigest(own.digest), other)) {
        // What was acknowledged of a document that was not read is known, where this is the server of before.
        if (own.summary !== undefined) this.holdsAll(own.summary)
        else if (this.ports.isRenewed) this.holdsAll((await replica.document(name)).document.summary)
      } else different.push(name)
    }
    const control = different.find((name) => documentParts(name).kind === "control")
    // Segments come in from the newest; those that the server lacks go out from the first, so that each finds the one before.
    const rank = (name: DocumentName): number => (theirs.has(name) ? -segmentNumber(name) : segmentNumber(name))
    const segments = different.filter((name) => name !== control).sort((a, b) => rank(a) - rank(b))
    if (control === undefined) for (const name of segments) this.askFor(name)
    else {
      this.behindControl.set(id, new Set(segments))
      this.askFor(control)
    }
    await this.registers.compare(frame, control !== undefined)
    if (conversation !== undefined) this.endCatchUp(conversation)
  }

  /** Before the first message of it comes, and not before it is known to be a conversation. [SPEC U10, S15] */
  private async beginCatchUp(conversation: ReplicaConversation): Promise<void> {
    const { id, state, catchUp } = conversation
    if (state.created === undefined || !this.newcomers.has(id)) return
    await catchUp.begin()
    this.newcomers.delete(id)
  }

  /** What the server did not name is equal: it holds all of it. */
  private settleEqual(): void {
    for (const [conversation, summaries] of this.offered) {
      if (!this.differing.has(conversation)) summaries.forEach((summary) => this.holdsAll(summary))
    }
    this.offered = new Map()
    // Of those that were not read it is said when they are: at once, where nothing else is known of this server.
    for (const conversation of this.differing) this.unread.delete(conversation)
    this.differing = new Set()
    this.compared = true
    for (const conversation of this.ports.replica.conversations.get().values()) this.endCatchUp(conversation)
    if (this.ports.isRenewed) this.readEqual()
    this.ports.replica.wanted.setReachable(true)
    this.ports.retention?.begin((name) => {
      this.leaving.add(name)
      this.askFor(name)
    })
  }

  /** Asks for a segment that is away; authority first, where that is on its way. */
  private bringBack(name: DocumentName): void {
    const behind = this.behindControl.get(conversationOf(name))
    if (behind === undefined) this.askFor(name)
    else behind.add(name)
  }

  /** Says so where all of a conversation that the server named is here. */
  private endCatchUp(conversation: ReplicaConversation): void {
    const { id } = conversation
    if (!conversation.catchUp.isUnderWay || !this.compared || this.behindControl.has(id)) return
    for (const name of [...this.vectors, ...this.vectorQueue]) if (conversationOf(name) === id) return
    conversation.catchUp.noteAll()
    conversation.changes.emit({ kind: "compared" })
  }

  /** A conversation was read, whose imprint was offered. */
  private onRead(conversation: ReplicaConversation): void {
    const imprint = this.unread.get(conversation.id)
    if (imprint === undefined) return
    this.unread.delete(conversation.id)
    const summaries = conversation.loadedDocuments.flatMap(({ summary }) => (isOf(imprint, summary) ? summary : []))
    if (this.compared) summaries.forEach((summary) => this.holdsAll(summary))
    else this.offered.set(conversation.id, summaries)
  }

  private readEqual(): void {
    const { replica } = this.ports
    const read = async (): Promise<void> => {
      for (const [id, imprint] of Array.from(this.unread)) {
        if (this.ended) return
        await replica.using(id, async (conversation) => {
          for (const name of imprint.documents.keys()) {
            const { summary } = await conversation.document(name)
            if (isOf(imprint, summary)) this.holdsAll(summary)
          }
        })
      }
      this.ports.acks.noteCompared(this.ports.server)
    }
    read().catch((error: unknown) => {
      this.failed(error)
    })
  }

  private holdsAll({ document, logs }: DocumentSummary): void {
    const { acks, replica, server } = this.ports
    for (const { log, count } of logs.values()) {
      if (deviceOf(log) === replica.device) acks.take(server, document, log, count)
    }
  }

  /** Whether the server is to serve a document. */
  private isAsked(name: DocumentName): boolean {
    return this.vectors.has(name) || this.vectorQueue.has(name)
  }

  /** Asks for what this device lacks of a document; the server's own vector comes with it, and is answered. */
  private askFor(name: DocumentName): void {
    if (this.ended) return
    if (this.vectors.has(name) || this.vectors.size >= MAX_VECTORS) {
      this.vectorQueue.add(name)
      return
    }
    this.vectors.add(name)
    this.outbound(async () => {
      const document = await this.ports.replica.knownDocument(name)
      const { summary, isAway } = document ?? { summary: emptySummary(name), isAway: false }
      // Of what is away all is asked for: it comes back as a whole. [SPEC U15]
      if (isAway) this.returning.set(name, new ReturningSegment(summary))
      this.ports.send({
        kind: "vector",
        document: name,
        reply: true,
        ...headsOf(summary),
        ...(isAway && { logs: [] }),
      })
    }).catch((error: unknown) => {
      this.failed(error)
    })
  }

  private async served({ document: name, digest }: FrameOf<"served">): Promise<void> {
    const { conversation, document } = await this.ports.replica.document(name)
    this.vectors.delete(name)
    const [next] = this.vectorQueue
    if (next !== undefined && this.vectorQueue.delete(next)) this.askFor(next)
    if (this.returning.has(name)) await this.takeHome(conversation, document)
    const { summary } = document
    const isEqual = equalBytes(wireDigest(digestOf(summary)), digest)
    if (isEqual) this.holdsAll(summary)
    if (this.leaving.delete(name) && isEqual) await this.letGo(conversation, document, digest)
    if (document !== conversation.controlDocument) {
      // Who left hears what the server has of theirs: not of one that does not know of them yet. [SPEC R2, R5]
      if (!isEqual && !conversation.isMember) this.lagging.add(name)
      this.endCatchUp(conversation)
      return
    }
    if (isEqual) this.offerLagging(conversation.id)
    await this.beginCatchUp(conversation)
    const segments = this.behindControl.get(conversation.id)
    this.behindControl.delete(conversation.id)
    for (const segment of segments ?? []) this.askFor(segment)
    this.endCatchUp(conversation)
    await this.registers.controlCame(conversation.id)
  }

  /** The server gave all that it has of a segment that was away. */
  private async takeHome(conversation: ReplicaConversation, document: ReplicaDocument): Promise<void> {
    const { name } = document
    const returning = this.returning.get(name)
    this.returning.delete(name)
    if (returning === undefined || !document.isAway) return
    if (!(await conversation.takeHome(document, returning.runs))) this.ports.replica.wanted.failed(name)
    else if (returning.hasMore) this.askFor(name)
  }

  /** The server holds what is here of a segment that is to go. */
  private async letGo(conversation: ReplicaConversation, document: ReplicaDocument, digest: Uint8Array): Promise<void> {
    const { retention } = this.ports
    const mayGo =
      retention?.mayLetGo(conversation, document) === true &&
      !Array.from(this.unacknowledged.values()).some((update) => update.document === document.name)
    if (mayGo && (await document.letGo(digest))) retention.left(document.name)
    else retention?.needed(document.name)
  }

  /** The server's vector: send what it lacks, records first, and say what it holds of ours. */
  private async answer(frame: FrameOf<"vector">): Promise<void> {
    const { acks, replica, server } = this.ports
    const { conversation, document } = await replica.document(frame.document)
    const held = new Map(frame.logs.map(({ log, count }) => [log, count]))
    for (const { log, count } of document.summary.logs.values()) {
      if (deviceOf(log) === replica.device)
        acks.take(server, document.name, log, Math.min(count, held.get(log) ?? 0), true)
    }
    const recordIds = new Set(frame.records.map((id) => base64url(id) as RecordId))
    this.sendRecords(document.name, document.recordsBeyond(recordIds))
    // Who is no member brings what was written before that, and nothing of others.
    const ownOnly = document !== conversation.controlDocument && !conversation.state.members.has(replica.ports.user)
    const lacking = (await document.missingFrom(held)).filter(
      ({ log }) => !this.unwanted.has(`${document.name} ${log}`) && !(ownOnly && deviceOf(log) !== replica.device),
    )
    this.pushSplit(document.name, lacking)
  }

  private sendRecords(document: DocumentName, records: readonly EraseRecord[]): void {
    for (let at = 0; at < records.length; at += RECORDS_PER_FRAME) {
      const part = records.slice(at, at + RECORDS_PER_FRAME).map(encodeRecord)
      this.ports.send({ kind: "records", id: 0, document, records: part })
    }
  }

  private pushSplit(document: DocumentName, runs: readonly LogRun[]): void {
    for (const group of splitRuns(runs, MAX_FRAME_UPDATE_BYTES)) this.push(document, encodeUpdate(group), group)
  }

  /** Sends an update, of these runs, that is to be acknowledged, when there is room for one. */
  private push(document: DocumentName, update: Uint8Array, runs: readonly LogRun[]): void {
    const counts = new Map<LogId, number>()
    for (const { log, from, elements } of runs) {
      if (deviceOf(log) === this.ports.replica.device) counts.set(log, from + elements.length)
    }
    const id = this.nextId++
    this.unacknowledged.set(id, { document, counts })
    this.outbound(async () => {
      while (!this.ended && this.sentUnacknowledged(id) >= MAX_UNACKNOWLEDGED) {
        await new Promise<void>((resolve) => this.roomWaiters.push(resolve))
      }
      await this.ports.drained()
      if (!this.ended) this.ports.send({ kind: "update", id, document, update })
    }).catch((error: unknown) => {
      this.failed(error)
    })
  }

  private sentUnacknowledged(before: number): number {
    let sent = 0
    for (const id of this.unacknowledged.keys()) {
      if (id >= before) break
      sent++
    }
    return sent
  }

  private acknowledged(id: number): void {
    const update = this.unacknowledged.get(id)
    if (update === undefined) return
    this.unacknowledged.delete(id)
    for (const [log, count] of update.counts) this.ports.acks.take(this.ports.server, update.document, log, count)
    for (const resolve of this.roomWaiters.splice(0)) resolve()
    this.retryMs.delete(update.document)
    this.knocking.delete(update.document)
    if (documentParts(update.document).kind === "control") this.offerLagging(conversationOf(update.document))
  }

  /** The server learned of authority: what it refused for the lack of it is offered again. [SPEC R2] */
  private offerLagging(conversation: ConversationId): void {
    for (const name of this.lagging) {
      if (conversationOf(name) !== conversation) continue
      this.lagging.delete(name)
      this.askFor(name)
    }
  }

  private async rejected(frame: FrameOf<"reject">): Promise<void> {
    const { replica, acks, server } = this.ports
    const update = this.unacknowledged.get(frame.id)
    this.unacknowledged.delete(frame.id)
    for (const resolve of this.roomWaiters.splice(0)) resolve()
    const { conversation, document } = await replica.document(frame.document)
    const refused = new Map(frame.items.map((item) => [refusedLog(item.log), item]))
    // An item without a name stands for logs that the server could not tell apart: none of them counts as taken.
    const nameless = refused.get(undefined)
    for (const [log, count] of update?.counts ?? []) {
      const item = refused.get(log) ?? nameless
      // Of a fork the server holds something else, who knows from where on; of a run that it stopped in, nothing.
      if (item?.code === "FORK") continue
      const durable = item === undefined ? count : Math.min(await document.sealedUpTo(log, item.at), count)
      acks.take(server, document.name, log, durable)
    }
    const isControl = document === conversation.controlDocument
    // A server that lags behind this device in authority is not the last word; but what does not stand here either, is out.
    const lags = async (code: RefusalCode, log: LogId, at: number): Promise<boolean> =>
      ofAuthority.has(code) && !isControl && conversation.mayReact && (await document.refusalOf(log, at)) === undefined
    const isOwn = (log: LogId | undefined): boolean => log !== undefined && deviceOf(log) === replica.device
    // This device's clock jumped since the server's time was last heard.
    if (frame.items.some(({ code }) => ofClock.has(code))) await this.ports.askTime()
    const again = new Map<LogId, RefusedLog>()
    for (const [log, item] of refused) {
      const { at } = item
      // Nobody introduced this device yet: who could may be elsewhere, or nowhere any more. [SPEC A5, A11]
      const isOfStranger = !isControl && !conversation.isIntroduced && (log === undefined || isOwn(log))
      // Of a user who is out nobody may. [SPEC R5]
      const isOut = isOfStranger && log !== undefined && item.code === "CONTROL_UNKNOWN" && conversation.isOut
      const code = isOut ? "PAST_CUT" : item.code
      // A record of its own that is refused so leaves a hole without a name. [SPEC C9]
      const isStranger = isOfStranger && (item.code === "CONTROL_UNKNOWN" || item.code === "DELETED_UNNAMED")
      // Asked before it knows who is a member, the server says nothing of what it has: it is asked once more then.
      const waits = code === "FORBIDDEN" || (log !== undefined && (await lags(code, log, at)))
      if (waits || isStranger) this.lagging.add(document.name)
      if (isStranger || (waits && !conversation.isMember)) this.knocking.add(document.name)
      else this.knocking.delete(document.name)
      // What another server let in stands: its invite comes here yet. [SPEC R4]
      const isTaken = log !== undefined && acks.count(document.name, log) > at
      if (
        code === "CONTROL_UNKNOWN" &&
        log !== undefined &&
        !isTaken &&
        (await conversation.joinsInVain(document, log, at))
      )
        await conversation.takeBack(document, log, at, "INVITE_VOID")
      else if (waits || isTransient(code) || log === undefined) this.retryLater(document.name, frame.retryAfterMs)
      // Others took it: this server's clock is behind, and may be set right. [SPEC R2]
      else if (ofClock.has(code) && (deviceOf(log) !== replica.device || isTaken))
        this.retryLater(document.name, frame.retryAfterMs)
      else if (deviceOf(log) !== replica.device) this.unwanted.add(`${document.name} ${log}`)
      else if (rewritable.has(code) && holdsBeyond(document, log, code === "FORK" ? 0 : at))
        again.set(log, { code, at })
      else await this.takeBack(conversation, document, log, { code, at })
    }
    if (again.size === 0 || !this.rewriting.isNow(document.name, again, frame.retryAfterMs)) return
    for (const [log, refusal] of again) await this.takeBack(conversation, document, log, refusal)
  }

  private async takeBack(
    conversation: ReplicaConversation,
    document: ReplicaDocument,
    log: LogId,
    { code, at }: RefusedLog,
  ): Promise<void> {
    if (code === "FORK") await conversation.takeBack(document, log, 0, undefined)
    // What another server made durable is not taken back for this one's sake. [SPEC R4]
    else if (this.ports.acks.count(document.name, log) > at) this.unwanted.add(`${document.name} ${log}`)
    else await conversation.takeBack(document, log, at, rewritable.has(code) ? undefined : code)
  }

  /** What waited to be written again. */
  private rewrite(name: DocumentName, logs: RefusedLogs): void {
    this.work(async () => {
      await this.ports.replica.using(conversationOf(name), async (conversation) => {
        const document = await conversation.document(name)
        for (const [log, refusal] of logs) await this.takeBack(conversation, document, log, refusal)
      })
    })
  }

  /** Compares the document again, later each time until something of it is acknowledged. */
  private retryLater(name: DocumentName, afterMs: number): void {
    if (this.retries.has(name)) return
    const ms = Math.min(LAST_RETRY_MS, this.retryMs.get(name) ?? FIRST_RETRY_MS)
    this.retryMs.set(name, ms * 2)
    const timer = this.ports.env.setTimer(Math.max(afterMs, ms), () => {
      this.retries.delete(name)
      this.askFor(name)
      this.ports.changed()
    })
    this.retries.set(name, timer)
  }

  private async receive(name: DocumentName, update: Uint8Array): Promise<void> {
    const { conversation, document } = await this.ports.replica.document(name)
    if (document !== conversation.controlDocument) await this.beginCatchUp(conversation)
    const returning = document.isAway ? this.returning.get(name) : undefined
    if (returning !== undefined) {
      returning.take(update)
      return
    }
    let verdicts: Awaited<ReturnType<ReplicaConversation["receive"]>>
    try {
      verdicts = await conversation.receive(document, update, this)
    } catch (error) {
      if (!(error instanceof SegmentAway)) throw error
      // It is there when all of it is back.
      this.ports.replica.wanted.want(name)
      return
    }
    // Else that comes with `served`.
    if (document === conversation.controlDocument && !this.isAsked(name))
      await this.registers.controlCame(conversation.id)
    let fetch = false
    let waits = false
    for (const { run, refusal } of verdicts ?? []) {
      // What a twin of this device wrote, a clone or an older life of it, is durable where it comes from. [SPEC S7]
      if (run !== undefined && deviceOf(run.log) === this.ports.replica.device) {
        this.ports.acks.take(this.ports.server, name, run.log, run.from + run.elements.length)
      }
      if (refusal?.code === "GAP" || refusal?.code === "DELETED_UNNAMED") fetch = true
      if (refusal?.code === "CONTROL_UNKNOWN") waits = true
      // The server does not know of the removal yet. What it keeps of this when it does, are the records. [SPEC X2]
      if (refusal?.code === "PAST_CUT") this.retryLater(name, 0)
    }
    if (fetch) this.askFor(name)
    if (!waits) return
    if (document === conversation.controlDocument) this.retryLater(name, 0)
    else this.awaitAuthority(conversation, name)
  }

  /** Authority that we lack: the control document first, then this one again. */
  private awaitAuthority({ id, controlDocument }: ReplicaConversation, name: DocumentName): void {
    const held = hex(digestOf(controlDocument.summary))
    if (this.lackedBy.get(name) === held) {
      // Asked for already, and nothing came: not at once again.
      this.retryLater(name, 0)
      return
    }
    this.lackedBy.set(name, held)
    const behind = this.behindControl.get(id) ?? new Set()
    const first = behind.size === 0 && !this.vectors.has(controlDocument.name)
    this.behindControl.set(id, behind.add(name))
    if (first) this.askFor(controlDocument.name)
  }

  private async receiveRecords({ document: name, records }: FrameOf<"records">): Promise<void> {
    const { conversation, document } = await this.ports.replica.document(name)
    if (document !== conversation.controlDocument) await this.beginCatchUp(conversation)
    const decoded = records.flatMap((bytes) => decodeRecord(bytes.slice()) ?? [])
    const waiting = await document.receiveRecords(decoded, this)
    if (waiting > 0 && document !== conversation.controlDocument) this.awaitAuthority(conversation, name)
  }

  /** What this device sealed, or took from another carrier, goes to the server. */
  private onChange({ change }: ReplicaChange): void {
    if (change.kind !== "document" || this.ended) return
    const { document, change: what } = change
    if (what.kind === "accepted" && what.source !== this) {
      // A mirror may bring a whole document at once.
      if (what.update.length > MAX_FRAME_UPDATE_BYTES) this.pushSplit(document.name, what.runs)
      else this.push(document.name, what.update, what.runs)
    } else if (what.kind === "records" && what.source !== this) this.sendRecords(document.name, what.records)
    else return
    this.ports.changed()
  }
}

/** The conversation that a frame is about: it stays in memory until the frame was taken. */
function conversationOfFrame(frame: Frame): ConversationId | undefined {
  switch (frame.kind) {
    case "documents":
    case "registers":
    case "clocks":
    case "declined":
      return frame.conversation
    case "vector":
    case "served":
    case "records":
    case "reject":
      return conversationOf(frame.document)
    default:
      return undefined
  }
}

/** Whether a document is what an imprint says of it: another tab may have written since. */
function isOf({ documents }: Imprint, summary: DocumentSummary): boolean {
  const imprint = documents.get(summary.document)
  return imprint !== undefined && equalBytes(imprint.digest, digestOf(summary))
}

/** Whether anything stands in a log from a position on: what was in it may be written again by now. */
function holdsBeyond({ name, summary }: ReplicaDocument, log: LogId, from: number): boolean {
  return (summary.logs.get(clientIdOf(name, log))?.count ?? 0) > from
}

function segmentNumber(name: DocumentName): number {
  const parts = documentParts(name)
  return parts.kind === "segment" ? parts.segment : 0
}
