import {
  decodeFrame,
  encodeFrame,
  PROTOCOL_VERSION,
  unreachable,
  type DocumentName,
  type Frame,
  type FrameOf,
  type RefusalCode,
  type UserId,
} from "@weft/sdk/protocol"
import { callAt } from "../env.js"
import type { Slots } from "../limits/slots.js"
import { PeerUpdates } from "../peer/peer-updates.js"
import type { Trust } from "../auth/trust.js"
import type { Channel } from "./channel.js"
import type { Client, Clients } from "./clients.js"
import type { FanOut } from "./fan-out.js"
import { greet, type GreetingPorts } from "./greeting.js"
import type { Party } from "./party.js"
import type { Packer } from "./packer.js"
import type { PeerOrigins } from "./peer-origins.js"
import type { Shared, Wire } from "./session-ports.js"
import { Socket, type SocketPorts } from "./socket.js"
import { SyncSession } from "./sync-session.js"

const NONCE_BYTES = 16
const keepsNothing = (): void => undefined

export interface ConnectionPorts extends Shared, GreetingPorts {
  readonly trust: Trust
  readonly incarnation: Uint8Array
  readonly fanOut: FanOut
  readonly clients: Clients
  readonly packer: Packer
  readonly users: Slots
  readonly peerOrigins: PeerOrigins
}

type WholeFrame = Exclude<Frame, FrameOf<"next">>

type State =
  | { readonly kind: "greeting"; readonly nonce: Uint8Array }
  /** The token is being checked; nothing may come in. */
  | { readonly kind: "authenticating" }
  | { readonly kind: "live"; readonly session: SyncSession; readonly party: Party }
  | { readonly kind: "closed" }

/** One connection at /sync: challenge, hello, welcome, then a session. [SPEC S1-S3, S8] */
export class FrameConnection implements Client, SocketPorts, Wire {
  readonly #ports: ConnectionPorts
  readonly #socket: Socket
  readonly #release: () => void
  /** Whose connections this one is counted among. */
  #slot: UserId | undefined
  #endGuard: () => void
  #state: State
  /** The document of the last update. */
  #updated: DocumentName | undefined
  #stopExpiry: () => void = keepsNothing
  /** How many tokens came in band, and which of them holds: they are not checked in the order of their coming. */
  #tokens = 0
  #newestToken = 0

  /** `release`: gives back what the address holds. */
  constructor(channel: Channel, ports: ConnectionPorts, release: () => void) {
    const { env, limits, key, clients } = ports
    this.#ports = ports
    this.#state = { kind: "greeting", nonce: env.randomBytes(NONCE_BYTES) }
    this.#socket = new Socket(channel, this)
    const timer = env.setTimer(limits.preAuthMs, () => {
      this.refuse("AUTH_TIMEOUT", "no hello in time")
    })
    const endBytes = channel.guardBytes(limits.preAuthBytes, () => {
      this.refuse("FRAME_TOO_LARGE", "too many bytes before the welcome")
    })
    this.#endGuard = () => {
      env.clearTimer(timer)
      endBytes()
      this.#endGuard = keepsNothing
    }
    this.#release = release
    clients.add(this)
    if (this.#state.kind === "greeting") {
      this.send({ kind: "challenge", version: PROTOCOL_VERSION, nonce: this.#state.nonce, serverKey: key.publicKey })
    }
  }

  get heardAt(): number {
    return this.#socket.heardAt
  }

  get unsentBytes(): number {
    return this.#socket.outbox.unsentBytes
  }

  expire(): void {
    this.#socket.expire("no frame for too long")
  }

  async drain(): Promise<void> {
    const state = this.#state
    if (state.kind === "live") {
      this.#socket.pause()
      await this.#socket.taken()
      // It may have ended meanwhile: what it brought is under way still.
      await state.session.idle()
    }
    this.end()
  }

  end(): void {
    this.refuse("SHUTTING_DOWN", "the server stops")
  }

  get env(): ConnectionPorts["env"] {
    return this.#ports.env
  }

  get maxUnsentBytes(): number {
    return this.#ports.limits.unsentBytes
  }

  breathe(): Promise<void> | undefined {
    return this.#ports.breathe()
  }

  send(frame: Frame): void {
    this.#socket.outbox.send(encodeFrame(frame))
  }

  sendBytes(bytes: Uint8Array): void {
    this.#socket.outbox.send(bytes)
  }

  drained(): Promise<void> {
    return this.#socket.outbox.drained()
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  refuse(code: RefusalCode, message: string): void {
    this.#socket.refuse(code, message)
  }

  onRefuse(code: RefusalCode, message: string): void {
    this.send({ kind: "refusal", code, retryAfterMs: 0, message })
  }

  onMessage(bytes: Uint8Array): Promise<void> | undefined {
    try {
      const { frameBytes, preAuthBytes } = this.#ports.limits
      const maxBytes = this.#state.kind === "live" ? frameBytes : preAuthBytes
      if (bytes.length > maxBytes) {
        this.refuse("FRAME_TOO_LARGE", `a frame has at most ${maxBytes} bytes here`)
        return undefined
      }
      const frame = decodeFrame(bytes)
      if (frame?.kind === "packed" && this.#state.kind === "live") return this.#unpack(frame)
      this.#take(frame, bytes.length)
    } catch (error) {
      this.#fail(error)
    }
    return undefined
  }

  /** What it holds has the bounds that it would have by itself. [SPEC S14] */
  async #unpack(packed: FrameOf<"packed">): Promise<void> {
    try {
      const { frameBytes } = this.#ports.limits
      if (packed.size > frameBytes) {
        this.refuse("FRAME_TOO_LARGE", `a frame has at most ${frameBytes} bytes here`)
        return
      }
      const frame = decodeFrame(await this.#ports.packer.unpack(packed))
      if (this.#socket.isOpen) this.#take(frame, packed.size)
    } catch (error) {
      this.#fail(error)
    }
  }

  #take(frame: Frame | undefined, bytes: number): void {
    const whole = this.#whole(frame)
    if (whole === undefined) this.refuse("BAD_FRAME", "not a frame of this version")
    else this.#onFrame(whole, bytes)
  }

  /** With the name of its document, where that was left out. */
  #whole(frame: Frame | undefined): WholeFrame | undefined {
    if (frame?.kind === "update") this.#updated = frame.document
    if (frame?.kind !== "next") return frame
    const { id, update } = frame
    return this.#updated && { kind: "update", id, document: this.#updated, update }
  }

  #onFrame(frame: WholeFrame, bytes: number): void {
    const state = this.#state
    switch (state.kind) {
      case "greeting":
        if (frame.kind !== "hello") this.refuse("BAD_FRAME", `${frame.kind} before hello`)
        else {
          this.#state = { kind: "authenticating" }
          this.#onHello(frame, state.nonce).catch((error: unknown) => {
            this.#fail(error)
          })
        }
        return
      case "authenticating":
        this.refuse("BAD_FRAME", `${frame.kind} before welcome`)
        return
      case "live":
        this.#onLiveFrame(frame, bytes, state.session)
        return
      case "closed":
        return
      default:
        unreachable(state)
    }
  }

  #onLiveFrame(frame: WholeFrame, bytes: number, session: SyncSession): void {
    switch (frame.kind) {
      case "challenge":
      case "hello":
      case "welcome":
      case "refusal":
      case "renewed":
      case "trust":
      case "pong":
      case "packed":
        this.refuse("BAD_FRAME", `${frame.kind} does not belong here`)
        return
      case "ping":
        this.send({ kind: "pong", id: frame.id, serverTime: Math.floor(this.#ports.env.now()) })
        return
      case "token":
        this.#onToken(frame).catch((error: unknown) => {
          this.#fail(error)
        })
        return
      default:
        session.take(frame, bytes)
    }
  }

  async #onHello(hello: FrameOf<"hello">, nonce: Uint8Array): Promise<void> {
    const { limits, env, key, trust, incarnation, users, fanOut, packer } = this.#ports
    const greeted = await greet(hello, nonce, this.#ports)
    if (!this.#socket.isOpen) return
    if (greeted.kind === "refused") {
      this.refuse(greeted.code, greeted.message)
      return
    }
    const { party, expiresAt } = greeted
    let certificate = new Uint8Array()
    if (party.kind === "device") {
      if (!users.take(party.user, limits.socketsPerUser)) {
        this.refuse("TOO_MANY_CONNECTIONS", `a user has at most ${limits.socketsPerUser}`)
        return
      }
      this.#slot = party.user
      certificate = new Uint8Array(await key.certify(party.user, hello.publicKey, env.now()))
    } else await trust.learn(hello.publicKey)
    if (!this.#socket.isOpen) return
    this.#endGuard()
    fanOut.add(party, this.#open(party))
    this.#expireAt(expiresAt)
    this.send({
      kind: "welcome",
      user: party.kind === "device" ? party.user : "",
      serverTime: Math.floor(env.now()),
      incarnation,
      certificate,
      trust: trust.keys(),
      frameBytes: limits.frameBytes,
    })
    if (hello.packs) this.#socket.outbox.pack(packer)
  }

  #open(party: Party): SyncSession {
    const { env, metrics, log, peerOrigins } = this.#ports
    if (party.kind === "device") {
      const session = new SyncSession(party, this.#ports, this)
      this.#state = { kind: "live", session, party }
      return session
    }
    const updates = new PeerUpdates({
      key: party.key,
      name: party.key.slice(0, 12),
      env,
      metrics,
      log,
      send: (frame) => {
        this.send(frame)
      },
      compare: (conversation) => {
        session.tell(conversation)
      },
      compareAccount: (account) => {
        session.tellAccounts(account)
      },
    })
    const session = new SyncSession(party, this.#ports, this, { origin: peerOrigins.of(party.key), updates })
    this.#state = { kind: "live", session, party }
    return session
  }

  /** A fresh token of the same user, in band; of several the one that came last counts. [SPEC S8] */
  async #onToken({ token }: FrameOf<"token">): Promise<void> {
    const state = this.#state
    if (state.kind !== "live" || state.party.kind !== "device") {
      this.refuse("BAD_FRAME", "token does not belong here")
      return
    }
    const number = ++this.#tokens
    const verdict = await this.#ports.authenticate(token)
    if (verdict.kind === "refused") this.refuse(verdict.code, verdict.reason)
    else if (verdict.user !== state.party.user) this.refuse("AUTH_FAILED", "the token is another user's")
    else {
      if (number > this.#newestToken) {
        this.#newestToken = number
        this.#expireAt(verdict.expiresAt)
      }
      this.send({ kind: "renewed", expiresAt: Math.floor(verdict.expiresAt ?? 0) })
    }
  }

  #expireAt(time: number | undefined): void {
    this.#stopExpiry()
    if (time === undefined || !this.#socket.isOpen) return
    this.#stopExpiry = callAt(this.#ports.env, time, () => {
      this.refuse("TOKEN_EXPIRED", "the token has ended")
    })
  }

  #fail(error: unknown): void {
    this.#ports.metrics.errors.inc()
    this.#ports.log.error({ err: error }, "a connection failed")
    this.refuse("INTERNAL", "this frame could not be handled")
  }

  onClosed(code: RefusalCode | undefined): void {
    const { metrics, clients, users, fanOut } = this.#ports
    if (code !== undefined) metrics.refused.inc({ code })
    if (this.#state.kind === "live") {
      const { party, session } = this.#state
      session.end()
      fanOut.delete(party, session)
    }
    this.#state = { kind: "closed" }
    this.#endGuard()
    this.#stopExpiry()
    if (this.#slot !== undefined) users.give(this.#slot)
    clients.delete(this)
    this.#release()
  }
}
