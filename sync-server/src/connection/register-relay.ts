import {
  encodeFrame,
  type ConversationId,
  type DeviceId,
  type SignedRegister,
  type Timer,
  type UserId,
} from "@weft/sdk/protocol"
import type { Readers } from "../document/change.js"
import type { Origin } from "../document/source.js"
import type { RegisterNews } from "../document/stored-registers.js"
import type { ServerEnv } from "../env.js"
import type { FanOut } from "./fan-out.js"

/** How long registers wait for one another: so that a message that fifty people read at once is no storm. */
const RELAY_MS = 200
/** The more readers, the longer: what a register costs grows with them. */
const RELAY_MS_EACH = 20
const LONGEST_RELAY_MS = 10_000
/** Bytes of registers in one frame. */
const FRAME_BYTES = 256 * 1024

interface Waiting {
  readonly timer: Timer
  readonly registers: Map<DeviceId, { readonly register: SignedRegister; readonly origin: Origin }>
  readers: Readers
}

/** Passes registers on to members and peers: those of a moment together, of one device the newest. [SPEC P6] */
export class RegisterRelay {
  readonly #env: ServerEnv
  readonly #fanOut: FanOut
  readonly #waiting = new Map<ConversationId, Waiting>()

  constructor(env: ServerEnv, fanOut: FanOut) {
    this.#env = env
    this.#fanOut = fanOut
  }

  add({ conversation, registers, readers, origin }: RegisterNews): void {
    let waiting = this.#waiting.get(conversation)
    if (waiting === undefined) {
      const count = Array.from(readers.keys()).length
      const timer = this.#env.setTimer(Math.min(LONGEST_RELAY_MS, RELAY_MS + RELAY_MS_EACH * count), () => {
        this.#flush(conversation)
      })
      waiting = { timer, registers: new Map(), readers }
      this.#waiting.set(conversation, waiting)
    }
    for (const register of registers) waiting.registers.set(register.device, { register, origin })
    // Who may read now: a member who was removed meanwhile is told nothing.
    waiting.readers = readers
  }

  /** These users may not read this conversation any more. */
  letOut(conversation: ConversationId, users: readonly UserId[]): void {
    const waiting = this.#waiting.get(conversation)
    if (waiting === undefined) return
    const readers = new Set(waiting.readers.keys())
    for (const user of users) readers.delete(user)
    waiting.readers = readers
  }

  /** Passes nothing on any more: what waits is on the disk, and found by digest. */
  stop(): void {
    for (const { timer } of this.#waiting.values()) this.#env.clearTimer(timer)
    this.#waiting.clear()
  }

  #flush(conversation: ConversationId): void {
    const waiting = this.#waiting.get(conversation)
    this.#waiting.delete(conversation)
    if (waiting === undefined) return
    const all = Array.from(waiting.registers.values())
    const origins = new Set(all.map(({ origin }) => origin))
    const whole = framesOf(conversation, all)
    for (const subscriber of this.#fanOut.nativesOf(waiting.readers)) {
      // Encoded once for all but those who brought something.
      const frames = origins.has(subscriber.origin)
        ? framesOf(
            conversation,
            all.filter(({ origin }) => origin !== subscriber.origin),
          )
        : whole
      for (const frame of frames) subscriber.pass(frame)
    }
  }
}

function framesOf(conversation: ConversationId, all: readonly { readonly register: SignedRegister }[]): Uint8Array[] {
  return registerFrames(
    conversation,
    all.map(({ register }) => register.bytes),
  )
}

/** In as few frames as may be. */
export function registerFrames(conversation: ConversationId, registers: readonly Uint8Array[]): Uint8Array[] {
  const frames: Uint8Array[] = []
  let items: Uint8Array[] = []
  let bytes = 0
  const flush = (): void => {
    if (items.length > 0) frames.push(encodeFrame({ kind: "registers", conversation, items }))
    items = []
    bytes = 0
  }
  for (const register of registers) {
    if (bytes + register.length > FRAME_BYTES) flush()
    items.push(register)
    bytes += register.length
  }
  flush()
  return frames
}
