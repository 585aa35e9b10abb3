import type { Account, Message } from "@weft/sdk"
import { useClient } from "@weft/sdk/react"
import type { ReactNode } from "react"
import { Icon } from "../parts/icon.js"
import { Menu, type MenuItem } from "../parts/menu.js"
import { showToast } from "../state/toast.js"
import { offerUndo } from "../state/undo.js"
import { explainError } from "../words/errors.js"
import { showName } from "../words/names.js"
import { mayModerate } from "../words/roles.js"
import { isEditable, type MessageActs } from "../state/message-acts.js"
import type { MessagePlace } from "../state/message-place.js"
import { t } from "../words/translate.js"

/** Offered for a reaction, beside those that a message has. */
const emoji = ["👍", "❤️", "😂", "😮", "😢", "🎉"] as const

interface MessageMenuProps {
  message: Message
  place: MessagePlace
  acts: MessageActs
}

/** What can be done with one message. Most are never opened: nothing is made ready before. */
export function MessageMenu({ message, place, acts }: MessageMenuProps): ReactNode {
  const { account } = useClient()
  return (
    <Menu
      label={message.own ? t("actionsForYourMessage") : t("actionsForMessageOf", { name: showName(message.author) })}
      className="icon-button message-more"
      items={() => itemsFor(message, place, acts, account)}
      head={(close) =>
        message.form === "text" &&
        place.mayReact && (
          <div className="menu-emoji" role="group" aria-label={t("react")}>
            {emoji.map((one) => (
              <button
                key={one}
                type="button"
                role="menuitem"
                tabIndex={-1}
                aria-label={t("reactWith", { emoji: one })}
                onClick={() => {
                  close()
                  acts.toggleReaction(message, one)
                }}
              >
                {one}
              </button>
            ))}
            <button
              type="button"
              role="menuitem"
              tabIndex={-1}
              aria-label={t("reactWithOther")}
              onClick={() => {
                close()
                acts.chooseReaction(message)
              }}
            >
              <Icon name="plus" size={18} />
            </button>
          </div>
        )
      }
    >
      {null}
    </Menu>
  )
}

function itemsFor(
  message: Message,
  { conversation, mayWrite, role, pinned, thread }: MessagePlace,
  acts: MessageActs,
  account: Account,
): readonly MenuItem[] {
  const isText = message.form === "text"
  const isPinned = pinned.has(message.id)
  const items: (MenuItem | false)[] = [
    isText && mayWrite && { name: t("reply"), icon: "reply", run: () => { acts.reply(message) } }, // prettier-ignore
    isText && mayWrite && thread === undefined && { name: t("replyInThread"), icon: "thread", run: () => { acts.openThread(message.id) } }, // prettier-ignore
    isText && { name: t("copyText"), icon: "copy", run: () => { copy(message.text ?? "") } }, // prettier-ignore
    isText && { name: t("forward"), icon: "forward", run: () => { acts.forward(message) } }, // prettier-ignore
    isEditable(message) && mayWrite && { name: t("edit"), icon: "pencil", run: () => { acts.edit(message) } }, // prettier-ignore
    mayModerate(role) &&
      (isText || isPinned) && {
        name: isPinned ? t("unpin") : t("pin"),
        icon: "pin",
        run: () => {
          tell(
            isPinned ? conversation.unpin(message.id) : conversation.pin(message.id),
            isPinned ? t("unpinned") : t("pinned"),
          )
        },
      },
    !message.own && { name: t("markUnread"), icon: "unread", run: () => { acts.markUnread(message) } }, // prettier-ignore
    {
      name: t("eraseForMe"),
      icon: "hide",
      run: () => {
        offerUndo(t("erasedForYou"), account, conversation.eraseForMe(message.id))
      },
    },
    conversation.mayErase(message.id) && { name: t("eraseForEveryone"), icon: "trash", isDanger: true, run: () => { acts.erase(message) } }, // prettier-ignore
  ]
  return items.filter((item) => item !== false)
}

function copy(text: string): void {
  tell(navigator.clipboard.writeText(text), t("copied"))
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
