/*
 * IndexedDB's requests and transactions as promises. They reject with the browser's own errors.
 */

/** A request that fails ends nothing but itself: others may share its transaction. */
export function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = (event) => {
      event.preventDefault()
      reject(requestFailure(request))
    }
  })
}

export function committed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onabort = () => reject(transactionFailure(transaction))
  })
}

/** The request's error where one failed, the commit's (quota) where that failed, none where the connection was lost. */
export function transactionFailure(transaction: IDBTransaction): DOMException {
  return transaction.error ?? new DOMException("the transaction was aborted", "AbortError")
}

function requestFailure(request: IDBRequest): DOMException {
  return request.error ?? new DOMException("the request failed", "UnknownError")
}

export interface OpenedDatabase {
  readonly database: IDBDatabase
  /** It was not there, and has been made. */
  readonly isNew: boolean
}

/** Opens a database, which stands aside when somebody deletes or upgrades it. Rejects where it is not there, or of an earlier version, and nobody says how to make it. */
export function openDatabase(
  name: string,
  version: number,
  make?: (database: IDBDatabase) => void,
): Promise<OpenedDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, version)
    let isNew = false
    request.onupgradeneeded = ({ oldVersion }) => {
      isNew = oldVersion === 0
      if (make === undefined) request.transaction?.abort()
      else if (isNew) make(request.result)
    }
    request.onerror = () => reject(requestFailure(request))
    request.onsuccess = () => {
      const database = request.result
      database.onversionchange = () => database.close()
      resolve({ database, isNew })
    }
  })
}

/**
 * Runs an operation on a database, and closes it. Rejects where the browser closes it first: Chromium 156 fires nothing
 * at transactions that it had not come to then.
 */
export async function using<T>(database: IDBDatabase, operate: (database: IDBDatabase) => Promise<T>): Promise<T> {
  const lost = new Promise<never>((_resolve, reject) => {
    database.onclose = () => reject(closedByBrowser())
  })
  try {
    return await Promise.race([operate(database), lost])
  } finally {
    database.close()
  }
}

export function closedByBrowser(): DOMException {
  return new DOMException("the browser closed the database", "AbortError")
}

/** Resolves once nobody has it open any more, and it is gone. */
export async function deleteDatabase(name: string): Promise<void> {
  await result(indexedDB.deleteDatabase(name))
}
