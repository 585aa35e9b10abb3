import type { Message, MessageStatus } from "@weft/sdk"
import { parseText, plainText } from "@weft/sdk/format"
import { showName } from "./names.js"

export function showText(message: Message): string {
  switch (message.form) {
    case "text":
      return message.text ?? ""
    case "erased":
      return "Message removed"
    case "unreadable":
      return "This message needs a newer version of Weft"
  }
}

/** The last message in one line, with its author where that is not plain. */
export function showPreview(message: Message | undefined, isGroup: boolean): string {
  if (message === undefined) return "No messages yet"
  // no more than is shown: a preview of a long message costs no more than one of a short
  const shown = showText(message).slice(0, 400)
  const text = (message.form === "text" ? plainText(parseText(shown)) : shown).replace(/\s+/g, " ").slice(0, 200)
  if (message.own) return `You: ${text}`
  return isGroup ? `${showName(message.author)}: ${text}` : text
}

export function showStatus(status: MessageStatus): string {
  switch (status) {
    case "saving":
      return "saving"
    case "saved":
      return "saved on this device"
    case "sent":
      return "sent"
    case "delivered":
      return "delivered"
    case "read":
      return "read"
    case "rejected":
      return "not accepted"
  }
}
