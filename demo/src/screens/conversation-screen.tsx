import type { MessageId } from "@weft/sdk"
import { type ConversationView, useAccount, useClient, useConversation, useSyncStatus } from "@weft/sdk/react"
import type { ReactNode } from "react"
import { Avatar } from "../parts/avatar.js"
import { CopyButton } from "../parts/copy-button.js"
import { Icon } from "../parts/icon.js"
import { Link } from "../parts/link.js"
import { goBack, linkFor, type Route } from "../state/address.js"
import { useLanguage } from "../state/language.js"
import { useMessageWork } from "../state/message-acts.js"
import { useSyncSummary } from "../state/sync-summary.js"
import { listNames, showName } from "../words/names.js"
import { titleOf } from "../words/titles.js"
import { explainWork } from "../words/sync.js"
import { Composer } from "./composer.js"
import { ConversationHeading } from "./conversation-heading.js"
import { ConversationMenu } from "./conversation-menu.js"
import { DateDialog } from "./date-dialog.js"
import { DetailsDialog } from "./details-dialog.js"
import { MessageList } from "./message-list.js"
import { MessageQuestion } from "./message-question.js"
import { Silence } from "./silence.js"
import { ThreadPanel } from "./thread-panel.js"
import { TypingLine } from "./typing-line.js"
import { UnreadThreads } from "./unread-threads.js"
import { t } from "../words/translate.js"

interface ConversationScreenProps {
  id: string
  /** The first message of the thread that is open. */
  thread: MessageId | undefined
  panel: Route["panel"]
  onClosePanel: () => void
}

export function ConversationScreen({ id, ...rest }: ConversationScreenProps): ReactNode {
  const view = useConversation(id)
  const language = useLanguage()
  // anew for each, so that nothing of one is taken into another; and for a language, as rows are drawn once
  return view === undefined ? (
    <Missing id={id} />
  ) : (
    <KnownConversation key={`${id} ${language}`} view={view} {...rest} />
  )
}

type KnownConversationProps = { view: ConversationView } & Omit<ConversationScreenProps, "id">

function KnownConversation({ view, thread, panel, onClosePanel }: KnownConversationProps): ReactNode {
  const { user } = useClient()
  const { blocked } = useAccount()
  const { conversation, members, mayWrite, direct } = view
  const work = useMessageWork(conversation)
  const { acts, question, endQuestion } = work
  const { id } = conversation
  const others = members.map((member) => member.user).filter((member) => member !== user)
  const isBlocked = direct !== undefined && blocked.has(direct)
  const isWriter = mayWrite && !isBlocked
  return (
    <>
      <header className="bar">
        <BackButton />
        <ConversationHeading view={view} />
        <UnreadThreads conversation={conversation} shown={thread} />
        <ConversationMenu conversation={conversation} />
      </header>
      <MessageList
        view={view}
        acts={acts}
        isGroup={members.length > 2}
        thread={thread}
        welcome={<FirstMessage view={view} others={others} />}
      />
      <TypingLine conversation={conversation} />
      <WaitingStrip id={id} />
      {isWriter ? <Composer view={view} work={work} /> : <Silence view={view} isBlocked={isBlocked} />}
      {thread !== undefined && <ThreadPanel key={thread} view={view} root={thread} mayWrite={isWriter} />}
      {panel === "details" && <DetailsDialog view={view} onClose={onClosePanel} />}
      {panel === "date" && <DateDialog conversation={conversation} onClose={onClosePanel} />}
      {question !== undefined && (
        <MessageQuestion question={question} acts={acts} conversation={conversation} onClose={endQuestion} />
      )}
    </>
  )
}

function BackButton(): ReactNode {
  return (
    <button
      type="button"
      className="icon-button back-button"
      aria-label={t("backToConversations")}
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
  const waiting = work === undefined ? undefined : explainWork(work)
  const { kind } = status.connection
  const isCalm = mood !== "broken" && (kind === "local" || (kind === "online" && waiting === undefined))
  if (isCalm) return null
  return (
    <Link className="strip" to={{ conversation: id, panel: "sync" }}>
      <span className="mood" data-mood={mood} />
      <span>
        {label}
        {waiting !== undefined && `: ${waiting}`}
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
      <p className="empty-title">{t("saySomething")}</p>
      <p>
        {first === undefined
          ? t("onlyYouAdvice")
          : t("reachesWhenOnline", {
              names: listNames(others),
            })}
      </p>
      {first !== undefined && (
        <CopyButton
          icon="link"
          text={linkFor(first, { conversation: view.conversation.id })}
          label={t("copyLinkFor", { name: showName(first) })}
        >
          {t("copyLinkFor", { name: showName(first) })}
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
        <h2>{t("conversation")}</h2>
      </header>
      <div className="empty empty-page">
        <p className="empty-title">{isSynced ? t("notFound") : t("notHereYet")}</p>
        <p>{isSynced ? t("notFoundAdvice") : t("notHereAdvice")}</p>
        <Link className="quiet-button" to={{ conversation: id, panel: "sync" }}>
          {t("showSync")}
        </Link>
      </div>
    </>
  )
}
