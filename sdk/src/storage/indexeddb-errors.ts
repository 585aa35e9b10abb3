import { WeftError, type ErrorCode } from "../base/errors.js"

/** What a failed operation on an open database means. A WeftError stays what it is. */
export function operationFailure(error: unknown): WeftError {
  return failure(error, codeOf(nameOf(error)))
}

/** What a database that can't be opened means. */
export function openFailure(error: unknown): WeftError {
  return failure(error, refused.has(nameOf(error)) ? "STORE_UNAVAILABLE" : codeOf(nameOf(error)))
}

/**
 * True where the connection died under the operation, which then wrote nothing: the browser closed it (data cleared,
 * storage process restarted), or another tab deletes or upgrades the database.
 */
export function lostConnection(error: unknown): boolean {
  return lost.has(nameOf(error))
}

const lost = new Set(["InvalidStateError", "AbortError", "UnknownError"])

// Private modes and blocked cookies: no `indexedDB` at all (TypeError), or one that refuses to open.
const refused = new Set(["InvalidStateError", "SecurityError", "NotAllowedError", "TypeError", "ReferenceError"])

function codeOf(name: string): ErrorCode {
  switch (name) {
    case "QuotaExceededError":
      return "STORE_QUOTA"
    case "VersionError":
      return "STORE_BLOCKED"
    case "SecurityError":
    case "DataCloneError": // keys can't be kept: old private modes
      return "STORE_UNAVAILABLE"
    case "DataError":
    case "NotFoundError":
    case "NotReadableError":
      return "STORE_CORRUPT"
    default:
      return "STORE_FAILED"
  }
}

const texts: Partial<Record<ErrorCode, string>> = {
  STORE_QUOTA: "the browser gives this site no more room; nothing was written",
  STORE_BLOCKED: "a newer version of this app has upgraded the store in another tab; reload this page",
  STORE_UNAVAILABLE: "this browser, or a private window of it, lets this page keep nothing",
  STORE_CORRUPT: "the store is damaged",
}

function failure(error: unknown, code: ErrorCode): WeftError {
  if (error instanceof WeftError) return error
  return new WeftError(code, texts[code] ?? "the browser's database failed", { cause: error })
}

function nameOf(error: unknown): string {
  return error instanceof Error || (typeof error === "object" && error !== null && "name" in error)
    ? String(error.name)
    : ""
}
