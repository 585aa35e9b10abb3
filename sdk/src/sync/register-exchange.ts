import type { Env, Timer } from "../base/env.js"
import { randomFraction } from "../base/env.js"
import { equalBytes } from "../protocol/bytes.js"
import { isTransient, type RefusalCode } from "../protocol/codes.js"
import { MAX_FRAME_UPDATE_BYTES, WIRE_DIGEST_BYTES, wireDigest, type Frame, type FrameOf } from "../protocol/frame.js"
import type { ConversationId } from "../protocol/names.js"
import type { ConversationRegisters } from "./registers.js"
import type { Replica } from "./replica.js"

export interface RegisterExchangePorts {
  readonly replica: Replica
  readonly env: Env
  send(frame: Frame): void
  /** Resolves when the server has said what time it is, and the replica knows. */
  askTime(): Promise<void>
}

const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 60_000
/** Refusals that end when the server's clock is right, and when it knows the authority that is known here. */
const ofMoment: ReadonlySet<RefusalCode> = new Set(["CLOCK_AHEAD", "CLOCK_FAR_AHEAD", "CONTROL_UNKNOWN", "NOT_MEMBER"])
const none = new Uint8Array(WIRE_DIGEST_BYTES)

/** Brings the receipt registers of the replica and one server to the same, over one live connection. [SPEC P6] */
export class RegisterExchange {
  readonly #ports: RegisterExchangePorts
  /** Conversations whose authority comes first. */
  readonly #behindControl = new Set<ConversationId>()
  readonly #retries = new Map<ConversationId, Timer>()
  readonly #stopListening: () => void
  #retryMs = FIRST_RETRY_MS

  constructor(ports: RegisterExchangePorts) {
    this.#ports = ports
    this.#stopListening = ports.replica.registerChanges.on(({ conversation, own }) => {
      if (own !== undefined) ports.send({ kind: "registers", conversation, items: [own.bytes] })
    })
  }

  end(): void {
    this.#stopListening()
    for (const timer of this.#retries.values()) this.#ports.env.clearTimer(timer)
    this.#retries.clear()
  }

  /** What the server holds of a conversation differs: perhaps its registers, once the authority over them is here. */
  async compare({ conversation: id, registers: theirs }: FrameOf<"documents">, behindControl: boolean): Promise<void> {
    const mine = this.#ports.replica.knows(id) ? (await this.#registersOf(id)).digest : undefined
    if (equalBytes(mine === undefined ? none : wireDigest(mine), theirs)) return
    this.#behindControl.add(id)
    if (!behindControl) await this.controlCame(id)
  }

  /** What the server has of a control document is here: registers are asked for, if that lets them in. [SPEC P3] */
  async controlCame(id: ConversationId): Promise<void> {
    const { replica } = this.#ports
    const conversation = this.#behindControl.has(id) ? await replica.known(id) : undefined
    if (conversation?.state.created === undefined) return
    this.#behindControl.delete(id)
    this.#ask(id, replica.registersOf(conversation))
  }

  #ask(conversation: ConversationId, registers: ConversationRegisters): void {
    this.#ports.send({ kind: "clocks", conversation, reply: true, items: registers.clocks })
  }

  async take(frame: FrameOf<"registers"> | FrameOf<"clocks"> | FrameOf<"declined">): Promise<void> {
    if (!this.#ports.replica.knows(frame.conversation)) {
      // They are not kept, but asked for once what lets them in is here. [SPEC S15]
      if (frame.kind === "registers") this.#behindControl.add(frame.conversation)
      return
    }
    const registers = await this.#registersOf(frame.conversation)
    switch (frame.kind) {
      case "registers": {
        const ahead = await registers.take(frame.items)
        if (ahead.length === 0) break
        // The server took them by its own clock: this device's jumped since the server's time was last heard. [SPEC R2]
        await this.#ports.askTime()
        // Still: then the server's clock is wrong, or was when it took them.
        if ((await registers.take(ahead)).length > 0) this.#askLater(frame.conversation, registers, 0)
        break
      }
      case "clocks":
        this.#push(frame.conversation, registers.beyond(frame.items))
        break
      case "declined":
        await this.#declined(frame, registers)
    }
  }

  #push(conversation: ConversationId, registers: readonly Uint8Array[]): void {
    let items: Uint8Array[] = []
    let bytes = 0
    for (const register of registers) {
      if (bytes + register.length > MAX_FRAME_UPDATE_BYTES) {
        this.#ports.send({ kind: "registers", conversation, items })
        items = []
        bytes = 0
      }
      items.push(register)
      bytes += register.length
    }
    if (items.length > 0) this.#ports.send({ kind: "registers", conversation, items })
  }

  async #declined(
    { conversation, device: [device], code, retryAfterMs }: FrameOf<"declined">,
    registers: ConversationRegisters,
  ): Promise<void> {
    const { replica } = this.#ports
    // This server may get its clock set right, or learn who is a member; and nobody else may have the register. [SPEC P6, R2]
    const passes = device !== undefined && registers.holds(device) && ofMoment.has(code)
    if (device !== undefined && device !== replica.device) {
      // What else was said of others is found at the next comparison.
      if (passes) this.#askLater(conversation, registers, retryAfterMs)
      return
    }
    if (code === "CLOCK_AHEAD" || code === "CLOCK_FAR_AHEAD") {
      await this.#ports.askTime()
      registers.touch()
    }
    // A newer one of this very device: its clock is the one to beat.
    if (code === "STALE") this.#ask(conversation, registers)
    else if (passes || isTransient(code)) this.#askLater(conversation, registers, retryAfterMs)
  }

  #askLater(conversation: ConversationId, registers: ConversationRegisters, afterMs: number): void {
    if (this.#retries.has(conversation)) return
    const { env } = this.#ports
    const wait = Math.max(afterMs, this.#retryMs * (0.5 + randomFraction(env) / 2))
    this.#retryMs = Math.min(LAST_RETRY_MS, this.#retryMs * 2)
    const timer = env.setTimer(wait, () => {
      this.#retries.delete(conversation)
      this.#ask(conversation, registers)
    })
    this.#retries.set(conversation, timer)
  }

  #registersOf(id: ConversationId): Promise<ConversationRegisters> {
    const { replica } = this.#ports
    return replica.using(id, async (conversation) => replica.registersOf(conversation))
  }
}
