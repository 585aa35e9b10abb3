import { WeftError, type ErrorCode } from "../base/errors.js"

/** What a failed operation of LevelDB or the file system means. A WeftError stays what it is. */
export function levelFailure(error: unknown): WeftError {
  if (error instanceof WeftError) return error
  const code = codeOf(error)
  return new WeftError(code, texts[code] ?? "the database failed", { cause: error })
}

/** What a database that can't be opened means. */
export function levelOpenFailure(error: unknown, directory: string): WeftError {
  const failure = levelFailure(error)
  if (failure.code === "STORE_LOCKED") {
    const text = `${directory} is open elsewhere: a store has one owner; close the other, or give each its own directory`
    return new WeftError("STORE_LOCKED", text, { cause: error })
  }
  if (failure.code !== "STORE_FAILED") return failure
  return new WeftError("STORE_UNAVAILABLE", `no store can be opened in ${directory}`, { cause: error })
}

const texts: Partial<Record<ErrorCode, string>> = {
  STORE_QUOTA: "the disk is full; nothing was written",
  STORE_CORRUPT: "the store is damaged",
}

function codeOf(error: unknown): ErrorCode {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    switch ("code" in at ? at.code : undefined) {
      case "LEVEL_LOCKED":
        return "STORE_LOCKED"
      case "LEVEL_CORRUPTION":
        return "STORE_CORRUPT"
      case "ENOSPC":
      case "EDQUOT":
        return "STORE_QUOTA"
      case "LEVEL_IO_ERROR":
        // LevelDB keeps strerror's text and drops errno, so here the text is all there is.
        if (/No space left on device|Disk quota exceeded/.test(at.message)) return "STORE_QUOTA"
    }
  }
  return "STORE_FAILED"
}
