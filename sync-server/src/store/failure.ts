import { WeftError, type ErrorCode } from "@weft/sdk/protocol"

/** What a failed operation of LevelDB or the file system means. A WeftError stays what it is. */
export function storeFailure(error: unknown): WeftError {
  if (error instanceof WeftError) return error
  const code = codeOf(error)
  return new WeftError(code, texts[code] ?? "the database failed", { cause: error })
}

/** What a database that can't be opened means. */
export function openFailure(error: unknown, directory: string): WeftError {
  const failure = storeFailure(error)
  if (failure.code === "STORE_FAILED") {
    return new WeftError("STORE_UNAVAILABLE", `no store can be opened in ${directory}`, { cause: error })
  }
  if (failure.code !== "STORE_LOCKED") return failure
  const text = `${directory} is in use by another process: a store has one owner; stop the other, or use another directory`
  return new WeftError("STORE_LOCKED", text, { cause: error })
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
