import type { Conversation, MessageId } from "@weft/sdk"
import { useUnread } from "@weft/sdk/react"
import { useState } from "react"

/** Messages that came in above what was read, in a thread or outside of threads. */
export interface LateNews {
  readonly thread: MessageId | undefined
  readonly messages: readonly MessageId[]
}

interface Told {
  /** All that were told since the conversation is open. */
  readonly told: ReadonlySet<MessageId>
  /** Those that the user has not gone to, or put away. */
  readonly news: readonly LateNews[]
}

/** News of late messages, each told once; of the thread that is shown there are none, as it shows them itself. */
export function useLateNews(
  conversation: Conversation,
  shown: MessageId | undefined,
): { readonly news: readonly LateNews[]; readonly dismiss: (thread: MessageId | undefined) => void } {
  const unread = useUnread(conversation)
  const [{ told, news }, setTold] = useState<Told>({ told: new Set(), news: [] })
  const places = unread.counted ? [[undefined, unread] as const, ...unread.threads] : []
  const fresh = places
    .map(([thread, { late }]) => ({ thread, messages: late.filter((id) => !told.has(id)) }))
    .filter(({ messages }) => messages.length > 0)
  const without = (thread: MessageId | undefined): readonly LateNews[] => news.filter((one) => one.thread !== thread)
  const isShown = shown !== undefined && news.some(({ thread }) => thread === shown)
  if (fresh.length > 0) {
    setTold({ told: new Set([...told, ...fresh.flatMap(({ messages }) => messages)]), news: join(news, fresh) })
  } else if (isShown) setTold({ told, news: without(shown) })
  return {
    news,
    dismiss: (thread) => {
      setTold({ told, news: without(thread) })
    },
  }
}

function join(news: readonly LateNews[], fresh: readonly LateNews[]): readonly LateNews[] {
  const known = news.map(({ thread, messages }) => {
    const more = fresh.find((one) => one.thread === thread)?.messages ?? []
    return { thread, messages: [...messages, ...more] }
  })
  return [...known, ...fresh.filter(({ thread }) => !news.some((one) => one.thread === thread))]
}
