import { decodeSaid } from "../conversation/said.js"
import type { Entry } from "../log/check.js"
import { replyEndsKey } from "../log/keys.js"
import { digestOf } from "../log/summary.js"
import { hex, utf8, utf8Text } from "../protocol/bytes.js"
import { parseMessageId, type MessageId } from "../protocol/entry.js"
import type { LogId } from "../protocol/names.js"
import type { Storage } from "../storage/storage.js"
import type { ReplicaDocument } from "../sync/document.js"

/** The last reply of a thread in one log of a segment. `end`: what a read count is that has it. */
export interface ReplyEnd {
  readonly root: MessageId
  /** Of the root. */
  readonly segment: number
  readonly log: LogId
  readonly end: number
}

/**
 * Up to where threads go on in segments. What was read of a segment outside of threads says nothing of its replies: these do,
 * without the segment itself. Made from its entries once, and stored with the digest of what they were. [SPEC U10]
 */
export class ReplyEnds {
  private readonly known = new Map<string, readonly ReplyEnd[]>()

  constructor(private readonly storage: Storage) {}

  /** What is known in memory; undefined where nobody asked since the segment changed. */
  peek(document: ReplicaDocument): readonly ReplyEnd[] | undefined {
    return this.known.get(document.name)
  }

  /** Rejects with SEGMENT_AWAY where nothing was stored, and with STORE_*. */
  async of(document: ReplicaDocument): Promise<readonly ReplyEnd[]> {
    const present = this.known.get(document.name)
    if (present !== undefined) return present
    const digestNow = (): string => hex(digestOf(document.summary))
    const digest = digestNow()
    const key = replyEndsKey(document.name)
    const stored = readStored(await this.storage.get(key), digest)
    const ends = stored ?? replyEndsOf(await document.entries())
    // What came meanwhile may be in it or not: asked for again, it is looked at again.
    if (digestNow() !== digest) return ends
    this.known.set(document.name, ends)
    if (stored !== undefined) return ends
    const value = utf8(JSON.stringify([digest, ends.map(({ root, segment, log, end }) => [root, segment, log, end])]))
    // A copy: the next start makes it again.
    this.storage.write([{ kind: "put", key, value }], { durability: "relaxed" }).catch(() => undefined)
    return ends
  }

  /** The segment changed. */
  forget(document: ReplicaDocument): void {
    this.known.delete(document.name)
  }
}

function replyEndsOf(entries: readonly Entry[]): readonly ReplyEnd[] {
  const ends = new Map<string, ReplyEnd>()
  for (const { head, body, log, position } of entries) {
    if (head.class !== "message" || body === null) continue
    const said = decodeSaid(body)
    if (said?.kind !== "message" || said.thread === undefined) continue
    const { id: root, segment } = said.thread
    ends.set(`${root} ${log}`, { root, segment, log, end: position + 1 })
  }
  return Array.from(ends.values())
}

function readStored(bytes: Uint8Array | undefined, digest: string): readonly ReplyEnd[] | undefined {
  if (bytes === undefined) return undefined
  try {
    const [of, ends] = JSON.parse(utf8Text(bytes) ?? "") as [unknown, [string, number, LogId, number][]]
    if (of !== digest) return undefined
    return ends.flatMap(([id, segment, log, end]) => {
      const root = parseMessageId(id)
      return root === undefined ? [] : { root, segment, log, end }
    })
  } catch {
    return undefined
  }
}
