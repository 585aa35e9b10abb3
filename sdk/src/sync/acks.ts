import * as decoding from "lib0/decoding"
import * as encoding from "lib0/encoding"
import { encodeBytes } from "../protocol/encode.js"
import { createQueue } from "../base/queue.js"
import { createSignal } from "../base/store.js"
import { ackKey, ackPrefix, allAcksPrefix } from "../log/keys.js"
import { equalBytes } from "../protocol/bytes.js"
import { logIdBytes, logIdFromBytes, parseDocumentName, type DocumentName, type LogId } from "../protocol/names.js"
import { prefixRange, type Storage, type StorageOperation, type WriteOptions } from "../storage/storage.js"

/** What servers acknowledged of this device's logs. Bound to each server's incarnation: a lost disk takes its word back. */
export class Acks {
  readonly changes = createSignal<DocumentName>()
  /** After `changes`, where of a log less is known to be durable anywhere than before. */
  readonly losses = createSignal<DocumentName>()
  /** What changed is in the storage now: other tabs may read it. */
  readonly saves = createSignal<undefined>()
  private held = new Map<string, ServerAcks>()
  private loading: Promise<void> | undefined
  /** No server is met while a look at the storage is under way: what it found would take the place of what the server says. */
  private readonly enqueue = createQueue()
  /** A write that comes late would take the place of a later one; and who waits for a save waits for those before it. */
  private readonly saving = createQueue()
  /** Servers whose store is another than it was, and that were not compared with since. */
  private readonly renewed = new Set<string>()
  /** Keys under which the storage may have something else than what is known. */
  private readonly dirty = new Set<string>()

  /** Knows nothing before `load`. */
  constructor(
    private readonly storage: Storage,
    private readonly guard: (() => WriteOptions["guard"]) | undefined,
  ) {}

  /** `guard`: the writer's hold on the storage; undefined while another tab is the writer: that one writes them. */
  static async load(storage: Storage, guard?: () => WriteOptions["guard"]): Promise<Acks> {
    const acks = new Acks(storage, guard)
    await acks.load()
    return acks
  }

  /** Reads what is stored, where that was not done yet. */
  load(): Promise<void> {
    return this.loading ?? this.reload()
  }

  /** Reads what is stored, in the place of what was known here. */
  reload(): Promise<void> {
    const loading = this.enqueue(() => this.read()).catch((error: unknown) => {
      if (this.loading === loading) this.loading = undefined
      throw error
    })
    this.loading = loading
    return loading
  }

  private async read(): Promise<void> {
    const held = new Map<string, ServerAcks>()
    for (const { key, value } of await this.storage.scan(prefixRange(allAcksPrefix))) {
      const { server, document } = placeOf(key)
      if (document === undefined) continue
      const incarnation = value.subarray(0, INCARNATION_BYTES)
      let acks: ServerAcks | undefined = held.get(server)
      if (acks === undefined) {
        acks = { incarnation: incarnation.slice(), documents: new Map() }
        held.set(server, acks)
      }
      if (equalBytes(acks.incarnation, incarnation)) acks.documents.set(document, value)
    }
    const before = this.held
    this.held = held
    this.dirty.clear()
    const documents = new Set(
      [...before.values(), ...held.values()].flatMap((acks) => Array.from(acks.documents.keys())),
    )
    for (const document of documents) this.tell(document, this.isLessThan(document, before.values()))
  }

  /** Elements of a log that at least one server made durable. */
  count(document: DocumentName, log: LogId): number {
    let count = 0
    for (const acks of this.held.values()) count = Math.max(count, countsOf(acks, document)?.get(log) ?? 0)
    return count
  }

  /**
   * A server answered: what was known of another incarnation of its store is void. True where there was one, until
   * `noteCompared`: a connection may break before it was asked what it has now.
   */
  meet(server: string, incarnation: Uint8Array): Promise<boolean> {
    return this.enqueue(() => this.greet(server, incarnation))
  }

  private async greet(server: string, incarnation: Uint8Array): Promise<boolean> {
    const known = this.held.get(server)
    if (known !== undefined && equalBytes(known.incarnation, incarnation)) return this.renewed.has(server)
    this.held.set(server, { incarnation, documents: new Map() })
    if (known === undefined) return false
    this.renewed.add(server)
    for (const document of known.documents.keys()) this.tell(document, this.isLessThan(document, [known]))
    for (const key of await this.storage.keys(prefixRange(ackPrefix(server)))) this.dirty.add(key)
    await this.save()
    return true
  }

  /** What a server has of own logs was taken in, all of it. */
  noteCompared(server: string): void {
    this.renewed.delete(server)
  }

  /** The server holds so much of a log; `exactly` where it said so itself, which may be less than before. */
  take(server: string, document: DocumentName, log: LogId, count: number, exactly = false): void {
    const acks = this.held.get(server)
    if (acks === undefined) return
    const counts = countsOf(acks, document) ?? new Map<LogId, number>()
    acks.documents.set(document, counts)
    const before = counts.get(log) ?? 0
    if (exactly ? count === before : count <= before) return
    counts.set(log, count)
    this.dirty.add(ackKey(server, document))
    this.tell(document, this.count(document, log) < before)
  }

  private tell(document: DocumentName, isLess: boolean): void {
    this.changes.emit(document)
    if (isLess) this.losses.emit(document)
  }

  /** Whether less is known of a log of the document than was said to those who asked. */
  private isLessThan(document: DocumentName, before: Iterable<ServerAcks>): boolean {
    return Array.from(before).some(({ documents }) => {
      const counts = documents.get(document)
      if (counts === undefined || counts instanceof Uint8Array) return false
      return Array.from(counts).some(([log, count]) => this.count(document, log) < count)
    })
  }

  /** Writes what changed. Losing it costs a tick after a restart, no message: relaxed. What fails is written the next time. */
  save(): Promise<void> {
    return this.saving(() => this.saveDirty())
  }

  private async saveDirty(): Promise<void> {
    const dirty = Array.from(this.dirty)
    if (dirty.length === 0) return
    this.dirty.clear()
    try {
      if (await this.write(dirty.map((key) => this.operation(key)))) this.saves.emit(undefined)
    } catch (error) {
      for (const key of dirty) this.dirty.add(key)
      throw error
    }
  }

  /** Puts what is known there now, if anything is. */
  private operation(key: string): StorageOperation {
    const { server, document } = placeOf(key)
    const acks = this.held.get(server)
    const counts = acks && document && countsOf(acks, document)
    if (acks === undefined || counts === undefined) return { kind: "delete", key }
    return { kind: "put", key, value: encodeAcks(acks.incarnation, counts) }
  }

  /** False where another tab is the writer: what this one knew is older than what that one stores. */
  private async write(batch: readonly StorageOperation[]): Promise<boolean> {
    const guard = this.guard?.()
    if (this.guard !== undefined && guard === undefined) return false
    await this.storage.write(batch, { durability: "relaxed", ...(guard && { guard }) })
    return true
  }
}

interface ServerAcks {
  readonly incarnation: Uint8Array
  /** As they are stored, until somebody asks. */
  readonly documents: Map<DocumentName, Map<LogId, number> | Uint8Array>
}

const INCARNATION_BYTES = 16

function placeOf(key: string): { readonly server: string; readonly document: DocumentName | undefined } {
  const end = key.indexOf("/", allAcksPrefix.length)
  const server = decodeURIComponent(key.slice(allAcksPrefix.length, end))
  return { server, document: parseDocumentName(key.slice(end + 1))?.name }
}

function countsOf({ documents }: ServerAcks, document: DocumentName): Map<LogId, number> | undefined {
  const held = documents.get(document)
  if (!(held instanceof Uint8Array)) return held
  const counts = decodeCounts(held)
  documents.set(document, counts)
  return counts
}

function encodeAcks(incarnation: Uint8Array, counts: ReadonlyMap<LogId, number>): Uint8Array {
  return encodeBytes((encoder) => {
    encoding.writeUint8Array(encoder, incarnation)
    encoding.writeVarUint(encoder, counts.size)
    for (const [log, count] of counts) {
      encoding.writeUint8Array(encoder, logIdBytes(log))
      encoding.writeVarUint(encoder, count)
    }
  })
}

/** Nothing, where the bytes are damaged: the next comparison says it anew. */
function decodeCounts(bytes: Uint8Array): Map<LogId, number> {
  const counts = new Map<LogId, number>()
  try {
    const decoder = decoding.createDecoder(bytes)
    decoding.readUint8Array(decoder, INCARNATION_BYTES)
    for (let rest = decoding.readVarUint(decoder); rest > 0; rest--) {
      counts.set(logIdFromBytes(decoding.readUint8Array(decoder, 21)), decoding.readVarUint(decoder))
    }
  } catch {
    return new Map()
  }
  return counts
}
