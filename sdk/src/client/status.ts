import type { ErrorCode } from "../base/errors.js"
import type { RefusalCode } from "../protocol/codes.js"
import type { ConversationId } from "../protocol/names.js"

/** The connection to the servers. */
export type ConnectionStatus =
  /** No servers were given: everything stays on this device. */
  | { readonly kind: "local" }
  /** `goOffline` was called, or the browser says that there is no network. */
  | { readonly kind: "offline" }
  | { readonly kind: "connecting"; readonly server: string }
  /** The last try failed; the next is at `retryAt`, milliseconds since 1970. */
  | { readonly kind: "waiting"; readonly retryAt: number; readonly code: RefusalCode | "UNREACHABLE" }
  /** `synced`: what both sides hold was compared, and is equal. */
  | { readonly kind: "online"; readonly server: string; readonly synced: boolean }
  /** Refused for good: a new token or a new version is needed. */
  | { readonly kind: "refused"; readonly server: string; readonly code: RefusalCode }

/** Own messages and changes of one conversation that no server has yet, and what they wait for. */
export interface PendingWork {
  readonly conversation: ConversationId
  readonly messages: number
  /** Membership changes, titles and the like. */
  readonly changes: number
  readonly reason: "storage" | "connection" | "introduction" | "acknowledgement"
}

/** How this device stands with its servers and its storage. */
export interface SyncStatus {
  readonly connection: ConnectionStatus
  readonly pending: readonly PendingWork[]
  readonly storage:
    | { readonly kind: "ok"; readonly persisted: boolean }
    | { readonly kind: "failing"; readonly code: ErrorCode; readonly message: string }
  /** Whether this tab holds the socket and writes, or another one does. */
  readonly tab: "writer" | "follower"
}
