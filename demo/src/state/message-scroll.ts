import type { Conversation, Message } from "@weft/sdk"
import { type RefObject, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react"

/** Messages that are drawn at first, and added each time somebody scrolls up to the oldest one. */
const PAGE = 120
/** Messages that are drawn above the one that is jumped to. */
const BEFORE_TARGET = 40
/** How near to an end counts as being there, pixels. */
const NEAR_BOTTOM = 48
const NEAR_TOP = 600

export interface MessageScroll {
  readonly box: RefObject<HTMLDivElement | null>
  /** What to draw of the messages. */
  readonly shown: readonly Message[]
  /** Messages of others that came below what is in view. */
  readonly unseen: number
  readonly isAtBottom: boolean
  readonly toBottom: () => void
  /** Brings a message into view, loading older ones as needed; false where this device does not have it. */
  readonly jumpTo: (id: string) => Promise<boolean>
  readonly onScroll: () => void
}

/** The message that stays where it is while others come and go around it. */
interface Anchor {
  readonly id: string
  /** Pixels from the top of the box to the top of the message. */
  readonly top: number
}

/**
 * Draws only the newest messages while the reader is at the bottom, which it then keeps in view; further up it draws from
 * where the reader came to, asks for older ones near the top, and leaves what is in view where it is.
 */
export function useMessageScroll(
  items: readonly Message[],
  isComplete: boolean,
  loadOlder: () => Promise<void>,
  conversation: Conversation,
): MessageScroll {
  const box = useRef<HTMLDivElement>(null)
  const anchor = useRef<Anchor>(undefined)
  const isStuck = useRef(true)
  const [isAtBottom, setAtBottom] = useState(true)
  /** Oldest message that is drawn; undefined: as many as a page holds. */
  const [from, setFrom] = useState<string>()
  /** Newest message when the reader left the bottom. */
  const [seen, setSeen] = useState<string>()

  const start = useMemo(() => {
    const found = from === undefined ? -1 : items.findIndex((message) => message.id === from)
    return found >= 0 ? found : Math.max(0, items.length - PAGE)
  }, [items, from])
  const shown = useMemo(() => items.slice(start), [items, start])
  const unseen = useMemo(() => {
    if (isAtBottom || seen === undefined) return 0
    const last = items.findIndex((message) => message.id === seen)
    return last < 0 ? 0 : items.slice(last + 1).filter((message) => !message.own).length
  }, [items, seen, isAtBottom])

  const toBottom = useCallback(() => {
    const element = box.current
    if (element === null) return
    isStuck.current = true
    element.scrollTop = element.scrollHeight
  }, [])

  /** Where to jump once it is drawn; a new object for every jump. */
  const [target, setTarget] = useState<{ readonly id: string }>()
  const jumpTo = useCallback(
    async (id: string): Promise<boolean> => {
      for (;;) {
        // what is loaded, whether it was drawn yet or not
        const { items: loaded, complete } = conversation.messages.get()
        const index = loaded.findIndex((message) => message.id === id)
        if (index >= 0) {
          isStuck.current = false
          setAtBottom(false)
          setFrom(loaded[Math.max(0, index - BEFORE_TARGET)]?.id)
          setTarget({ id })
          return true
        }
        if (complete) return false
        await loadOlder()
        if (conversation.messages.get().items.length === loaded.length) return false
      }
    },
    [conversation, loadOlder],
  )

  const isAsking = useRef(false)
  const showOlder = (): void => {
    const oldest = items[Math.max(0, start - PAGE)]
    if (start > 0) setFrom(oldest?.id)
    else if (!isComplete && !isAsking.current) {
      isAsking.current = true
      // what is drawn stays drawn; the older ones show with the next step up
      setFrom(items[0]?.id)
      loadOlder()
        .catch(() => undefined) // storage trouble shows in the status; scrolling asks again
        .finally(() => {
          isAsking.current = false
        })
    }
  }

  const onScroll = (): void => {
    const element = box.current
    if (element === null) return
    anchor.current = findAnchor(element)
    const isNear = element.scrollHeight - element.clientHeight - element.scrollTop <= NEAR_BOTTOM
    isStuck.current = isNear
    if (isNear !== isAtBottom) {
      setAtBottom(isNear)
      setSeen(isNear ? undefined : items.at(-1)?.id)
      // leaving the bottom fixes the oldest one drawn; coming back lets go of it
      setFrom(isNear ? undefined : shown[0]?.id)
    }
    if (element.scrollTop < NEAR_TOP && element.scrollHeight > element.clientHeight) showOlder()
  }

  useLayoutEffect(() => {
    const element = box.current
    if (element === null) return
    if (isStuck.current) element.scrollTop = element.scrollHeight
    else restoreAnchor(element, anchor.current)
  }, [shown])

  useLayoutEffect(() => {
    const element = box.current
    if (element === null || target === undefined) return
    const message = element.querySelector<HTMLElement>(`[data-message="${CSS.escape(target.id)}"]`)
    if (message === null) return
    message.scrollIntoView({ block: "center" })
    message.focus({ preventScroll: true })
    // a list too short to scroll is at its bottom still
    element.dispatchEvent(new Event("scroll"))
    const ground = getComputedStyle(message).getPropertyValue("--chosen")
    message.animate([{ background: ground }, { background: ground, offset: 0.6 }, {}], { duration: 1_800 })
  }, [target])

  // A keyboard that opens, a window that changes, a text that wraps: the bottom stays in view.
  useEffect(() => {
    const element = box.current
    const content = element?.firstElementChild
    if (element === null || content === null || content === undefined) return
    const observer = new ResizeObserver(() => {
      if (isStuck.current) element.scrollTop = element.scrollHeight
    })
    observer.observe(element)
    observer.observe(content)
    return () => {
      observer.disconnect()
    }
  }, [])

  // A list too short to scroll asks for older messages by itself.
  const isShort = shown.length < 30 && !isComplete && start === 0 && items.length > 0
  useEffect(() => {
    if (!isShort) return
    loadOlder().catch(() => undefined) // as above
  }, [isShort, loadOlder, items.length])

  return { box, shown, unseen, isAtBottom, toBottom, jumpTo, onScroll }
}

/** The first message that reaches into view: by halving, as they stand in order. */
function findAnchor(box: HTMLElement): Anchor | undefined {
  const messages = box.getElementsByTagName("article")
  const edge = box.getBoundingClientRect().top
  let low = 0
  let high = messages.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if ((messages[middle]?.getBoundingClientRect().bottom ?? edge) <= edge) low = middle + 1
    else high = middle
  }
  const first = messages[low]
  const id = first?.dataset.message
  return first === undefined || id === undefined ? undefined : { id, top: first.getBoundingClientRect().top - edge }
}

function restoreAnchor(box: HTMLElement, anchor: Anchor | undefined): void {
  if (anchor === undefined) return
  const message = box.querySelector(`[data-message="${CSS.escape(anchor.id)}"]`)
  if (message === null) return
  box.scrollTop += message.getBoundingClientRect().top - box.getBoundingClientRect().top - anchor.top
}
