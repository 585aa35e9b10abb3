import type { PendingWork, SyncStatus } from "@weft/sdk"
import { explainCode, explainRefusal } from "./errors.js"
import { t } from "./translate.js"

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
  const count = status.pending.reduce((sum, work) => sum + work.messages + work.changes, 0)
  const waiting = count === 0 || status.connection.kind === "local" ? undefined : t("waitingCount", { count })
  if (status.storage.kind === "failing") {
    const { title, advice } = explainCode(status.storage.code)
    return { mood: "broken", label: t("notSaving"), waiting, detail: `${title}. ${advice}` }
  }
  return { waiting, ...summarizeConnection(status, isSwitchedOff) }
}

function summarizeConnection(
  { connection, pending }: SyncStatus,
  isSwitchedOff: boolean,
): { mood: Mood; label: string; detail: string } {
  switch (connection.kind) {
    case "local":
      return { mood: "calm", label: t("deviceOnly"), detail: t("deviceOnlyDetail") }
    case "offline":
      return { mood: "held", label: t("offline"), detail: isSwitchedOff ? t("offlineChosen") : t("offlineDetail") }
    case "connecting":
      return { mood: "busy", label: t("connecting"), detail: t("connectingDetail") }
    case "waiting":
    case "refused": {
      const { code } = connection
      const isHeld = connection.kind === "waiting"
      const detail =
        code === "UNREACHABLE" ? t("unreachable") : t("reasonAndCode", { reason: explainRefusal(code), code })
      return { mood: isHeld ? "held" : "broken", label: isHeld ? t("noConnection") : t("refused"), detail }
    }
    case "online":
      if (pending.length > 0) return { mood: "busy", label: t("sending"), detail: t("sendingDetail") }
      return connection.synced
        ? { mood: "calm", label: t("upToDate"), detail: t("upToDateDetail") }
        : { mood: "busy", label: t("syncing"), detail: t("syncingDetail") }
  }
}

/** "2 messages and 1 change waiting for a connection"; undefined where nothing waits. */
export function explainWork({ messages, changes, reason }: PendingWork): string | undefined {
  if (messages + changes === 0) return undefined
  const counts = {
    messages: t("messageCount", { count: messages }),
    changes: t("changeCount", { count: changes }),
  }
  const what = messages === 0 ? counts.changes : changes === 0 ? counts.messages : t("bothCounts", counts)
  switch (reason) {
    case "storage":
      return t("waitsForStorage", { what })
    case "connection":
      return t("waitsForConnection", { what })
    case "introduction":
      return t("waitsForIntroduction", { what })
    case "acknowledgement":
      return t("waitsForServer", { what })
  }
}
