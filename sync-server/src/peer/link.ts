import {
  decodeFrame,
  DIGEST_PAGE,
  encodeFrame,
  equalBytes,
  helloMessage,
  hex,
  PROTOCOL_VERSION,
  randomFraction,
  unreachable,
  type ConversationId,
  type Frame,
  type FrameOf,
  type RefusalCode,
  type Timer,
} from "@weft/sdk/protocol"
import type { ServerKey } from "../auth/server-key.js"
import type { Trust } from "../auth/trust.js"
import type { Call, Channel, Dial } from "../connection/channel.js"
import type { FanOut } from "../connection/fan-out.js"
import type { Party } from "../connection/party.js"
import type { Packer } from "../connection/packer.js"
import type { PeerOrigins } from "../connection/peer-origins.js"
import type { Shared, Wire } from "../connection/session-ports.js"
import { Socket } from "../connection/socket.js"
import { SyncSession } from "../connection/sync-session.js"
import { repeat } from "../env.js"
import { PEER_TOLERANCE } from "../limits/limits.js"
import { peerName } from "./peer-name.js"
import { PeerUpdates } from "./peer-updates.js"

const FIRST_BACKOFF_MS = 250
const LAST_BACKOFF_MS = 15_000
/** A link that lived this long starts the backoff anew. */
const STABLE_MS = 10_000

export interface LinkPorts extends Shared {
  readonly key: ServerKey
  readonly trust: Trust
  readonly fanOut: FanOut
  readonly peerOrigins: PeerOrigins
  readonly packer: Packer
  readonly peerToken: string | undefined
  readonly dial: Dial
}

type State =
  | { readonly kind: "waiting"; readonly timer: Timer }
  | { readonly kind: "connecting"; readonly call: Call }
  | { readonly kind: "greeting"; readonly socket: Socket; readonly serverKey: Uint8Array | undefined }
  | {
      readonly kind: "live"
      readonly socket: Socket
      readonly session: SyncSession
      readonly party: Party
      readonly since: number
    }
  | { readonly kind: "closed" }

/** A link to another server: this one calls, both compare and then tell each other what is new. [SPEC S11] */
export class PeerLink {
  readonly #url: string
  /** In metrics and logs. */
  readonly #name: string
  readonly #ports: LinkPorts
  #state: State
  #failures = 0

  constructor(url: string, ports: LinkPorts) {
    this.#url = url
    this.#name = peerName(url)
    this.#ports = ports
    ports.metrics.peerLinks.set({ peer: this.#name }, 0)
    this.#state = { kind: "closed" }
    this.#connect()
  }

  get isLive(): boolean {
    return this.#state.kind === "live"
  }

  /** Answers what came in, and ends it. */
  async close(): Promise<void> {
    if (this.#state.kind === "live") await this.#state.session.idle()
    this.end()
  }

  /** Ends it now. */
  end(): void {
    const state = this.#state
    this.#state = { kind: "closed" }
    switch (state.kind) {
      case "waiting":
        this.#ports.env.clearTimer(state.timer)
        return
      case "connecting":
        state.call.abandon()
        return
      case "greeting":
        state.socket.refuse("SHUTTING_DOWN", "the server stops")
        return
      case "live":
        this.#leave(state)
        state.socket.refuse("SHUTTING_DOWN", "the server stops")
        return
      case "closed":
        return
      default:
        unreachable(state)
    }
  }

  #connect(): void {
    const call = this.#ports.dial(this.#url, {
      opened: (channel) => {
        this.#greet(channel)
      },
      failed: (error) => {
        this.#ports.log.debug({ peer: this.#name, err: error }, "a peer is out of reach")
        this.#retry()
      },
    })
    this.#state = { kind: "connecting", call }
  }

  #greet(channel: Channel): void {
    const { env, limits, log } = this.#ports
    const stopPings = repeat(env, limits.idleMs / 3, () => {
      if (socket.heardAt < env.now() - limits.idleMs) channel.terminate()
      else if (this.isLive) this.#sendOn(socket, { kind: "ping", id: 0 })
    })
    const socket: Socket = new Socket(channel, {
      env,
      maxUnsentBytes: limits.unsentBytes,
      breathe: () => this.#ports.breathe(),
      onMessage: (bytes) => this.#onMessage(socket, bytes),
      onClosed: (code) => {
        stopPings()
        if (code !== undefined) log.warn({ peer: this.#name, code }, "the link to a peer was ended")
        if (this.#state.kind === "live") this.#leave(this.#state)
        this.#retry()
      },
    })
    this.#state = { kind: "greeting", socket, serverKey: undefined }
  }

  #leave({ session, party, since }: Extract<State, { kind: "live" }>): void {
    // A peer that lets us in and ends us at once is no success.
    if (this.#ports.env.now() - since >= STABLE_MS) this.#failures = 0
    this.#ports.fanOut.delete(party, session)
    session.end()
    this.#ports.metrics.peerLinks.set({ peer: this.#name }, 0)
  }

  #retry(): void {
    if (this.#state.kind === "closed") return
    const { env } = this.#ports
    // Full jitter: servers that lost each other don't meet in step.
    const ceiling = Math.min(LAST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(this.#failures++, 10))
    const timer = env.setTimer(Math.round(randomFraction(env) * ceiling), () => {
      this.#connect()
    })
    this.#state = { kind: "waiting", timer }
  }

  #sendOn(socket: Socket, frame: Frame): void {
    socket.outbox.send(encodeFrame(frame))
  }

  #onMessage(socket: Socket, bytes: Uint8Array): Promise<void> | undefined {
    const frame = decodeFrame(bytes)
    if (frame?.kind === "packed" && this.isLive) return this.#unpack(socket, frame)
    this.#take(socket, frame, bytes.length)
    return undefined
  }

  async #unpack(socket: Socket, packed: FrameOf<"packed">): Promise<void> {
    const { packer, limits } = this.#ports
    const maxBytes = PEER_TOLERANCE * limits.frameBytes
    if (packed.size > maxBytes) {
      socket.refuse("FRAME_TOO_LARGE", `a frame has at most ${maxBytes} bytes here`)
      return
    }
    const frame = decodeFrame(await packer.unpack(packed))
    if (socket.isOpen) this.#take(socket, frame, packed.size)
  }

  #take(socket: Socket, frame: Frame | undefined, bytes: number): void {
    if (frame === undefined) socket.refuse("BAD_FRAME", "not a frame of this version")
    else {
      this.#onFrame(socket, frame, bytes).catch((error: unknown) => {
        this.#ports.metrics.errors.inc()
        this.#ports.log.error({ peer: this.#name, err: error }, "a link failed")
        socket.refuse("INTERNAL", "this frame could not be handled")
      })
    }
  }

  async #onFrame(socket: Socket, frame: Frame, bytes: number): Promise<void> {
    switch (frame.kind) {
      case "challenge":
        this.#onChallenge(socket, frame)
        return
      case "welcome":
        await this.#onWelcome(socket, frame)
        return
      case "refusal":
        this.#ports.log.warn({ peer: this.#name, code: frame.code, text: frame.message }, "a peer refuses this server")
        return
      case "pong":
        return
      case "hello":
      case "token":
      case "next":
      case "renewed":
      case "trust":
      case "ping":
      case "packed":
        socket.refuse("BAD_FRAME", `${frame.kind} does not belong here`)
        return
      default:
        if (this.#state.kind === "live") this.#state.session.take(frame, bytes)
        else socket.refuse("BAD_FRAME", `${frame.kind} before welcome`)
    }
  }

  #onChallenge(socket: Socket, { nonce, serverKey, version }: FrameOf<"challenge">): void {
    const { key, peerToken, log } = this.#ports
    if (equalBytes(serverKey, key.publicKey)) {
      log.info({ peer: this.#name }, "this address is this server itself; no link is kept")
      this.#state = { kind: "closed" }
      socket.refuse("SHUTTING_DOWN", "this is the same server")
      return
    }
    if (version !== PROTOCOL_VERSION || this.#state.kind !== "greeting" || this.#state.serverKey !== undefined) {
      socket.refuse("UNSUPPORTED_VERSION", `this server speaks version ${PROTOCOL_VERSION}`)
      return
    }
    this.#state = { ...this.#state, serverKey }
    const signature = key.sign(helloMessage(nonce, serverKey))
    const token = peerToken ?? ""
    this.#sendOn(socket, { kind: "hello", version, role: 1, token, publicKey: key.publicKey, signature, packs: true })
  }

  async #onWelcome(socket: Socket, { serverTime }: FrameOf<"welcome">): Promise<void> {
    const state = this.#state
    if (state.kind !== "greeting" || state.serverKey === undefined) {
      socket.refuse("BAD_FRAME", "welcome does not belong here")
      return
    }
    const { trust, peerOrigins, fanOut, metrics, env, log, packer } = this.#ports
    socket.outbox.pack(packer)
    const key = hex(state.serverKey)
    const wire = this.#wireOf(socket)
    const updates = new PeerUpdates({
      key,
      name: this.#name,
      env,
      metrics,
      log,
      send: wire.send.bind(wire),
      compare: (conversation) => {
        session.tell(conversation)
      },
      compareAccount: (account) => {
        session.tellAccounts(account)
      },
    })
    const party: Party = { kind: "peer", key }
    const session = new SyncSession(party, this.#ports, wire, { origin: peerOrigins.of(key), updates })
    this.#state = { kind: "live", socket, session, party, since: env.now() }
    fanOut.add(party, session)
    metrics.peerLinks.set({ peer: this.#name }, 1)
    metrics.peerClockAhead.set({ peer: this.#name }, (serverTime - env.now()) / 1000)
    log.info({ peer: this.#name }, "a link to a peer is up")
    await trust.learn(state.serverKey)
    await this.#compare(socket)
    session.tellAccounts()
  }

  /** Says what is here of everything; what differs comes back. */
  async #compare(socket: Socket): Promise<void> {
    const { digests } = this.#ports
    let items: { conversation: ConversationId; digest: Uint8Array }[] = []
    for await (const { conversation, root: digest } of digests.all()) {
      if (digest === undefined) continue
      if (items.length === DIGEST_PAGE) {
        this.#sendOn(socket, { kind: "digests", last: false, items })
        items = []
        await socket.outbox.drained()
      }
      items.push({ conversation, digest })
    }
    this.#sendOn(socket, { kind: "digests", last: true, items })
  }

  #wireOf(socket: Socket): Wire {
    return {
      send: (frame) => {
        this.#sendOn(socket, frame)
      },
      sendBytes: (bytes) => {
        socket.outbox.send(bytes)
      },
      drained: () => socket.outbox.drained(),
      pause: () => {
        socket.pause()
      },
      resume: () => {
        socket.resume()
      },
      refuse: (code: RefusalCode, message) => {
        socket.refuse(code, message)
      },
    }
  }
}
