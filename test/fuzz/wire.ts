import {
  decodeFrame,
  encodeFrame,
  helloMessage,
  PROTOCOL_VERSION,
  refusalOfClose,
  type DocumentName,
  type Frame,
} from "@weft/sdk/protocol"
import { WebSocket } from "ws"
import { encodeStockMessage } from "../../sync-server/src/connection/stock-message.ts"
import type { Writer } from "./corpus.ts"

/** How a connection ended: a code of ours, or a bare number of WebSocket's. */
export type Ended = string

const PATIENCE_MS = 30_000

/** A socket without manners: bytes go out as they are, and what comes in is told one by one. */
export class Wire {
  readonly #socket: WebSocket
  readonly #ended: Promise<Ended>
  #onMessage: (bytes: Uint8Array) => void = () => undefined
  #end: Ended | undefined

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.binaryType = "nodebuffer"
    socket.on("message", (data: Buffer) => {
      this.#onMessage(data)
    })
    socket.on("error", () => undefined)
    this.#ended = new Promise((resolve) => {
      socket.once("close", (code) => {
        this.#end = refusalOfClose(code) ?? String(code)
        resolve(this.#end)
      })
    })
  }

  /** Resolves once the socket is open, to a wire that may be told of `first` messages already. */
  static async open(url: string, onMessage: (bytes: Uint8Array) => void = () => undefined): Promise<Wire> {
    const socket = new WebSocket(url, { perMessageDeflate: false })
    const wire = new Wire(socket)
    wire.#onMessage = onMessage
    await new Promise<void>((resolve, reject) => {
      socket.once("open", resolve)
      socket.once("error", reject)
    })
    return wire
  }

  get end(): Ended | undefined {
    return this.#end
  }

  get ended(): Promise<Ended> {
    return this.#ended
  }

  get unsentBytes(): number {
    return this.#socket.bufferedAmount
  }

  send(bytes: Uint8Array): void {
    if (this.#end === undefined) this.#socket.send(bytes, { binary: true })
  }

  pause(): void {
    this.#socket.pause()
  }

  cut(): void {
    this.#socket.terminate()
  }

  /** Resolves with the first message that `fits`, or undefined once the connection has ended. Rejects after half a minute. */
  async until<T>(fits: (bytes: Uint8Array) => T | undefined, act: () => void): Promise<T | undefined> {
    let timer: NodeJS.Timeout | undefined
    const found = new Promise<T>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error("the server does not answer")), PATIENCE_MS)
      this.#onMessage = (bytes) => {
        const value = fits(bytes)
        if (value !== undefined) resolve(value)
      }
    })
    act()
    try {
      return await Promise.race([found, this.#ended.then(() => undefined)])
    } finally {
      clearTimeout(timer)
      this.#onMessage = () => undefined
    }
  }
}

/** A connection at /sync that was welcomed. */
export async function greet(url: string, { user, device }: Writer): Promise<Wire> {
  let first: Uint8Array | undefined
  const wire = await Wire.open(`${url}/sync`, (bytes) => (first ??= bytes))
  const challenge = first ? decodeFrame(first) : await wire.until(decodeFrame, () => undefined)
  if (challenge?.kind !== "challenge") throw new Error("the server gave no challenge")
  const signature = await device.sign(helloMessage(challenge.nonce, challenge.serverKey))
  const hello: Frame = {
    kind: "hello",
    version: PROTOCOL_VERSION,
    role: 0,
    token: user,
    publicKey: device.publicKey,
    signature,
    packs: false,
  }
  const welcome = await wire.until(decodeFrame, () => {
    wire.send(encodeFrame(hello))
  })
  if (welcome?.kind !== "welcome") throw new Error(`no welcome but ${welcome?.kind ?? wire.end ?? "nothing"}`)
  return wire
}

/** Sends a frame and waits for its answer: an acknowledgement, a reject, or the end of the connection. */
export async function ask(wire: Wire, frame: Frame & { readonly id: number }): Promise<Frame | undefined> {
  return wire.until(
    (bytes) => {
      const answer = decodeFrame(bytes)
      return answer !== undefined && "id" in answer && answer.id === frame.id ? answer : undefined
    },
    () => {
      wire.send(encodeFrame(frame))
    },
  )
}

let pings = 0

/** Resolves when a /sync connection has read everything before, or ended. */
export async function pinged(wire: Wire): Promise<void> {
  // Far above what cases use.
  const id = 2 ** 40 + pings++
  await wire.until(
    (bytes) => {
      const answer = decodeFrame(bytes)
      return answer?.kind === "pong" && answer.id === id ? true : undefined
    },
    () => {
      wire.send(encodeFrame({ kind: "ping", id }))
    },
  )
}

/** Sends messages at /sync with a ping after each; resolves with how many the server was done with before the connection ended. */
export async function pingedAfterEach(wire: Wire, messages: readonly Uint8Array[]): Promise<number> {
  const first = 2 ** 40 + pings
  pings += messages.length
  let done = 0
  await wire.until(
    (bytes) => {
      const answer = decodeFrame(bytes)
      if (answer?.kind !== "pong" || answer.id !== first + done) return undefined
      done++
      return done === messages.length ? true : undefined
    },
    () => {
      for (const [index, bytes] of messages.entries()) {
        wire.send(bytes)
        wire.send(encodeFrame({ kind: "ping", id: first + index }))
      }
    },
  )
  return done
}

export function openStock(url: string, document: DocumentName, user: string): Promise<Wire> {
  return Wire.open(`${url}/y/${encodeURIComponent(document)}?token=${user}`)
}

/** Resolves when a /y connection has answered everything before, or ended: it answers a state vector with step 2. */
export async function stepped(wire: Wire): Promise<void> {
  const step1 = encodeStockMessage({ kind: "step1", stateVector: new Map() })
  await wire.until(
    (bytes) => (bytes[0] === 0 && bytes[1] === 1 ? true : undefined),
    () => {
      wire.send(step1)
    },
  )
}
