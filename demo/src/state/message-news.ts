import type { Message } from "@weft/sdk"
import { useState } from "react"
import { t } from "../words/translate.js"
import { showLine } from "../words/messages.js"
import { showName } from "../words/names.js"

/** More messages at once than these are counted, not read out. */
const READ_OUT = 3

/**
 * What a screen reader is told of messages that came in at the end; nothing of those that are older or own. Undefined:
 * not loaded yet, and what is loaded then is no news.
 */
export function useMessageNews(items: readonly Message[] | undefined): string {
  const [known, setKnown] = useState({ items, news: "" })
  if (items === undefined || known.items === items) return known.news
  const added = addedTo(known.items, items).filter(({ own, form }) => !own && form === "text")
  const news =
    added.length === 0
      ? known.news
      : added.length > READ_OUT
        ? t("newMessages", { count: added.length })
        : added.map((message) => `${showName(message.author)}: ${showLine(message)}`).join("\n")
  setKnown({ items, news })
  return news
}

/** What stands behind the end of before; nothing where that message is gone. */
function addedTo(before: readonly Message[] | undefined, items: readonly Message[]): readonly Message[] {
  if (before === undefined) return []
  const last = before.at(-1)
  if (last === undefined) return items
  const at = items.findLastIndex(({ id }) => id === last.id)
  return at < 0 ? [] : items.slice(at + 1)
}
