import { WeftError } from "@weft/sdk/protocol"
import type { Database, Operation } from "./database.js"
import { readState, SUMMARY, type DocumentState, type StoredState } from "./document-state.js"
import { storeFailure } from "./failure.js"
import { MAX_GROUP_WRITES } from "./group-commit.js"
import {
  digestKey,
  erasedKey,
  erasingKey,
  MAX_UPDATE_CLOCK,
  metaKey,
  parseKey,
  stateVectorKey,
  updateKey,
  updateRange,
} from "./keys.js"
import type { Append, Replace, StoredName } from "./store.js"
import { encodeStateVectorRecord, encodeSummaryRecord, encodeTime, stateVectorOfUpdates } from "./values.js"

export type StoreWrite =
  | { readonly kind: "append"; readonly append: Append; readonly bytes: number }
  | { readonly kind: "replace"; readonly replace: Replace; readonly bytes: number }
  /** Values outside of a document's updates, all or none. */
  | { readonly kind: "put"; readonly operations: readonly Operation[]; readonly bytes: number }

export function bytesOfWrite({ update, summary }: Append | Replace): number {
  return update.length + (summary?.length ?? 0)
}

/** Documents whose state is kept in memory, about 200 bytes each: memory follows the active ones, of 2,000 conversations at most. */
const MAX_KNOWN_DOCUMENTS = 4_096
/** Further up a group might not find enough clocks. */
const RENUMBER_ABOVE = MAX_UPDATE_CLOCK - MAX_GROUP_WRITES

export class KnownDocuments {
  readonly #states = new Map<StoredName, DocumentState>()
  #generation = 0
  /** No document that is not known was replaced later. */
  #forgotten = 0

  get(document: StoredName): DocumentState | undefined {
    return this.#states.get(document)
  }

  generationOf(document: StoredName): number {
    return this.#states.get(document)?.generation ?? this.#forgotten
  }

  nextGeneration(): number {
    return ++this.#generation
  }

  /** Forgets those that were written the longest time ago. */
  remember(states: ReadonlyMap<StoredName, DocumentState>): void {
    for (const [document, state] of states) {
      this.#states.delete(document)
      this.#states.set(document, state)
    }
    for (const [document, { generation }] of this.#states) {
      if (this.#states.size <= MAX_KNOWN_DOCUMENTS) return
      this.#states.delete(document)
      this.#forgotten = Math.max(this.#forgotten, generation)
    }
  }

  clear(): void {
    this.#states.clear()
    this.#forgotten = this.#generation
  }
}

/** A group as one batch. */
export interface StagedGroup {
  readonly operations: readonly Operation[]
  /** Of the documents concerned, once the batch is written. */
  readonly states: ReadonlyMap<StoredName, DocumentState>
  /** Writes that it leaves out. */
  readonly refused: ReadonlyMap<StoreWrite, WeftError>
}

/** What a group does, in its order. Runs between two commits, so nothing changes meanwhile. */
export async function stageGroup(
  database: Database,
  known: KnownDocuments,
  group: readonly StoreWrite[],
): Promise<StagedGroup> {
  const staging = new Staging(database, known)
  await staging.recall(group)
  for (const write of group) {
    if (write.kind === "put") {
      for (const { key, value } of write.operations) staging.put(key, value)
      continue
    }
    const document = write.kind === "append" ? write.append.document : write.replace.document
    const state = staging.states.get(document)
    if (state === undefined) staging.refused.set(write, staging.unreadable.get(document) ?? storeFailure(undefined))
    else if (write.kind === "append") staging.append(write.append, state)
    else if (!(await staging.replace(write.replace, state))) staging.refused.set(write, fenced(write.replace))
  }
  return { operations: Array.from(staging.operations.values()), states: staging.states, refused: staging.refused }
}

function fenced({ document }: Replace): WeftError {
  return new WeftError("STORE_FENCED", `another replacement of ${document} came first; nothing was written`)
}

class Staging {
  readonly #database: Database
  readonly #known: KnownDocuments
  readonly operations = new Map<string, Operation>()
  readonly states = new Map<StoredName, DocumentState>()
  readonly refused = new Map<StoreWrite, WeftError>()
  readonly unreadable = new Map<StoredName, WeftError>()
  /** Last clocks in the store, below those that are staged. */
  readonly #stored = new Map<StoredName, number>()

  constructor(database: Database, known: KnownDocuments) {
    this.#database = database
    this.#known = known
  }

  put(key: Uint8Array, value: Uint8Array | undefined): void {
    this.operations.set(text(key), { key, value })
  }

  /** Brings the states of all documents of the group, from memory or from the store. */
  async recall(group: readonly StoreWrite[]): Promise<void> {
    const documents = new Set<StoredName>()
    for (const write of group) {
      if (write.kind === "append") documents.add(write.append.document)
      else if (write.kind === "replace") documents.add(write.replace.document)
    }
    await this.#startNew(Array.from(documents).filter((document) => this.#known.get(document) === undefined))
    await Promise.all(Array.from(documents, (document) => this.#recall(document)))
    for (const [document, { clocks }] of this.states) {
      if (clocks !== undefined && clocks.last > RENUMBER_ABOVE) {
        this.states.set(document, {
          ...(await renumber(this.#database, document)),
          generation: this.#known.nextGeneration(),
        })
      }
    }
    for (const [document, { clocks }] of this.states) this.#stored.set(document, clocks?.last ?? -1)
  }

  /** A document without state vector has nothing: both y-leveldb and we write that first. */
  async #startNew(documents: readonly StoredName[]): Promise<void> {
    if (documents.length === 0) return
    const present = await this.#database.hasMany(documents.map(stateVectorKey)).catch((error: unknown) => {
      const failure = storeFailure(error)
      if (failure.code !== "STORE_CORRUPT") throw failure
      // Each is read by itself then, and what is damaged concerns that one.
      return []
    })
    documents.forEach((document, index) => {
      if (present[index] !== false) return
      const generation = this.#known.generationOf(document)
      this.states.set(document, { clocks: undefined, covers: -1, bytes: 0, generation })
    })
  }

  async #recall(document: StoredName): Promise<void> {
    if (this.states.has(document)) return
    try {
      const generation = this.#known.generationOf(document)
      const known = this.#known.get(document)
      const state = known ?? (await this.#database.read((reader) => readState(reader, document))).state
      this.states.set(document, { ...state, generation })
    } catch (error) {
      const failure = storeFailure(error)
      // A damaged document is its own misfortune; anything else is the disk's.
      if (failure.code !== "STORE_CORRUPT") throw failure
      this.unreadable.set(document, failure)
    }
  }

  append({ document, update, summary, digest, erases, stateVector }: Append, state: DocumentState): void {
    const { clocks } = state
    const clock = clocks === undefined ? 0 : clocks.last + 1
    state.clocks = { first: clocks?.first ?? clock, last: clock }
    state.bytes += update.length
    this.put(updateKey(document, clock), update)
    if (clocks === undefined) {
      const vector = stateVector ?? stateVectorOfUpdates(document, [update])
      this.put(stateVectorKey(document), encodeStateVectorRecord(clock, vector))
    }
    if (erases === true) this.put(erasingKey(document), encodeTime(0))
    if (summary !== undefined) {
      state.covers = clock
      this.put(metaKey(document, SUMMARY), encodeSummaryRecord({ covers: clock, bytes: state.bytes, summary }))
    }
    // An older digest is that of a state that is no more.
    if (digest !== undefined || clocks !== undefined) this.put(digestKey(document), digest)
  }

  /** False where another replacement came first. */
  async replace(replace: Replace, state: DocumentState): Promise<boolean> {
    const { document, update, covers, summary, digest, stateVector } = replace
    const { clocks } = state
    if (clocks === undefined || covers < clocks.first || covers > clocks.last) return false
    if (replace.generation !== undefined && replace.generation !== state.generation) return false
    state.generation = this.#known.nextGeneration()
    state.bytes += update.length - (await this.#deleteUpdates(document, covers))
    state.clocks = { first: covers, last: clocks.last }
    this.put(updateKey(document, covers), update)
    this.put(stateVectorKey(document), encodeStateVectorRecord(covers, stateVector))
    if (replace.erased === true) this.put(erasedKey(document), new Uint8Array(0))
    // What a later append brought is not carried out.
    const { nextErasure } = replace
    if (nextErasure !== undefined && covers === clocks.last) {
      this.put(erasingKey(document), nextErasure === Infinity ? undefined : encodeTime(nextErasure))
    }
    // What came with a later append is newer than this; only its count of bytes is off until the next summary.
    if (state.covers <= covers) {
      state.covers = covers
      this.put(metaKey(document, SUMMARY), encodeSummaryRecord({ covers, bytes: update.length, summary }))
    }
    if (covers === clocks.last) this.put(digestKey(document), digest)
    return true
  }

  /** Deletes all updates up to a clock, stored or staged, and returns their bytes. */
  async #deleteUpdates(document: StoredName, upTo: number): Promise<number> {
    let bytes = 0
    const remove = (key: Uint8Array, stored: Uint8Array | undefined): void => {
      const staged = this.operations.get(text(key))
      bytes += (staged === undefined ? stored : staged.value)?.length ?? 0
      this.put(key, undefined)
    }
    const range = updateRange(document, 0, upTo + 1)
    for (const [key, value] of await this.#database.read((reader) => reader.entries(range))) remove(key, value)
    for (let clock = (this.#stored.get(document) ?? -1) + 1; clock <= upTo; clock++) {
      remove(updateKey(document, clock), undefined)
    }
    return bytes
  }
}

/** Moves a document's updates to the lowest clocks, in a batch of its own: clocks are 32-bit numbers. */
async function renumber(database: Database, document: StoredName): Promise<StoredState["state"]> {
  const { entries, stored } = await database.read(async (reader) => ({
    entries: await reader.entries(updateRange(document)),
    stored: await readState(reader, document),
  }))
  const batch = new Map<string, Operation>()
  for (const [key] of entries) batch.set(text(key), { key, value: undefined })
  const put = (key: Uint8Array, value: Uint8Array): void => void batch.set(text(key), { key, value })
  let covers = -1
  entries.forEach(([key, value], clock) => {
    const parsed = parseKey(key)
    if (parsed?.kind === "update" && parsed.clock <= stored.state.covers) covers = clock
    put(updateKey(document, clock), value)
  })
  const last = entries.length - 1
  // y-leveldb takes a state vector for current when its clock is the last one's.
  const vector = stateVectorOfUpdates(
    document,
    entries.map(([, value]) => value),
  )
  put(stateVectorKey(document), encodeStateVectorRecord(last, vector))
  if (stored.record !== undefined) put(metaKey(document, SUMMARY), encodeSummaryRecord({ ...stored.record, covers }))
  await database.write(Array.from(batch.values()))
  return { clocks: { first: 0, last }, covers, bytes: stored.state.bytes }
}

function text(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString("latin1")
}
