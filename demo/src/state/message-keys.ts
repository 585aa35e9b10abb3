import type { Message, MessageId } from "@weft/sdk"
import type { KeyboardEvent } from "react"
import { isAnswerable, isEditable, type MessageActs } from "./message-acts.js"

interface MessageKeysOptions {
  readonly items: readonly Message[]
  readonly mayWrite: boolean
  readonly acts: MessageActs
  /** Brings a message into view and gives it the focus. */
  readonly show: (id: MessageId) => void
  readonly toBottom: () => void
}

/** The keys of the list of messages: from message to message, and what is done with the one that has the focus. */
export function messageKeys(options: MessageKeysOptions): (event: KeyboardEvent<HTMLElement>) => void {
  const { items, mayWrite, acts, show, toBottom } = options
  return (event) => {
    const { target, key, ctrlKey, metaKey, altKey } = event
    if (ctrlKey || metaKey || altKey || !(target instanceof HTMLElement) || event.defaultPrevented) return
    const article = target.closest<HTMLElement>("[data-message]")
    // a button in a message keeps Enter, an open menu all of its keys
    const isButton = target !== event.currentTarget && target !== article
    if (isButton && (key === "Enter" || target.closest("[role=menu]") !== null)) return
    const at = article === null ? items.length : items.findIndex(({ id }) => id === article.dataset.message)
    const act = actionFor(key.toLowerCase())
    if (act === undefined) return
    event.preventDefault()
    act()

    function actionFor(pressed: string): (() => void) | undefined {
      const message = items[at]
      const mayAnswer = mayWrite && message !== undefined && isAnswerable(message)
      switch (pressed) {
        case "j":
        case "k": {
          const next = items[pressed === "j" ? at + 1 : at - 1]
          return next && (() => { show(next.id) }) // prettier-ignore
        }
        case "end":
          return toBottom
        case "enter":
          return message && (() => article?.querySelector<HTMLElement>(".message-more")?.click())
        case "r":
          return mayAnswer ? () => { acts.reply(message) } : undefined // prettier-ignore
        case "t":
          return mayAnswer ? () => { acts.openThread(message.thread ?? message.id) } : undefined // prettier-ignore
        case "f":
          return message?.form === "text" ? () => { acts.forward(message) } : undefined // prettier-ignore
        case "e":
          return mayAnswer && isEditable(message) ? () => { acts.edit(message) } : undefined // prettier-ignore
        default:
          return undefined
      }
    }
  }
}
