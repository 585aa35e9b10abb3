/** A running timer's handle; opaque. */
export type Timer = unknown

/**
 * Everything that a replica takes from its surroundings besides storage and transport: time, timers and chance.
 * It is an argument everywhere, so that one process can simulate many devices; lint bans the ambient ones.
 */
export interface Env {
  /** Wall clock, milliseconds since 1970. May jump either way. */
  now(): number
  /** Calls once, `ms` milliseconds later. */
  setTimer(ms: number, call: () => void): Timer
  /** Forgets a timer; one that has called already does no harm. */
  clearTimer(timer: Timer): void
  /** `length` bytes fit for keys. */
  randomBytes(length: number): Uint8Array
}

interface Ambient {
  setTimeout(call: () => void, ms: number): unknown
  clearTimeout(timer: unknown): void
  crypto?: { getRandomValues(bytes: Uint8Array): Uint8Array }
}

const ambient = globalThis as unknown as Ambient

/** The real surroundings; the only place that touches the ambient clock, timers and randomness. */
export const systemEnv: Env = {
  now: () => Date.now(),
  setTimer: (ms, call) => ambient.setTimeout(call, ms),
  clearTimer: (timer) => ambient.clearTimeout(timer),
  randomBytes: (length) => {
    const bytes = new Uint8Array(length)
    ambient.crypto?.getRandomValues(bytes)
    return bytes
  },
}

/** Keeps no program running that has nothing else to wait for: Node's timers do. */
export function inBackground(timer: Timer): Timer {
  const own = timer as { unref?: () => void } | undefined
  own?.unref?.()
  return timer
}

/** A number in [0, 1) from the environment's randomness. */
export function randomFraction(env: Env): number {
  const bytes = env.randomBytes(4)
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) / 2 ** 32
}
