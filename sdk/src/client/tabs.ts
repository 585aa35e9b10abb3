import type { TabEvents, TabMessage, TabPort } from "./tab-port.js"

/** How often a follower that is looked at asks whether the writer is awake, and how long it waits for the answer. */
const ASK_MS = 700
const ANSWER_LIMIT_MS = 900

type Wire =
  { readonly kind: "ask" } | { readonly kind: "awake" } | { readonly kind: "message"; readonly message: TabMessage }

/**
 * Tabs of one browser profile: the one that holds a Web Lock is the writer. The lock passes on at once when its tab
 * closes or crashes; a writer that is frozen answers no question, and the lock is stolen from it. That two tabs write for
 * a moment is safe: the storage's guard stops the older one, and each has logs of its own.
 */
export function browserTabs(name: string): TabPort {
  if (!("locks" in navigator) || typeof BroadcastChannel === "undefined") return loneTab()
  const lock = `weft/${name}`
  const channel = new BroadcastChannel(lock)
  let leading = false
  let stopped = false
  let release = (): void => undefined
  let waiting = new AbortController()
  let answered = 0
  let asker: ReturnType<typeof setTimeout> | undefined
  let held: Promise<unknown> = Promise.resolve()

  const post = (wire: Wire): void => {
    if (!stopped) channel.postMessage(wire)
  }

  function acquire(events: TabEvents, options: { steal: true } | { signal: AbortSignal }): Promise<void> {
    return new Promise((resolve, reject) => {
      held = navigator.locks
        .request(lock, options, async () => {
          if (stopped) return
          leading = true
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
            events.follow()
            if (!stopped) queue(events)
          }
          if (error instanceof Error && error.name !== "AbortError") reject(error)
          else resolve()
        })
    })
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

  return {
    async start(events) {
      channel.onmessage = ({ data }: MessageEvent<Wire>) => {
        if (data.kind === "ask" && leading) post({ kind: "awake" })
        else if (data.kind === "awake") answered = performance.now()
        else if (data.kind === "message") events.heard(data.message)
      }
      // Leads at once where nobody does; else follows, and is told by nothing more than the storage.
      const first = await navigator.locks.query()
      if (first.held?.some((other) => other.name === lock) === true) queue(events)
      else await acquire(events, { signal: waiting.signal })
    },
    tell: (message) => {
      post({ kind: "message", message })
    },
    async stop() {
      stopped = true
      leading = false
      clearTimeout(asker)
      waiting.abort()
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
