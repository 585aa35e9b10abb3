import {
  closedByBrowser,
  committed,
  deleteDatabase,
  openDatabase,
  result,
  using,
  type OpenedDatabase,
} from "./indexeddb-requests.js"

/*
 * A client's databases. Its home is never moved: it holds the key pair, and says which database has the entries. That is
 * the one of the client's name until they are moved for the first time, and a numbered one from then on. [SPEC X8]
 */

/** Text key -> Uint8Array. IndexedDB orders strings by UTF-16 code units, as the port asks. */
export const ENTRIES = "entries"
/** Before all text keys: where the entries go or have gone to; nothing there while they stay. */
export const MOVE_KEY = 0
/** KEY_PAIR -> CryptoKeyPair, which structured clone keeps without ever showing the private half. */
export const IDENTITY = "identity"
export const KEY_PAIR = "key-pair"
const PLACE = "place"
const PLACE_KEY = "place"

/** Version 1 had all in the database of the client's name, and knew of no other. */
const VERSION = 2
const HOME_VERSION = 1

/** What a database says of its entries' move. */
export interface Move {
  readonly to: string
  /** Batches written since it began. The keys of each are noted under its number, in a list, after all text keys. */
  readonly writes: number
  /** All are there: nothing is read or written here any more. */
  readonly done: boolean
}

/** Asked for first in each transaction on the entries, so that they are looked for where they are. */
export async function moveOf(entries: IDBObjectStore): Promise<Move | undefined> {
  const move: unknown = await result(entries.get(MOVE_KEY))
  return move as Move | undefined
}

export const noteKey = (write: number): IDBValidKey => [write]
export const notesAfter = (write: number): IDBKeyRange => IDBKeyRange.lowerBound([write], true)
export const allNotes = (): IDBKeyRange => IDBKeyRange.lowerBound([])
export const entriesAfter = (key: string | undefined): IDBKeyRange =>
  IDBKeyRange.bound(key ?? "", [], key !== undefined, true)

/** Where a client's entries are. */
export interface Place {
  /** The database that has them; where that says that they have moved, this is to be brought up to date. */
  readonly at: string
  /** How many numbered databases were ever begun: no name is used twice. */
  readonly made: number
  /** Databases that are to be deleted. */
  readonly left: readonly string[]
}

/** No control character is in a user's id, so no other client has a database of such a name. */
const homeName = (client: string): string => `${client}\n`
export const numberedName = (client: string, number: number): string => `${homeName(client)}${number}`
export const moveLock = (client: string): string => `${homeName(client)}move`

/** Runs an operation on a client's home. */
export async function withHome<T>(client: string, operate: (home: IDBDatabase) => Promise<T>): Promise<T> {
  const { database } = await openDatabase(homeName(client), HOME_VERSION, (home) => {
    home.createObjectStore(PLACE)
    home.createObjectStore(IDENTITY)
  })
  return using(database, operate)
}

export async function readPlace(client: string): Promise<Place> {
  return (await readHome(client)).place
}

interface Home {
  readonly place: Place
  /** What is stored as the key pair; undefined where that is to be looked for again. */
  readonly keyPair: unknown
}

function readHome(client: string): Promise<Home> {
  return withHome(client, async (home) => {
    const transaction = home.transaction([PLACE, IDENTITY])
    const [place, keyPair] = await Promise.all([
      result<unknown>(transaction.objectStore(PLACE).get(PLACE_KEY)),
      // who asks for it is told what is wrong with it
      result<unknown>(transaction.objectStore(IDENTITY).get(KEY_PAIR)).catch(() => undefined),
    ])
    if (place === undefined) return { place: await settle(client, home), keyPair: undefined }
    return { place: place as Place, keyPair }
  })
}

/** Only for who holds the lock of moves. Resolves when it is durable. */
export function writePlace(client: string, place: Place): Promise<void> {
  return withHome(client, async (home) => {
    const transaction = home.transaction(PLACE, "readwrite", { durability: "strict" })
    transaction.objectStore(PLACE).put(place, PLACE_KEY)
    await committed(transaction)
  })
}

/** The first time: entries of version 1 stay where they are, and its key pair is taken over. */
async function settle(client: string, home: IDBDatabase): Promise<Place> {
  const pair = await formerKeyPair(client)
  const transaction = home.transaction([PLACE, IDENTITY], "readwrite", { durability: "strict" })
  const [places, identity] = [transaction.objectStore(PLACE), transaction.objectStore(IDENTITY)]
  const kept: unknown = await result(places.get(PLACE_KEY))
  const keptPair: unknown = await result(identity.get(KEY_PAIR))
  const place = (kept as Place | undefined) ?? { at: client, made: 0, left: [] }
  places.put(place, PLACE_KEY)
  if (keptPair === undefined && pair !== undefined) identity.put(pair, KEY_PAIR)
  await committed(transaction)
  return place
}

async function formerKeyPair(client: string): Promise<unknown> {
  const { database } = await openEntries(client)
  return using(database, async (former) => {
    if (!former.objectStoreNames.contains(IDENTITY)) return undefined
    const pair: unknown = await result(former.transaction(IDENTITY).objectStore(IDENTITY).get(KEY_PAIR))
    return pair
  })
}

/** One of a client's databases with entries; empty where it is new. */
export function openEntries(name: string): Promise<OpenedDatabase> {
  return openDatabase(name, VERSION, (database) => {
    database.createObjectStore(ENTRIES)
  })
}

/** The database that has a client's entries now. */
export interface InUse extends Pick<Home, "keyPair"> {
  readonly database: IDBDatabase
}

/** Opens it: at once where it was at the last start, while the home is asked whether it still is there. */
export async function openInUse(client: string): Promise<InUse> {
  const guess = lastPlace(client)
  const guessed = guess === undefined ? Promise.resolve(undefined) : openGuess(guess)
  // Not waited for: a database that is to be deleted answers when all tabs have let go of it.
  const letGo = (): void => {
    guessed.then(
      (database) => database?.close(),
      () => undefined,
    )
  }
  let home: Home
  try {
    home = await readHome(client)
  } catch (error) {
    letGo()
    throw error
  }
  const { place, keyPair } = home
  if (place.at === guess) {
    const database = await guessed
    if (database !== undefined) return { database, keyPair }
  } else letGo()
  for (let name = place.at; ;) {
    const next = await nextOf(client, name)
    if (typeof next === "string") name = next
    else {
      keepPlace(client, name)
      return { database: next, keyPair }
    }
  }
}

/** The database of that name, if it is there and has entries that did not move. */
async function openGuess(name: string): Promise<IDBDatabase | undefined> {
  try {
    const { database } = await openDatabase(name, VERSION)
    const move = await moveIn(database)
    if (move?.done !== true) return database
    database.close()
  } catch {
    // whatever is wrong is found where it is looked for
  }
  return undefined
}

const placeItem = (client: string): string => `weft/place/${client}`

/** Where the entries were at the last start; undefined where nobody keeps that, as in a worker. */
function lastPlace(client: string): string | undefined {
  try {
    return localStorage.getItem(placeItem(client)) ?? undefined
  } catch {
    return undefined
  }
}

export function keepPlace(client: string, name: string): void {
  try {
    localStorage.setItem(placeItem(client), name)
  } catch {
    // the next start asks first
  }
}

/** The database, or the name of the one to look at next: its entries have moved, or it was deleted since it was named. */
async function nextOf(client: string, name: string): Promise<IDBDatabase | string> {
  const { database, isNew } = await openEntries(name)
  const { at } = isNew ? await readPlace(client) : { at: name }
  if (at !== name) {
    database.close()
    if (name !== client) await deleteDatabase(name)
    return at
  }
  const move = await moveIn(database)
  if (move?.done !== true) return database
  database.close()
  return move.to
}

/** What a database says of its entries' move; closes it where that can't be read. */
async function moveIn(database: IDBDatabase): Promise<Move | undefined> {
  try {
    return await new Promise<Move | undefined>((resolve, reject) => {
      database.onclose = () => reject(closedByBrowser())
      moveOf(database.transaction(ENTRIES).objectStore(ENTRIES)).then(resolve, reject)
    })
  } catch (error) {
    database.close()
    throw error
  }
}

/** Deletes databases that nobody uses any more, once the last tab has let go of them. */
export async function deleteLeft(client: string, { at, left }: Place): Promise<void> {
  await Promise.all(left.map((name) => deleteOne(client, name, at)))
  // Chromium keeps files that it needs no more until it next compacts anything: that is this.
  const nothing = numberedName(client, 0)
  const { database } = await openEntries(nothing)
  database.close()
  await deleteDatabase(nothing)
}

async function deleteOne(client: string, name: string, at: string): Promise<void> {
  const deleting = deleteDatabase(name)
  // Version 1 finds a newer one where it looks, and says so, rather than an empty place; and so does who read the place
  // before the move. Asked for at once: nobody is in between.
  const closing = name === client ? openSign(name, at).then(({ database }) => database.close()) : undefined
  await Promise.all([deleting, closing])
}

/** An empty database that says where the entries are. */
function openSign(name: string, at: string): Promise<OpenedDatabase> {
  return openDatabase(name, VERSION, (database) => {
    const move: Move = { to: at, writes: 0, done: true }
    database.createObjectStore(ENTRIES).put(move, MOVE_KEY)
  })
}
