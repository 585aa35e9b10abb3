import type { Message } from "@weft/sdk"
import { useState } from "react"
import { t } from "../words/translate.js"
import { showLine } from "../words/messages.js"
import { showName } from "../words/names.js"

/** More messages at once than these are counted, not read out. */
const READ_OUT = 3

/** What a screen reader is told of messages that came in at the end; nothing of those that are older or own. */
export function useMessageNews(items: readonly Message[]): string {
  const [known, setKnown] = useState({ items, news: "" })
  if (known.items === items) return known.news
  const last = known.items.at(-1)
  // what was there when the conversation was opened is no news
  const start = last === undefined ? items.length : items.findLastIndex(({ id }) => id === last.id) + 1
  const added = start === 0 ? [] : items.slice(start).filter(({ own, form }) => !own && form === "text")
  const news =
    added.length === 0
      ? known.news
      : added.length > READ_OUT
        ? t("newMessages", { count: added.length })
        : added.map((message) => `${showName(message.author)}: ${showLine(message)}`).join("\n")
  setKnown({ items, news })
  return news
}
