import {
  conversationOf,
  isTransient,
  type AccountName,
  type ConversationId,
  type DocumentName,
  type Frame,
  type FrameOf,
  type RefusalCode,
  type Timer,
} from "@weft/sdk/protocol"
import type { Confirmations } from "../document/outcome.js"
import type { ServerEnv } from "../env.js"
import type { Log } from "../observe/log.js"
import type { Metrics } from "../observe/metrics.js"

const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 60_000

export interface PeerUpdatesPorts {
  /** The peer's key: its name among those who have copies. */
  readonly key: string
  /** Its name in metrics and logs. */
  readonly name: string
  readonly env: ServerEnv
  readonly metrics: Metrics
  readonly log: Log
  send(frame: Frame): void
  /** Compares a conversation with the peer again. */
  compare(conversation: ConversationId): void
  compareAccount(account: AccountName): void
}

/** Updates on their way to a peer: what it acknowledged counts as a copy, what it refused for now is compared again later. */
export class PeerUpdates {
  readonly #ports: PeerUpdatesPorts
  readonly #unacknowledged = new Map<number, { readonly done: () => void }>()
  readonly #retries = new Map<ConversationId | AccountName, Timer>()
  #retryMs = FIRST_RETRY_MS
  #nextId = 1

  constructor(ports: PeerUpdatesPorts) {
    this.#ports = ports
  }

  send(document: DocumentName, updates: readonly Uint8Array[], copies: readonly Confirmations[]): void {
    this.#sendAll(updates, copies, (id, update) => ({ kind: "update", id, document, update }))
  }

  sendAccount(account: AccountName, updates: readonly Uint8Array[], copies: readonly Confirmations[]): void {
    this.#sendAll(updates, copies, (id, update) => ({ kind: "accountUpdate", id, account, update }))
  }

  #sendAll(
    updates: readonly Uint8Array[],
    copies: readonly Confirmations[],
    frameOf: (id: number, update: Uint8Array) => Frame,
  ): void {
    let left = updates.length
    const done = (): void => {
      if (--left === 0) for (const confirmations of copies) confirmations.add(this.#ports.key)
    }
    for (const update of updates) {
      const id = this.#nextId++
      this.#unacknowledged.set(id, { done })
      this.#ports.send(frameOf(id, update))
    }
    this.#observe()
  }

  acknowledged(id: number): void {
    const update = this.#unacknowledged.get(id)
    if (!this.#unacknowledged.delete(id)) return
    this.#retryMs = FIRST_RETRY_MS
    update?.done()
    this.#observe()
  }

  rejected({ id, document, items }: FrameOf<"reject">): void {
    const { metrics, log, name } = this.#ports
    this.#unacknowledged.delete(id)
    this.#observe()
    for (const { code } of items) metrics.peerRejects.inc({ code })
    log.warn({ peer: name, document, codes: items.map(({ code }) => code) }, "a peer refused part of an update")
    const conversation = conversationOf(document)
    if (items.some(({ code }) => isForNow(code))) {
      this.#compareLater(conversation, () => this.#ports.compare(conversation))
    }
  }

  accountRefused({ id, account, code }: FrameOf<"accountRefused">): void {
    const { metrics, log, name } = this.#ports
    this.#unacknowledged.delete(id)
    this.#observe()
    metrics.peerRejects.inc({ code })
    log.warn({ peer: name, document: account, codes: [code] }, "a peer refused an account's update")
    if (isTransient(code)) this.#compareLater(account, () => this.#ports.compareAccount(account))
  }

  /** Registers that it refused for now, as when it lacks what introduces their device, or lets their user in. */
  declined({ conversation, code }: FrameOf<"declined">): void {
    // Of former members none is kept here: either side learns of it. [SPEC P4, P6]
    if (isForNow(code) || code === "NOT_MEMBER")
      this.#compareLater(conversation, () => this.#ports.compare(conversation))
  }

  /** A comparison found so many documents that the peer holds otherwise. */
  differed(documents: number): void {
    if (documents > 0) this.#ports.metrics.peerDiffering.inc({ peer: this.#ports.name }, documents)
  }

  end(): void {
    for (const timer of this.#retries.values()) this.#ports.env.clearTimer(timer)
    this.#retries.clear()
    this.#unacknowledged.clear()
    this.#observe()
  }

  #compareLater(name: ConversationId | AccountName, compare: () => void): void {
    if (this.#retries.has(name)) return
    const { env } = this.#ports
    const timer = env.setTimer(this.#retryMs, () => {
      this.#retries.delete(name)
      compare()
    })
    this.#retryMs = Math.min(LAST_RETRY_MS, this.#retryMs * 2)
    this.#retries.set(name, timer)
  }

  #observe(): void {
    this.#ports.metrics.peerLag.set({ peer: this.#ports.name }, this.#unacknowledged.size)
  }
}

/**
 * Of what lies beyond a cut that is not known here yet, the records stay: the peer may have them. [SPEC X2] What is far
 * ahead of the peer's clock was not ahead of this server's: either may be set right. [SPEC R2]
 */
function isForNow(code: RefusalCode): boolean {
  return isTransient(code) || code === "PAST_CUT" || code === "CLOCK_FAR_AHEAD"
}
