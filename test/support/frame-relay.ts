import type { AddressInfo } from "node:net"
import type { Frame } from "@weft/sdk/protocol"
import { WebSocket, WebSocketServer } from "ws"
import { wholeFrame } from "./sync-deflate.js"

/** Stands between devices and a server, frame by frame: what the server says can be held up at any frame. */
export class FrameRelay {
  readonly #target: string
  readonly #server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false })
  #stopsAt: ((frame: Frame) => boolean) | undefined
  #awaited: ((frame: Frame) => boolean) | undefined
  #stopped: (() => void) | undefined
  #isStopped = false
  readonly #held: (() => void)[] = []
  #listener: ((frame: Frame) => void) | undefined

  private constructor(target: string) {
    this.#target = target
    this.#server.on("connection", (client, { url }) => {
      this.#join(client, url ?? "")
    })
  }

  static async start(target: string): Promise<FrameRelay> {
    const relay = new FrameRelay(target)
    await new Promise((resolve) => relay.#server.once("listening", resolve))
    return relay
  }

  get url(): string {
    return `ws://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`
  }

  /**
   * From the first such frame on what the server says is held up, until `pass`. Resolves when `isAwaited` is true of one that
   * is: by default when the first has come.
   */
  stopBefore(isIt: (frame: Frame) => boolean, isAwaited = isIt): Promise<void> {
    this.#stopsAt = isIt
    this.#awaited = isAwaited
    return new Promise((resolve) => {
      this.#stopped = resolve
    })
  }

  /** Resolves when such a frame was passed on. */
  heard(isIt: (frame: Frame) => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#listener = (frame) => {
        if (isIt(frame)) resolve()
      }
    })
  }

  /** What was held up arrives, and all that follows. */
  pass(): void {
    this.#stopsAt = undefined
    this.#isStopped = false
    for (const send of this.#held.splice(0)) send()
  }

  async close(): Promise<void> {
    for (const client of this.#server.clients) client.terminate()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #join(client: WebSocket, path: string): void {
    const server = new WebSocket(this.#target + path, { perMessageDeflate: false })
    const early: Buffer[] = []
    client.on("message", (bytes: Buffer) => {
      if (server.readyState === WebSocket.OPEN) server.send(bytes)
      else early.push(bytes)
    })
    server.on("open", () => {
      for (const bytes of early.splice(0)) server.send(bytes)
    })
    server.on("message", (bytes: Buffer) => {
      const frame = wholeFrame(bytes)
      if (frame !== undefined && this.#stopsAt?.(frame) === true) this.#isStopped = true
      const send = (): void => {
        client.send(bytes)
        if (frame !== undefined) this.#listener?.(frame)
      }
      if (!this.#isStopped) send()
      else {
        this.#held.push(send)
        if (frame !== undefined && this.#awaited?.(frame) === true) this.#stopped?.()
      }
    })
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.on("close", () => {
        other.terminate()
      })
      one.on("error", () => {
        one.terminate()
      })
    }
  }
}
