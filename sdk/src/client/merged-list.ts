import { createStore, type Subscribable } from "../base/store.js"
import type { Message, MessageList } from "../conversation/message.js"

/** The lists of conversations that are shown as one, in the order of time; with one list that list itself. */
export class MergedList {
  readonly list = createStore<MessageList>({ state: "loading", items: [], complete: false })
  private stops: (() => void)[] = []
  private sources: readonly Subscribable<MessageList>[] = []

  /** Shows these from now on; the first one's messages stand before the others' of the same millisecond. */
  show(sources: readonly Subscribable<MessageList>[]): void {
    if (sources.length === this.sources.length && sources.every((source, index) => source === this.sources[index]))
      return
    this.close()
    this.sources = sources
    const publish = (): void => {
      this.list.set(merge(sources.map((source) => source.get())))
    }
    this.stops = sources.map((source) => source.subscribe(publish))
    publish()
  }

  close(): void {
    for (const stop of this.stops) stop()
    this.stops = []
  }
}

function merge(lists: readonly MessageList[]): MessageList {
  const [only] = lists
  if (only !== undefined && lists.length === 1) return only
  const items: Message[] = lists.flatMap((list) => list.items)
  // Stable: each list's own order stays.
  items.sort((a, b) => a.sentAt - b.sentAt)
  return {
    state: lists.every(({ state }) => state === "ready") ? "ready" : "loading",
    items,
    complete: lists.every(({ complete }) => complete),
  }
}
