import type { DocumentName, RefusalCode } from "@weft/sdk/protocol"
import type { Authenticate } from "../auth/authenticate.js"
import { callAt } from "../env.js"
import type { Slots } from "../limits/slots.js"
import { AwarenessRoom } from "./awareness.js"
import type { Channel } from "./channel.js"
import type { Client, Clients } from "./clients.js"
import type { FanOut } from "./fan-out.js"
import type { Shared } from "./session-ports.js"
import { Socket } from "./socket.js"
import { decodeStockMessage } from "./stock-message.js"
import { StockSession } from "./stock-session.js"

export interface StockPorts extends Shared {
  readonly authenticate: Authenticate
  readonly fanOut: FanOut
  readonly clients: Clients
  readonly stockUsers: Slots
  readonly rooms: Map<DocumentName, AwarenessRoom>
}

/** One connection at /y/<document>, of a stock y-websocket client. Its token came with the URL. [SPEC S12] */
export class StockConnection implements Client {
  readonly #ports: StockPorts
  readonly #document: DocumentName
  readonly #socket: Socket
  readonly #releases: (() => void)[]
  #session: StockSession | undefined

  constructor(
    channel: Channel,
    request: { readonly document: DocumentName; readonly token: string },
    ports: StockPorts,
    release: () => void,
  ) {
    this.#ports = ports
    this.#document = request.document
    this.#socket = new Socket(channel, {
      env: ports.env,
      maxUnsentBytes: ports.limits.unsentBytes,
      breathe: () => ports.breathe(),
      onMessage: (bytes) => {
        this.#onMessage(bytes)
        return undefined
      },
      onClosed: (code) => {
        this.#onClosed(code)
      },
    })
    ports.clients.add(this)
    this.#releases = [
      release,
      () => {
        ports.clients.delete(this)
      },
    ]
    // What it sends meanwhile waits in the network.
    this.#socket.pause()
    this.#authenticate(request.token).catch((error: unknown) => {
      this.#fail(error)
    })
  }

  get heardAt(): number {
    return this.#socket.heardAt
  }

  get unsentBytes(): number {
    return this.#socket.outbox.unsentBytes
  }

  /** Stock clients may be silent for long; their sockets answer. */
  stir(): void {
    this.#socket.ping()
  }

  expire(): void {
    this.#socket.expire("no answer for too long")
  }

  async drain(): Promise<void> {
    this.#socket.pause()
    await this.#socket.taken()
    await this.#session?.idle()
    this.end()
  }

  end(): void {
    this.#socket.refuse("SHUTTING_DOWN", "the server stops")
  }

  async #authenticate(token: string): Promise<void> {
    const { authenticate, stockUsers, limits, fanOut, rooms, env } = this.#ports
    const verdict = await authenticate(token)
    if (!this.#socket.isOpen) return
    if (verdict.kind === "refused") {
      this.#socket.refuse(verdict.code, verdict.reason)
      return
    }
    const { user, expiresAt } = verdict
    if (!stockUsers.take(user, limits.stockSocketsPerUser)) {
      this.#socket.refuse("TOO_MANY_CONNECTIONS", `a user has at most ${limits.stockSocketsPerUser}`)
      return
    }
    const room = rooms.get(this.#document) ?? new AwarenessRoom(limits.awarenessBytes)
    rooms.set(this.#document, room)
    const wire = {
      send: (bytes: Uint8Array) => {
        this.#socket.outbox.send(bytes)
      },
      drained: () => this.#socket.outbox.drained(),
      pause: () => {
        this.#socket.pause()
      },
      resume: () => {
        this.#socket.resume()
      },
      refuse: (code: RefusalCode, message: string) => {
        this.#socket.refuse(code, message)
      },
    }
    const session = new StockSession(
      { user, document: this.#document },
      this.#ports,
      wire,
      room,
      (awareness, readers) => {
        for (const other of fanOut.stockOn(this.#document)) {
          if (other !== session && other instanceof StockSession) other.sendAwareness(awareness, readers)
        }
      },
    )
    this.#session = session
    fanOut.addStock(this.#document, user, session)
    this.#releases.push(() => {
      stockUsers.give(user)
      fanOut.deleteStock(this.#document, session)
      // Others may say something of themselves yet.
      for (const _ of fanOut.stockOn(this.#document)) return
      rooms.delete(this.#document)
    })
    if (expiresAt !== undefined) {
      const stop = callAt(env, expiresAt, () => {
        this.#socket.refuse("TOKEN_EXPIRED", "the token has ended")
      })
      this.#releases.push(stop)
    }
    this.#socket.resume()
    session.start()
  }

  #onMessage(bytes: Uint8Array): void {
    try {
      const message = decodeStockMessage(bytes)
      if (message === undefined) this.#socket.refuse("BAD_FRAME", "not a message of y-websocket")
      else this.#session?.take(message, bytes.length)
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    this.#ports.metrics.errors.inc()
    this.#ports.log.error({ err: error }, "a stock connection failed")
    this.#socket.refuse("INTERNAL", "this message could not be handled")
  }

  #onClosed(code: RefusalCode | undefined): void {
    if (code !== undefined) this.#ports.metrics.refused.inc({ code })
    this.#session?.end()
    for (const release of this.#releases) release()
  }
}
