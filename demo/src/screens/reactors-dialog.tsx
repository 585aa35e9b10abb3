import type { Conversation, Message } from "@weft/sdk"
import { useMessages } from "@weft/sdk/react"
import type { ReactNode } from "react"
import { Dialog } from "../parts/dialog.js"
import { Person } from "../parts/person.js"
import { showNumber, t } from "../words/translate.js"

interface ReactorsDialogProps {
  message: Message
  conversation: Conversation
  onClose: () => void
}

/** Who reacted to a message, with what: as it is while this is read. */
export function ReactorsDialog({ message: { id }, conversation, onClose }: ReactorsDialogProps): ReactNode {
  const reactions = useMessages(conversation).items.find((message) => message.id === id)?.reactions ?? []
  return (
    <Dialog title={t("whoReacted")} onClose={onClose} isText>
      {reactions.length === 0 && <p className="quiet">{t("nobodyReacted")}</p>}
      {reactions.map(({ emoji, users }) => (
        <section key={emoji} className="facts">
          <h3 className="reactors-title">
            <span className="emoji">{emoji}</span>
            {showNumber(users.length)}
          </h3>
          <ul>
            {users.map((user) => (
              <Person key={user} user={user} />
            ))}
          </ul>
        </section>
      ))}
    </Dialog>
  )
}
