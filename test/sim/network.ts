import type { WebSocketConstructor } from "../../sdk/src/transport/websocket.js"
import type { Channel, ChannelEvents, Dial } from "../../sync-server/src/connection/channel.js"
import { describeFrame } from "./describe.js"
import type { Random } from "../support/seed.js"
import type { Process } from "./process.js"
import type { Trace } from "./trace.js"
import type { World } from "./world.js"

/** An attempt at a host that nothing reaches is given up by the system after this; milliseconds. */
const CONNECT_LIMIT_MS = 20_000
const ABNORMAL = 1006

type Item =
  | { readonly kind: "message"; readonly bytes: Uint8Array; readonly sent: (() => void) | undefined }
  | { readonly kind: "ping" }
  | { readonly kind: "pong" }
  | { readonly kind: "close"; readonly code: number }

interface EndEvents {
  message(bytes: Uint8Array): void
  pong(): void
  closed(code: number): void
}

/** The network between all hosts: every connection is in order and whole until it ends; everything else may happen. */
export class Network {
  readonly #listeners = new Map<string, { readonly process: Process; readonly accept: (channel: Channel) => void }>()
  readonly #blocked = new Set<string>()
  readonly #slow = new Map<string, number>()
  readonly #latency = new Map<string, number>()
  readonly open = new Set<Wire>()
  /** Stands beside the wires. */
  listener: ((wire: Wire, from: string, bytes: Uint8Array) => void) | undefined
  /** The same at the moment in which it is sent. */
  sender: ((wire: Wire, from: string, bytes: Uint8Array) => void) | undefined
  /** What leaves a host in the place of a frame. */
  tamper: ((from: string, bytes: Uint8Array) => readonly Uint8Array[]) | undefined

  constructor(
    readonly world: World,
    readonly random: Random,
    readonly trace: Trace,
  ) {}

  /** Nothing goes from one host to another; open connections stall, and nobody is told. */
  block(from: string, to: string): void {
    this.#blocked.add(`${from} ${to}`)
  }

  slowDown(one: string, other: string, factor: number): void {
    this.#slow.set(pair(one, other), factor)
  }

  heal(): void {
    this.#blocked.clear()
    this.#slow.clear()
  }

  isBlocked(from: string, to: string): boolean {
    return this.#blocked.has(`${from} ${to}`)
  }

  latency(from: string, to: string): number {
    const name = pair(from, to)
    let base = this.#latency.get(name)
    if (base === undefined) this.#latency.set(name, (base = 2 + this.random.below(50)))
    return (base + this.random.below(8)) * (this.#slow.get(name) ?? 1)
  }

  listen(process: Process, accept: (channel: Channel) => void): void {
    const { name } = process.machine
    const listener = { process, accept }
    this.#listeners.set(name, listener)
    process.onDeath(() => {
      if (this.#listeners.get(name) === listener) this.#listeners.delete(name)
    })
  }

  /** WebSockets as a program on a host has them. */
  webSocketOf(process: Process): WebSocketConstructor {
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- a class within needs it
    const network = this
    return class extends SimulatedWebSocket {
      constructor(url: string) {
        super(network, process, url)
      }
    }
  }

  /** Calls from one server to another. */
  dialOf(process: Process): Dial {
    return (url, events) => {
      let abandoned = false
      this.connect(process, url, (end) => {
        if (abandoned) end?.terminate()
        else if (end === undefined) events.failed(new Error("nobody is there"))
        else events.opened(channelOf(end))
      })
      return {
        abandon: () => {
          abandoned = true
        },
      }
    }
  }

  /** Answers with an open end, or undefined. */
  connect(process: Process, url: string, answer: (end: End | undefined) => void): void {
    const from = process.machine.name
    const to = new URL(url).hostname
    const tell = (ms: number, end: () => End | undefined): void => {
      process.setTimer(ms, () => {
        answer(end())
      })
    }
    const there = this.latency(from, to)
    this.world.schedule(there, () => {
      const listener = this.#listeners.get(to)
      if (this.isBlocked(from, to) || this.isBlocked(to, from)) tell(CONNECT_LIMIT_MS, () => undefined)
      else if (listener === undefined) tell(there, () => undefined)
      else {
        const wire = new Wire(this, process, listener.process)
        this.trace.mark("connect", `${from} ${to}`, 0)
        // The server speaks first; what it says is on its way behind the news that the connection is open.
        tell(there, () => (wire.ended ? undefined : wire.near))
        wire.far.notBefore(this.world.now + there)
        listener.accept(channelOf(wire.far))
      }
    })
  }
}

/** One connection. */
export class Wire {
  readonly near: End
  readonly far: End
  ended = false

  constructor(
    readonly network: Network,
    near: Process,
    far: Process,
  ) {
    this.near = new End(this, near, far)
    this.far = new End(this, far, near)
    this.near.other = this.far
    this.far.other = this.near
    network.open.add(this)
    for (const end of [this.near, this.far]) {
      end.process.onDeath(() => {
        if (!this.ended) end.other.reset()
      })
    }
  }

  /** What is on its way is lost, and both sides hear of it. */
  cut(): void {
    this.near.reset()
    this.far.reset()
    this.end()
  }

  end(): void {
    this.ended = true
    this.network.open.delete(this)
  }
}

/** One side of a connection. */
export class End {
  other!: End
  unsentBytes = 0
  #events: EndEvents | undefined
  #closing = false
  #closed = false
  #stalled = false
  #paused = false
  #lastArrival = 0
  #segment: { readonly sentAt: number; readonly items: Item[] } | undefined
  #waiting: Item[] = []
  #received = 0
  #guards: { readonly maxBytes: number; readonly call: () => void }[] = []

  constructor(
    readonly wire: Wire,
    readonly process: Process,
    readonly peer: Process,
  ) {}

  listen(events: EndEvents): void {
    this.#events = events
    this.#read()
  }

  /** Nothing that is sent from here arrives earlier. */
  notBefore(time: number): void {
    this.#lastArrival = time
  }

  guardBytes(maxBytes: number, call: () => void): () => void {
    const guard = { maxBytes: this.#received + maxBytes, call }
    this.#guards.push(guard)
    return () => {
      this.#guards = this.#guards.filter((other) => other !== guard)
    }
  }

  send(bytes: Uint8Array, sent?: () => void): void {
    const { network } = this.wire
    const from = this.process.machine.name
    network.sender?.(this.wire, from, bytes)
    const frames = network.tamper?.(from, bytes) ?? [bytes]
    frames.forEach((frame, index) => {
      this.#put({ kind: "message", bytes: frame, sent: index === 0 ? sent : undefined })
    })
    if (frames.length === 0) sent?.()
  }

  ping(): void {
    this.#put({ kind: "ping" })
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#read()
  }

  close(code: number): void {
    if (this.#closing) return
    this.#put({ kind: "close", code })
    this.#closing = true
  }

  terminate(): void {
    this.#closing = true
    if (!this.wire.ended) this.other.reset()
    this.process.setTimer(0, () => {
      this.#finish(ABNORMAL)
    })
  }

  /** Hears that the other side is gone, unless nothing gets through. */
  reset(): void {
    const { network } = this.wire
    const [from, to] = [this.peer.machine.name, this.process.machine.name]
    this.process.setTimer(network.latency(from, to), () => {
      if (!network.isBlocked(from, to)) this.#finish(ABNORMAL)
    })
  }

  #put(item: Item): void {
    if (this.#closing || this.#closed || !this.process.alive) return
    const { network, ended } = this.wire
    if (ended) return
    if (item.kind === "message") this.unsentBytes += item.bytes.length
    const { world } = network
    // What leaves in one go arrives in one go.
    if (this.#segment?.sentAt === world.now) {
      this.#segment.items.push(item)
      return
    }
    const segment = { sentAt: world.now, items: [item] }
    this.#segment = segment
    const [from, to] = [this.process.machine.name, this.peer.machine.name]
    const arrival = Math.max(this.#lastArrival, world.now + network.latency(from, to))
    this.#lastArrival = arrival
    world.schedule(arrival - world.now, () => {
      if (this.#segment === segment) this.#segment = undefined
      // What was lost once is not overtaken by what follows.
      if (this.#stalled || network.isBlocked(from, to)) this.#stalled = true
      else if (!this.wire.ended) this.other.#arrive(segment.items)
    })
  }

  #arrive(items: readonly Item[]): void {
    if (this.#closed || !this.process.alive) return
    const { trace } = this.wire.network
    for (const item of items) {
      if (item.kind !== "message") continue
      this.#received += item.bytes.length
      this.wire.network.listener?.(this.wire, this.peer.machine.name, item.bytes)
      trace.mark("frame", `${this.peer.machine.name} ${this.process.machine.name}`, item.bytes.length, () =>
        describeFrame(item.bytes),
      )
    }
    for (const { maxBytes, call } of this.#guards.slice()) if (this.#received > maxBytes) call()
    this.#waiting.push(...items)
    this.#read()
  }

  #read(): void {
    while (!this.#paused && !this.#closed && this.#events !== undefined) {
      const item = this.#waiting.shift()
      if (item === undefined) return
      switch (item.kind) {
        case "message":
          this.other.unsentBytes -= item.bytes.length
          item.sent?.()
          this.#events.message(item.bytes)
          break
        case "ping":
          this.#put({ kind: "pong" })
          break
        case "pong":
          this.#events.pong()
          break
        case "close": {
          this.#closing = true
          const { other } = this
          other.process.setTimer(1, () => {
            other.#finish(item.code)
          })
          this.#finish(item.code)
        }
      }
    }
  }

  #finish(code: number): void {
    if (this.#closed) return
    this.#closed = true
    this.#closing = true
    if (this.other.#closed || !this.other.process.alive) this.wire.end()
    if (this.process.alive) this.#events?.closed(code)
  }
}

function channelOf(end: End): Channel {
  return {
    get bufferedAmount() {
      return end.unsentBytes
    },
    send: (bytes, sent) => {
      end.send(bytes, sent)
    },
    cork: () => undefined,
    uncork: () => undefined,
    listen: (events: ChannelEvents) => {
      end.listen({
        message: (bytes) => {
          events.message(bytes, true)
        },
        pong: () => {
          events.pong()
        },
        closed: () => {
          events.closed()
        },
      })
    },
    guardBytes: (maxBytes, call) => end.guardBytes(maxBytes, call),
    pause: () => {
      end.pause()
    },
    resume: () => {
      end.resume()
    },
    ping: () => {
      end.ping()
    },
    close: (code) => {
      end.close(code)
    },
    terminate: () => {
      end.terminate()
    },
  }
}

const CONNECTING = 0
const OPEN = 1
const CLOSED = 3

class SimulatedWebSocket {
  binaryType = "arraybuffer"
  readyState = CONNECTING
  onopen: ((event: never) => void) | null = null
  onmessage: ((event: never) => void) | null = null
  onclose: ((event: never) => void) | null = null
  onerror: ((event: never) => void) | null = null
  #end: End | undefined

  constructor(network: Network, process: Process, url: string) {
    network.connect(process, url, (end) => {
      if (this.readyState === CLOSED) end?.terminate()
      else if (end === undefined) this.#closed(ABNORMAL)
      else {
        this.#end = end
        this.readyState = OPEN
        call(this.onopen, {})
        end.listen({
          message: (bytes) => {
            call(this.onmessage, { data: bytes.slice().buffer })
          },
          pong: () => undefined,
          closed: (code) => {
            this.#closed(code)
          },
        })
      }
    })
  }

  get bufferedAmount(): number {
    return this.#end?.unsentBytes ?? 0
  }

  send(data: Uint8Array): void {
    this.#end?.send(data)
  }

  close(code = 1000): void {
    if (this.readyState === CONNECTING) this.readyState = CLOSED
    this.#end?.close(code)
  }

  #closed(code: number): void {
    this.readyState = CLOSED
    call(this.onclose, { code })
  }
}

function call(handler: ((event: never) => void) | null, event: object): void {
  handler?.(event as never)
}

function pair(one: string, other: string): string {
  return one < other ? `${one} ${other}` : `${other} ${one}`
}
