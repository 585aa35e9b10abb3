/**
 * Stable error codes. Programs decide by `code`; the text is for people and may change.
 * Codes of refusals on the wire are in `protocol/codes.ts`.
 */
export type ErrorCode =
  | "BAD_ARGUMENT"
  | "CRYPTO_UNAVAILABLE"
  | "KEY_REFUSED"
  | "CLIENT_CLOSED"
  | "CONVERSATION_UNKNOWN"
  | "NOT_ALLOWED"
  | "BODY_TOO_LARGE"
  | "CLOCK_OUT_OF_RANGE"
  | "MESSAGE_REJECTED"
  | "MALFORMED"
  | "SEGMENT_AWAY"
  | "STORE_CLOSED"
  | "STORE_LOCKED"
  | "STORE_FENCED"
  | "STORE_QUOTA"
  | "STORE_BLOCKED"
  | "STORE_UNAVAILABLE"
  | "STORE_CORRUPT"
  | "STORE_FAILED"

/** What every function of the SDK throws or rejects with. `cause` holds what led to it, where something did. */
export class WeftError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = "WeftError"
    this.code = code
  }
}

/** Reads the bytes that are stored under a key; what they throw where they are none of what they should be is STORE_CORRUPT. */
export function readStored<T>(key: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw new WeftError("STORE_CORRUPT", `what is stored as ${key} can't be read`, { cause })
  }
}

/** Whether something stored can't be read, now or later. */
export function isDamage(error: unknown): boolean {
  return error instanceof WeftError && error.code === "STORE_CORRUPT"
}
