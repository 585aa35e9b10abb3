import type { ServerEnv } from "../../sync-server/src/env.js"
import type { Random } from "../support/seed.js"
import type { Event, World } from "./world.js"

/** When worlds begin; milliseconds since 1970. */
export const BEGINNING = Date.UTC(2025, 0, 1)

/** The machine below: its wall clock and its chance outlive processes. */
export interface Machine {
  readonly name: string
  readonly random: Random
  /** How far its wall clock is off. */
  skewMs: number
}

/** One life of a program on a machine, and what it takes from its surroundings. After its death nothing of it has effects. */
export class Process implements ServerEnv {
  alive = true
  readonly #deaths: (() => void)[] = []

  constructor(
    readonly world: World,
    readonly machine: Machine,
  ) {}

  now(): number {
    return Math.floor(BEGINNING + this.world.now + this.machine.skewMs)
  }

  setTimer(ms: number, call: () => void): Event {
    return this.world.schedule(ms, () => {
      if (this.alive) call()
    })
  }

  clearTimer(timer: unknown): void {
    if (timer !== undefined) this.world.cancel(timer as Event)
  }

  randomBytes(length: number): Uint8Array {
    return this.machine.random.bytes(length)
  }

  defer = (call: () => void): void => {
    this.setTimer(0, call)
  }

  onDeath(call: () => void): void {
    this.#deaths.push(call)
  }

  kill(): void {
    this.alive = false
    for (const call of this.#deaths.splice(0)) call()
  }
}
