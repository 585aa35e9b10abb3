import { type ErrorCode, type RefusalCode, WeftError } from "@weft/sdk"

export interface Explanation {
  readonly title: string
  /** What it means and what to do, in a sentence or two. */
  readonly advice: string
}

/** Why this device's storage or keys can't be used, and what helps. */
export function explainCode(code: ErrorCode): Explanation {
  switch (code) {
    case "STORE_QUOTA":
      return {
        title: "There is no space left",
        advice: "New messages can't be saved on this device. Free some disk space, and leave this tab open until then.",
      }
    case "STORE_BLOCKED":
      return {
        title: "Another tab is in the way",
        advice: "A tab with an older version of this page holds the database. Close the other tabs, then try again.",
      }
    case "STORE_UNAVAILABLE":
      return {
        title: "This browser does not let pages store data",
        advice: "Weft keeps messages on your device. Leave private browsing, or allow site data for this page.",
      }
    case "STORE_CORRUPT":
      return {
        title: "The data on this device is damaged",
        advice: "What was sent is still on the server. Clear this page's site data to fetch it again.",
      }
    case "STORE_CLOSED":
    case "STORE_LOCKED":
    case "STORE_FENCED":
    case "STORE_FAILED":
      return {
        title: "Saving on this device does not work",
        advice: "The browser refused to write. Reload the page; if that does not help, restart the browser.",
      }
    case "CRYPTO_UNAVAILABLE":
      return {
        title: "This browser can't sign messages",
        advice: "Weft needs Ed25519 on a secure page: open it by https or on localhost, in a current browser.",
      }
    case "KEY_REFUSED":
      return {
        title: "This device's key can't be used",
        advice: "The key that is stored here is not a valid one. Clear this page's site data to make a new one.",
      }
    case "CLIENT_CLOSED":
      return { title: "This session was closed", advice: "Reload the page to go on." }
    case "CONVERSATION_UNKNOWN":
      return { title: "This device does not have that conversation", advice: "It may arrive when you are online." }
    case "NOT_ALLOWED":
      return { title: "You may not do that here", advice: "Ask an owner of the conversation." }
    case "BODY_TOO_LARGE":
      return { title: "That message is too long", advice: "A message holds up to 64 KiB. Split it in two." }
    case "BAD_ARGUMENT":
      return { title: "That is not a valid name or text", advice: "Check what you typed." }
    case "MESSAGE_REJECTED":
    case "MALFORMED":
      return { title: "That was refused", advice: "Try again; if it happens again, reload the page." }
  }
}

export function codeOf(error: unknown): ErrorCode | undefined {
  return error instanceof WeftError ? error.code : undefined
}

/** One line for beside the button that failed. */
export function explainError(error: unknown): string {
  const code = codeOf(error)
  if (code === undefined) return "That did not work. Try again."
  const { title, advice } = explainCode(code)
  return `${title} (${code}). ${advice}`
}

/** Why a server, or this device, would not take something; to be followed by the code. */
export function explainRefusal(code: RefusalCode | undefined): string {
  switch (code) {
    case "INVITE_VOID":
    case "INVITE_REVOKED":
      return "The link is not valid any more"
    case "INVITE_EXPIRED":
      return "The link has expired"
    case "INVITE_USED_UP":
      return "The link was used by as many people as it was for"
    case "PAST_CUT":
    case "NOT_MEMBER":
      return "You are no longer a member here"
    case "ROLE_TOO_LOW":
      return "Your role does not allow writing here"
    case "CLOCK_AHEAD":
    case "CLOCK_FAR_AHEAD":
      return "This device's clock is ahead; set it right"
    case "BODY_TOO_LARGE":
    case "FRAME_TOO_LARGE":
      return "It is too long"
    case "RATE_LIMITED":
      return "Too many messages in a short time"
    case "QUOTA_EXCEEDED":
      return "The server has no space left for you"
    case "FORBIDDEN":
    case "UNKNOWN_DOCUMENT":
      return "The server does not let you into this conversation"
    case "AUTH_FAILED":
    case "TOKEN_EXPIRED":
      return "The server does not accept this sign-in"
    case "REVOKED":
      return "This device was signed out"
    case "DEVICE_PROOF_FAILED":
    case "KEY_REFUSED":
      return "The server does not accept this device's key"
    case "UNSUPPORTED_VERSION":
      return "This page is too old for the server; reload it"
    case "TOO_MANY_CONNECTIONS":
      return "Too many tabs or devices are connected"
    case "SHUTTING_DOWN":
      return "The server is restarting"
    case "STORAGE_FAILED":
    case "INTERNAL":
      return "The server has trouble"
    default:
      return "It was not accepted"
  }
}
