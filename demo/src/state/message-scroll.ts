import type { Conversation, Message, MessageId } from "@weft/sdk"
import { type RefObject, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react"
import type { VirtualizerHandle } from "virtua"
import { isPrepended } from "../words/rows.js"

/** How near to an end counts as being there, pixels. */
const NEAR_BOTTOM = 48
const NEAR_TOP = 800
/** Fewer messages than these may not fill the window. */
const FEW = 30

export interface MessageScroll {
  readonly box: RefObject<HTMLDivElement | null>
  readonly list: RefObject<VirtualizerHandle | null>
  /** What to draw from. */
  readonly items: readonly Message[]
  /** Whether `items` grew at the beginning: what is in view is kept by its distance from the end. */
  readonly isPrepended: boolean
  /** Indexes that are drawn wherever the list stands. */
  readonly kept: readonly number[]
  /** Messages of others that came below what is in view. */
  readonly unseen: number
  readonly isAtBottom: boolean
  readonly toBottom: () => void
  /** Brings a message into view, loading older ones as needed; false where this device does not have it. */
  readonly jumpTo: (id: MessageId, segment?: number) => Promise<boolean>
  readonly onScroll: (offset: number) => void
  readonly onResize: () => void
}

/** The message that stays where it is while others come and go around it. */
interface Anchor {
  readonly id: string
  /** Pixels from the top of the box to the top of the message. */
  readonly top: number
}

/**
 * Where the list of messages stands. At the bottom it stays there; further up what is in view stays where it is, whatever
 * comes in above or below; near the top older messages are asked for.
 */
export function useMessageScroll(
  items: readonly Message[],
  isComplete: boolean,
  loadOlder: () => Promise<void>,
  conversation: Conversation,
): MessageScroll {
  const box = useRef<HTMLDivElement>(null)
  const list = useRef<VirtualizerHandle>(null)
  const place = useRef({ offset: 0, size: 0, isStuck: true, anchor: undefined as Anchor | undefined })
  const [isAtBottom, setAtBottom] = useState(true)
  /** Newest message when the reader left the bottom. */
  const [seen, setSeen] = useState<string>()
  const [drawn, setDrawn] = useState({ items, isPrepended: false })
  if (drawn.items !== items) setDrawn({ items, isPrepended: isPrepended(drawn.items, items) })

  const unseen = useMemo(() => {
    if (isAtBottom || seen === undefined) return 0
    const last = items.findLastIndex((message) => message.id === seen)
    return last < 0 ? 0 : items.slice(last + 1).filter((message) => !message.own).length
  }, [items, seen, isAtBottom])

  const toBottom = useCallback(() => {
    place.current.isStuck = true
    setAtBottom(true)
    setSeen(undefined)
    list.current?.scrollToIndex(conversation.messages.get().items.length - 1, { align: "end" })
  }, [conversation])

  const leaveBottom = useCallback(() => {
    place.current.isStuck = false
    setAtBottom(false)
    setSeen(conversation.messages.get().items.at(-1)?.id)
  }, [conversation])

  const { target, jumpTo } = useJumpTarget(conversation, items, leaveBottom, { box, list })

  const isAsking = useRef(false)
  const askOlder = (): void => {
    if (isComplete || isAsking.current) return
    isAsking.current = true
    loadOlder()
      .catch(() => undefined) // storage trouble shows in the status; scrolling asks again
      .finally(() => {
        isAsking.current = false
      })
  }

  const onScroll = (offset: number): void => {
    const handle = list.current
    if (handle === null) return
    const { scrollSize, viewportSize } = handle
    const before = place.current
    const isNear = scrollSize - viewportSize - offset <= NEAR_BOTTOM
    // measuring moves the list too, always with its size: only somebody who scrolls moves up in a list that did not shrink
    const movedUp = offset < before.offset - 1 && scrollSize >= before.size
    const first = handle.findItemIndex(offset)
    const id = items[first]?.id
    place.current = {
      offset,
      size: scrollSize,
      isStuck: isNear || (before.isStuck && !movedUp),
      anchor: id === undefined ? undefined : { id, top: handle.getItemOffset(first) - offset },
    }
    if (!place.current.isStuck && isAtBottom) leaveBottom()
    else if (isNear && !isAtBottom) {
      setAtBottom(true)
      setSeen(undefined)
    }
    if (offset < NEAR_TOP && scrollSize > viewportSize && !place.current.isStuck) askOlder()
  }

  const stay = useCallback(() => {
    const handle = list.current
    if (handle === null || !place.current.isStuck) return
    if (handle.scrollSize - handle.viewportSize - handle.scrollOffset > 1)
      handle.scrollToIndex(conversation.messages.get().items.length - 1, { align: "end" })
  }, [conversation])

  useLayoutEffect(() => {
    const handle = list.current
    const { isStuck, anchor } = place.current
    if (handle === null || items.length === 0) return
    if (isStuck) handle.scrollToIndex(items.length - 1, { align: "end" })
    else if (anchor !== undefined && !drawn.isPrepended) restore(handle, items, anchor)
  }, [items, drawn.isPrepended])

  // A list too short to scroll asks for older messages by itself.
  const isShort = items.length < FEW && !isComplete && items.length > 0
  useEffect(() => {
    if (!isShort) return
    loadOlder().catch(() => undefined) // as above
  }, [isShort, loadOlder, items.length])

  const kept = useMemo(() => (target === undefined || target < 0 ? [] : [target]), [target])
  return { box, list, ...drawn, kept, unseen, isAtBottom, toBottom, jumpTo, onScroll, onResize: stay }
}

/** A message that came late stands among those above: what is in view moves back to where it was. */
function restore(handle: VirtualizerHandle, items: readonly Message[], { id, top }: Anchor): void {
  const near = handle.findItemIndex(handle.scrollOffset)
  if (items[near]?.id === id) return
  const index = items.findIndex((message) => message.id === id)
  if (index >= 0) handle.scrollTo(handle.getItemOffset(index) - top)
}

/** What was just drawn is hidden until the list has measured it; nothing hidden takes the focus. Returns how to stop. */
function whenVisible(message: HTMLElement, run: () => void): () => void {
  const isVisible = (): boolean => getComputedStyle(message).visibility === "visible"
  const observer = new MutationObserver(() => {
    if (!isVisible()) return
    observer.disconnect()
    run()
  })
  const row = message.closest(".message-place")?.parentElement
  if (isVisible() || !row) run()
  else observer.observe(row, { attributeFilter: ["style"] })
  return () => {
    observer.disconnect()
  }
}

interface ListElements {
  readonly box: RefObject<HTMLDivElement | null>
  readonly list: RefObject<VirtualizerHandle | null>
}

/** The message that was jumped to: it is drawn, brought into view, and flashes. */
function useJumpTarget(
  conversation: Conversation,
  items: readonly Message[],
  leaveBottom: () => void,
  { box, list }: ListElements,
): { target: number | undefined; jumpTo: MessageScroll["jumpTo"] } {
  /** A new object for every jump. */
  const [jump, setJump] = useState<{ readonly id: string }>()
  const target = useMemo(
    () => (jump === undefined ? undefined : items.findIndex((message) => message.id === jump.id)),
    [items, jump],
  )
  const done = useRef<object>(undefined)
  const jumpTo = useCallback(
    async (id: MessageId, segment?: number): Promise<boolean> => {
      if (!(await conversation.loadTo(id, segment))) return false
      leaveBottom()
      setJump({ id })
      return true
    },
    [conversation, leaveBottom],
  )
  useLayoutEffect(() => {
    if (jump === undefined || done.current === jump || target === undefined || target < 0) return
    const message = box.current?.querySelector<HTMLElement>(`[data-message="${CSS.escape(jump.id)}"]`)
    if (message === null || message === undefined) return
    list.current?.scrollToIndex(target, { align: "center" })
    // not before: where more comes in meanwhile, its place is another one, and it is gone to again
    return whenVisible(message, () => {
      done.current = jump
      message.focus({ preventScroll: true })
      const ground = getComputedStyle(message).getPropertyValue("--chosen")
      message.animate([{ background: ground }, { background: ground, offset: 0.6 }, {}], { duration: 1_800 })
    })
  }, [jump, target, box, list])
  return { target, jumpTo }
}
