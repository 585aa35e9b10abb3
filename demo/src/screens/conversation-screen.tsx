import { type ConversationView, useClient, useConversation, useSyncStatus } from "@weft/sdk/react"
import type { ReactNode } from "react"
import { Avatar } from "../parts/avatar.js"
import { CopyButton } from "../parts/copy-button.js"
import { Icon } from "../parts/icon.js"
import { Link } from "../parts/link.js"
import { goBack, linkFor } from "../state/address.js"
import { useSyncSummary } from "../state/sync-summary.js"
import { listNames, showName } from "../words/names.js"
import { mayWrite } from "../words/roles.js"
import { describeWaiting, explainReason } from "../words/sync.js"
import { Composer } from "./composer.js"
import { DetailsDialog } from "./details-dialog.js"
import { MessageList } from "./message-list.js"

interface ConversationScreenProps {
  id: string
  showsDetails: boolean
  onCloseDetails: () => void
}

export function ConversationScreen({ id, showsDetails, onCloseDetails }: ConversationScreenProps): ReactNode {
  const { user } = useClient()
  const view = useConversation(id)
  if (view === undefined) return <Missing id={id} />
  const { conversation, title, members, role } = view
  const others = members.map((member) => member.user).filter((member) => member !== user)
  return (
    <>
      <header className="bar">
        <BackButton />
        <Link className="heading-link" to={{ conversation: id, panel: "details" }}>
          <Avatar name={title} shape="group" />
          <span className="heading">
            <h2 dir="auto">{showName(title)}</h2>
            <span className="subtitle" dir="auto">
              {role === undefined ? listNames(others) : others.length === 0 ? "Only you" : `You, ${listNames(others)}`}
            </span>
          </span>
          <span className="details-hint">
            <Icon name="people" />
            <span className="unseen">details and members</span>
          </span>
        </Link>
      </header>
      <MessageList
        key={`messages ${id}`}
        conversation={conversation}
        isGroup={members.length > 2}
        mayWrite={mayWrite(role)}
        welcome={<FirstMessage view={view} others={others} />}
      />
      <WaitingStrip id={id} />
      {mayWrite(role) ? (
        <Composer key={`composer ${id}`} conversation={conversation} user={user} />
      ) : (
        <p className="notice">
          {role === undefined
            ? "You are no longer a member. What you have here stays."
            : "You may read here, but not write."}
        </p>
      )}
      {showsDetails && <DetailsDialog view={view} onClose={onCloseDetails} />}
    </>
  )
}

function BackButton(): ReactNode {
  return (
    <button
      type="button"
      className="icon-button back-button"
      aria-label="Back to conversations"
      onClick={() => {
        goBack({})
      }}
    >
      <Icon name="back" size={22} />
    </button>
  )
}

/** What of this conversation is not on a server, and what it waits for. */
function WaitingStrip({ id }: { id: string }): ReactNode {
  const status = useSyncStatus()
  const { mood, label } = useSyncSummary()
  const work = status.pending.find(({ conversation }) => conversation === id)
  const waiting = work === undefined ? undefined : describeWaiting([work])
  const { kind } = status.connection
  const isCalm = mood !== "broken" && (kind === "local" || (kind === "online" && waiting === undefined))
  if (isCalm) return null
  return (
    <Link className="strip" to={{ conversation: id, panel: "sync" }}>
      <span className="mood" data-mood={mood} />
      <span>
        {label}
        {work !== undefined && waiting !== undefined && `: ${waiting} ${explainReason(work.reason)}`}
      </span>
      <Icon name="chevron" size={16} />
    </Link>
  )
}

function FirstMessage({ view, others }: { view: ConversationView; others: readonly string[] }): ReactNode {
  const [first] = others
  return (
    <div className="empty">
      <Avatar name={view.title} shape="group" size="large" />
      <p className="empty-title">Say something</p>
      <p>
        {first === undefined
          ? "Only you are here. Add people under the title, or keep it as a notebook."
          : `It reaches ${listNames(others)} as soon as you are online; until then it is kept here.`}
      </p>
      {first !== undefined && (
        <CopyButton
          icon="link"
          text={linkFor(first, { conversation: view.conversation.id })}
          label={`Copy link for ${showName(first)}`}
        >
          Copy link for {showName(first)}
        </CopyButton>
      )}
    </div>
  )
}

/** A link to what this device does not have, or not yet. */
function Missing({ id }: { id: string }): ReactNode {
  const { connection } = useSyncStatus()
  const isSynced = connection.kind === "online" && connection.synced
  return (
    <>
      <header className="bar">
        <BackButton />
        <h2>Conversation</h2>
      </header>
      <div className="empty empty-page">
        <p className="empty-title">{isSynced ? "Not found" : "Not here yet"}</p>
        <p>
          {isSynced
            ? "This conversation does not exist, or you are not a member of it. Ask whoever sent you the link to add you."
            : "This device does not have this conversation. It opens by itself when it arrives from the server."}
        </p>
        <Link className="quiet-button" to={{ conversation: id, panel: "sync" }}>
          Show sync
        </Link>
      </div>
    </>
  )
}
