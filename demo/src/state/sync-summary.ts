import { useClient, useSyncStatus } from "@weft/sdk/react"
import { summarize, type SyncSummary } from "../words/sync.js"
import { useOfflineSwitch } from "./offline-switch.js"

/** How syncing goes, in words. */
export function useSyncSummary(): SyncSummary {
  const { user } = useClient()
  return summarize(useSyncStatus(), useOfflineSwitch(user))
}
