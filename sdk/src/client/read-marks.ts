import * as decoding from "lib0/decoding"
import * as encoding from "lib0/encoding"
import { encodeBytes } from "../protocol/encode.js"
import type * as Y from "yjs"
import { parseMessageId, type MessageId } from "../protocol/entry.js"
import {
  logIdBytes,
  logIdFromBytes,
  parseDocumentName,
  type ConversationId,
  type DeviceId,
  type DocumentName,
  type LogId,
} from "../protocol/names.js"
import { readUint } from "../protocol/uint.js"
import { shortName } from "./short-name.js"

type Counts = Map<LogId, number>

/** What was marked as read on this device of a segment: outside of threads, or in one. */
export interface MarkHere {
  readonly segment: number
  readonly thread: MessageId | undefined
  readonly counts: ReadonlyMap<LogId, number>
}

const READS = "reads/"

/** What a device wrote down: the place (`<conversation>/<segment>`, and the root of a thread), and how much was read there. */
type Mark = readonly [key: string, vector: unknown]

/**
 * What was read, of each log: the greatest over the user's devices. Each device has a list of its own, in which nothing is
 * overwritten: what its tabs, its clones and a backup of it wrote without knowing of one another all stays, until somebody
 * writes down more who saw it. [SPEC U2, U10]
 */
export class ReadMarks {
  private readonly read = new Map<string, Counts>()
  /** The same of this device alone. */
  private readonly readHere = new Map<string, Counts>()
  private readonly keys = new Map<string, Set<string>>()
  private readonly names = new Map<string, string>()
  /** Marks that were looked at. */
  private readonly taken = new WeakSet<Mark>()

  constructor(
    private readonly doc: Y.Doc,
    private readonly device: DeviceId,
  ) {
    for (const name of Array.from(doc.share.keys())) if (name.startsWith(READS)) this.take(name)
  }

  /** Of the conversation, or of the thread below a message. */
  count(document: DocumentName, log: LogId, thread?: MessageId): number {
    return this.read.get(keyOf(document, thread))?.get(log) ?? 0
  }

  /** All that was marked on this device in a conversation and its threads, beyond what its user had read on others by then. */
  marksHere(conversation: ConversationId): MarkHere[] {
    return Array.from(this.keys.get(conversation) ?? []).flatMap((key) => {
      const [, segment = "", root] = key.split("/")
      const parts = parseDocumentName(`c/${conversation}/${segment}`)?.parsed
      const thread = root === undefined ? undefined : parseMessageId(root)
      const counts = this.readHere.get(key)
      if (counts === undefined || parts?.kind !== "segment" || (root !== undefined && !thread)) return []
      return { segment: parts.segment, thread, counts }
    })
  }

  /** Names all that was read in a conversation and its threads: the same name, the same counts. */
  nameOf(conversation: ConversationId): string {
    let name = this.names.get(conversation)
    if (name === undefined) {
      const counts = Array.from(this.keys.get(conversation) ?? [], (key) => {
        const logs = Array.from(this.read.get(key) ?? [], ([log, count]) => `${log} ${String(count)}`)
        return [key, ...logs.sort()].join()
      })
      name = counts.length === 0 ? "" : shortName(counts.sort().join("\n"))
      this.names.set(conversation, name)
    }
    return name
  }

  /** Takes in what a transaction changed; true where that concerns read marks. */
  onTransaction({ changed }: Y.Transaction): boolean {
    const names = Array.from(this.doc.share).flatMap(([name, type]) => {
      return name.startsWith(READS) && changed.has(type) ? name : []
    })
    for (const name of names) this.take(name)
    return names.length > 0
  }

  /** What of it was not read before. */
  beyond(document: DocumentName, counts: ReadonlyMap<LogId, number>, thread?: MessageId): ReadonlyMap<LogId, number> {
    const before = this.read.get(keyOf(document, thread))
    return new Map(Array.from(counts).filter(([log, count]) => count > (before?.get(log) ?? 0)))
  }

  /** Never takes anything back. False where all of that was read before. */
  mark(document: DocumentName, counts: ReadonlyMap<LogId, number>, thread?: MessageId): boolean {
    const beyond = this.beyond(document, counts, thread)
    if (beyond.size > 0) this.write(keyOf(document, thread), beyond)
    return beyond.size > 0
  }

  /** In the place of what this device is seen to have written of it. */
  private write(key: string, beyond: ReadonlyMap<LogId, number>): void {
    this.doc.transact(() => {
      const own = this.doc.getArray(READS + this.device)
      let counts = new Map(beyond)
      const marks = own.toArray()
      for (let index = marks.length - 1; index >= 0; index--) {
        const mark = marks[index]
        if (!isMark(mark) || mark[0] !== key) continue
        counts = greatest(decodeCounts(mark[1]), counts)
        own.delete(index)
      }
      own.push([[key, encodeCounts(counts)]])
    })
  }

  private take(name: string): void {
    const isHere = name === READS + this.device
    for (const mark of this.doc.getArray(name).toArray()) {
      if (!isMark(mark) || this.taken.has(mark)) continue
      this.taken.add(mark)
      this.takeMark(mark, isHere)
    }
  }

  private takeMark([key, vector]: Mark, isHere: boolean): void {
    const counts = decodeCounts(vector)
    const [conversation = ""] = key.split("/", 1)
    const keys = this.keys.get(conversation) ?? new Set()
    this.keys.set(conversation, keys.add(key))
    this.names.delete(conversation)
    this.read.set(key, greatest(this.read.get(key), counts))
    if (isHere) this.readHere.set(key, greatest(this.readHere.get(key), counts))
  }
}

function isMark(element: unknown): element is Mark {
  return Array.isArray(element) && typeof element[0] === "string"
}

/** `<conversation>/<segment>`, and the root of a thread. */
function keyOf(document: DocumentName, thread: MessageId | undefined): string {
  const key = document.slice("c/".length)
  return thread === undefined ? key : `${key}/${thread}`
}

function greatest(a: ReadonlyMap<LogId, number> | undefined, b: ReadonlyMap<LogId, number>): Counts {
  const counts = new Map(a)
  for (const [log, count] of b) counts.set(log, Math.max(counts.get(log) ?? 0, count))
  return counts
}

function encodeCounts(counts: Counts): Uint8Array {
  return encodeBytes((encoder) => {
    encoding.writeVarUint(encoder, counts.size)
    for (const [log, count] of counts) {
      encoding.writeUint8Array(encoder, logIdBytes(log))
      encoding.writeVarUint(encoder, count)
    }
  })
}

/** Nothing, where the value is no vector. */
function decodeCounts(value: unknown): Counts {
  const counts: Counts = new Map()
  if (!(value instanceof Uint8Array)) return counts
  try {
    const decoder = decoding.createDecoder(value)
    for (let left = readUint(decoder); left > 0; left--) {
      counts.set(logIdFromBytes(decoding.readUint8Array(decoder, 21)), readUint(decoder))
    }
  } catch {
    return new Map()
  }
  return counts
}
