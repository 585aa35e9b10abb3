import {
  decodeRegister,
  isNewer,
  RegisterSet,
  type ControlState,
  type ConversationId,
  type DeviceId,
  type RegisterClock,
  type RefusalCode,
  type SignedRegister,
} from "@weft/sdk/protocol"
import type { Verifier } from "../auth/verifier.js"
import type { Rates } from "../limits/rates.js"
import type { Metrics } from "../observe/metrics.js"
import type { Store } from "../store/store.js"
import type { Readers } from "./change.js"
import type { DigestTable } from "./digest-table.js"
import type { Origin, Source } from "./source.js"

/** Registers that were accepted and are durable. */
export interface RegisterNews {
  readonly conversation: ConversationId
  readonly registers: readonly SignedRegister[]
  readonly readers: Readers
  readonly origin: Origin
}

export interface StoredRegistersPorts {
  readonly store: Store
  readonly digests: DigestTable
  readonly verifier: Verifier
  readonly metrics: Metrics
  /** What a device may say of itself, and bring of others. */
  readonly registered: Rates
  readonly relayed: Rates
  now(): number
  relayRegisters(news: RegisterNews): void
}

/** Why a register was refused; without a device: all that came. */
interface RefusedRegister {
  readonly device: DeviceId | undefined
  readonly code: RefusalCode
  readonly retryAfterMs: number
}

/** What became of registers that a source brought: the rest is on its way to the disk. */
export interface RegisterOutcome {
  readonly refused: readonly RefusedRegister[]
  /** Rejects where they could not be stored. */
  readonly durable: Promise<void>
}

/** What somebody who asks is told. */
export interface RegistersRead {
  /** Why nothing can be said now. */
  readonly refusal: RefusalCode | undefined
  readonly registers: readonly Uint8Array[]
  /** Of those that are here. */
  readonly clocks: readonly RegisterClock[]
}

/** The receipt registers of one conversation, read from the store when somebody asks. Its caller keeps the order. [SPEC P3-P6] */
export class StoredRegisters {
  readonly #set: RegisterSet
  readonly #ports: StoredRegistersPorts
  /** Tells of a write that is under way. */
  readonly #onWrite: (written: Promise<void>) => void
  #loaded = false

  constructor(conversation: ConversationId, ports: StoredRegistersPorts, onWrite: (written: Promise<void>) => void) {
    this.#set = new RegisterSet(conversation)
    this.#ports = ports
    this.#onWrite = onWrite
  }

  /** What a source says. */
  async submit(source: Source, state: ControlState, items: readonly Uint8Array[]): Promise<RegisterOutcome> {
    await this.#load(state)
    const { metrics, verifier } = this.#ports
    const refused: RefusedRegister[] = []
    const taken = new Map<DeviceId, SignedRegister>()
    for (const bytes of items) {
      const register = decodeRegister(bytes)
      const waitMs = this.#book(source, register)
      const code =
        waitMs > 0
          ? "RATE_LIMITED"
          : register === undefined
            ? "MALFORMED"
            : await this.#set.take(register, state, this.#ports.now(), {
                verify: async (...proof) => verifier.verify(...proof),
                refusesKey: (key) => verifier.refusesKey(key),
              })
      if (register === undefined || code !== undefined) {
        metrics.registerRefusals.inc({ code: code ?? "MALFORMED" })
        refused.push({ device: register?.device, code: code ?? "MALFORMED", retryAfterMs: waitMs })
      } else taken.set(register.device, register)
    }
    if (taken.size === 0) return { refused, durable: Promise.resolve() }
    const registers = Array.from(taken.values())
    const { members: readers } = state
    const { conversation } = this.#set
    const durable = this.#write(new Map(registers.map(({ device, bytes }) => [device, bytes])), () => {
      metrics.registers.inc(registers.length)
      this.#ports.relayRegisters({ conversation, registers, readers, origin: source.origin })
    })
    return { refused, durable }
  }

  /** Milliseconds to wait, where a source says more than it may. Peers and this server may say all. */
  #book(source: Source, register: SignedRegister | undefined): number {
    if (source.kind !== "device") return 0
    const { registered, relayed } = this.#ports
    const rates = register?.device === source.device || register === undefined ? registered : relayed
    const time = this.#ports.now()
    if (rates.allowance(source.device, time) < 1) return Math.max(1, rates.waitMs(source.device, 1, time))
    rates.take(source.device, 1, time)
    return 0
  }

  /** Those that the other side lacks, or holds older. */
  async beyond(state: ControlState, held: readonly RegisterClock[]): Promise<Uint8Array[]> {
    await this.#load(state)
    return this.#set.beyond(held)
  }

  async clocks(state: ControlState): Promise<RegisterClock[]> {
    await this.#load(state)
    return this.#set.clocks
  }

  /** Those of former members go. [SPEC P4] */
  async enforce(state: ControlState): Promise<void> {
    await this.#load(state)
    const gone = this.#set.prune(state)
    if (gone.length === 0) return
    this.#write(new Map(gone.map((device) => [device, undefined])), () => undefined).catch(() => undefined)
  }

  async #load(state: ControlState): Promise<void> {
    if (this.#loaded) return
    for (const bytes of await this.#ports.store.registers(this.#set.conversation)) {
      const register = decodeRegister(bytes)
      if (register !== undefined && isNewer(register, this.#set.get(register.device))) this.#set.restore(register)
    }
    this.#loaded = true
    // A crash may have come between a removal and this.
    await this.enforce(state)
  }

  #write(changes: ReadonlyMap<DeviceId, Uint8Array | undefined>, onDurable: () => void): Promise<void> {
    const { store, digests } = this.#ports
    const { conversation, digest } = this.#set
    const written = store.putRegisters(conversation, changes, digest).then(() => {
      digests.setRegisters(conversation, digest)
      onDurable()
    })
    this.#onWrite(written)
    return written
  }
}
