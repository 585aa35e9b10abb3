import type { PendingWork, SyncStatus } from "@weft/sdk"
import { count } from "./count.js"
import { explainCode, explainRefusal } from "./errors.js"

/** `calm`: all is well; `busy`: under way by itself; `held`: waits for something; `broken`: needs the user. */
type Mood = "calm" | "busy" | "held" | "broken"

export interface SyncSummary {
  readonly mood: Mood
  /** A word or two: "Offline". */
  readonly label: string
  /** What waits, in short: "2 waiting"; undefined when nothing does, or nobody is there to wait for. */
  readonly waiting: string | undefined
  /** A sentence for the details. */
  readonly detail: string
}

export function summarize(status: SyncStatus, isSwitchedOff: boolean): SyncSummary {
  const total = status.pending.reduce((sum, work) => sum + work.messages + work.changes, 0)
  const waiting = total === 0 || status.connection.kind === "local" ? undefined : `${total} waiting`
  if (status.storage.kind === "failing") {
    const { title, advice } = explainCode(status.storage.code)
    return { mood: "broken", label: "Not saving", waiting, detail: `${title}. ${advice}` }
  }
  return { waiting, ...summarizeConnection(status, isSwitchedOff) }
}

function summarizeConnection(
  { connection, pending }: SyncStatus,
  isSwitchedOff: boolean,
): { mood: Mood; label: string; detail: string } {
  switch (connection.kind) {
    case "local":
      return {
        mood: "calm",
        label: "This device only",
        detail: "No server is set up: everything stays on this device.",
      }
    case "offline":
      return {
        mood: "held",
        label: "Offline",
        detail: isSwitchedOff
          ? "You chose to work offline. What you write is saved here and sent when you switch back."
          : "There is no network. What you write is saved here and sent when it is back.",
      }
    case "connecting":
      return { mood: "busy", label: "Connecting", detail: "Looking for the server." }
    case "waiting":
      return connection.code === "UNREACHABLE"
        ? { mood: "held", label: "No connection", detail: "The server does not answer. Weft keeps trying." }
        : { mood: "held", label: "No connection", detail: `${explainRefusal(connection.code)} (${connection.code}).` }
    case "refused":
      return { mood: "broken", label: "Refused", detail: `${explainRefusal(connection.code)} (${connection.code}).` }
    case "online":
      if (pending.length > 0) return { mood: "busy", label: "Sending", detail: "The server is taking what you wrote." }
      return connection.synced
        ? { mood: "calm", label: "Up to date", detail: "This device and the server hold the same." }
        : { mood: "busy", label: "Syncing", detail: "Comparing what this device and the server hold." }
  }
}

/** "2 messages and 1 change waiting". */
export function describeWaiting(pending: readonly PendingWork[]): string | undefined {
  const messages = pending.reduce((sum, work) => sum + work.messages, 0)
  const changes = pending.reduce((sum, work) => sum + work.changes, 0)
  const parts = [
    ...(messages > 0 ? [count(messages, "message")] : []),
    ...(changes > 0 ? [count(changes, "change")] : []),
  ]
  return parts.length === 0 ? undefined : `${parts.join(" and ")} waiting`
}

/** What pending work waits for, as the end of a sentence. */
export function explainReason(reason: PendingWork["reason"]): string {
  switch (reason) {
    case "storage":
      return "to be saved on this device"
    case "connection":
      return "for a connection"
    case "introduction":
      return "until this device is known in the conversation"
    case "acknowledgement":
      return "for the server to confirm"
  }
}
