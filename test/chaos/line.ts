/*
 * A TCP proxy on loopback whose weather is the test's: what lies between a client, or a peer, and a server. It knows
 * nothing of WebSockets; it holds, loses, delays and halves what it is given, as networks do.
 */
import { once } from "node:events"
import { connect, createServer, type Server, type Socket } from "node:net"

export type Weather =
  | { readonly kind: "clear" }
  /** Nothing passes, nothing is lost: a partition. What waits goes on in clear weather. */
  | { readonly kind: "held" }
  /** Each chunk takes so long, milliseconds. */
  | { readonly kind: "slow"; readonly ms: number }
  /** Each chunk arrives as two, with a pause between them. */
  | { readonly kind: "halved" }
  /** One end has left and nobody told the other, which learns it by what it sends later. */
  | { readonly kind: "half-open"; readonly gone: "near" | "far" }

/** Between the two halves of a chunk, milliseconds: they must not meet again in a buffer. */
const HALF_PAUSE_MS = 3

/** One address in front of one server; `target` is its present port. */
export class Line {
  private readonly server: Server
  private readonly wires = new Set<Wire>()
  private readonly listeners = new Set<() => void>()
  private weather: Weather = { kind: "clear" }

  private constructor(private readonly target: () => number) {
    this.server = createServer((near) => {
      const wire = new Wire(near, this)
      this.wires.add(wire)
      near.once("close", () => this.forget(wire))
    })
  }

  static async open(target: () => number): Promise<Line> {
    const line = new Line(target)
    line.server.listen(0, "127.0.0.1")
    await once(line.server, "listening")
    return line
  }

  get port(): number {
    const address = this.server.address()
    if (typeof address !== "object" || address === null) throw new TypeError("the line is closed")
    return address.port
  }

  get now(): Weather {
    return this.weather
  }

  /** Connections that are open. */
  get size(): number {
    return this.wires.size
  }

  set(weather: Weather): void {
    this.weather = weather
    if (weather.kind === "half-open") for (const wire of this.wires) wire.orphan(weather.gone)
    for (const listener of Array.from(this.listeners)) listener()
  }

  /** Resets every connection. */
  cut(): void {
    for (const wire of Array.from(this.wires)) wire.reset()
  }

  /** Half of the next chunk of every connection still passes; then it is reset. */
  tear(): void {
    for (const wire of this.wires) wire.torn = true
  }

  async close(): Promise<void> {
    this.set({ kind: "clear" })
    this.cut()
    this.server.close()
    await once(this.server, "close")
  }

  /** The way to the server; refused as by a machine without one, where it is down. */
  dial(): Socket {
    return connect(this.target(), "127.0.0.1")
  }

  /** Resolves when something may pass. */
  async passable(): Promise<void> {
    while (this.weather.kind === "held") await this.change()
  }

  private change(): Promise<void> {
    return new Promise((resolve) => {
      const listener = (): void => {
        this.listeners.delete(listener)
        resolve()
      }
      this.listeners.add(listener)
    })
  }

  /** Resolves when a new connection may come about. */
  async reachable(): Promise<void> {
    while (this.weather.kind === "held" || this.weather.kind === "half-open") await this.change()
  }

  private forget(wire: Wire): void {
    // An end that nobody told stays open, and is still ours to close.
    if (wire.isClosed) this.wires.delete(wire)
    else wire.onceClosed(() => this.wires.delete(wire))
  }
}

/** One connection: the near end is who called, the far end the server. */
class Wire {
  torn = false
  private far: Socket | undefined
  private orphaned = false

  constructor(
    private readonly near: Socket,
    private readonly line: Line,
  ) {
    near.pause()
    near.on("error", () => undefined)
    line.reachable().then(() => {
      this.join()
    }, fail)
  }

  get isClosed(): boolean {
    return this.near.destroyed && (this.far === undefined || this.far.destroyed)
  }

  onceClosed(then: () => void): void {
    for (const socket of [this.near, this.far]) {
      socket?.once("close", () => {
        if (this.isClosed) then()
      })
    }
  }

  /** One end goes; the other is not told. */
  orphan(gone: "near" | "far"): void {
    if (this.far === undefined || this.orphaned) return
    this.orphaned = true
    const [leaves, stays] = gone === "near" ? [this.near, this.far] : [this.far, this.near]
    leaves.destroy()
    stays.resume()
  }

  reset(): void {
    this.orphaned = true
    this.near.resetAndDestroy()
    this.far?.resetAndDestroy()
  }

  private join(): void {
    if (this.near.destroyed) return
    const far = this.line.dial()
    this.far = far
    far.on("error", () => undefined)
    far.setNoDelay(true)
    this.near.setNoDelay(true)
    this.carry(this.near, far)
    this.carry(far, this.near)
    this.near.resume()
  }

  private carry(from: Socket, to: Socket): void {
    let carried = Promise.resolve()
    from.on("data", (chunk) => {
      if (this.orphaned) {
        // In half-open weather it is lost; later the machine behind answers that it knows of no such connection.
        if (this.line.now.kind !== "half-open") from.resetAndDestroy()
        return
      }
      from.pause()
      carried = carried
        .then(() => this.pass(chunk, to))
        .then(() => {
          from.resume()
        })
      carried.catch(fail)
    })
    from.once("close", () => {
      carried
        .then(() => this.line.passable())
        .then(() => {
          if (!this.orphaned) to.destroySoon()
        }, fail)
    })
  }

  private async pass(chunk: Buffer, to: Socket): Promise<void> {
    const weather = this.line.now
    if (weather.kind === "slow") await pause(weather.ms)
    await this.line.passable()
    if (this.orphaned || to.destroyed) return
    const half = Math.ceil(chunk.length / 2)
    if (this.torn) {
      to.write(chunk.subarray(0, half), () => {
        this.reset()
      })
      this.torn = false
    } else if (this.line.now.kind === "halved" && chunk.length > 1) {
      await written(to, chunk.subarray(0, half))
      await pause(HALF_PAUSE_MS)
      if (!this.orphaned) await written(to, chunk.subarray(half))
    } else await written(to, chunk)
  }
}

/** Resolves when the socket takes more, or is gone. */
async function written(to: Socket, bytes: Buffer): Promise<void> {
  if (to.destroyed || to.write(bytes)) return
  await new Promise<void>((resolve) => {
    to.once("drain", resolve)
    to.once("close", () => {
      resolve()
    })
  })
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function fail(error: unknown): never {
  throw error
}
