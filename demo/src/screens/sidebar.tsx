import type { Conversation } from "@weft/sdk"
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
import { ConversationLink } from "./conversation-link.js"

/** The list of conversations, who this is, and how syncing goes. */
export function Sidebar({ route }: { route: Route }): ReactNode {
  const { user } = useClient()
  const { shown, archived } = useArrangedConversations()
  return (
    <div className="sidebar">
      <header className="bar">
        <Mark size={28} />
        <h1>Weft</h1>
        <Link className="account-link" to={{ ...route, panel: "account" }}>
          <span className="unseen">Account: </span>
          <Avatar name={user} size="small" />
          <bdi>{showName(user)}</bdi>
        </Link>
        <Link className="icon-button" to={{ ...route, panel: "new" }} aria-label="New conversation">
          <Icon name="plus" />
        </Link>
      </header>
      <nav className="conversations" aria-label="Conversations">
        {shown.length === 0 && archived.length === 0 && <NoConversations />}
        <ConversationLinks conversations={shown} open={route.conversation} />
        {archived.length > 0 && (
          <details className="archived">
            <summary>
              <Icon name="archive" size={18} />
              <span>Archived</span>
              <span className="quiet">{archived.length}</span>
            </summary>
            <ConversationLinks conversations={archived} open={route.conversation} />
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
  conversations: readonly Conversation[]
  /** Id of the one that is shown. */
  open: string | undefined
}

function ConversationLinks({ conversations, open }: ConversationLinksProps): ReactNode {
  const { pending, connection } = useSyncStatus()
  const waiting = connection.kind === "local" ? [] : pending
  return (
    <ul>
      {conversations.map((conversation) => (
        <li key={conversation.id}>
          <ConversationLink
            conversation={conversation}
            isOpen={conversation.id === open}
            pending={waiting.find((work) => work.conversation === conversation.id)}
          />
        </li>
      ))}
    </ul>
  )
}

function NoConversations(): ReactNode {
  return (
    <div className="empty">
      <h2>No conversations yet</h2>
      <p>Start one and add people. It works without a network: they get it when you are both online.</p>
      <Link className="main-button" to={{ panel: "new" }}>
        New conversation
      </Link>
    </div>
  )
}
