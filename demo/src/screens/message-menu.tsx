import type { Message } from "@weft/sdk"
import { useClient } from "@weft/sdk/react"
import type { ReactNode } from "react"
import { Menu, type MenuItem } from "../parts/menu.js"
import { showToast } from "../state/toast.js"
import { explainError } from "../words/errors.js"
import { showName } from "../words/names.js"
import { mayModerate } from "../words/roles.js"
import type { MessageActs } from "../state/message-acts.js"
import type { MessagePlace } from "../state/message-place.js"

/** Offered for a reaction, beside those that a message has. */
const emoji = ["👍", "❤️", "😂", "😮", "😢", "🎉"] as const

interface MessageMenuProps {
  message: Message
  place: MessagePlace
  acts: MessageActs
}

/** What can be done with one message. */
export function MessageMenu({ message, place, acts }: MessageMenuProps): ReactNode {
  const client = useClient()
  const { conversation, mayWrite, role, pinned } = place
  const isText = message.form === "text"
  const isThere = message.status !== "rejected"
  const isPinned = pinned.has(message.id)
  const items: (MenuItem | false)[] = [
    isText && mayWrite && { name: "Reply", icon: "reply", run: () => { acts.reply(message) } }, // prettier-ignore
    isText && mayWrite && message.thread === undefined && { name: "Reply in thread", icon: "thread", run: () => { acts.openThread(message.id) } }, // prettier-ignore
    isText && { name: "Copy text", icon: "copy", run: () => { copy(message.text ?? "") } }, // prettier-ignore
    isText && { name: "Forward", icon: "forward", run: () => { acts.forward(message) } }, // prettier-ignore
    isText && message.own && mayWrite && { name: "Edit", icon: "pencil", run: () => { acts.edit(message) } }, // prettier-ignore
    mayModerate(role) &&
      message.form !== "unreadable" && {
        name: isPinned ? "Unpin" : "Pin",
        icon: "pin",
        run: () => {
          tell(
            isPinned ? conversation.unpin(message.id) : conversation.pin(message.id),
            isPinned ? "Unpinned" : "Pinned",
          )
        },
      },
    !message.own && { name: "Mark unread from here", icon: "unread", run: () => { conversation.markUnread(message.id) } }, // prettier-ignore
    {
      name: "Erase for me",
      icon: "hide",
      run: () => {
        conversation.eraseForMe(message.id)
        showToast({ text: "Erased for you", action: { name: "Undo", run: () => client.account.undo() } })
      },
    },
    isText && (message.own || mayModerate(role)) && { name: "Erase for everyone", icon: "trash", isDanger: true, run: () => { acts.erase(message) } }, // prettier-ignore
  ]
  return (
    <Menu
      label={`Actions for the message of ${message.own ? "you" : showName(message.author)}`}
      className="icon-button message-more"
      items={isThere ? items.filter((item) => item !== false) : []}
      head={(close) =>
        isText &&
        mayWrite && (
          <div className="menu-emoji" role="group" aria-label="React">
            {emoji.map((one) => (
              <button
                key={one}
                type="button"
                role="menuitem"
                tabIndex={-1}
                aria-label={`React with ${one}`}
                onClick={() => {
                  close()
                  acts.toggleReaction(message, one)
                }}
              >
                {one}
              </button>
            ))}
          </div>
        )
      }
    />
  )
}

function copy(text: string): void {
  tell(navigator.clipboard.writeText(text), "Copied")
}

function tell(work: Promise<unknown>, done: string): void {
  work.then(
    () => {
      showToast({ text: done })
    },
    (error: unknown) => {
      showToast({ text: explainError(error) })
    },
  )
}
