import type { Message, MessageStatus, OwnRemark, Quote } from "@weft/sdk"
import { parseText, plainText } from "@weft/sdk/format"
import { showName } from "./names.js"

export function showText(message: Pick<Message, "form" | "text">): string {
  switch (message.form) {
    case "text":
      return message.text ?? ""
    case "erased":
      return "Message erased"
    case "unreadable":
      return "This message needs a newer version of Weft"
  }
}

/** A message in one line, without its marks. */
export function showLine(message: Pick<Message, "form" | "text">): string {
  // no more than is shown: a preview of a long message costs no more than one of a short
  const shown = showText(message).slice(0, 400)
  return (message.form === "text" ? plainText(parseText(shown)) : shown).replace(/\s+/g, " ").slice(0, 200)
}

export function showQuote(quote: Quote): string {
  switch (quote.state) {
    case "loading":
      return "Loading the message"
    case "missing":
      return "A message that is not on this device"
    case "ready":
      return showLine(quote)
  }
}

export function showRemark(remark: OwnRemark): string {
  switch (remark.kind) {
    case "edit":
      return "Your edit"
    case "reaction":
      return remark.on ? `Your reaction ${remark.emoji}` : `Taking back ${remark.emoji}`
    case "erasure":
      return "Your erasure"
  }
}

/** The last message in one line, with its author where that is not plain. */
export function showPreview(message: Message | undefined, isGroup: boolean): string {
  if (message === undefined) return "No messages yet"
  const text = showLine(message)
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
