import type { ConversationListItem } from "@weft/sdk"
import { useClient, useSyncStatus } from "@weft/sdk/react"
import type { ReactNode } from "react"
import { Avatar } from "../parts/avatar.js"
import { Icon, Mark } from "../parts/icon.js"
import { Link } from "../parts/link.js"
import { OfflineToggle } from "../parts/offline-toggle.js"
import { SyncButton } from "../parts/sync-button.js"
import type { Route } from "../state/address.js"
import { useArrangedConversations } from "../state/arranged-conversations.js"
import { showName } from "../words/names.js"
import { showNumber, t } from "../words/translate.js"
import { ConversationLink } from "./conversation-link.js"
import { NoConversations } from "./no-conversations.js"

/** The list of conversations, who this is, and how syncing goes. */
export function Sidebar({ route }: { route: Route }): ReactNode {
  const { user } = useClient()
  const { shown, archived } = useArrangedConversations()
  return (
    <div className="sidebar">
      <header className="bar">
        <Mark size={28} />
        <span className="app-name" aria-hidden="true">
          Weft
        </span>
        <Link className="account-link" to={{ ...route, panel: "account" }}>
          <span className="unseen">{t("accountOf")}</span>
          <Avatar name={user} size="small" />
          <bdi>{showName(user)}</bdi>
        </Link>
        <Link className="icon-button" to={{ ...route, panel: "search" }} aria-label={t("search")}>
          <Icon name="search" />
        </Link>
        <Link className="icon-button" to={{ ...route, panel: "new" }} aria-label={t("newConversation")}>
          <Icon name="plus" />
        </Link>
      </header>
      <nav className="conversations" aria-label={t("conversations")}>
        {shown.length === 0 && archived.length === 0 && <NoConversations route={route} />}
        <ConversationLinks items={shown} open={route.conversation} />
        {archived.length > 0 && (
          <details className="archived">
            <summary>
              <Icon name="archive" size={18} />
              <span>{t("archived")}</span>
              <span className="quiet">{showNumber(archived.length)}</span>
            </summary>
            <ConversationLinks items={archived} open={route.conversation} />
          </details>
        )}
      </nav>
      <footer className="sidebar-foot">
        <SyncButton route={route} />
        <OfflineToggle />
      </footer>
    </div>
  )
}

interface ConversationLinksProps {
  items: readonly ConversationListItem[]
  /** Id of the one that is shown. */
  open: string | undefined
}

function ConversationLinks({ items, open }: ConversationLinksProps): ReactNode {
  const { pending, connection } = useSyncStatus()
  const waiting = connection.kind === "local" ? [] : pending
  return (
    <ul>
      {items.map((item) => (
        <li key={item.conversation.id}>
          <ConversationLink
            item={item}
            isOpen={item.conversation.id === open}
            pending={waiting.find((work) => work.conversation === item.conversation.id)}
          />
        </li>
      ))}
    </ul>
  )
}
