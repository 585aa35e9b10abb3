import {
  base64url,
  conversationOf,
  createQueue,
  equalBytes,
  isTransient,
  encodeUpdate,
  MAX_FRAME_UPDATE_BYTES,
  splitRuns,
  unreachable,
  type AccountName,
  type ConversationId,
  type DeviceId,
  type RefusalCode,
  type DocumentName,
  type Frame,
  type FrameOf,
} from "@weft/sdk/protocol"
import type { Held } from "../document/snapshot.js"
import { refuseAccepted, refuseAll, type Outcome } from "../document/outcome.js"
import type { Origin, Source } from "../document/source.js"
import { reachLevel } from "../peer/copies.js"
import type { PeerUpdates } from "../peer/peer-updates.js"
import type { AccountChange } from "../document/account.js"
import { AccountSession } from "./account-session.js"
import { Backlog } from "./backlog.js"
import { recordFrames, type Batch } from "./batch.js"
import { comparableOf, Comparison, describe, differing } from "./comparison.js"
import type { NativeSubscriber } from "./fan-out.js"
import { readerOf, sourceOf, type Party } from "./party.js"
import { registerFrames } from "./register-relay.js"
import type { Shared, Wire } from "./session-ports.js"
import { SignalSession } from "./signal-session.js"

/** Frames that a live connection may bring; `token` and `ping` are the connection's own. */
export type SessionFrame = Extract<
  Frame,
  {
    kind:
      | "digests"
      | "documents"
      | "compared"
      | "vector"
      | "served"
      | "records"
      | "update"
      | "ack"
      | "reject"
      | "registers"
      | "clocks"
      | "declined"
      | "watch"
      | "typing"
      | "signals"
      | "accounts"
      | "account"
      | "accountUpdate"
      | "accountServed"
      | "accountRefused"
  }
>

/** A live connection of a device or of another server: both speak the same frames. [SPEC S4-S7, S11] */
export class SyncSession implements NativeSubscriber {
  readonly origin: Origin
  readonly #party: Party
  readonly #shared: Shared
  readonly #wire: Wire
  // Most connections ask for little and are silent then: what few need is made when it is needed, and what works, while it does.
  #backlog: Backlog | undefined
  #comparison: Comparison | undefined
  /** Answers go out one after another: what was asked for first is there first. */
  #answers: ReturnType<typeof createQueue> | undefined
  /** Documents that are being served: what is relayed meanwhile comes behind what it builds on. */
  #held: Map<DocumentName, Batch[]> | undefined
  /** Bytes that are relayed behind what is being served: who reads that slowly leaves them unread. */
  #heldBytes = 0
  /** Of a peer: what it has not acknowledged. */
  readonly #updates: PeerUpdates | undefined
  #accountSession: AccountSession | undefined
  #signalSession: SignalSession | undefined
  #ended = false

  /** `peer`: what its several connections share, and what this one sends it. */
  constructor(
    party: Party,
    shared: Shared,
    wire: Wire,
    peer?: { readonly origin: Origin; readonly updates: PeerUpdates },
  ) {
    this.origin = peer?.origin ?? this
    this.#party = party
    this.#shared = shared
    this.#wire = wire
    this.#updates = peer?.updates
    // Peers are asked at once for what is shown here.
    if (party.kind === "peer") this.#signalSession = new SignalSession(party, shared, wire)
  }

  get #signals(): SignalSession {
    return (this.#signalSession ??= new SignalSession(this.#party, this.#shared, this.#wire))
  }

  get #accounts(): AccountSession {
    return (this.#accountSession ??= new AccountSession(this.#source, this.#shared, this.#wire, this.#updates))
  }

  /** Takes a frame; `bytes` is its size on the wire. */
  take(frame: SessionFrame, bytes: number): void {
    switch (frame.kind) {
      case "update":
        this.#work(bytes, () => this.#onUpdate(frame))
        return
      case "records":
        this.#work(bytes, () => this.#onRecords(frame))
        return
      case "vector":
        this.#question(bytes, () => this.#onVector(frame))
        return
      case "digests":
        this.#question(bytes, () => this.#onDigests(frame))
        return
      case "documents":
        if (this.#party.kind !== "peer") this.#outOfOrder(frame)
        else this.#question(bytes, () => this.#ask(frame))
        return
      case "ack":
        if (this.#updates === undefined) this.#outOfOrder(frame)
        else this.#updates.acknowledged(frame.id)
        return
      case "reject":
        if (this.#updates === undefined) this.#outOfOrder(frame)
        else this.#updates.rejected(frame)
        return
      case "accounts":
        if (this.#party.kind !== "peer") this.#outOfOrder(frame)
        else this.#question(bytes, () => this.#accounts.onAccounts(frame))
        return
      case "account":
        this.#question(bytes, () => this.#accounts.onAccount(frame))
        return
      case "accountUpdate":
        this.#work(bytes, () => this.#accounts.onUpdate(frame))
        return
      case "accountRefused":
        if (this.#updates === undefined) this.#outOfOrder(frame)
        else this.#updates.accountRefused(frame)
        return
      case "registers":
        this.#work(bytes, () => this.#onRegisters(frame))
        return
      case "clocks":
        this.#question(bytes, () => this.#onClocks(frame))
        return
      case "declined":
        if (this.#updates === undefined) this.#outOfOrder(frame)
        else this.#updates.declined(frame)
        return
      case "watch":
        this.#work(bytes, () => this.#signals.watch(frame))
        return
      case "typing":
        if (this.#party.kind === "peer") this.#outOfOrder(frame)
        else this.#work(bytes, () => this.#signals.typing(frame))
        return
      case "signals":
        if (this.#party.kind === "peer") this.#signals.take(frame)
        else this.#outOfOrder(frame)
        return
      case "compared":
      case "served":
      case "accountServed":
        return
      default:
        unreachable(frame)
    }
  }

  relay(batch: Batch): void {
    if (this.#ended) return
    const held = this.#held?.get(batch.document)
    if (held === undefined) {
      this.#relayNow(batch)
      return
    }
    held.push(batch)
    this.#heldBytes += batch.bytes
    if (this.#heldBytes > this.#shared.limits.unsentBytes) {
      this.#wire.refuse("SLOW_READER", "this connection does not read")
    }
  }

  relayAccount(change: AccountChange): void {
    if (!this.#ended) this.#accounts.relay(change)
  }

  /** Tells a peer what is here of an account, or of all. */
  tellAccounts(account?: AccountName): void {
    this.#question(0, () => (account === undefined ? this.#accounts.compareAll() : this.#accounts.ask(account)))
  }

  pass(frame: Uint8Array): void {
    if (!this.#ended) this.#wire.sendBytes(frame)
  }

  /** Its user was just let in. */
  letIn(conversation: ConversationId): void {
    this.tell(conversation)
    const signals = this.#signalSession
    if (signals !== undefined) this.#work(0, () => signals.letIn(conversation))
  }

  /** Says what is here of a conversation: to a user who was just let in, or to a peer to compare. */
  tell(conversation: ConversationId): void {
    this.#work(0, async () => {
      const row = await this.#shared.digests.of(conversation)
      if (!this.#ended) this.#wire.send(describe(row, "member"))
    })
  }

  /** Resolves when everything that came in was answered. */
  idle(): Promise<void> {
    return this.#backlog?.idle() ?? Promise.resolve()
  }

  end(): void {
    this.#ended = true
    this.#updates?.end()
    const signals = this.#signalSession
    if (signals !== undefined) this.#work(0, () => signals.end())
  }

  /** Does what ends by itself, whether the other side reads or not. */
  #work(bytes: number, task: () => Promise<void>): void {
    this.#run((backlog) => backlog.hold(bytes, task))
  }

  /**
   * Answers what may take as long as the other side does to read it. However much of that a peer asks, it is read on: two
   * servers that each have much for the other would both stop reading, and wait for one another for good. It asks no more
   * than it has, or lacks: each conversation once in a comparison, each document that differs once from either side. [SPEC S11]
   */
  #question(bytes: number, task: () => Promise<void>): void {
    const answer = (): Promise<void> =>
      this.#inOrder(async () => {
        if (!this.#ended) await task()
      })
    this.#run((backlog) => (this.#party.kind === "peer" ? backlog.run(answer) : backlog.hold(bytes, answer)))
  }

  #run(work: (backlog: Backlog) => Promise<void>): void {
    const backlog = (this.#backlog ??= new Backlog(this.#shared.limits.inFlightBytes, this.#wire))
    work(backlog)
      .catch((error: unknown) => {
        this.#shared.metrics.errors.inc()
        this.#shared.log.error({ err: error }, "a frame could not be handled")
        this.#wire.refuse("INTERNAL", "this frame could not be handled")
      })
      .finally(() => {
        if (backlog.isIdle && this.#backlog === backlog) this.#backlog = this.#answers = undefined
      })
  }

  get #source(): Source {
    return sourceOf(this.#party, this.origin)
  }

  #inOrder(task: () => Promise<void>): Promise<void> {
    return (this.#answers ??= createQueue())(task)
  }

  #outOfOrder(frame: Frame): void {
    this.#wire.refuse("BAD_FRAME", `${frame.kind} does not belong here`)
  }

  #relayNow(batch: Batch): void {
    if (this.#updates === undefined) for (const frame of batch.frames) this.#wire.sendBytes(frame)
    else {
      for (const frame of batch.recordFrames) this.#wire.sendBytes(frame)
      this.#updates.send(batch.document, batch.updates, batch.copies)
    }
  }

  async #onUpdate({ id, document, update }: FrameOf<"update">): Promise<void> {
    const arrived = this.#shared.metrics.ackSeconds.startTimer()
    const conversation = this.#shared.registry.conversation(conversationOf(document))
    const outcome = await conversation.submit(this.#source, document, update)
    if (await this.#answer(id, document, outcome, update)) arrived()
  }

  async #onRecords({ id, document, records }: FrameOf<"records">): Promise<void> {
    const conversation = this.#shared.registry.conversation(conversationOf(document))
    const outcome = await conversation.submitRecords(this.#source, document, records)
    await this.#answer(id, document, outcome, undefined)
  }

  async #onRegisters({ conversation: id, items }: FrameOf<"registers">): Promise<void> {
    const { refused, durable } = await this.#shared.registry.conversation(id).submitRegisters(this.#source, items)
    for (const { device, code, retryAfterMs } of refused) {
      // That a newer one is here is news to its own device only.
      if (code === "STALE" && !this.#isOwn(device)) continue
      this.#decline(id, device, code, retryAfterMs)
    }
    try {
      await durable
    } catch {
      // Nothing of it is acknowledged, so whoever brought it would take it for told.
      this.#decline(id, undefined, "STORAGE_FAILED", 0)
    }
  }

  #decline(conversation: ConversationId, device: DeviceId | undefined, code: RefusalCode, retryAfterMs: number): void {
    const named = device === undefined ? [] : [device]
    if (!this.#ended) this.#wire.send({ kind: "declined", conversation, device: named, code, retryAfterMs })
  }

  #isOwn(device: DeviceId | undefined): boolean {
    return this.#party.kind === "device" && this.#party.device === device
  }

  async #onClocks({ conversation: id, reply, items }: FrameOf<"clocks">): Promise<void> {
    const conversation = this.#shared.registry.conversation(id)
    const { refusal, registers, clocks } = await conversation.readRegisters(readerOf(this.#party), items)
    if (refusal !== undefined) {
      this.#decline(id, undefined, refusal, 0)
      return
    }
    for (const frame of registerFrames(id, registers)) {
      await this.#wire.drained()
      this.pass(frame)
    }
    if (reply && !this.#ended) this.#wire.send({ kind: "clocks", conversation: id, reply: false, items: clocks })
  }

  /** Acknowledges what is as durable as the operator asks. Nothing before. [SPEC S6] */
  async #answer(
    id: number,
    document: DocumentName,
    outcome: Outcome,
    update: Uint8Array | undefined,
  ): Promise<boolean> {
    const { env, ack, limits, metrics, log } = this.#shared
    let { refused, retryAfterMs } = outcome
    try {
      const ports = {
        env,
        level: this.#party.kind === "peer" ? ({ kind: "local" } as const) : ack,
        timeoutMs: limits.peerAckMs,
      }
      if (!(await reachLevel(outcome, ports))) {
        metrics.peerAckTimeouts.inc()
        log.warn({ document, copies: copiesOf(outcome) }, "an update has too few copies")
        ;({ refused, retryAfterMs } = refuseAccepted(outcome))
      }
    } catch (error) {
      log.error({ err: error, document }, "an update is not durable")
      ;({ refused, retryAfterMs } = refuseAll("STORAGE_FAILED", update))
    }
    for (const { code } of refused) metrics.rejects.inc({ code })
    // Records have no number, and are not acknowledged; whoever brought them is told when it has to bring them again.
    const isNews = id !== 0 || refused.some(({ code }) => isTransient(code))
    if (!isNews || this.#ended) return false
    const copies = copiesOf(outcome)
    if (refused.length === 0) this.#wire.send({ kind: "ack", id, copies })
    else this.#wire.send({ kind: "reject", id, document, copies, retryAfterMs, items: refused })
    return refused.length === 0
  }

  async #onDigests(frame: FrameOf<"digests">): Promise<void> {
    const { index, digests } = this.#shared
    const user = readerOf(this.#party)
    const comparison = (this.#comparison ??= new Comparison())
    const comparable = comparableOf(user === undefined ? undefined : await index.conversations(user), digests)
    for await (const documents of comparison.compare(frame, comparable, digests)) {
      if (this.#ended) return
      this.#wire.send(documents)
      await this.#wire.drained()
      await this.#shared.breathe()
    }
    if (!frame.last) return
    this.#comparison = undefined
    this.#wire.send({ kind: "compared" })
  }

  /** Asks a peer for what differs; its own vectors come back, and are answered. */
  async #ask(frame: FrameOf<"documents">): Promise<void> {
    const { registry, digests } = this.#shared
    const row = await digests.of(frame.conversation)
    const different = differing(frame, row)
    this.#updates?.differed(different.length)
    for (const document of different) {
      // Asked for anew each time: it may have left memory while the other side was slow.
      const heads = await registry.conversation(frame.conversation).heads(document)
      if (this.#ended) return
      if (heads === undefined) continue
      this.#wire.send({ kind: "vector", document, reply: true, ...heads })
      await this.#wire.drained()
    }
    if (equalBytes(row.registers, frame.registers)) return
    const { clocks } = await registry.conversation(frame.conversation).readRegisters(undefined, [])
    if (!this.#ended) this.#wire.send({ kind: "clocks", conversation: frame.conversation, reply: true, items: clocks })
  }

  /** Sends what the other side lacks: records first, then updates, then the digest that all this makes. [SPEC S5] */
  async #onVector({ document, reply, logs, records }: FrameOf<"vector">): Promise<void> {
    const held: Held = {
      logs: new Map(logs.map(({ log, count }) => [log, count])),
      records: new Set(records.map((id) => base64url(id))),
    }
    const conversation = this.#shared.registry.conversation(conversationOf(document))
    const snapshot = await conversation.read(readerOf(this.#party), document, held, () => {
      const waiting = (this.#held ??= new Map())
      if (!waiting.has(document)) waiting.set(document, [])
    })
    for (const frame of recordFrames(document, snapshot.records)) this.#wire.sendBytes(frame)
    for (const group of splitRuns(snapshot.runs, MAX_FRAME_UPDATE_BYTES)) {
      await this.#wire.drained()
      if (this.#ended) return
      const update = encodeUpdate(group)
      if (this.#updates === undefined) this.#wire.send({ kind: "update", id: 0, document, update })
      else this.#updates.send(document, [update], [])
    }
    if (this.#ended) return
    if (snapshot.refusal !== undefined && snapshot.refusal !== "FORBIDDEN") {
      const items = [{ log: new Uint8Array(), code: snapshot.refusal, at: 0 }]
      this.#wire.send({ kind: "reject", id: 0, document, copies: 0, retryAfterMs: 0, items })
    }
    this.#wire.send({ kind: "served", document, digest: snapshot.digest })
    if (reply && snapshot.asks) this.#wire.send({ kind: "vector", document, reply: false, ...snapshot.heads })
    const waiting = this.#held?.get(document) ?? []
    this.#held?.delete(document)
    if (this.#held?.size === 0) this.#held = undefined
    for (const batch of waiting) {
      this.#heldBytes -= batch.bytes
      this.#relayNow(batch)
    }
  }
}

/** This server's, and its peers'. */
function copiesOf({ copies }: Outcome): number {
  return 1 + (copies?.count ?? 0)
}
