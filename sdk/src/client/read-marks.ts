import * as decoding from "lib0/decoding"
import * as encoding from "lib0/encoding"
import * as Y from "yjs"
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

/** Overwritten values of a device's map after which it writes a new one: only a container that is gone is one number. */
const MAX_OVERWRITTEN = 128

/** What was read, of each log: the greatest over the user's devices. [SPEC U10] */
export class ReadMarks {
  private readonly root: Y.Map<unknown>
  private readonly read = new Map<string, Counts>()
  /** The same of this device alone. */
  private readonly readHere = new Map<string, Counts>()
  private readonly markedHere = new Set<string>()
  /** What this tab marked: written again where another one of this device wrote over it. */
  private readonly marked = new Map<string, ReadonlyMap<LogId, number>>()
  private overwritten: number | undefined
  private readonly keys = new Map<string, Set<string>>()
  private readonly names = new Map<string, string>()

  constructor(
    private readonly doc: Y.Doc,
    private readonly device: DeviceId,
  ) {
    this.root = doc.getMap("reads")
    this.takeAll()
  }

  /** Of the conversation, or of the thread below a message. */
  count(document: DocumentName, log: LogId, thread?: MessageId): number {
    return this.read.get(keyOf(document, thread))?.get(log) ?? 0
  }

  /** What was marked on this device, beyond what its user had read on others by then. */
  countHere(document: DocumentName, log: LogId, thread?: MessageId): number {
    return this.readHere.get(keyOf(document, thread))?.get(log) ?? 0
  }

  /** All that was marked so in a conversation, in its threads too. */
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

  /** Whether anything of a conversation was. */
  hasMarksHere(conversation: ConversationId): boolean {
    return this.markedHere.has(conversation)
  }

  /** Whether anything of a segment was, outside of threads. */
  isMarkedHere(document: DocumentName): boolean {
    return this.readHere.has(keyOf(document, undefined))
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
    let concerns = false
    for (const [type, keys] of changed) {
      if (!(type instanceof Y.Map)) continue
      const isRoot = (type as unknown) === this.root
      if (!isRoot && (type as unknown as { parent: unknown }).parent !== this.root) continue
      concerns = true
      if (isRoot) this.takeAll()
      else for (const key of keys) if (key !== null) this.take(type, key)
    }
    return concerns
  }

  /** Writes again what this tab marked and another tab of this device, or a copy of it, wrote over. */
  restore(): void {
    for (const [key, counts] of this.marked) this.write(key, counts)
  }

  /** Whether all of that was read before. */
  holds(document: DocumentName, counts: ReadonlyMap<LogId, number>, thread?: MessageId): boolean {
    const before = this.read.get(keyOf(document, thread))
    return Array.from(counts).every(([log, count]) => count <= (before?.get(log) ?? 0))
  }

  /** Never takes anything back. False where all of that was read before. */
  mark(document: DocumentName, counts: ReadonlyMap<LogId, number>, thread?: MessageId): boolean {
    const key = keyOf(document, thread)
    if (this.holds(document, counts, thread)) return false
    this.marked.set(key, greatest(this.marked.get(key), counts))
    this.write(key, counts)
    return true
  }

  private write(key: string, counts: ReadonlyMap<LogId, number>): void {
    let held: Counts = new Map()
    for (const map of this.maps()) held = greatest(held, decodeCounts(map.get(key)))
    const beyond = new Map(Array.from(counts).filter(([log, count]) => count > (held.get(log) ?? 0)))
    if (beyond.size === 0) return
    this.doc.transact(() => {
      const own = this.ownMap()
      own.set(key, encodeCounts(greatest(decodeCounts(own.get(key)), beyond)))
    })
  }

  private ownMap(): Y.Map<unknown> {
    const present = this.root.get(this.device)
    if (!(present instanceof Y.Map)) return this.root.set(this.device, new Y.Map<unknown>())
    this.overwritten ??= countOverwritten(present)
    if (++this.overwritten <= MAX_OVERWRITTEN) return present
    this.overwritten = 0
    return this.root.set(this.device, new Y.Map<unknown>(Array.from(present.entries())))
  }

  private maps(): Y.Map<unknown>[] {
    return Array.from(this.root.values()).filter((value) => value instanceof Y.Map)
  }

  private takeAll(): void {
    for (const map of this.maps()) for (const key of map.keys()) this.take(map, key)
  }

  private take(map: Y.Map<unknown>, key: string): void {
    const counts = decodeCounts(map.get(key))
    const [conversation = ""] = key.split("/", 1)
    const keys = this.keys.get(conversation) ?? new Set()
    this.keys.set(conversation, keys.add(key))
    this.names.delete(conversation)
    this.read.set(key, greatest(this.read.get(key), counts))
    if (map !== this.root.get(this.device)) return
    this.readHere.set(key, greatest(this.readHere.get(key), counts))
    this.markedHere.add(key.slice(0, key.indexOf("/")))
  }
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

function countOverwritten(map: Y.Map<unknown>): number {
  let count = 0
  for (const item of map._map.values()) for (let before = item.left; before !== null; before = before.left) count++
  return count
}

function encodeCounts(counts: Counts): Uint8Array {
  return encoding.encode((encoder) => {
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
