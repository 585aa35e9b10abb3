import { decodeUpdate, strangerBounds, type Element, type LogRun } from "../log/update.js"
import type { DocumentSummary } from "../log/summary.js"

/** A hole here may be a body there for a while: a moderator's erasure is carried out by each in its own time. [SPEC X3] */
const SLACK_BYTES = 1024 * 1024

/** What a server gives of a segment that is away, piece by piece: of each log as much as was held, and no more. [SPEC U15] */
export class ReturningSegment {
  /** Whether the server has more than was held. */
  hasMore = false
  private readonly logs = new Map<number, Element[]>()
  private room: number

  constructor(private readonly held: DocumentSummary) {
    this.room = 2 * held.bytes + SLACK_BYTES
  }

  /** Takes what continues what came before; the rest is asked for again. */
  take(update: Uint8Array): void {
    for (const { client, from, elements } of decodeUpdate(update, strangerBounds) ?? []) {
      const count = this.held.logs.get(client)?.count ?? 0
      if (from + elements.length > count) this.hasMore = true
      const log = this.logs.get(client) ?? []
      this.logs.set(client, log)
      if (from > log.length) continue
      for (const element of elements.slice(log.length - from, count - from)) {
        this.room -= element?.length ?? 0
        if (this.room < 0) return
        // Not a view: a stranger's update may be large, and what is used of it small.
        log.push(element && element.slice())
      }
    }
  }

  /** Of each log what came, from its beginning, by Yjs client id. */
  get runs(): ReadonlyMap<number, LogRun> {
    const runs = new Map<number, LogRun>()
    for (const [client, elements] of this.logs) {
      const held = this.held.logs.get(client)
      if (held !== undefined) runs.set(client, { log: held.log, client, from: 0, elements })
    }
    return runs
  }
}
