import {
  decodeUpdate,
  isTransient,
  logIdBytes,
  parseLogId,
  strangerBounds,
  type DocumentSummary,
  type LogId,
  type LogVerdict,
  type RefusalCode,
} from "@weft/sdk/protocol"

/** What became of an update after its check. */
export interface Outcome {
  readonly refused: readonly RefusedLog[]
  /** When to try again what may pass later. */
  readonly retryAfterMs: number
  /** Resolves when everything that was not refused is durable here, also what was held before. */
  readonly durable: Promise<void>
  /** Peers that have what was accepted, or brought again; grows. Undefined: there is nothing to wait for. */
  readonly copies: Confirmations | undefined
}

export interface RefusedLog {
  /** 21 bytes; none where the update does not name it: then it stands for every log that no other item names. */
  readonly log: Uint8Array
  readonly code: RefusalCode
  readonly at: number
  /** Something of it, before that, was accepted. */
  readonly isPartial?: boolean
}

const NO_LOG = new Uint8Array()
/** For refusals that time may heal, unless a limit knows better. */
const RETRY_MS = 1_000

/**
 * Refuses a whole update, log by log: what a reject does not name counts as durable. One that can't be read, or is beyond
 * the bounds of the check, names no log. `summary`: what is held of the document, where that is known.
 */
export function refuseAll(code: RefusalCode, update?: Uint8Array, summary?: DocumentSummary): Outcome {
  const blocks = (update && decodeUpdate(update, strangerBounds)) ?? []
  const refused = blocks.map(({ client, root }): RefusedLog => {
    const held = summary?.logs.get(client)
    const log = held?.log ?? parseLogId(root ?? "")?.log
    return { log: logBytes(log), code, at: held?.count ?? 0 }
  })
  if (refused.length === 0) refused.push({ log: NO_LOG, code, at: 0 })
  return { refused, retryAfterMs: retryAfter(refused, 0), durable: Promise.resolve(), copies: undefined }
}

export function refusalsOf(verdicts: readonly LogVerdict[]): RefusedLog[] {
  return verdicts.flatMap(({ log, refusal, run }) =>
    refusal === undefined ? [] : { log: logBytes(log), ...refusal, isPartial: run !== undefined },
  )
}

/** Where too few peers have what was accepted, that is refused for now: what is refused anyway keeps its code. [SPEC S6] */
export function refuseAccepted({ refused, retryAfterMs }: Outcome): Pick<Outcome, "refused" | "retryAfterMs"> {
  const whole = refused.filter(({ isPartial }) => isPartial !== true)
  return {
    refused: [...whole, { log: NO_LOG, code: "STORAGE_FAILED", at: 0 }],
    retryAfterMs: Math.max(retryAfterMs, RETRY_MS),
  }
}

export function retryAfter(refused: readonly RefusedLog[], rateMs: number): number {
  const waits = refused.map(({ code }) => (code === "RATE_LIMITED" ? rateMs : isTransient(code) ? RETRY_MS : 0))
  return Math.max(0, ...waits)
}

function logBytes(log: LogId | undefined): Uint8Array {
  return log === undefined ? NO_LOG : logIdBytes(log)
}

/** Which peers made something durable. */
export class Confirmations {
  readonly #peers = new Set<string>()
  readonly #waiting = new Set<() => void>()

  get count(): number {
    return this.#peers.size
  }

  add(peer: string): void {
    this.#peers.add(peer)
    for (const look of Array.from(this.#waiting)) look()
  }

  /** Calls once there are `count`; returns what ends the wait. */
  onCount(count: number, call: () => void): () => void {
    const look = (): void => {
      if (this.#peers.size < count) return
      this.#waiting.delete(look)
      call()
    }
    this.#waiting.add(look)
    look()
    return () => {
      this.#waiting.delete(look)
    }
  }
}
