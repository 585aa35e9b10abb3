import type { PendingWork, SyncStatus } from "@weft/sdk"
import { useClient, useConversation, useSyncStatus } from "@weft/sdk/react"
import type { ReactNode } from "react"
import { Dialog } from "../parts/dialog.js"
import { Icon } from "../parts/icon.js"
import { OfflineToggle } from "../parts/offline-toggle.js"
import { useNow } from "../state/clock.js"
import { useSyncSummary } from "../state/sync-summary.js"
import { explainWork } from "../words/sync.js"
import { titleOf } from "../words/titles.js"
import { t } from "../words/translate.js"

/** What is pending and why, in full. */
export function SyncDialog({ onClose }: { onClose: () => void }): ReactNode {
  const status = useSyncStatus()
  const summary = useSyncSummary()
  return (
    <Dialog title={t("sync")} onClose={onClose}>
      <div className="sync-summary">
        <span className="mood" data-mood={summary.mood} />
        <div>
          <p className="strong">{summary.label}</p>
          <p>{summary.detail}</p>
          {status.connection.kind === "waiting" && <NextTry at={status.connection.retryAt} />}
        </div>
      </div>
      <OfflineToggle />
      <section className="facts">
        <h3>{t("waiting")}</h3>
        {status.pending.length === 0 ? (
          <p className="quiet">{status.connection.kind === "local" ? t("allSavedHere") : t("allOnServer")}</p>
        ) : (
          <ul>
            {status.pending.map((work) => (
              <PendingRow key={work.conversation} work={work} />
            ))}
          </ul>
        )}
      </section>
      <section className="facts">
        <h3>{t("thisDevice")}</h3>
        <dl>
          <dt>{t("server")}</dt>
          <dd>{serverOf(status)}</dd>
          <dt>{t("storage")}</dt>
          <dd>{storageOf(status)}</dd>
          <dt>{t("thisTab")}</dt>
          <dd>{status.tab === "writer" ? t("tabWriter") : t("tabFollower")}</dd>
        </dl>
      </section>
    </Dialog>
  )
}

function NextTry({ at }: { at: number }): ReactNode {
  const seconds = Math.ceil((at - useNow(1_000)) / 1_000)
  return <p className="quiet">{seconds > 0 ? t("nextTry", { count: seconds }) : t("tryingNow")}</p>
}

function PendingRow({ work }: { work: PendingWork }): ReactNode {
  const { user } = useClient()
  const view = useConversation(work.conversation)
  return (
    <li>
      <Icon name="cloudOff" size={18} />
      <span>
        <bdi className="strong">{view === undefined ? t("aConversation") : titleOf(view, user)}</bdi>
        <span className="quiet">{explainWork(work)}</span>
      </span>
    </li>
  )
}

function serverOf({ connection }: SyncStatus): string {
  switch (connection.kind) {
    case "local":
      return t("none")
    case "offline":
    case "waiting":
      return t("notConnected")
    case "connecting":
    case "online":
    case "refused":
      return connection.server
  }
}

function storageOf({ storage }: SyncStatus): string {
  if (storage.kind === "failing") return t("storageFailing", { code: storage.code })
  return storage.persisted ? t("storageForGood") : t("storageMayGo")
}
