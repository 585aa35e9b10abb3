import * as Y from "yjs"
import type { Env, Timer } from "../base/env.js"
import { encodeNative, readNative, readNativeVector } from "../native/codec.js"
import { nativeBeyond, splitNative } from "../native/contents.js"
import { judgeNative } from "../native/summary.js"
import { rangesBeyond, type Range } from "../native/structs.js"
import { equalBytes } from "../protocol/bytes.js"
import { isTransient } from "../protocol/codes.js"
import { MAX_FRAME_UPDATE_BYTES, wireDigest, type Frame, type FrameOf } from "../protocol/frame.js"
import type { AccountReplica, AccountReplicaChange } from "./account-replica.js"

export interface AccountExchangePorts {
  readonly account: AccountReplica
  readonly env: Env
  send(frame: Frame): void
  /** A number for an update that is to be answered, of the connection's own. */
  nextId(): number
  /** Something that `synced` depends on changed. */
  changed(): void
}

/** From the first change that waits until it is sent: what is typed meanwhile goes with it. [SPEC U8] */
const SEND_AFTER_MS = 500
const FIRST_RETRY_MS = 500
const LAST_RETRY_MS = 60_000

type Phase =
  /** `digest`: what was told to the server; its answer says what is missing on either side. */
  | { readonly kind: "comparing"; readonly digest: Uint8Array }
  | { readonly kind: "equal" }
  | { readonly kind: "waiting"; readonly timer: Timer }
  /** Refused for good: nothing is sent until the next connection. */
  | { readonly kind: "refused" }

/** Brings the account to the same contents here and on one server, and keeps it there. [SPEC U7] */
export class AccountExchange {
  private phase: Phase = { kind: "comparing", digest: new Uint8Array() }
  private unsent: Uint8Array[] = []
  private readonly unacknowledged = new Set<number>()
  private timer: Timer
  private retryMs = FIRST_RETRY_MS
  /** What is being applied deletes so much; Yjs may delete more, where two wrote one key. */
  private applied: ReadonlyMap<number, readonly Range[]> = new Map()
  private readonly stopListening: () => void

  constructor(private readonly ports: AccountExchangePorts) {
    this.stopListening = ports.account.changes.on((change) => {
      this.onChange(change)
    })
  }

  get synced(): boolean {
    return (
      (this.phase.kind === "equal" || this.phase.kind === "refused") &&
      this.unacknowledged.size === 0 &&
      (this.unsent.length === 0 || this.phase.kind === "refused")
    )
  }

  start(): void {
    const { account } = this.ports
    const digest = wireDigest(account.digest)
    this.phase = { kind: "comparing", digest }
    const vector = Y.encodeStateVector(account.doc)
    this.ports.send({ kind: "account", account: account.name, reply: true, digest, vector })
  }

  end(): void {
    this.stopListening()
    this.ports.env.clearTimer(this.timer)
    if (this.phase.kind === "waiting") this.ports.env.clearTimer(this.phase.timer)
  }

  /** Takes a frame; false: it is not about the account. */
  take(frame: Frame): boolean {
    switch (frame.kind) {
      case "accountUpdate":
        this.receive(frame)
        return true
      case "accountServed":
        if (this.phase.kind === "comparing" && equalBytes(this.phase.digest, frame.digest)) this.settle()
        return true
      case "account":
        this.answer(frame)
        return true
      case "accountRefused":
        this.refused(frame)
        return true
      case "ack":
        if (!this.unacknowledged.delete(frame.id)) return false
        this.retryMs = FIRST_RETRY_MS
        return true
      default:
        return false
    }
  }

  private settle(): void {
    // What was refused meanwhile is missing still: the next comparison finds it.
    if (this.phase.kind === "waiting") return
    this.phase = { kind: "equal" }
    if (this.unsent.length > 0) this.sendSoon()
  }

  /** The server's vector: it has sent what it has beyond ours; here is what it lacks. */
  private answer({ vector }: FrameOf<"account">): void {
    const held = readNativeVector(vector)
    const whole = readNative(Y.encodeStateAsUpdate(this.ports.account.doc))
    if (held === undefined || whole === undefined) return
    this.unsent = []
    for (const update of splitNative(nativeBeyond(whole, held), MAX_FRAME_UPDATE_BYTES)) this.push(update)
    this.settle()
  }

  private push(update: Uint8Array): void {
    const id = this.ports.nextId()
    this.unacknowledged.add(id)
    this.ports.send({ kind: "accountUpdate", id, account: this.ports.account.name, update })
  }

  /** What a server sends passes the same check as on a server: no Y.Doc is given what it can't take. */
  private receive({ update }: FrameOf<"accountUpdate">): void {
    const { doc } = this.ports.account
    const read = readNative(update)
    if (read === undefined) return
    const vector = readNativeVector(Y.encodeStateVector(doc)) ?? new Map<number, number>()
    const verdict = judgeNative(read, { vector, deletes: new Map() })
    if (verdict.kind === "refused") {
      this.compareLater(0)
      return
    }
    this.applied = read.deletes
    Y.applyUpdate(doc, update, this)
    this.applied = new Map()
  }

  private onChange({ update, source }: AccountReplicaChange): void {
    const own = source === this ? this.deletedBesides(update) : update
    if (own === undefined) return
    this.unsent.push(own)
    if (this.phase.kind === "equal") this.sendSoon()
    this.ports.changed()
  }

  private deletedBesides(update: Uint8Array): Uint8Array | undefined {
    const deletes = new Map<number, Range[]>()
    for (const [client, ranges] of readNative(update)?.deletes ?? []) {
      const beyond = rangesBeyond(ranges, this.applied.get(client) ?? [])
      if (beyond.length > 0) deletes.set(client, beyond)
    }
    return deletes.size === 0 ? undefined : encodeNative({ structs: new Map(), deletes })
  }

  private sendSoon(): void {
    this.timer ??= this.ports.env.setTimer(SEND_AFTER_MS, () => {
      this.timer = undefined
      this.sendUnsent()
      this.ports.changed()
    })
  }

  private sendUnsent(): void {
    if (this.phase.kind !== "equal" || this.unsent.length === 0) return
    const update = Y.mergeUpdates(this.unsent.splice(0))
    // Too much for one frame: comparing sends it in parts.
    if (update.length > MAX_FRAME_UPDATE_BYTES) this.start()
    else this.push(update)
  }

  private refused({ id, code, retryAfterMs }: FrameOf<"accountRefused">): void {
    this.unacknowledged.delete(id)
    if (isTransient(code)) this.compareLater(retryAfterMs)
    else this.phase = { kind: "refused" }
  }

  /** Compares again, later each time until something is acknowledged. */
  private compareLater(afterMs: number): void {
    if (this.phase.kind === "waiting") return
    const ms = Math.max(afterMs, this.retryMs)
    this.retryMs = Math.min(LAST_RETRY_MS, this.retryMs * 2)
    const timer = this.ports.env.setTimer(ms, () => {
      this.start()
    })
    this.phase = { kind: "waiting", timer }
  }
}
