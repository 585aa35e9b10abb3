import type { MessageId } from "@weft/sdk"
import { type ConversationView, useClient, useConversation, useSyncStatus } from "@weft/sdk/react"
import type { ReactNode } from "react"
import { Avatar } from "../parts/avatar.js"
import { CopyButton } from "../parts/copy-button.js"
import { Icon } from "../parts/icon.js"
import { Link } from "../parts/link.js"
import { goBack, linkFor } from "../state/address.js"
import { useMessageWork } from "../state/message-acts.js"
import { useSyncSummary } from "../state/sync-summary.js"
import { listNames, showName } from "../words/names.js"
import { titleOf } from "../words/titles.js"
import { describeWaiting, explainReason } from "../words/sync.js"
import { Composer } from "./composer.js"
import { ConversationMenu } from "./conversation-menu.js"
import { DetailsDialog } from "./details-dialog.js"
import { MessageList } from "./message-list.js"
import { MessageQuestion } from "./message-question.js"
import { ThreadPanel } from "./thread-panel.js"

interface ConversationScreenProps {
  id: string
  /** The first message of the thread that is open. */
  thread: MessageId | undefined
  showsDetails: boolean
  onCloseDetails: () => void
}

export function ConversationScreen({ id, ...rest }: ConversationScreenProps): ReactNode {
  const view = useConversation(id)
  // anew for each, so that nothing of one is taken into another
  return view === undefined ? <Missing id={id} /> : <KnownConversation key={id} view={view} {...rest} />
}

type KnownConversationProps = { view: ConversationView } & Omit<ConversationScreenProps, "id">

function KnownConversation({ view, thread, showsDetails, onCloseDetails }: KnownConversationProps): ReactNode {
  const { user } = useClient()
  const { conversation, members, role, topic, mayWrite } = view
  const { acts, task, question, endTask, endQuestion } = useMessageWork(conversation)
  const { id } = conversation
  const title = titleOf(view, user)
  const others = members.map((member) => member.user).filter((member) => member !== user)
  const people = role === undefined ? listNames(others) : others.length === 0 ? "Only you" : `You, ${listNames(others)}`
  return (
    <>
      <header className="bar">
        <BackButton />
        <Link className="heading-link" to={{ conversation: id, panel: "details" }}>
          <Avatar name={title} shape="group" />
          <span className="heading">
            <h2 dir="auto">{title}</h2>
            <span className="subtitle" dir="auto">
              {topic === "" ? people : showName(topic)}
            </span>
          </span>
          <span className="details-hint">
            <Icon name="people" />
            <span className="unseen">details and members</span>
          </span>
        </Link>
        <ConversationMenu conversation={conversation} />
      </header>
      <MessageList
        view={view}
        acts={acts}
        isGroup={members.length > 2}
        welcome={<FirstMessage view={view} others={others} />}
      />
      <WaitingStrip id={id} />
      {mayWrite ? (
        <Composer view={view} task={task} endTask={endTask} />
      ) : (
        <p className="notice">{explainSilence(view)}</p>
      )}
      {thread !== undefined && <ThreadPanel key={thread} view={view} root={thread} acts={acts} />}
      {showsDetails && <DetailsDialog view={view} onClose={onCloseDetails} />}
      {question !== undefined && (
        <MessageQuestion question={question} conversation={conversation} onClose={endQuestion} />
      )}
    </>
  )
}

/** Why nothing can be written here. */
function explainSilence({ membership, announcementsOnly, role }: ConversationView): string {
  if (membership === "joining") return "You join as soon as a server lets you in."
  if (membership === "left") return "You left. What you have here stays."
  if (role === undefined) return "You are no longer a member. What you have here stays."
  return announcementsOnly && role === "member"
    ? "Only moderators write here. You read along."
    : "You may read here, but not write."
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
  const { user } = useClient()
  const [first] = others
  return (
    <div className="empty">
      <Avatar name={titleOf(view, user)} shape="group" size="large" />
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
