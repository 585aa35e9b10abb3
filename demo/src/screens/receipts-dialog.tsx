import type { Conversation, Message, Receipt } from "@weft/sdk"
import { useReceipts } from "@weft/sdk/react"
import type { ReactNode } from "react"
import { Avatar } from "../parts/avatar.js"
import { Dialog } from "../parts/dialog.js"
import { Person } from "../parts/person.js"
import { Tick } from "../parts/tick.js"
import { useNow } from "../state/clock.js"
import { t } from "../words/translate.js"
import { showLine } from "../words/messages.js"
import { showName } from "../words/names.js"
import { showFull, showSince } from "../words/times.js"

interface ReceiptsDialogProps {
  message: Message
  conversation: Conversation
  onClose: () => void
}

/** Who has an own message, who has read it, and since when. */
export function ReceiptsDialog({ message, conversation, onClose }: ReceiptsDialogProps): ReactNode {
  const { read, delivered, waiting } = useReceipts(conversation, message.id)
  const readers = new Set(read.map(({ user }) => user))
  const unread = delivered.filter(({ user }) => !readers.has(user))
  return (
    <Dialog title={t("whoHasIt")} onClose={onClose} isText>
      <blockquote className="quoted" dir="auto">
        {showLine(message)}
      </blockquote>
      <People title={t("readBy")} status="read" receipts={read} />
      <People title={t("deliveredTo")} status="delivered" receipts={unread} />
      {waiting.length > 0 && (
        <section className="facts">
          <h3>{t("notThereYet")}</h3>
          <ul>
            {waiting.map((user) => (
              <Person key={user} user={user} />
            ))}
          </ul>
        </section>
      )}
      {read.length + delivered.length + waiting.length === 0 && <p className="quiet">{t("nobodyToGetIt")}</p>}
      <p className="fine">{t("whoHasItAdvice")}</p>
    </Dialog>
  )
}

interface PeopleProps {
  title: string
  status: "read" | "delivered"
  receipts: readonly Receipt[]
}

function People({ title, status, receipts }: PeopleProps): ReactNode {
  const now = useNow(60_000)
  if (receipts.length === 0) return null
  return (
    <section className="facts">
      <h3 className="receipt-title">
        <Tick status={status} />
        {title}
      </h3>
      <ul>
        {receipts.map(({ user, at }) => (
          <li key={user} className="receipt">
            <Avatar name={user} size="small" />
            <bdi>{showName(user)}</bdi>
            <time dateTime={new Date(at).toISOString()} title={showFull(at)}>
              {showSince(at, now)}
            </time>
          </li>
        ))}
      </ul>
    </section>
  )
}
