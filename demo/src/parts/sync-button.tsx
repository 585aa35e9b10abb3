import type { ReactNode } from "react"
import type { Route } from "../state/address.js"
import { useSyncSummary } from "../state/sync-summary.js"
import { t } from "../words/translate.js"
import { Link } from "./link.js"

/** How syncing goes, in a word; leads to the details. */
export function SyncButton({ route }: { route: Route }): ReactNode {
  const summary = useSyncSummary()
  return (
    <Link className="sync-button" to={{ ...route, panel: "sync" }}>
      <span className="mood" data-mood={summary.mood} />
      <span className="unseen">{t("syncIs")}</span>
      <span className="sync-words">
        <span className="sync-label">{summary.label}</span>
        {summary.waiting !== undefined && <span className="sync-waiting">{summary.waiting}</span>}
      </span>
    </Link>
  )
}
