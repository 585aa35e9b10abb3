import { decodeSaid } from "../conversation/said.js"
import type { Entry } from "../log/check.js"
import { segmentEndsKey } from "../log/keys.js"
import { digestOf } from "../log/summary.js"
import { hex, utf8, utf8Text } from "../protocol/bytes.js"
import { parseMessageId, type Clock, type MessageId } from "../protocol/entry.js"
import type { LogId } from "../protocol/names.js"
import type { Storage } from "../storage/storage.js"
import type { ReplicaDocument } from "../sync/document.js"

/** Where a segment ends. */
export interface SegmentEnd {
  /** The clock of its last message; 0 where it has none. Edits are no messages. */
  readonly clock: Clock
  readonly replies: readonly ReplyEnd[]
}

/** The last reply of a thread in one log of a segment. `end`: what a read count is that has it. */
export interface ReplyEnd {
  readonly root: MessageId
  /** Of the root. */
  readonly segment: number
  readonly log: LogId
  readonly end: number
}

/**
 * Up to where segments go on, and the threads in them, known without the segments themselves: what was read of a segment
 * outside of threads says nothing of its replies. Made from its entries once, and stored with the digest of what they were.
 * [SPEC M9, U10]
 */
export class SegmentEnds {
  private readonly known = new Map<string, SegmentEnd>()

  constructor(private readonly storage: Storage) {}

  /** What is known in memory; undefined where nobody asked since the segment changed. */
  peek(document: ReplicaDocument): SegmentEnd | undefined {
    return this.known.get(document.name)
  }

  /** Rejects with SEGMENT_AWAY where nothing was stored, and with STORE_*. */
  async of(document: ReplicaDocument): Promise<SegmentEnd> {
    const present = this.known.get(document.name)
    if (present !== undefined) return present
    const digestNow = (): string => hex(digestOf(document.summary))
    const digest = digestNow()
    const key = segmentEndsKey(document.name)
    const stored = readStored(await this.storage.get(key), digest)
    const end = stored ?? endOf(await document.entries())
    // What came meanwhile may be in it or not: asked for again, it is looked at again.
    if (digestNow() !== digest) return end
    this.known.set(document.name, end)
    if (stored !== undefined) return end
    const replies = end.replies.map(({ root, segment, log, end }) => [root, segment, log, end])
    const value = utf8(JSON.stringify([digest, end.clock, replies]))
    // A copy: the next start makes it again.
    this.storage.write([{ kind: "put", key, value }], { durability: "relaxed" }).catch(() => undefined)
    return end
  }

  /** The segment changed. */
  forget(document: ReplicaDocument): void {
    this.known.delete(document.name)
  }
}

function endOf(entries: readonly Entry[]): SegmentEnd {
  let clock = 0
  const ends = new Map<string, ReplyEnd>()
  for (const { head, body, log, position } of entries) {
    if (head.class !== "message") continue
    const said = body === null ? undefined : decodeSaid(body)
    // What is erased, or can't be read, is shown as such.
    if (said === undefined || said.kind === "message") clock = Math.max(clock, head.clock)
    if (said?.kind !== "message" || said.thread === undefined) continue
    const { id: root, segment } = said.thread
    ends.set(`${root} ${log}`, { root, segment, log, end: position + 1 })
  }
  return { clock: clock as Clock, replies: Array.from(ends.values()) }
}

function readStored(bytes: Uint8Array | undefined, digest: string): SegmentEnd | undefined {
  if (bytes === undefined) return undefined
  try {
    const stored = JSON.parse(utf8Text(bytes) ?? "") as [unknown, Clock, [string, number, LogId, number][]]
    const [of, clock, ends] = stored
    if (of !== digest || typeof clock !== "number") return undefined
    const replies = ends.flatMap(([id, segment, log, end]) => {
      const root = parseMessageId(id)
      return root === undefined ? [] : { root, segment, log, end }
    })
    return { clock, replies }
  } catch {
    return undefined
  }
}
