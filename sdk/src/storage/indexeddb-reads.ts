import { ENTRIES, moveOf } from "./indexeddb-place.js"

type Operate<T> = (store: IDBObjectStore) => Promise<T>

interface Reading {
  readonly store: IDBObjectStore
  /** Rejects where the entries are elsewhere. */
  readonly here: Promise<void>
}

/**
 * Reads of one database. Those that are asked for in one turn of the event loop share a transaction: each costs the browser
 * more than what is read in it, and needs a look at whether the entries are here.
 */
export class Reads {
  private readonly database: IDBDatabase
  private current: Reading | undefined

  constructor(database: IDBDatabase) {
    this.database = database
  }

  /** Somebody asks to write: who reads from now on, reads what is written. */
  end(): void {
    this.current = undefined
  }

  async run<T>(operate: Operate<T>): Promise<T> {
    const current = this.current
    if (current !== undefined) {
      try {
        return await readIn(current, operate)
      } catch (error) {
        if (!isOver(error)) throw error
      }
    }
    return readIn(this.begin(), operate)
  }

  private begin(): Reading {
    const store = this.database.transaction(ENTRIES, "readonly").objectStore(ENTRIES)
    const here = moveOf(store).then((move) => {
      // What has been answered is of the past: who asks now reads what is there now.
      if (this.current === reading) this.current = undefined
      if (move?.done === true) throw moved()
    })
    // Whoever reads hears of it.
    here.catch(() => undefined)
    const reading = { store, here }
    this.current = reading
    return reading
  }
}

async function readIn<T>({ store, here }: Reading, operate: Operate<T>): Promise<T> {
  const [found] = await Promise.all([operate(store), here])
  return found
}

/** The turn in which the transaction was begun has ended. */
function isOver(error: unknown): boolean {
  return error instanceof DOMException && error.name === "TransactionInactiveError"
}

/** As where the connection was lost: it is looked for anew where the entries are. [SPEC X8] */
export function moved(): DOMException {
  return new DOMException("the entries have moved to another database", "InvalidStateError")
}
