import type { MessageId } from "../protocol/entry.js"
import type { ConversationId, DocumentName } from "../protocol/names.js"
import type { ReadVector } from "../sync/registers.js"
import type { AskedSignal, SignalItems } from "../sync/signals.js"
import type { ConnectionStatus } from "./status.js"

/** What tabs of one device tell one another. They share the storage; this only says where to look. */
export type TabMessage =
  | { readonly kind: "changed"; readonly document: DocumentName }
  | { readonly kind: "acks" }
  /** Something of the account is stored under this key. */
  | { readonly kind: "account"; readonly key: string }
  /** Receipts of a conversation are in the storage. */
  | { readonly kind: "registers"; readonly conversation: ConversationId }
  /** This device has all of a conversation that a server had. */
  | { readonly kind: "caughtUp"; readonly conversation: ConversationId }
  /** A link into a conversation was stored, or was used and is stored no more. [SPEC A19] */
  | { readonly kind: "join"; readonly conversation: ConversationId }
  /** What was read here, outside of threads or in the one below `root`: the writer tells others. */
  | {
      readonly kind: "read"
      readonly conversation: ConversationId
      readonly vector: ReadVector | undefined
      readonly root: MessageId | undefined
      /** What of it was read on no device before. */
      readonly fresh: ReadVector
    }
  /** What the server told, and what it is to be told. */
  | { readonly kind: "signals"; readonly items: SignalItems }
  | { readonly kind: "asks"; readonly asked: AskedSignal }
  /** A tab that does not write wants a segment back that is away; and that nobody gives it now. */
  | { readonly kind: "wants" | "away"; readonly document: DocumentName }
  /** A segment is to leave the disk, or left it. A tab begins to show one; it needs one that leaves. [SPEC U15] */
  | { readonly kind: "leaves" | "shows" | "needs"; readonly document: DocumentName }
  | { readonly kind: "connection"; readonly connection: ConnectionStatus }
  /** What the writer adds to the device's clock, milliseconds, since it heard a server's time. [SPEC W4] */
  | { readonly kind: "time"; readonly skewMs: number }
  | { readonly kind: "online"; readonly online: boolean }
  /** A tab that is new knows nothing of the connection yet. */
  | { readonly kind: "joined" }

export interface TabEvents {
  /** This tab is the writer now; it holds the socket, and alone seals, receives and merges. */
  lead(): Promise<void>
  /** Another tab took over. */
  follow(): void
  heard(message: TabMessage): void
  /** Another tab ended, or died; the writer at least is told. All that it had begun to write is there by now, or never will be. */
  gone(): void
}

/** Decides which tab of a device is its writer. */
export interface TabPort {
  /** Resolves once this tab leads, or knows that another one does. */
  start(events: TabEvents): Promise<void>
  tell(message: TabMessage): void
  stop(): Promise<void>
}

/** Where there are no tabs: a process that owns its storage alone. */
export const onlyTab: TabPort = {
  start: (events) => events.lead(),
  tell: () => undefined,
  stop: () => Promise.resolve(),
}
