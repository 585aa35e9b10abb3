import { useClient, useConversation, useSyncStatus } from "@weft/sdk/react"
import { type ReactNode, useEffect } from "react"
import { Icon, Mark } from "../parts/icon.js"
import { ToastArea } from "../parts/toast-area.js"
import { goBack, type Route } from "../state/address.js"
import { explainCode } from "../words/errors.js"
import { useSyncSummary } from "../state/sync-summary.js"
import { showName } from "../words/names.js"
import { titleOf } from "../words/titles.js"
import { AccountDialog } from "./account-dialog.js"
import { ConversationScreen } from "./conversation-screen.js"
import { NewDialog } from "./new-dialog.js"
import { Sidebar } from "./sidebar.js"
import { SyncDialog } from "./sync-dialog.js"

/** Everything, once the client is open: the list and one conversation; on a phone one of the two. */
export function Home({ route }: { route: Route }): ReactNode {
  const { conversation, panel } = route
  useTitle(conversation)
  useUnsavedWarning()
  const close = (): void => {
    goBack({ conversation })
  }
  return (
    <div className="home" data-screen={conversation === undefined ? "list" : "conversation"}>
      <StorageBanner />
      <Sidebar route={route} />
      <main className="pane">
        {conversation === undefined ? (
          <div className="empty empty-page">
            <Mark size={64} />
            <p className="empty-title">Choose a conversation</p>
            <p>Or start a new one. Everything works without a network and catches up by itself.</p>
          </div>
        ) : (
          <ConversationScreen
            id={conversation}
            thread={route.thread}
            showsDetails={panel === "details"}
            onCloseDetails={close}
          />
        )}
      </main>
      {panel === "new" && <NewDialog onClose={close} />}
      {panel === "sync" && <SyncDialog onClose={close} />}
      {panel === "account" && <AccountDialog onClose={close} />}
      <ConnectionNews />
      <ToastArea />
    </div>
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

/** Says a change of connection once, for those who don't see the indicator; messages are told by their log. */
function ConnectionNews(): ReactNode {
  const { connection } = useSyncStatus()
  const { label } = useSyncSummary()
  const isSteady = connection.kind === "offline" || connection.kind === "refused"
  return (
    <span className="unseen" role="status">
      {connection.kind === "online" ? "Online" : isSteady ? label : ""}
    </span>
  )
}

function useTitle(conversation: string | undefined): void {
  const view = useConversation(conversation)
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
