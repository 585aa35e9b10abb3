import type { Message, MessageStatus, OwnRemark, Quote } from "@weft/sdk"
import { parseText, plainText } from "@weft/sdk/format"
import { showName } from "./names.js"
import { t } from "./translate.js"

export function showText(message: Pick<Message, "form" | "text">): string {
  switch (message.form) {
    case "text":
      return message.text ?? ""
    case "erased":
      return t("erased")
    case "hidden":
      return t("hiddenMessage")
    case "unreadable":
      return t("unreadable")
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
      return t("quoteLoading")
    case "missing":
      return t("quoteMissing")
    case "hidden":
      return t("hiddenMessage")
    case "ready":
      return showLine(quote)
  }
}

export function showRemark(remark: OwnRemark): string {
  switch (remark.kind) {
    case "edit":
      return t("yourEdit")
    case "reaction":
      return t(remark.on ? "yourReaction" : "yourReactionBack", { emoji: remark.emoji })
    case "erasure":
      return t("yourErasure")
  }
}

/** The last message in one line, with its author where that is not plain. */
export function showPreview(message: Message | undefined, isGroup: boolean): string {
  if (message === undefined) return t("noMessages")
  const text = showLine(message)
  if (message.own) return t("youSaid", { text })
  return isGroup ? t("nameSaid", { name: showName(message.author), text }) : text
}

export function showStatus(status: MessageStatus): string {
  switch (status) {
    case "saving":
      return t("statusSaving")
    case "saved":
      return t("statusSaved")
    case "sent":
      return t("statusSent")
    case "delivered":
      return t("statusDelivered")
    case "read":
      return t("statusRead")
    case "rejected":
      return t("statusRejected")
  }
}
