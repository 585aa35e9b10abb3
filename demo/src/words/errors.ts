import { type ErrorCode, type RefusalCode, WeftError } from "@weft/sdk"
import { t } from "./translate.js"

export interface Explanation {
  readonly title: string
  /** What it means and what to do, in a sentence or two. */
  readonly advice: string
}

/** Why this device's storage or keys can't be used, and what helps. */
export function explainCode(code: ErrorCode): Explanation {
  switch (code) {
    case "STORE_QUOTA":
      return { title: t("quota"), advice: t("quotaAdvice") }
    case "STORE_BLOCKED":
      return { title: t("storeBlocked"), advice: t("storeBlockedAdvice") }
    case "STORE_UNAVAILABLE":
      return { title: t("storeUnavailable"), advice: t("storeUnavailableAdvice") }
    case "STORE_CORRUPT":
      return { title: t("storeCorrupt"), advice: t("storeCorruptAdvice") }
    case "STORE_CLOSED":
    case "STORE_LOCKED":
    case "STORE_FENCED":
    case "STORE_FAILED":
      return { title: t("storeFailed"), advice: t("storeFailedAdvice") }
    case "CRYPTO_UNAVAILABLE":
      return { title: t("noCrypto"), advice: t("noCryptoAdvice") }
    case "KEY_REFUSED":
      return { title: t("keyRefused"), advice: t("keyRefusedAdvice") }
    case "CLIENT_CLOSED":
      return { title: t("clientClosed"), advice: t("clientClosedAdvice") }
    case "CONVERSATION_UNKNOWN":
      return { title: t("conversationUnknown"), advice: t("conversationUnknownAdvice") }
    case "NOT_ALLOWED":
      return { title: t("notAllowed"), advice: t("notAllowedAdvice") }
    case "BODY_TOO_LARGE":
      return { title: t("tooLong"), advice: t("tooLongAdvice") }
    case "CLOCK_OUT_OF_RANGE":
      return { title: t("clockWrong"), advice: t("clockWrongAdvice") }
    case "SEGMENT_AWAY":
      return { title: t("segmentAway"), advice: t("segmentAwayAdvice") }
    case "BAD_ARGUMENT":
      return { title: t("badArgument"), advice: t("badArgumentAdvice") }
    case "MESSAGE_REJECTED":
    case "MALFORMED":
      return { title: t("wasRefused"), advice: t("wasRefusedAdvice") }
  }
}

export function codeOf(error: unknown): ErrorCode | undefined {
  return error instanceof WeftError ? error.code : undefined
}

/** One line for beside the button that failed. */
export function explainError(error: unknown): string {
  const code = codeOf(error)
  return code === undefined ? t("didNotWork") : t("errorLine", { ...explainCode(code), code })
}

/** Why something was refused, as a sentence with its code. */
export function refusalSentence(code: RefusalCode | undefined): string {
  return code === undefined ? `${explainRefusal(code)}.` : t("reasonAndCode", { reason: explainRefusal(code), code })
}

/** Why a server, or this device, would not take something; to be followed by the code. */
export function explainRefusal(code: RefusalCode | undefined): string {
  switch (code) {
    case "INVITE_VOID":
    case "INVITE_REVOKED":
      return t("refusalInviteVoid")
    case "INVITE_EXPIRED":
      return t("refusalInviteExpired")
    case "INVITE_USED_UP":
      return t("refusalInviteUsedUp")
    case "PAST_CUT":
    case "NOT_MEMBER":
      return t("refusalNotMember")
    case "ROLE_TOO_LOW":
      return t("refusalRole")
    case "CLOCK_AHEAD":
    case "CLOCK_FAR_AHEAD":
      return t("refusalClock")
    case "BODY_TOO_LARGE":
    case "FRAME_TOO_LARGE":
      return t("refusalTooLong")
    case "RATE_LIMITED":
      return t("refusalRate")
    case "QUOTA_EXCEEDED":
      return t("refusalQuota")
    case "FORBIDDEN":
    case "UNKNOWN_DOCUMENT":
      return t("refusalForbidden")
    case "AUTH_FAILED":
    case "TOKEN_EXPIRED":
      return t("refusalSignIn")
    case "REVOKED":
      return t("refusalRevoked")
    case "DEVICE_PROOF_FAILED":
    case "KEY_REFUSED":
      return t("refusalKey")
    case "UNSUPPORTED_VERSION":
      return t("refusalVersion")
    case "TOO_MANY_CONNECTIONS":
      return t("refusalConnections")
    case "SHUTTING_DOWN":
      return t("refusalRestarting")
    case "STORAGE_FAILED":
    case "INTERNAL":
      return t("refusalTrouble")
    default:
      return t("refusalOther")
  }
}
