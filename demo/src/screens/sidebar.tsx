import type { Conversation, PendingWork } from "@weft/sdk"
import { useClient, useConversation, useConversations, useSyncStatus } from "@weft/sdk/react"
import type { ReactNode } from "react"
import { Avatar } from "../parts/avatar.js"
import { Icon, Mark } from "../parts/icon.js"
import { Link } from "../parts/link.js"
import { OfflineToggle } from "../parts/offline-toggle.js"
import { SyncButton } from "../parts/sync-button.js"
import { Tick } from "../parts/tick.js"
import type { Route } from "../state/address.js"
import { useNow } from "../state/clock.js"
import { count } from "../words/count.js"
import { showPreview } from "../words/messages.js"
import { showName } from "../words/names.js"
import { showFull, showWhen } from "../words/times.js"

/** The list of conversations, who this is, and how syncing goes. */
export function Sidebar({ route }: { route: Route }): ReactNode {
  const { user } = useClient()
  const conversations = useConversations()
  const { pending, connection } = useSyncStatus()
  const waiting = connection.kind === "local" ? [] : pending
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
        {conversations.length === 0 ? (
          <NoConversations />
        ) : (
          <ul>
            {conversations.map((conversation) => (
              <li key={conversation.id}>
                <ConversationLink
                  conversation={conversation}
                  isOpen={conversation.id === route.conversation}
                  pending={waiting.find((work) => work.conversation === conversation.id)}
                />
              </li>
            ))}
          </ul>
        )}
      </nav>
      <footer className="sidebar-foot">
        <SyncButton route={route} />
        <OfflineToggle />
      </footer>
    </div>
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

interface ConversationLinkProps {
  conversation: Conversation
  isOpen: boolean
  pending: PendingWork | undefined
}

function ConversationLink({ conversation, isOpen, pending }: ConversationLinkProps): ReactNode {
  const view = useConversation(conversation)
  const now = useNow(60_000)
  if (view === undefined) return null
  const { title, members, lastActivity, lastMessage } = view
  const waiting = (pending?.messages ?? 0) + (pending?.changes ?? 0)
  return (
    <Link
      className="conversation-link"
      to={{ conversation: conversation.id }}
      aria-current={isOpen ? "page" : undefined}
    >
      <Avatar name={title} shape="group" />
      <span className="conversation-title" dir="auto">
        {showName(title)}
      </span>
      <time dateTime={new Date(lastActivity).toISOString()} title={showFull(lastActivity)}>
        {showWhen(lastActivity, now)}
      </time>
      <span className="conversation-preview" dir="auto">
        {showPreview(lastMessage, members.length > 2)}
      </span>
      {waiting > 0 ? (
        <span className="pending-mark">
          <Icon name="cloudOff" size={14} />
          <span aria-hidden="true">{waiting}</span>
          <span className="unseen">, {count(waiting, "change")} not sent yet</span>
        </span>
      ) : (
        lastMessage?.own === true && <Tick status={lastMessage.status} />
      )}
    </Link>
  )
}
