import {
  clientIdOf,
  conversationOf,
  createQueue,
  encodeUpdate,
  MAX_FRAME_UPDATE_BYTES,
  splitRuns,
  unreachable,
  type DocumentName,
  type LogRun,
  type RefusalCode,
  type Timer,
  type UserId,
} from "@weft/sdk/protocol"
import type { Readers } from "../document/change.js"
import { refuseAll } from "../document/outcome.js"
import type { Held, Snapshot } from "../document/snapshot.js"
import type { Source } from "../document/source.js"
import { allowance, fullBucket, refill, take, waitMs, type Bucket, type BucketRate } from "../limits/token-bucket.js"
import { reachLevel } from "../peer/copies.js"
import type { AwarenessRoom } from "./awareness.js"
import { Backlog } from "./backlog.js"
import type { Batch } from "./batch.js"
import type { Subscriber } from "./fan-out.js"
import type { Shared } from "./session-ports.js"
import { encodeStockMessage, type StockMessage } from "./stock-message.js"

export interface StockWire {
  send(bytes: Uint8Array): void
  drained(): Promise<void>
  pause(): void
  resume(): void
  refuse(code: RefusalCode, message: string): void
}

const everything: Held = { logs: new Map(), records: new Set() }

/** A stock y-websocket client on one document: the same check, another language. [SPEC S12] */
export class StockSession implements Subscriber {
  readonly origin = {}
  readonly user: UserId
  readonly #document: DocumentName
  readonly #source: Source
  readonly #shared: Shared
  readonly #wire: StockWire
  readonly #room: AwarenessRoom
  readonly #tellOthers: (awareness: Uint8Array, readers: Readers) => void
  readonly #backlog: Backlog
  readonly #answers = createQueue()
  readonly #rate: BucketRate
  #bucket: Bucket
  /** Until more may be told of it. */
  #telling: Timer
  /** What is relayed while the document is served: it comes behind what it builds on. */
  #held: Uint8Array[] | undefined
  /** Of those: who reads slowly what is served leaves them unread. */
  #heldBytes = 0
  #ended = false

  constructor(
    who: { readonly user: UserId; readonly document: DocumentName },
    shared: Shared,
    wire: StockWire,
    room: AwarenessRoom,
    tellOthers: (awareness: Uint8Array, readers: Readers) => void,
  ) {
    this.user = who.user
    this.#document = who.document
    this.#source = { kind: "stock", user: who.user, origin: this.origin }
    this.#shared = shared
    this.#wire = wire
    this.#room = room
    this.#tellOthers = tellOthers
    this.#backlog = new Backlog(shared.limits.inFlightBytes, wire)
    this.#rate = { perSecond: shared.limits.signalsPerSecond, burst: shared.limits.signalBurst }
    this.#bucket = fullBucket(this.#rate, shared.env.now())
  }

  /** Asks for what is not here. */
  start(): void {
    this.#work(0, () => this.#answers(() => this.#greet()))
  }

  take(message: StockMessage, bytes: number): void {
    switch (message.kind) {
      case "step1":
        this.#work(bytes, () => this.#answers(() => this.#serve(message.stateVector)))
        return
      case "step2":
      case "update":
        this.#work(bytes, () => this.#submit(message.update))
        return
      case "awareness":
        this.#work(bytes, () => this.#answers(() => this.#onAwareness(message.awareness)))
        return
      case "queryAwareness":
        this.#work(bytes, () => this.#answers(() => this.#tellAwareness()))
        return
      default:
        unreachable(message)
    }
  }

  relay(batch: Batch): void {
    for (const update of [...batch.updates, ...batch.holes]) {
      if (this.#held === undefined) this.#sendUpdate(update)
      else {
        this.#held.push(update)
        this.#heldBytes += update.length
      }
    }
    if (this.#heldBytes > this.#shared.limits.unsentBytes) {
      this.#wire.refuse("SLOW_READER", "this connection does not read")
    }
  }

  #sendUpdate(update: Uint8Array): void {
    this.#wire.send(encodeStockMessage({ kind: "update", update }))
  }

  /** Of others, where the client's user is one of those who may hear it. */
  sendAwareness(awareness: Uint8Array, readers: Readers): void {
    if (readers.has(this.user)) this.#wire.send(encodeStockMessage({ kind: "awareness", awareness }))
  }

  idle(): Promise<void> {
    return this.#backlog.idle()
  }

  end(): void {
    this.#ended = true
    this.#shared.env.clearTimer(this.#telling)
    const gone = this.#room.leave(this)
    if (gone.length === 0) return
    this.#work(0, async () => {
      const members = await this.#members()
      for (const part of gone) this.#tellOthers(part, members)
    })
  }

  #work(bytes: number, task: () => Promise<void>): void {
    this.#backlog.hold(bytes, task).catch((error: unknown) => {
      this.#shared.metrics.errors.inc()
      this.#shared.log.error({ err: error }, "a stock message could not be handled")
      this.#wire.refuse("INTERNAL", "this message could not be handled")
    })
  }

  #read(onSnapshot: () => void): Promise<Snapshot> {
    const conversation = this.#shared.registry.conversation(conversationOf(this.#document))
    return conversation.read(this.user, this.#document, everything, onSnapshot)
  }

  async #greet(): Promise<void> {
    const { heads } = await this.#read(() => undefined)
    const stateVector = new Map(heads.logs.map(({ log, count }) => [clientIdOf(this.#document, log), count]))
    this.#wire.send(encodeStockMessage({ kind: "step1", stateVector }))
    await this.#tellAwareness()
  }

  /** Who is here, and what they say of themselves, is for members alone. */
  #members(): Promise<Readers> {
    return this.#shared.registry.conversation(conversationOf(this.#document)).members()
  }

  /** What all say of themselves may be more than a connection may leave unread: each part waits for room. */
  async #tellAwareness(): Promise<void> {
    for (const part of this.#room.all()) {
      await this.#wire.drained()
      this.sendAwareness(part, await this.#members())
    }
  }

  /** What a Y.Doc with this state vector lacks, and the deletions of what it has. Step 2 comes last: by it the client is synced. */
  async #serve(stateVector: ReadonlyMap<number, number>): Promise<void> {
    const { runs } = await this.#read(() => {
      this.#held ??= []
    })
    const lacking: LogRun[] = []
    const holes: LogRun[] = []
    for (const run of runs) {
      const has = Math.min(stateVector.get(run.client) ?? 0, run.elements.length)
      if (has < run.elements.length) lacking.push({ ...run, from: has, elements: run.elements.slice(has) })
      run.elements.slice(0, has).forEach((element, from) => {
        if (element === null) holes.push({ ...run, from, elements: [null] })
      })
    }
    const updates = [
      ...holes.map((hole) => encodeUpdate([hole])),
      ...splitRuns(lacking, MAX_FRAME_UPDATE_BYTES).map((group) => encodeUpdate(group)),
    ]
    const last = updates.pop() ?? encodeUpdate([])
    for (const update of updates) {
      this.#sendUpdate(update)
      await this.#wire.drained()
    }
    this.#wire.send(encodeStockMessage({ kind: "step2", update: last }))
    const waiting = this.#held ?? []
    this.#held = undefined
    this.#heldBytes = 0
    for (const update of waiting) this.#sendUpdate(update)
  }

  async #submit(update: Uint8Array): Promise<void> {
    const { registry, metrics, env, ack, limits, log } = this.#shared
    const conversation = registry.conversation(conversationOf(this.#document))
    const outcome = await conversation.submit(this.#source, this.#document, update)
    let { refused } = outcome
    try {
      await reachLevel(outcome, { env, level: ack, timeoutMs: limits.peerAckMs })
    } catch (error) {
      log.error({ err: error, document: this.#document }, "an update is not durable")
      ;({ refused } = refuseAll("STORAGE_FAILED", update))
    }
    for (const { code } of refused) metrics.rejects.inc({ code })
    const [first] = refused
    if (first !== undefined) this.#wire.refuse(first.code, "part of this document is refused")
  }

  async #onAwareness(awareness: Uint8Array): Promise<void> {
    const members = await this.#members()
    if (this.#ended || !members.has(this.user)) return
    if (this.#room.take(this, awareness)) this.#tell(members)
    else this.#wire.refuse("BAD_FRAME", "not an awareness update of this size")
  }

  /** At the rate of signals; what comes faster waits, and then the latest is told. Echoes are no news, and cost nothing. */
  #tell(members: Readers): void {
    if (this.#telling !== undefined || !this.#room.hasNews(this)) return
    const { env } = this.#shared
    this.#bucket = refill(this.#bucket, this.#rate, env.now())
    if (allowance(this.#bucket, this.#rate) >= 1) {
      this.#bucket = take(this.#bucket, 1)
      for (const part of this.#room.news(this)) this.#tellOthers(part, members)
      return
    }
    this.#telling = env.setTimer(waitMs(this.#bucket, this.#rate, 1), () => {
      this.#telling = undefined
      this.#work(0, async () => {
        const now = await this.#members()
        if (!this.#ended && now.has(this.user)) this.#tell(now)
      })
    })
  }
}
