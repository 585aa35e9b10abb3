import { leftPrefix } from "../storage/left-behind.js"
import type { TabEvents, TabMessage, TabPort } from "./tab-port.js"

/** How often a follower that is looked at asks whether the writer is awake, and how long it waits for the answer. */
const ASK_MS = 700
const ANSWER_LIMIT_MS = 900

type Wire =
  | { readonly kind: "ask" }
  | { readonly kind: "awake" }
  | { readonly kind: "message"; readonly message: TabMessage }
  /** A tab is there for as long as it holds the lock of this name. */
  | { readonly kind: "here"; readonly life: string }

/**
 * Tabs of one browser profile: the one that holds a Web Lock is the writer. The lock passes on at once when its tab
 * closes or crashes; a writer that is frozen answers no question, and the lock is stolen from it. That two tabs write for
 * a moment is safe: the storage's guard stops the older one, and each has logs of its own. Each tab holds a lock of its own
 * as well: the writer waits for those of the others, and so hears when one of them ends.
 */
export function browserTabs(name: string): TabPort {
  if (!("locks" in navigator) || typeof BroadcastChannel === "undefined") return loneTab()
  const lock = `weft/${name}`
  const lives = `${lock}/tab/`
  const ownLife = lives + crypto.randomUUID()
  const channel = new BroadcastChannel(lock)
  let leading = false
  let stopped = false
  let release = (): void => undefined
  let waiting = new AbortController()
  let answered = 0
  let asker: ReturnType<typeof setTimeout> | undefined
  let held: Promise<unknown> = Promise.resolve()
  let end = (): void => undefined
  let watching = new AbortController()
  let unlisten = (): void => undefined

  const post = (wire: Wire): void => {
    if (!stopped) channel.postMessage(wire)
  }

  /** Resolves once this tab leads; with `ifAvailable` also where another one does, and this one waits in line then. */
  function acquire(
    events: TabEvents,
    options: { steal: true } | { signal: AbortSignal } | { ifAvailable: true },
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      held = navigator.locks
        .request(lock, options, async (granted) => {
          if (stopped) {
            resolve()
            return
          }
          if (granted === null) {
            queue(events)
            resolve()
            return
          }
          leading = true
          watchAll(events)
          const until = new Promise<void>((done) => {
            release = done
          })
          try {
            await events.lead()
          } finally {
            resolve()
          }
          await until
        })
        .catch((error: unknown) => {
          // Stolen from us, or given up waiting for: another tab is the writer, or will be.
          if (leading) {
            leading = false
            watching.abort()
            events.follow()
            if (!stopped) queue(events)
          }
          if (error instanceof Error && error.name !== "AbortError") reject(error)
          else resolve()
        })
    })
  }

  /** Takes the lock that says that this tab is there. */
  function live(): Promise<void> {
    return new Promise((resolve) => {
      navigator.locks
        .request(ownLife, () => {
          resolve()
          if (stopped) return undefined
          return new Promise<void>((done) => {
            end = done
          })
        })
        .catch(() => undefined)
    })
  }

  /** Tabs that come later say so. */
  function watchAll(events: TabEvents): void {
    watching = new AbortController()
    navigator.locks
      .query()
      .then(({ held: all = [] }) => {
        for (const { name: life = "" } of all) if (life.startsWith(lives) && life !== ownLife) watch(life, events)
      })
      .catch(() => undefined)
  }

  function watch(life: string, events: TabEvents): void {
    const { signal } = watching
    navigator.locks
      .request(life, { signal }, () => {
        if (leading) events.gone()
      })
      .catch(() => undefined)
  }

  /** Waits in line for the lock, and asks its holder now and then whether it is awake. */
  function queue(events: TabEvents): void {
    waiting = new AbortController()
    acquire(events, { signal: waiting.signal }).catch(() => undefined)
    ask(events)
  }

  function ask(events: TabEvents): void {
    clearTimeout(asker)
    if (stopped || leading) return
    const asked = performance.now()
    if (document.visibilityState === "visible") post({ kind: "ask" })
    asker = setTimeout(() => {
      if (stopped || leading) return
      const silent = document.visibilityState === "visible" && answered < asked
      // Our own timer may come late, as after this tab was frozen: only a question that was asked in time counts.
      if (silent && performance.now() - asked < ANSWER_LIMIT_MS + 500) {
        waiting.abort()
        acquire(events, { steal: true }).catch(() => undefined)
        return
      }
      asker = setTimeout(
        () => {
          ask(events)
        },
        ASK_MS - ANSWER_LIMIT_MS > 0 ? ASK_MS - ANSWER_LIMIT_MS : 50,
      )
    }, ANSWER_LIMIT_MS)
  }

  /** What a tab left behind may be there only after it was heard that the tab is gone. */
  function listen(events: TabEvents): () => void {
    const left = ({ key }: StorageEvent): void => {
      if (leading && key?.startsWith(leftPrefix(name)) === true) events.gone()
    }
    addEventListener("storage", left)
    return () => {
      removeEventListener("storage", left)
    }
  }

  return {
    async start(events) {
      unlisten = listen(events)
      channel.onmessage = ({ data }: MessageEvent<Wire>) => {
        if (data.kind === "ask" && leading) post({ kind: "awake" })
        else if (data.kind === "awake") answered = performance.now()
        else if (data.kind === "here" && leading) watch(data.life, events)
        else if (data.kind === "message") events.heard(data.message)
      }
      await live()
      post({ kind: "here", life: ownLife })
      // Leads at once where nobody does; else follows, and is told by nothing more than the storage.
      await acquire(events, { ifAvailable: true })
    },
    tell: (message) => {
      post({ kind: "message", message })
    },
    async stop() {
      stopped = true
      leading = false
      clearTimeout(asker)
      waiting.abort()
      watching.abort()
      unlisten()
      end()
      release()
      await held
      channel.close()
    },
  }
}

/** Without locks or channels, as in a worker of an old browser, every tab leads; the guard lets the last one write. */
function loneTab(): TabPort {
  return { start: (events) => events.lead(), tell: () => undefined, stop: () => Promise.resolve() }
}
