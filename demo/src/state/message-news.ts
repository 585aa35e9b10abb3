import type { Message } from "@weft/sdk"
import { useState } from "react"
import { t } from "../words/translate.js"
import { showLine } from "../words/messages.js"
import { showName } from "../words/names.js"

/** More messages at once than these are counted, not read out. */
const READ_OUT = 3

interface News {
  readonly items: readonly Message[] | undefined
  readonly text: string
  /** The messages that it tells of. */
  readonly told: readonly Message[]
}

/**
 * What a screen reader is told of messages that came in at the end; nothing of those that are older or own, or erased
 * since. Undefined: not loaded yet, and what is loaded then is no news.
 */
export function useMessageNews(items: readonly Message[] | undefined): string {
  const [known, setKnown] = useState<News>({ items, text: "", told: [] })
  if (items === undefined || known.items === items) return known.text
  const added = addedTo(known.items, items).filter(({ own, form }) => !own && form === "text")
  const next = added.length > 0 ? { items, text: tell(added), told: added } : { ...withoutErased(known, items), items }
  setKnown(next)
  return next.text
}

function tell(added: readonly Message[]): string {
  if (added.length > READ_OUT) return t("newMessages", { count: added.length })
  return added
    .map((message) => {
      const name = showName(message.author)
      return `${message.thread === undefined ? name : t("nameInThread", { name })}: ${showLine(message)}`
    })
    .join("\n")
}

function withoutErased(news: News, items: readonly Message[]): News {
  const isThere = (told: Message): boolean => items.findLast(({ id }) => id === told.id)?.form === "text"
  return news.told.every(isThere) ? news : { items, text: "", told: [] }
}

/** What stands behind the end of before; nothing where that message is gone. */
function addedTo(before: readonly Message[] | undefined, items: readonly Message[]): readonly Message[] {
  if (before === undefined) return []
  const last = before.at(-1)
  if (last === undefined) return items
  const at = items.findLastIndex(({ id }) => id === last.id)
  return at < 0 ? [] : items.slice(at + 1)
}
