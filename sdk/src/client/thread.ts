import { createStore, type Subscribable } from "../base/store.js"
import { segmentNumber } from "../conversation/node.js"
import type { MessageList } from "../conversation/message.js"
import type { MessageId } from "../protocol/entry.js"
import type { AccountState } from "./account-api.js"
import type { PersonalView } from "./personal-view.js"
import type { ConversationView } from "./view.js"

/** One of the conversations that are shown as one: the thread is in one of them. [SPEC A20] */
export interface ThreadPlace {
  readonly view: ConversationView
  /** Where a thread begins of which nothing was read yet. */
  locate(root: MessageId): Promise<number | undefined>
}

/**
 * The messages of one thread that its reader does not hide, as a list that changes with the conversation's. All of them are newer than their root, so
 * the list is complete once everything from the root's segment on was read: that begins with the first subscriber.
 */
export function createThread(
  places: readonly ThreadPlace[],
  root: MessageId,
  account: Subscribable<AccountState>,
  reader: Pick<PersonalView, "shown">,
): Subscribable<MessageList> {
  const views = places.map(({ view }) => view)
  let stop: (() => void) | undefined
  let ready = views.some((view) => isLoaded(view, root))
  const store = createStore<MessageList>(read(), (listeners) => {
    if (listeners === 0) {
      stop?.()
      stop = undefined
    } else if (stop === undefined) {
      const stops = [
        ...views.map(({ list }) => list.subscribe(refresh)),
        account.subscribe(refresh),
        ...views.map(({ arrivals }) =>
          arrivals.on(() => {
            if (!ready) load()
          }),
        ),
      ]
      stop = () => {
        for (const one of stops) one()
      }
      refresh()
      load()
    }
  })

  function read(): MessageList {
    const isReady = ready && views.every(({ list }) => list.get().state === "ready")
    const items = reader.shown(views.flatMap(({ projection }) => projection.thread(root)))
    return { state: isReady ? "ready" : "loading", items, complete: isReady }
  }

  function refresh(): void {
    const [before, next] = [store.get(), read()]
    const same = before.state === next.state && before.items.length === next.items.length
    if (!same || next.items.some((message, index) => message !== before.items[index])) store.set(next)
  }

  async function loadToRoot(): Promise<void> {
    for (const place of places) {
      const segment = segmentOfRoot(place.view, root) ?? (await place.locate(root))
      if (segment === undefined) continue
      await place.view.loadBackTo(segment)
      return
    }
  }

  function load(): void {
    loadToRoot().then(
      () => {
        ready = true
        refresh()
      },
      // A storage that can't be read is the replica's to tell; the thread stays as it is. So it does where a segment is away.
      () => undefined,
    )
  }

  return {
    get: () => {
      // Without subscribers nobody else refreshes it.
      if (stop === undefined) refresh()
      return store.get()
    },
    subscribe: (listener) => store.subscribe(listener),
  }
}

/** The segment from which on a thread is to be read, where that is known. */
export function segmentOfRoot(view: ConversationView, root: MessageId): number | undefined {
  const node = view.projection.node(root)
  return node === undefined ? view.projection.threadSegment(root) : segmentNumber(node.document)
}

function isLoaded(view: ConversationView, root: MessageId): boolean {
  return view.projection.node(root)?.inOrder === true
}
