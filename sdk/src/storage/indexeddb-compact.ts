import { WeftError } from "../base/errors.js"
import { operationFailure } from "./indexeddb-errors.js"
import { IndexedDbMove, type MovePace } from "./indexeddb-move.js"
import {
  deleteLeft,
  keepPlace,
  moveLock,
  numberedName,
  openEntries,
  openInUse,
  readPlace,
  writePlace,
} from "./indexeddb-place.js"
import { deleteDatabase, using } from "./indexeddb-requests.js"

/**
 * Takes what was deleted and overwritten out of the browser's files, by moving all entries to a new database and
 * deleting the one before. One tab at a time; others read and write on. Resolves when that is deleted. Rejects with the
 * reason of a signal that ends it early, or with a STORE_* code; then it begins anew the next time. [SPEC X7, X8]
 */
export async function compactEntries(
  client: string,
  pace: MovePace,
  signals: readonly (AbortSignal | undefined)[],
): Promise<void> {
  const stop = new AbortController()
  const ends = signals.filter((signal) => signal !== undefined)
  const end = (): void => {
    stop.abort(ends.find(({ aborted }) => aborted)?.reason)
  }
  for (const signal of ends) signal.addEventListener("abort", end)
  try {
    if (ends.some(({ aborted }) => aborted)) end()
    const { signal } = stop
    await navigator.locks.request(moveLock(client), { signal }, () => moveToNew(client, pace, signal))
  } catch (error) {
    throw stop.signal.aborted ? stop.signal.reason : operationFailure(error)
  } finally {
    for (const signal of ends) signal.removeEventListener("abort", end)
  }
}

async function moveToNew(client: string, pace: MovePace, signal: AbortSignal): Promise<void> {
  await demandRoom()
  const { database: from } = await openInUse(client)
  try {
    await moveFrom(client, from, pace, signal)
  } finally {
    from.close()
  }
}

/** What is being written in all tabs would fail with a full disk. */
async function demandRoom(): Promise<void> {
  const manager = navigator.storage as Partial<Pick<StorageManager, "estimate">> | undefined
  const { usage = 0, quota = Infinity } = (await manager?.estimate?.()) ?? {}
  if (quota - usage < usage) throw new DOMException("there is no room for a second copy", "QuotaExceededError")
}

async function moveFrom(client: string, from: IDBDatabase, pace: MovePace, signal: AbortSignal): Promise<void> {
  const { made, ...before } = await readPlace(client)
  // Where a move ended between its last transaction and the word of it, the one before is still said to be in use.
  const left = without([...before.left, before.at], from.name)
  const place = { at: from.name, made: made + 1, left }
  const name = numberedName(client, place.made)
  await writePlace(client, { ...place, left: [...left, name] })
  const { database: to } = await openEntries(name)
  try {
    await using(from, () => using(to, () => new IndexedDbMove(from, to, pace, signal).run()))
  } catch (error) {
    await deleteUnused(client, name).catch(() => undefined) // the next move does
    throw error
  }
  const next = { ...place, at: name, left: [...left, from.name] }
  await writePlace(client, next)
  keepPlace(client, name)
  await unlessEnded(deleteLeft(client, next), signal)
  await writePlace(client, { ...next, left: [] })
}

/** A copy that was not finished takes up room. */
async function deleteUnused(client: string, name: string): Promise<void> {
  const { database } = await openInUse(client)
  database.close()
  if (database.name !== name) await deleteDatabase(name)
}

function without(names: readonly string[], name: string): string[] {
  return names.filter((each) => each !== name)
}

/** Deleting waits for tabs that sleep. What was asked for goes on; so does the rest, at the next time. */
function unlessEnded<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = (): void => reject(new WeftError("STORE_CLOSED", "ended early"))
    if (signal.aborted) end()
    signal.addEventListener("abort", end, { once: true })
    work.then(resolve, reject)
  })
}
