import { createStore, type Subscribable } from "../base/store.js"
import type { Replica } from "../sync/replica.js"
import type { Session } from "../sync/session.js"
import type { ConversationHandle } from "./conversation.js"
import type { ConnectionStatus, PendingWork, SyncStatus } from "./status.js"

interface StatusPorts {
  readonly replica: Replica
  readonly session: Pick<Session, "status">
  servers(): readonly string[]
  conversations(): readonly ConversationHandle[]
}

/** How this device stands with its servers and its storage: what it wants, and what came of it. */
export class OwnStatus {
  readonly status: Subscribable<SyncStatus>
  /** Whether the application wants a connection, and whether there is a network. */
  wantsOnline = true
  networkUp = true
  /** Whether the browser keeps the storage for good. */
  persisted = false
  /** The writer's connection, in a tab that does not write. */
  remote: ConnectionStatus | undefined
  private readonly store

  constructor(private readonly ports: StatusPorts) {
    this.store = createStore<SyncStatus>(this.read())
    this.status = this.store
  }

  /** Tells what changed; `always`: also where nothing did. */
  refresh(always: boolean): void {
    const status = this.read()
    if (always || JSON.stringify(status) !== JSON.stringify(this.store.get())) this.store.set(status)
  }

  read(): SyncStatus {
    const { replica } = this.ports
    const health = replica.health.get()
    return {
      connection: this.remote ?? this.connection,
      pending: this.ports.conversations().flatMap((handle) => this.readPending(handle) ?? []),
      storage:
        health.kind === "ok"
          ? { kind: "ok", persisted: this.persisted }
          : {
              kind: "failing",
              code: health.code,
              message: health.error instanceof Error ? health.error.message : health.code,
            },
      tab: replica.writing.get() ? "writer" : "follower",
    }
  }

  /** This tab's own. */
  get connection(): ConnectionStatus {
    const servers = this.ports.servers()
    if (servers.length === 0) return { kind: "local" }
    if (!this.wantsOnline || !this.networkUp) return { kind: "offline" }
    const { state, synced } = this.ports.session.status.get()
    const name = (server: number): string => servers[server] ?? ""
    switch (state.kind) {
      case "idle":
        return { kind: "connecting", server: name(0) }
      case "connecting":
      case "greeting":
        return { kind: "connecting", server: name(state.attempt.server) }
      case "waiting":
        return { kind: "waiting", retryAt: state.until, code: state.code }
      case "live":
        return { kind: "online", server: name(state.server), synced }
      case "refused":
        return { kind: "refused", server: name(state.server), code: state.code }
    }
  }

  private readPending(handle: ConversationHandle): PendingWork | undefined {
    const isFailing = this.ports.replica.health.get().kind === "failing"
    // Without servers nothing waits for any: saved is as far as a message goes.
    if (this.ports.servers().length === 0 && !isFailing) return undefined
    const messages = handle.waiting
    const changes = handle.waitingChanges
    if (messages + changes === 0) return undefined
    return { conversation: handle.id, messages, changes, reason: this.reasonFor(handle, isFailing) }
  }

  private reasonFor(handle: ConversationHandle, isFailing: boolean): PendingWork["reason"] {
    if (isFailing) return "storage"
    if ((this.remote ?? this.connection).kind !== "online") return "connection"
    return handle.isIntroduced ? "acknowledgement" : "introduction"
  }
}
