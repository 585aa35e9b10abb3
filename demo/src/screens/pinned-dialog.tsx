import type { PinnedMessage } from "@weft/sdk"
import { type ConversationView, useMessages } from "@weft/sdk/react"
import type { ReactNode } from "react"
import { Dialog } from "../parts/dialog.js"
import { Icon } from "../parts/icon.js"
import { ProblemLine } from "../parts/problem-line.js"
import { useAction } from "../state/action.js"
import { useNow } from "../state/clock.js"
import { showMessageIn } from "../state/shown-message.js"
import { showLine } from "../words/messages.js"
import { showName } from "../words/names.js"
import { mayModerate } from "../words/roles.js"
import { showWhen } from "../words/times.js"
import { t } from "../words/translate.js"

/** The pinned messages, the last pinned first; each leads to its place. */
export function PinnedDialog({ view, onClose }: { view: ConversationView; onClose: () => void }): ReactNode {
  const { conversation, pinned } = view
  // renders again when a text comes; one of long ago is loaded by opening it, not for this list
  useMessages(conversation)
  return (
    <Dialog title={t("pinnedMessages")} onClose={onClose}>
      {pinned.length === 0 ? (
        <div className="empty">
          <h3>{t("nothingPinned")}</h3>
          <p>{t("nothingPinnedAdvice")}</p>
        </div>
      ) : (
        <ul className="pins">
          {pinned.map((pin) => (
            <PinRow key={pin.id} view={view} pin={pin} />
          ))}
        </ul>
      )}
    </Dialog>
  )
}

function PinRow({ view, pin }: { view: ConversationView; pin: PinnedMessage }): ReactNode {
  const action = useAction()
  const now = useNow(60_000)
  const { conversation, role } = view
  const message = conversation.message(pin.id)
  return (
    <li className="pin">
      <button
        type="button"
        className="pin-text"
        onClick={() => {
          showMessageIn({ conversation: conversation.id, message: pin.id, segment: pin.segment })
        }}
      >
        <span className="fine">
          {message !== undefined && <bdi>{showName(message.author)} · </bdi>}
          {t("pinnedBy", { name: showName(pin.by), when: showWhen(pin.at, now) })}
        </span>
        <span dir="auto">{message === undefined ? t("pinOfLongAgo") : showLine(message)}</span>
      </button>
      {mayModerate(role) && (
        <button
          type="button"
          className="icon-button"
          aria-label={t("unpinMessage")}
          disabled={action.isBusy}
          onClick={() => {
            action.run(() => conversation.unpin(pin.id))
          }}
        >
          <Icon name="close" size={16} />
        </button>
      )}
      <ProblemLine problem={action.problem} />
    </li>
  )
}
