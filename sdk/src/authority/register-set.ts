import { aheadMs } from "../log/clock.js"
import {
  isNewer,
  registerMark,
  registersDigest,
  verifyRegister,
  type RegisterKeys,
  type SignedRegister,
} from "../log/register.js"
import { equalBytes } from "../protocol/bytes.js"
import type { RefusalCode } from "../protocol/codes.js"
import { MAX_CLOCKS, type FrameOf } from "../protocol/frame.js"
import { MAX_CLOCK_AHEAD_MS, MAX_CLOCK_RETRY_MS } from "../protocol/limits.js"
import type { ConversationId, DeviceId } from "../protocol/names.js"
import type { ControlState } from "./state.js"

/** Whether a device's register has a place: one of a present member's. [SPEC P3] */
export function admitRegister(state: ControlState, device: DeviceId): RefusalCode | undefined {
  const user = state.claimedUser(device)
  // What introduces it, or lets its user in, may be on its way.
  if (user === undefined) return "CONTROL_UNKNOWN"
  if (state.disputed.has(device)) return "KEY_REFUSED"
  if (!state.members.has(user)) return "NOT_MEMBER"
  return state.devices.get(device)?.certified === true ? undefined : "CONTROL_UNKNOWN"
}

/** What a clock so far ahead means; undefined: it isn't. [SPEC R2] */
export function refusesClock(register: SignedRegister, now: number): RefusalCode | undefined {
  const ahead = aheadMs(register.clock, now)
  if (ahead > MAX_CLOCK_AHEAD_MS + MAX_CLOCK_RETRY_MS) return "CLOCK_FAR_AHEAD"
  return ahead > MAX_CLOCK_AHEAD_MS ? "CLOCK_AHEAD" : undefined
}

/** What one side says to hold of a device's register. */
export type RegisterClock = FrameOf<"clocks">["items"][number]

/** The registers of one conversation: the newest of each member's device. The same set everywhere, in whatever order they came. */
export class RegisterSet {
  readonly #held = new Map<DeviceId, SignedRegister>()
  #digest: Uint8Array | undefined

  constructor(readonly conversation: ConversationId) {}

  /** What was taken before: read from a store. */
  restore(register: SignedRegister): void {
    this.#held.set(register.device, register)
    this.#digest = undefined
  }

  /** What was there before one was taken: a store did not take that. */
  putBack(device: DeviceId, register: SignedRegister | undefined): void {
    if (register === undefined) this.#held.delete(device)
    else this.#held.set(device, register)
    this.#digest = undefined
  }

  /** These are all that a store holds. */
  become(registers: Iterable<SignedRegister>): void {
    this.#held.clear()
    this.#digest = undefined
    for (const register of registers) this.restore(register)
  }

  /** The register of a device, where there is one. */
  get(device: DeviceId): SignedRegister | undefined {
    return this.#held.get(device)
  }

  /** All registers, in no particular order. */
  get all(): Iterable<SignedRegister> {
    return this.#held.values()
  }

  /** How many there are. */
  get size(): number {
    return this.#held.size
  }

  /** What is held, of as many as a frame takes: the others are sent again. */
  get clocks(): RegisterClock[] {
    const named = Array.from(this.#held.values()).slice(0, MAX_CLOCKS)
    return named.map((register) => ({ device: register.device, clock: register.clock, mark: registerMark(register) }))
  }

  /** Those that the other side lacks, or holds older or otherwise; encoded. */
  beyond(held: readonly RegisterClock[]): Uint8Array[] {
    const theirs = new Map(held.map((item) => [item.device, item]))
    return Array.from(this.#held.values()).flatMap((register) => {
      const other = theirs.get(register.device)
      if (other === undefined || other.clock < register.clock) return register.bytes
      return other.clock === register.clock && !equalBytes(other.mark, registerMark(register)) ? register.bytes : []
    })
  }

  /** 32 bytes; undefined where there are none. [SPEC P5] */
  get digest(): Uint8Array | undefined {
    if (this.#held.size === 0) return undefined
    this.#digest ??= registersDigest(this.conversation, this.#held.values())
    return this.#digest
  }

  /** Takes a register, or says why not. `now`: the receiver's time, ms since 1970. [SPEC P3, P4] */
  async take(
    register: SignedRegister,
    state: ControlState,
    now: number,
    keys: RegisterKeys,
  ): Promise<RefusalCode | undefined> {
    // Cheap questions first: a signature is verified once, and only of what would count.
    if (!isNewer(register, this.#held.get(register.device))) return "STALE"
    const code =
      admitRegister(state, register.device) ??
      refusesClock(register, now) ??
      (await verifyRegister(this.conversation, register, keys))
    if (code !== undefined) return code
    if (!isNewer(register, this.#held.get(register.device))) return "STALE"
    this.restore(register)
    return undefined
  }

  /** Drops those that have no place any more, and returns whose they were. */
  prune(state: ControlState): DeviceId[] {
    const gone = Array.from(this.#held.keys()).filter((device) => admitRegister(state, device) !== undefined)
    for (const device of gone) this.#held.delete(device)
    if (gone.length > 0) this.#digest = undefined
    return gone
  }
}
