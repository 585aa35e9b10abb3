import { createQueue, MAX_WATCHED, type ConversationId, type FrameOf, type RefusalCode } from "@weft/sdk/protocol"
import { allowance, fullBucket, refill, take, waitMs, type Bucket, type BucketRate } from "../limits/token-bucket.js"
import type { Party } from "./party.js"
import type { Watcher } from "./presence.js"
import type { Shared, Wire } from "./session-ports.js"

/** A flood is answered so often at most. */
const DECLINE_MS = 1_000

/** The signals of one connection: what it shows, who types on it. [SPEC P9, P10] */
export class SignalSession {
  readonly #party: Party
  readonly #shared: Shared
  readonly #wire: Wire
  readonly #watcher: Watcher
  readonly #rate: BucketRate
  /** What it shows is settled before what it says next. */
  readonly #queue = createQueue()
  /** What it wants to show: some of it may not be its user's yet. */
  #wanted: FrameOf<"watch"> | undefined
  #bucket: Bucket
  #declinedAt = -Infinity

  constructor(party: Party, shared: Shared, wire: Wire) {
    const { limits, env, presence } = shared
    this.#party = party
    this.#shared = shared
    this.#wire = wire
    this.#watcher = {
      kind: party.kind,
      name: party.kind === "device" ? party.user : party.key,
      pass: (frame) => {
        wire.sendBytes(frame)
      },
      send: (frame) => {
        wire.send(frame)
      },
    }
    this.#rate = { perSecond: limits.signalsPerSecond, burst: limits.signalBurst }
    this.#bucket = fullBucket(this.#rate, env.now())
    presence.join(this.#watcher)
  }

  watch(frame: FrameOf<"watch">): Promise<void> {
    const [first] = frame.conversations
    return this.#admit("watch", first) ? this.#queue(() => this.#watch(frame)) : Promise.resolve()
  }

  /** Its user is a member of a conversation since just now. */
  letIn(conversation: ConversationId): Promise<void> {
    return this.#queue(async () => {
      if (this.#wanted?.conversations.includes(conversation) === true) await this.#watch(this.#wanted)
    })
  }

  async #watch(frame: FrameOf<"watch">): Promise<void> {
    const { index, presence, metrics } = this.#shared
    const asked = new Set(frame.conversations)
    if (this.#party.kind === "device") {
      if (asked.size > MAX_WATCHED) {
        this.#wire.refuse("BAD_FRAME", `a device shows at most ${MAX_WATCHED} conversations`)
        return
      }
      const standings = await index.conversations(this.#party.user)
      // What is not theirs looks like what does not exist: empty.
      for (const conversation of asked) {
        if (standings.get(conversation) === "member" && (await this.#isMember(conversation))) continue
        asked.delete(conversation)
        metrics.signalRefusals.inc({ code: "FORBIDDEN" })
      }
    }
    this.#wanted = frame
    await presence.watch(this.#watcher, frame, asked)
  }

  /** The index may name too much: the authority has the last word. */
  async #isMember(conversation: ConversationId): Promise<boolean> {
    if (this.#party.kind !== "device") return true
    return (await this.#shared.registry.conversation(conversation).members()).has(this.#party.user)
  }

  typing(frame: FrameOf<"typing">): Promise<void> {
    if (!this.#admit("typing", frame.conversation)) return Promise.resolve()
    return this.#queue(async () => {
      if (!this.#shared.presence.typing(this.#watcher, frame)) this.#decline("FORBIDDEN", frame.conversation, 0)
    })
  }

  take(frame: FrameOf<"signals">): void {
    this.#shared.metrics.signals.inc({ kind: "peer" })
    this.#shared.presence.signals(this.#watcher, frame)
  }

  end(): Promise<void> {
    return this.#queue(() => this.#shared.presence.leave(this.#watcher))
  }

  #admit(kind: "watch" | "typing", conversation: ConversationId | undefined): boolean {
    const { env, metrics } = this.#shared
    metrics.signals.inc({ kind })
    if (this.#party.kind === "peer") return true
    this.#bucket = refill(this.#bucket, this.#rate, env.now())
    if (allowance(this.#bucket, this.#rate) >= 1) {
      this.#bucket = take(this.#bucket, 1)
      return true
    }
    this.#decline("RATE_LIMITED", conversation, waitMs(this.#bucket, this.#rate, 1))
    return false
  }

  #decline(code: RefusalCode, conversation: ConversationId | undefined, retryAfterMs: number): void {
    const { env, metrics } = this.#shared
    metrics.signalRefusals.inc({ code })
    if (conversation === undefined || env.now() - this.#declinedAt < DECLINE_MS) return
    this.#declinedAt = env.now()
    this.#wire.send({ kind: "declined", conversation, device: [], code, retryAfterMs })
  }
}
