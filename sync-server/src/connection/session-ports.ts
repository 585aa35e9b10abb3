import type { Frame, RefusalCode } from "@weft/sdk/protocol"
import type { Accounts } from "../document/accounts.js"
import type { DigestTable } from "../document/digest-table.js"
import type { Registry } from "../document/registry.js"
import type { UserIndex } from "../document/user-index.js"
import type { ServerEnv } from "../env.js"
import type { Limits } from "../limits/limits.js"
import type { Log } from "../observe/log.js"
import type { Metrics } from "../observe/metrics.js"
import type { AckLevel } from "../peer/copies.js"
import type { Presence } from "./presence.js"

/** What every connection shares. */
export interface Shared {
  readonly presence: Presence
  readonly env: ServerEnv
  readonly limits: Limits
  readonly ack: AckLevel
  readonly registry: Registry
  readonly accounts: Accounts
  readonly digests: DigestTable
  readonly index: UserIndex
  readonly metrics: Metrics
  readonly log: Log
  /** Lets others have their turn, when this one has gone on for long. */
  breathe(): Promise<void> | undefined
}

/** The connection below a session. */
export interface Wire {
  send(frame: Frame): void
  sendBytes(bytes: Uint8Array): void
  /** Resolves when there is room for more. */
  drained(): Promise<void>
  /** Reads on, or not, until what is under way has become less. */
  pause(): void
  resume(): void
  /** Ends the connection with a refusal. */
  refuse(code: RefusalCode, message: string): void
}
