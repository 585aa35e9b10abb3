import type { Env } from "../base/env.js"
import type { Storage, StorageEstimate } from "../storage/storage.js"
import type { Replica } from "../sync/replica.js"
import type { Session } from "../sync/session.js"
import type { Diagnosis } from "./diagnosis.js"
import { findingsOf } from "./findings.js"
import type { SyncStatus } from "./status.js"

export interface DoctorPorts {
  readonly replica: Replica
  readonly session: Session
  readonly storage: Storage
  readonly env: Env
  status(): SyncStatus
  /** When the oldest of what waits in a conversation was written; Infinity where nothing does. */
  waitingSince(): Iterable<number>
}

/** Says how a client is doing, from what its parts know anyway; remembers only the storage's last failure. */
export class Doctor {
  private lastFailure: Diagnosis["storage"]["lastFailure"]
  private readonly stop: () => void

  constructor(private readonly ports: DoctorPorts) {
    const { replica, env } = ports
    this.stop = replica.health.subscribe((health) => {
      if (health.kind === "failing") this.lastFailure = { code: health.code, at: env.now() }
    })
  }

  async diagnose(): Promise<Diagnosis> {
    const { replica, env, storage } = this.ports
    // A storage that can't say how full it is must not keep the rest from being said.
    const estimate = await storage.estimate().catch((): StorageEstimate => ({ persisted: false }))
    const status = this.ports.status()
    const facts = {
      at: env.now(),
      storage: {
        kind: storage.kind,
        usedBytes: estimate.usedBytes,
        quotaBytes: estimate.quotaBytes,
        persisted: estimate.persisted,
        failing: status.storage.kind === "failing",
        lastFailure: this.lastFailure,
      },
      connection: this.readConnection(status),
      clock: { skewMs: replica.measuredSkewMs },
      waiting: this.readWaiting(status),
      documents: readDocuments(replica),
      tab: status.tab,
    }
    return { ...facts, findings: findingsOf(facts, replica.now()) }
  }

  close(): void {
    this.stop()
  }

  private readConnection({ connection }: SyncStatus): Diagnosis["connection"] {
    const { roundTripMs, welcomes, lastRefusal } = this.ports.session
    const refused = connection.kind === "refused" ? connection.code : lastRefusal
    return {
      state: connection.kind,
      server: "server" in connection ? withoutSecrets(connection.server) : undefined,
      roundTripMs,
      reconnects: Math.max(0, welcomes - 1),
      lastRefusal: refused,
    }
  }

  private readWaiting({ pending }: SyncStatus): Diagnosis["waiting"] {
    let messages = 0
    let changes = 0
    let refused = 0
    for (const work of pending) {
      messages += work.messages
      changes += work.changes
    }
    for (const conversation of this.ports.replica.conversations.get().values()) refused += conversation.refused.size
    // Without servers nothing waits, whatever was not sent.
    const since = messages + changes === 0 ? Infinity : Math.min(...this.ports.waitingSince())
    return { messages, changes, since: since === Infinity ? undefined : since, refused }
  }
}

function readDocuments(replica: Replica): Diagnosis["documents"] {
  let open = 0
  let largest = { messages: 0, bytes: 0 }
  const { ids } = replica
  const segments = ids.reduce((sum, id) => sum + replica.segmentsOf(id).length, 0)
  for (const { loadedSegments, controlDocument } of replica.conversations.get().values()) {
    const loaded = Array.from(loadedSegments)
    open += loaded.length
    for (const { summary } of [controlDocument, ...loaded]) {
      const { messages, bytes } = summary
      if (bytes > largest.bytes) largest = { messages, bytes }
    }
  }
  return { conversations: ids.length, segments, open, largest }
}

/** Scheme, host and port: a URL may hold a password, and a path or query a token. */
function withoutSecrets(url: string): string {
  return url.replace(/^(wss?:\/\/)(?:[^/?#]*@)?([^/?#]*).*$/, "$1$2")
}
