/**
 * Why something was refused, on the wire and from the check. `transient`: the same bytes may pass later, so they are
 * kept and sent again. `permanent`: they never will; the session ends and the user is told. [SPEC R1]
 */
export const refusals = {
  // The check: form. [SPEC C]
  MALFORMED: { number: 1, kind: "permanent" },
  UNKNOWN_CONTENT: { number: 2, kind: "permanent" },
  FOREIGN_ROOT: { number: 3, kind: "permanent" },
  CLIENT_ID_MISMATCH: { number: 4, kind: "permanent" },
  CLIENT_ID_TAKEN: { number: 5, kind: "permanent" },
  FOREIGN_ORIGIN: { number: 6, kind: "permanent" },
  GAP: { number: 7, kind: "transient" },
  BAD_GRAMMAR: { number: 8, kind: "permanent" },
  BODY_MISMATCH: { number: 9, kind: "permanent" },
  BODY_TOO_LARGE: { number: 10, kind: "permanent" },
  RUN_TOO_LONG: { number: 11, kind: "permanent" },
  BAD_SEAL: { number: 12, kind: "permanent" },
  KEY_REFUSED: { number: 13, kind: "permanent" },
  DELETED_UNNAMED: { number: 14, kind: "transient" },
  UNSEALED: { number: 15, kind: "transient" },
  FORK: { number: 16, kind: "permanent" },
  WRONG_CLASS: { number: 17, kind: "permanent" },
  BAD_SIGNATURE: { number: 18, kind: "permanent" },
  // Authority. [SPEC A]
  CONTROL_UNKNOWN: { number: 30, kind: "transient" },
  NOT_MEMBER: { number: 31, kind: "permanent" },
  PAST_CUT: { number: 32, kind: "permanent" },
  ROLE_TOO_LOW: { number: 33, kind: "permanent" },
  CREATE_MISMATCH: { number: 34, kind: "permanent" },
  UNTRUSTED_SERVER_KEY: { number: 35, kind: "permanent" },
  /** No invite of a member, not for this key, or its inviter is gone. */
  INVITE_VOID: { number: 36, kind: "permanent" },
  INVITE_REVOKED: { number: 37, kind: "permanent" },
  INVITE_EXPIRED: { number: 38, kind: "permanent" },
  INVITE_USED_UP: { number: 39, kind: "permanent" },
  // Admission: what a server decides for itself. [SPEC R]
  CLOCK_AHEAD: { number: 50, kind: "transient" },
  CLOCK_FAR_AHEAD: { number: 51, kind: "permanent" },
  RATE_LIMITED: { number: 52, kind: "transient" },
  QUOTA_EXCEEDED: { number: 53, kind: "transient" },
  SEGMENT_AHEAD: { number: 54, kind: "transient" },
  STORAGE_FAILED: { number: 55, kind: "transient" },
  QUARANTINED: { number: 56, kind: "transient" },
  UNKNOWN_DOCUMENT: { number: 57, kind: "permanent" },
  // As far as this server knows: what lets the device in may be on its way to it.
  FORBIDDEN: { number: 58, kind: "transient" },
  // Of a register: a newer one is here. [SPEC P4]
  STALE: { number: 59, kind: "permanent" },
  // The connection. [SPEC S]
  BAD_FRAME: { number: 70, kind: "permanent" },
  FRAME_TOO_LARGE: { number: 71, kind: "permanent" },
  UNSUPPORTED_VERSION: { number: 72, kind: "permanent" },
  AUTH_FAILED: { number: 73, kind: "permanent" },
  TOKEN_EXPIRED: { number: 74, kind: "permanent" },
  DEVICE_PROOF_FAILED: { number: 75, kind: "permanent" },
  AUTH_TIMEOUT: { number: 76, kind: "transient" },
  TOO_MANY_CONNECTIONS: { number: 77, kind: "transient" },
  SLOW_READER: { number: 78, kind: "transient" },
  SHUTTING_DOWN: { number: 79, kind: "transient" },
  TEXT_FRAME: { number: 80, kind: "permanent" },
  REVOKED: { number: 81, kind: "permanent" },
  INTERNAL: { number: 82, kind: "transient" },
} as const satisfies Record<string, { number: number; kind: "transient" | "permanent" }>

/** A stable name of a reason; new ones may come with new versions. */
export type RefusalCode = keyof typeof refusals

const byNumber = new Map<number, RefusalCode>(
  (Object.keys(refusals) as RefusalCode[]).map((code) => [refusals[code].number, code]),
)

/** The number that stands for a code on the wire. */
export function refusalNumber(code: RefusalCode): number {
  return refusals[code].number
}

/** The code of a number, or undefined for one from a newer version. */
export function refusalCode(number: number): RefusalCode | undefined {
  return byNumber.get(number)
}

/** Whether the same bytes may pass later. */
export function isTransient(code: RefusalCode): boolean {
  return refusals[code].kind === "transient"
}

/** WebSocket close code of a refused connection: 44xx is final, 45xx may be tried again later. [SPEC S9] */
export function closeCode(code: RefusalCode): number {
  return (isTransient(code) ? 4500 : 4400) + refusals[code].number
}

/** The code that a WebSocket close code stands for; undefined where it is none of ours. */
export function refusalOfClose(close: number): RefusalCode | undefined {
  return close >= 4400 && close < 4600 ? refusalCode(close % 100) : undefined
}
