import type { PendingWork, SyncStatus } from "@weft/sdk"
import { useClient, useConversation, useSyncStatus } from "@weft/sdk/react"
import type { ReactNode } from "react"
import { Dialog } from "../parts/dialog.js"
import { Icon } from "../parts/icon.js"
import { OfflineToggle } from "../parts/offline-toggle.js"
import { useNow } from "../state/clock.js"
import { useSyncSummary } from "../state/sync-summary.js"
import { count } from "../words/count.js"
import { describeWaiting, explainReason } from "../words/sync.js"
import { titleOf } from "../words/titles.js"

/** What is pending and why, in full. */
export function SyncDialog({ onClose }: { onClose: () => void }): ReactNode {
  const status = useSyncStatus()
  const summary = useSyncSummary()
  return (
    <Dialog title="Sync" onClose={onClose}>
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
        <h3>Waiting</h3>
        {status.pending.length === 0 ? (
          <p className="quiet">Nothing: all that you wrote here is {destination(status)}.</p>
        ) : (
          <ul>
            {status.pending.map((work) => (
              <PendingRow key={work.conversation} work={work} />
            ))}
          </ul>
        )}
      </section>
      <section className="facts">
        <h3>This device</h3>
        <dl>
          <dt>Server</dt>
          <dd>{serverOf(status)}</dd>
          <dt>Storage</dt>
          <dd>{storageOf(status)}</dd>
          <dt>This tab</dt>
          <dd>{status.tab === "writer" ? "does the syncing" : "goes through another tab"}</dd>
        </dl>
      </section>
    </Dialog>
  )
}

function NextTry({ at }: { at: number }): ReactNode {
  const seconds = Math.ceil((at - useNow(1_000)) / 1_000)
  return <p className="quiet">{seconds > 0 ? `Next try in ${count(seconds, "second")}.` : "Trying again now."}</p>
}

function PendingRow({ work }: { work: PendingWork }): ReactNode {
  const { user } = useClient()
  const view = useConversation(work.conversation)
  return (
    <li>
      <Icon name="cloudOff" size={18} />
      <span>
        <bdi className="strong">{view === undefined ? "A conversation" : titleOf(view, user)}</bdi>
        <span className="quiet">
          {describeWaiting([work]) ?? "waiting"} {explainReason(work.reason)}
        </span>
      </span>
    </li>
  )
}

function destination({ connection }: SyncStatus): string {
  return connection.kind === "local" ? "saved on this device" : "on the server"
}

function serverOf({ connection }: SyncStatus): string {
  switch (connection.kind) {
    case "local":
      return "none"
    case "offline":
    case "waiting":
      return "not connected"
    case "connecting":
    case "online":
    case "refused":
      return connection.server
  }
}

function storageOf({ storage }: SyncStatus): string {
  if (storage.kind === "failing") return `failing: ${storage.code}`
  return storage.persisted ? "saved for good" : "saved; the browser may clear it when space is short"
}
