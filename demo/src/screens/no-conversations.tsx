import { useSyncStatus } from "@weft/sdk/react"
import type { ReactNode } from "react"
import { Link } from "../parts/link.js"
import { Skeleton } from "../parts/skeleton.js"
import type { Route } from "../state/address.js"
import { t } from "../words/translate.js"

/** Why the list is empty: nothing is there, or nothing has come yet; and what to do about it. */
export function NoConversations({ route }: { route: Route }): ReactNode {
  const { connection } = useSyncStatus()
  const isComing = connection.kind === "connecting" || (connection.kind === "online" && !connection.synced)
  const isCutOff = connection.kind === "offline" || connection.kind === "waiting" || connection.kind === "refused"
  if (isComing) return <Skeleton kind="app" />
  return (
    <div className="empty">
      <h2>{t("noConversations")}</h2>
      <p>{isCutOff ? t("noConversationsOffline") : t("noConversationsAdvice")}</p>
      <Link className="main-button" to={{ ...route, panel: "new" }}>
        {t("newConversation")}
      </Link>
      <Link className="quiet-button" to={{ ...route, panel: "join" }}>
        {t("joinByLink")}
      </Link>
    </div>
  )
}
