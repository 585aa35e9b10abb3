import { type ConversationView, useClient, useConversation, useSyncStatus } from "@weft/sdk/react"
import { type ReactNode, useEffect } from "react"
import { Icon, Mark } from "../parts/icon.js"
import { Link } from "../parts/link.js"
import { ToastArea } from "../parts/toast-area.js"
import { goBack, type Route } from "../state/address.js"
import { explainCode } from "../words/errors.js"
import { useSyncSummary } from "../state/sync-summary.js"
import { showName } from "../words/names.js"
import { titleOf } from "../words/titles.js"
import { useArrangedConversations } from "../state/arranged-conversations.js"
import { useShortcuts } from "../state/shortcuts.js"
import { t } from "../words/translate.js"
import { ChangeList } from "./change-list.js"
import { ConversationScreen } from "./conversation-screen.js"
import { Panel } from "./panel.js"
import { Sidebar } from "./sidebar.js"

/** Everything, once the client is open: the list and one conversation; on a phone one of the two. */
export function Home({ route }: { route: Route }): ReactNode {
  const { conversation, panel } = route
  const view = useConversation(conversation)
  useTitle(view)
  useUnsavedWarning()
  const close = (): void => {
    goBack({ conversation })
  }
  return (
    <main className="home" data-screen={conversation === undefined ? "list" : "conversation"}>
      {/* on a phone the list, which shows the name, is not always there */}
      <h1 className="unseen">Weft</h1>
      <StorageBanner />
      <Sidebar route={route} />
      <div className="pane">
        {conversation === undefined ? (
          <div className="empty empty-page">
            <Mark size={64} />
            <p className="empty-title">{t("chooseConversation")}</p>
            <p>{t("chooseAdvice")}</p>
            <Link className="quiet-button" to={{ panel: "keys" }}>
              <Icon name="keyboard" size={18} />
              <span>{t("keyboardShortcuts")}</span>
            </Link>
          </div>
        ) : (
          <>
            {view !== undefined && <ChangeList conversation={view.conversation} only="refused" />}
            <ConversationScreen id={conversation} thread={route.thread} panel={panel} onClosePanel={close} />
          </>
        )}
      </div>
      <Panel route={route} />
      <Shortcuts route={route} />
      <ConnectionNews />
      <ToastArea />
    </main>
  )
}

/** Storage that fails is said on every screen: nothing new is saved meanwhile. */
function StorageBanner(): ReactNode {
  const { storage } = useSyncStatus()
  if (storage.kind === "ok") return null
  const { title, advice } = explainCode(storage.code)
  return (
    <div className="banner" role="alert">
      <Icon name="warning" />
      <p>
        <strong>{title}.</strong> {advice} <code>{storage.code}</code>
      </p>
    </div>
  )
}

/** The keys that work everywhere. By itself, since the list changes with every letter of a draft. */
function Shortcuts({ route }: { route: Route }): ReactNode {
  const { shown } = useArrangedConversations()
  useShortcuts(
    route,
    shown.map(({ conversation }) => conversation.id),
  )
  return null
}

/** Says a change of connection once, for those who don't see the indicator; messages are told by their log. */
function ConnectionNews(): ReactNode {
  const { connection } = useSyncStatus()
  const { label } = useSyncSummary()
  const isSteady = connection.kind === "offline" || connection.kind === "refused"
  return (
    <span className="unseen" role="status">
      {connection.kind === "online" ? t("online") : isSteady ? label : ""}
    </span>
  )
}

function useTitle(view: ConversationView | undefined): void {
  const { user } = useClient()
  const title = view === undefined ? undefined : titleOf(view, user)
  useEffect(() => {
    document.title = title === undefined ? `Weft (${showName(user)})` : `${title} · Weft (${showName(user)})`
    return () => {
      document.title = "Weft"
    }
  }, [title, user])
}

/** Asks before the page goes while something was not saved. */
function useUnsavedWarning(): void {
  const isUnsaved = useSyncStatus().pending.some((work) => work.reason === "storage")
  useEffect(() => {
    if (!isUnsaved) return
    const warn = (event: BeforeUnloadEvent): void => {
      event.preventDefault()
    }
    window.addEventListener("beforeunload", warn)
    return () => {
      window.removeEventListener("beforeunload", warn)
    }
  }, [isUnsaved])
}
