import { allNotes, ENTRIES, entriesAfter, MOVE_KEY, moveOf, notesAfter, type Move } from "./indexeddb-place.js"
import { committed, result } from "./indexeddb-requests.js"

/** How a move shares the thread and the database with others. */
export interface MovePace {
  /** About so many bytes of values are read and written together. */
  readonly partBytes: number
  /** Waited for between two parts. */
  turn(): Promise<void>
}

/** Records of one request: few enough that even large ones are no burden. */
const TOGETHER = 32
/** So often what was written meanwhile is copied while others go on writing; what is then left, while they wait. */
const ROUNDS = 4

interface Copy {
  readonly key: string
  /** As it is stored; undefined: nothing is there any more. */
  readonly value: unknown
}

/**
 * Copies all entries of a database to an empty one, while any tab reads and writes on: what is written meanwhile is
 * noted by its writers, and copied again. Ends with the transaction from which on the other database counts. [SPEC X8]
 */
export class IndexedDbMove {
  /** Batches of others of which all is copied. */
  private copied = 0

  constructor(
    private readonly from: IDBDatabase,
    private readonly to: IDBDatabase,
    private readonly pace: MovePace,
    private readonly signal: AbortSignal,
  ) {}

  /** Rejects with the browser's error or the signal's reason; then all is as it was, unless only the answer was lost. */
  async run(): Promise<void> {
    try {
      await this.begin()
      await this.copyAll()
      for (let round = 0; round < ROUNDS; round++) await this.copyNoted()
      await this.finish()
    } catch (error) {
      // A move that somebody begins later takes these away, too.
      await this.giveUp().catch(() => undefined)
      throw error
    }
  }

  private async begin(): Promise<void> {
    const transaction = this.from.transaction(ENTRIES, "readwrite", { durability: "relaxed" })
    const store = transaction.objectStore(ENTRIES)
    store.delete(allNotes())
    store.put(this.record(0, false), MOVE_KEY)
    await committed(transaction)
    await this.next()
  }

  private async giveUp(): Promise<void> {
    const transaction = this.from.transaction(ENTRIES, "readwrite", { durability: "relaxed" })
    const store = transaction.objectStore(ENTRIES)
    const move = await moveOf(store)
    // A connection that is lost at the end of the last transaction does not tell how that ended.
    if (move?.done === true) return
    store.delete(MOVE_KEY)
    store.delete(allNotes())
    await committed(transaction)
  }

  private async copyAll(): Promise<void> {
    let after: string | undefined
    for (;;) {
      const part = await this.readPart(after)
      const last = part.at(-1)
      if (last === undefined) return
      await this.put(part, "relaxed")
      after = last.key
      await this.next()
    }
  }

  private async readPart(after: string | undefined): Promise<Copy[]> {
    const store = this.from.transaction(ENTRIES, "readonly").objectStore(ENTRIES)
    const part: Copy[] = []
    let bytes = 0
    let last = after
    while (bytes < this.pace.partBytes) {
      const range = entriesAfter(last)
      const [keys, values] = await Promise.all([
        result(store.getAllKeys(range, TOGETHER)),
        result<unknown[]>(store.getAll(range, TOGETHER)),
      ])
      for (const [index, key] of keys.entries()) {
        part.push({ key: key as string, value: values[index] })
        bytes += sizeOf(values[index])
      }
      last = keys.at(-1) as string | undefined
      if (keys.length < TOGETHER) break
    }
    return part
  }

  private async copyNoted(): Promise<void> {
    const store = this.from.transaction(ENTRIES, "readonly").objectStore(ENTRIES)
    const { keys, writes } = await this.noted(store)
    for (let from = 0; from < keys.length;) {
      const part = await this.readKeys(keys, from)
      await this.put(part, "relaxed")
      from += part.length
      await this.next()
    }
    this.copied = writes
  }

  private async readKeys(keys: readonly string[], from: number): Promise<Copy[]> {
    const store = this.from.transaction(ENTRIES, "readonly").objectStore(ENTRIES)
    const part: Copy[] = []
    let bytes = 0
    while (bytes < this.pace.partBytes && from + part.length < keys.length) {
      const some = await read(store, keys.slice(from + part.length, from + part.length + TOGETHER))
      for (const copy of some) {
        part.push(copy)
        bytes += sizeOf(copy.value)
      }
    }
    return part
  }

  /** What was written since it was last looked for, and up to which batch that is. */
  private async noted(store: IDBObjectStore): Promise<{ keys: string[]; writes: number }> {
    const [move, notes] = await Promise.all([
      moveOf(store),
      result(store.getAll(notesAfter(this.copied)) as IDBRequest<string[][]>),
    ])
    // only where somebody begins another move without holding the lock
    if (move?.to !== this.to.name) throw new DOMException("another move has begun", "InvalidStateError")
    return { keys: Array.from(new Set(notes.flat())), writes: move.writes }
  }

  /** Nobody writes between the last copy and the word that all has gone, for they are in one transaction. */
  private async finish(): Promise<void> {
    const transaction = this.from.transaction(ENTRIES, "readwrite", { durability: "strict" })
    const store = transaction.objectStore(ENTRIES)
    const { keys, writes } = await this.noted(store)
    let end: { readonly error?: unknown } | undefined
    this.put(await read(store, keys), "strict").then(
      () => (end = {}),
      (error: unknown) => (end = { error }),
    )
    // A transaction goes on for as long as it is asked something.
    while (end === undefined) await moveOf(store)
    if ("error" in end) throw end.error
    store.put(this.record(writes, true), MOVE_KEY)
    await committed(transaction)
  }

  private async put(copies: readonly Copy[], durability: "strict" | "relaxed"): Promise<void> {
    const transaction = this.to.transaction(ENTRIES, "readwrite", { durability })
    const store = transaction.objectStore(ENTRIES)
    for (const { key, value } of copies) {
      if (value === undefined) store.delete(key)
      else store.put(value, key)
    }
    await committed(transaction)
  }

  private record(writes: number, done: boolean): Move {
    return { to: this.to.name, writes, done }
  }

  private async next(): Promise<void> {
    await this.pace.turn()
    this.signal.throwIfAborted()
  }
}

function read(store: IDBObjectStore, keys: readonly string[]): Promise<Copy[]> {
  return Promise.all(keys.map(async (key) => ({ key, value: await result<unknown>(store.get(key)) })))
}

function sizeOf(value: unknown): number {
  return value instanceof Uint8Array ? value.byteLength : 0
}
