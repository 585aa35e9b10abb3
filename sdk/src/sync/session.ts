import type { Env, Timer } from "../base/env.js"
import { randomFraction } from "../base/env.js"
import { createStore } from "../base/store.js"
import { decodeCertificate, type Certificate } from "../identity/certificate.js"
import { refusalOfClose, type RefusalCode } from "../protocol/codes.js"
import type { DocumentName, UserId } from "../protocol/names.js"
import { decodeFrame, encodeFrame, helloMessage, type Frame, type FrameOf } from "../protocol/frame.js"
import { PROTOCOL_VERSION } from "../protocol/version.js"
import type { Connection, Transport } from "../transport/transport.js"
import type { AccountReplica } from "./account-replica.js"
import type { Acks } from "./acks.js"
import { Exchange } from "./exchange.js"
import type { Replica } from "./replica.js"
import type { Retention } from "./retention.js"
import type { Signals } from "./signals.js"
import { step, type SessionEffect, type SessionEvent, type SessionState } from "./session-state.js"
import { tokenExpiry } from "./token.js"

export interface SessionPorts {
  readonly replica: Replica
  readonly account: AccountReplica
  readonly acks: Acks
  readonly env: Env
  readonly transport: Transport
  readonly signals: Signals
  /** By default everything stays. */
  readonly retention?: Retention | undefined
  /** Whom the token is to name. */
  readonly user: UserId
  /** URLs of `/sync`, in order of preference; read at every try. */
  servers(): readonly string[]
  token(server: string): Promise<string> | string
  /** A server let us in: its certificate for this device, and the server keys that it trusts. */
  welcomed(welcome: Welcome): Promise<void>
  /** The server trusts other keys now. */
  trusted(keys: readonly Uint8Array[]): Promise<void>
}

interface Welcome {
  readonly certificate: Certificate | undefined
  readonly trust: readonly Uint8Array[]
}

export interface SessionStatus {
  readonly state: SessionState
  readonly synced: boolean
}

/** Silence after which a ping is sent, and after which the connection is given up. */
const PING_AFTER_MS = 15_000
const SILENCE_LIMIT_MS = 30_000
const TICK_MS = 5_000
/** Bytes on their way out beyond which nothing more is given to the socket. */
const MAX_UNSENT_BYTES = 1024 * 1024
const ACK_SAVE_MS = 200
const ACK_RETRY_MS = 10_000
const longestTimer = 2 ** 31 - 1

/** Runs the session's state machine: the socket, the greeting, the exchange, tokens, pings. */
export class Session {
  readonly status = createStore<SessionStatus>({ state: { kind: "idle" }, synced: false })
  private state: SessionState = { kind: "idle" }
  private connection: Connection | undefined
  /** URL of the server of the last connection. */
  private server = ""
  /** The document of the last update on this connection. */
  private updated: DocumentName | undefined
  private exchange: Exchange | undefined
  private timer: Timer
  private tokenTimer: Timer
  private pulse: Timer
  private ackTimer: Timer
  /** What the server of this connection said of the greeting. */
  private greeting: "nothing" | "challenge" | "welcome" = "nothing"
  /** When the token of this connection's `hello` ends, if it says so; milliseconds since 1970. */
  private expiresAt: number | undefined
  private lastHeard = 0
  private refusal: RefusalCode | undefined
  private lastCode: RefusalCode | undefined
  /** When something was asked that a server answers at once. */
  private askedAt: number | undefined
  private answeredMs: number | undefined
  private welcomed = 0
  private readonly drainWaiters: (() => void)[] = []
  private readonly timeWaiters: (() => void)[] = []
  private readonly stopAcks: () => void
  private ended = false

  constructor(private readonly ports: SessionPorts) {
    this.stopAcks = ports.acks.changes.on(() => {
      this.saveAcks(ACK_SAVE_MS)
    })
  }

  /** Other tabs wait for it: where the disk is full, for example, it is tried again. */
  private saveAcks(afterMs: number): void {
    const { acks, env } = this.ports
    this.ackTimer ??= env.setTimer(afterMs, () => {
      this.ackTimer = undefined
      acks.save().catch(() => {
        if (!this.ended) this.saveAcks(ACK_RETRY_MS)
      })
    })
  }

  /** From the last ping or `hello` that was answered until its answer; milliseconds. */
  get roundTripMs(): number | undefined {
    return this.answeredMs
  }

  /** How many connections were let in. */
  get welcomes(): number {
    return this.welcomed
  }

  /** Why a connection was refused, the last time. */
  get lastRefusal(): RefusalCode | undefined {
    return this.lastCode
  }

  start(): void {
    this.on({ kind: "start", servers: this.ports.servers().length })
  }

  stop(): void {
    this.on({ kind: "stop" })
  }

  /** The network or the tab came back. */
  hurry(): void {
    this.on({ kind: "hurry", servers: this.ports.servers().length })
  }

  async close(): Promise<void> {
    this.stop()
    this.ended = true
    this.stopAcks()
    this.ports.env.clearTimer(this.ackTimer)
    await this.ports.acks.save()
  }

  private on(event: SessionEvent): void {
    const { state, effects } = step(this.state, event, this.ports.env.now())
    this.state = state
    for (const effect of effects) this.run(effect)
    this.publish()
  }

  private publish(): void {
    const synced = this.state.kind === "live" && this.exchange?.synced === true
    const { state } = this
    const before = this.status.get()
    if (before.state !== state || before.synced !== synced) this.status.set({ state, synced })
  }

  private chance(): { servers: number; chance: number } {
    return { servers: this.ports.servers().length, chance: randomFraction(this.ports.env) }
  }

  private run(effect: SessionEffect): void {
    const { env } = this.ports
    switch (effect.kind) {
      case "connect":
        this.connect(effect.server)
        break
      case "disconnect":
        this.disconnect()
        break
      case "timer":
        env.clearTimer(this.timer)
        this.timer = undefined
        if (effect.ms >= 0) {
          this.timer = env.setTimer(effect.ms, () => {
            this.on({ kind: "timer", ...this.chance() })
          })
        }
        break
      case "greet":
        // The server speaks first: `challenge`.
        break
      case "synchronize":
        this.synchronize()
        break
    }
  }

  private connect(server: number): void {
    const url = this.ports.servers()[server]
    if (url === undefined) return
    this.refusal = undefined
    // Events of a connection that is no longer ours are passed over.
    const current = (): boolean => this.connection === connection
    const connection = this.ports.transport.connect(url, {
      opened: () => {
        if (current()) this.on({ kind: "opened" })
      },
      message: (bytes) => {
        if (current()) this.receive(bytes)
      },
      closed: (code) => {
        if (!current()) return
        this.connection = undefined
        this.leave()
        const refusal = this.refusal ?? refusalOfClose(code)
        this.lastCode = refusal ?? this.lastCode
        this.on({ kind: "closed", code: refusal, ...this.chance() })
      },
    })
    this.connection = connection
    this.server = url
    this.greeting = "nothing"
    this.updated = undefined
  }

  private disconnect(): void {
    const { connection } = this
    this.connection = undefined
    this.leave()
    connection?.close(1000)
  }

  /** What ends with a connection. */
  private leave(): void {
    const { env, replica } = this.ports
    this.askedAt = undefined
    this.exchange?.end()
    this.exchange = undefined
    this.ports.signals.disconnected()
    replica.setCarrier(this, false)
    env.clearTimer(this.tokenTimer)
    env.clearTimer(this.pulse)
    for (const resolve of [...this.drainWaiters.splice(0), ...this.timeWaiters.splice(0)]) resolve()
  }

  /** Sends what is answered at once; the answer tells the round trip. */
  private ask(frame: FrameOf<"hello"> | FrameOf<"ping">): void {
    this.askedAt ??= this.ports.env.now()
    this.send(frame)
  }

  private answered(): void {
    // A clock that went back says nothing of the way.
    if (this.askedAt !== undefined) this.answeredMs = Math.max(0, this.ports.env.now() - this.askedAt)
    this.askedAt = undefined
  }

  private send(frame: Frame): void {
    this.connection?.send(encodeFrame(this.shorten(frame)))
  }

  /** Messages come in runs: a name that was just said is not said again. [SPEC S6] */
  private shorten(frame: Frame): Frame {
    if (frame.kind !== "update") return frame
    const { id, document, update } = frame
    if (document === this.updated) return { kind: "next", id, update }
    this.updated = document
    return frame
  }

  private receive(bytes: Uint8Array): void {
    this.lastHeard = this.ports.env.now()
    const frame = decodeFrame(bytes)
    // A frame of a newer version, or of no version: nothing here depends on it.
    if (frame === undefined) return
    switch (frame.kind) {
      case "challenge":
        if (!this.greets("nothing", frame.kind)) break
        this.failsWith(this.hello(frame))
        break
      case "welcome":
        if (!this.greets("challenge", frame.kind)) break
        this.answered()
        this.connection?.pack?.()
        this.failsWith(this.welcome(frame))
        break
      case "refusal":
        this.refusal = frame.code
        break
      case "trust":
        this.failsWith(this.ports.trusted(frame.keys))
        break
      case "renewed":
        this.failsWith(this.renewed(frame))
        break
      case "ping":
        this.send({ kind: "pong", id: frame.id, serverTime: 0 })
        break
      case "pong":
        this.answered()
        this.failsWith(this.hearTime(frame))
        break
      case "signals":
        this.ports.signals.take(frame.items)
        break
      case "declined":
        this.ports.signals.declined(frame)
        this.exchange?.take(frame)
        break
      default:
        this.exchange?.take(frame)
    }
  }

  /** A server greets once, in this order: else two exchanges would run on one connection. [SPEC S3] */
  private greets(before: typeof this.greeting, now: "challenge" | "welcome"): boolean {
    const isNext = this.greeting === before
    if (isNext) this.greeting = now
    else this.fail(this.connection)
    return isNext
  }

  /** The present connection is given up where this fails. It may do so late, and then no other ends by it. */
  private failsWith(task: Promise<unknown>): void {
    const { connection } = this
    task.catch(() => {
      this.fail(connection)
    })
  }

  /** Gives a connection up as if it had broken, if it is still the present one. */
  private fail(connection: Connection | undefined): void {
    if (connection === undefined || connection !== this.connection) return
    this.disconnect()
    this.on({ kind: "closed", code: undefined, ...this.chance() })
  }

  private async hello({ nonce, serverKey }: FrameOf<"challenge">): Promise<void> {
    const { connection } = this
    const { signer } = this.ports.replica.ports
    const token = await this.ports.token(this.server)
    const signature = await signer.sign(helloMessage(nonce, serverKey))
    if (connection === undefined || connection !== this.connection) return
    const { publicKey } = signer
    const packs = this.ports.transport.packs === true
    this.ask({ kind: "hello", version: PROTOCOL_VERSION, role: 0, token, publicKey, signature, packs })
    this.expiresAt = tokenExpiry(token)
  }

  private async welcome(frame: FrameOf<"welcome">): Promise<void> {
    const { connection, server } = this
    const { acks, replica, user } = this.ports
    const { trust } = frame
    const certificate = decodeCertificate(frame.certificate)
    if (certificate !== undefined && certificate.user !== user) {
      // The token was somebody else's: what this device writes would be nobody's.
      this.disconnect()
      this.lastCode = "AUTH_FAILED"
      this.on({ kind: "closed", code: "AUTH_FAILED", ...this.chance() })
      return
    }
    const isRenewed = await acks.meet(server, frame.incarnation)
    await replica.setTime(frame.serverTime)
    await this.ports.welcomed({ certificate, trust })
    if (connection === undefined || connection !== this.connection) return
    this.exchange = new Exchange({
      replica,
      account: this.ports.account,
      acks,
      env: this.ports.env,
      retention: this.ports.retention,
      server,
      isRenewed,
      send: (out) => {
        this.send(out)
      },
      drained: () => this.drained(),
      askTime: () => this.askTime(),
      changed: () => {
        this.publish()
      },
      failed: () => {
        this.fail(connection)
      },
    })
    this.welcomed++
    // By the server's time, which is known now.
    if (this.expiresAt !== undefined) this.renewAt(this.expiresAt)
    this.on({ kind: "welcomed" })
  }

  private synchronize(): void {
    const { replica } = this.ports
    replica.setCarrier(this, true)
    this.ports.signals.connected((frame) => {
      this.send(frame)
    })
    this.beat()
    const { exchange } = this
    this.failsWith(replica.wakeAll().then(() => exchange?.start()))
  }

  /** Looks after the connection: pings a silent one, gives up a dead one, goes on where there is room again. */
  private beat(): void {
    const { env } = this.ports
    env.clearTimer(this.pulse)
    // A clock that went back says nothing about silence: it counts from now.
    this.lastHeard = Math.min(this.lastHeard, env.now())
    const silence = env.now() - this.lastHeard
    if (silence > SILENCE_LIMIT_MS) {
      this.fail(this.connection)
      return
    }
    if (silence > PING_AFTER_MS) this.ask({ kind: "ping", id: 0 })
    this.pulse = env.setTimer(TICK_MS, () => {
      this.beat()
    })
  }

  private askTime(): Promise<void> {
    return new Promise((resolve) => {
      this.timeWaiters.push(resolve)
      this.ask({ kind: "ping", id: 0 })
    })
  }

  private async hearTime({ serverTime }: FrameOf<"pong">): Promise<void> {
    const waiters = this.timeWaiters.splice(0)
    await this.ports.replica.setTime(serverTime)
    for (const resolve of waiters) resolve()
  }

  private async drained(): Promise<void> {
    while ((this.connection?.unsentBytes ?? 0) > MAX_UNSENT_BYTES) {
      await new Promise<void>((resolve) => {
        this.drainWaiters.push(resolve)
        this.ports.env.setTimer(20, resolve)
      })
    }
  }

  private async renewed({ expiresAt }: FrameOf<"renewed">): Promise<void> {
    const { connection } = this
    // The server has just taken it: where it has ended by this device's clock, that jumped since it was set right.
    if (expiresAt <= this.serverNow) await this.askTime()
    if (connection === this.connection) this.renewAt(expiresAt)
  }

  /** What the server's clock says. Small differences count here: a token may live for less than they are. */
  private get serverNow(): number {
    const { env, replica } = this.ports
    return env.now() - (replica.measuredSkewMs ?? 0)
  }

  /** Renews the token a while before it ends: at four fifths of what is left. */
  private renewAt(expiresAt: number): void {
    const { env } = this.ports
    env.clearTimer(this.tokenTimer)
    const wait = Math.max(1_000, (expiresAt - this.serverNow) * 0.8)
    if (wait > longestTimer) return
    this.tokenTimer = env.setTimer(wait, () => {
      this.renew().catch(() => {
        // No token now: the next connection asks for one.
      })
    })
  }

  private async renew(): Promise<void> {
    const { connection } = this
    const token = await this.ports.token(this.server)
    // Another connection said hello with a token of its own, or has not said it yet.
    if (connection === this.connection) this.send({ kind: "token", token })
  }
}
