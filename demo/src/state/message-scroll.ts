import type { Conversation, Message } from "@weft/sdk"
import { type RefObject, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react"
import type { VirtualizerHandle } from "virtua"
import { type Drawn, drawAfter, drawAll, drawOlder, drawTo } from "./drawn-messages.js"
import { type JumpTarget, useJumpTarget } from "./jump-target.js"

/** How near to an end counts as being there, pixels. */
const NEAR_BOTTOM = 48
const NEAR_TOP = 8_000
/** What is said above the first message is shown so far from it. */
const AT_TOP = 160
/** Fewer messages than these may not fill the window. */
const FEW = 30
/** Where fewer are loaded that are not drawn yet, older ones are asked for. */
const RESERVE = 768

export interface MessageScroll extends Pick<JumpTarget, "jumpTo">, Drawn {
  readonly box: RefObject<HTMLDivElement | null>
  readonly list: RefObject<VirtualizerHandle | null>
  /** Rows that are drawn wherever the list stands. */
  readonly kept: readonly number[]
  /** Messages of others that came below what is in view. */
  readonly unseen: number
  readonly isAtBottom: boolean
  /** Whether the first message is in view, or nearly. */
  readonly isAtTop: boolean
  readonly toBottom: () => void
  readonly onScroll: () => void
  readonly onResize: () => void
}

/** What keeps its place in view until somebody scrolls. */
type Hold =
  | { readonly kind: "end" }
  /** A message that was jumped to, in the middle. */
  | { readonly kind: "target"; readonly id: string }
  /** The first message in view; `top`: pixels from the top of the box to its own. */
  | { readonly kind: "seen"; readonly id: string; readonly top: number }

interface Place {
  /** The box's scrollTop when it was last told or set: another one means that somebody scrolls. */
  readonly offset: number
  readonly isNearEnd: boolean
  readonly hold: Hold
}

/**
 * Where the list of messages stands. At the bottom it stays there; further up what is in view stays where it is, whatever
 * comes in above or below; near the top older messages are drawn, and asked for.
 *
 * The box is scrolled here, never by the virtualizer's scrollToIndex: that one scrolls again whenever rows are measured
 * soon after, and holds on to a list that somebody scrolls away.
 */
export function useMessageScroll(
  all: readonly Message[],
  isComplete: boolean,
  loadOlder: () => Promise<void>,
  conversation: Conversation,
): MessageScroll {
  const box = useRef<HTMLDivElement>(null)
  const list = useRef<VirtualizerHandle>(null)
  const place = useRef<Place>({ offset: 0, isNearEnd: true, hold: { kind: "end" } })
  const [isAtBottom, setAtBottom] = useState(true)
  const [isAtTop, setAtTop] = useState(false)
  /** Newest message when the reader left the bottom. */
  const [seen, setSeen] = useState<string>()
  const [before, setDrawn] = useState(() => drawAll(all))
  // In this pass already: whoever compares messages with those before would take the former ones for the first.
  const drawn = before.all === all ? before : drawAfter(before, all)
  if (drawn !== before) setDrawn(drawn)
  /** What the virtualizer's indexes are of. */
  const shown = useRef(drawn)
  useLayoutEffect(() => {
    shown.current = drawn
  }, [drawn])

  const unseen = useMemo(() => {
    if (isAtBottom || seen === undefined) return 0
    const last = all.findLastIndex((message) => message.id === seen)
    return last < 0 ? 0 : all.slice(last + 1).filter((message) => !message.own).length
  }, [all, seen, isAtBottom])

  const settle = useCallback(() => {
    const [element, handle] = [box.current, list.current]
    if (element === null || handle === null) return
    const offset = offsetFor(place.current.hold, shown.current, element, handle)
    if (offset !== undefined && Math.abs(offset - element.scrollTop) >= 1) element.scrollTop = offset
    place.current = { ...place.current, offset: element.scrollTop }
  }, [])

  const take = useCallback(
    (hold: Hold) => {
      place.current = { ...place.current, hold }
      settle()
    },
    [settle],
  )
  const toBottom = useCallback(() => {
    take({ kind: "end" })
  }, [take])
  const tell = useCallback((isNearEnd: boolean) => {
    setAtBottom(isNearEnd)
    setSeen((before) => (isNearEnd ? undefined : (before ?? shown.current.all.at(-1)?.id)))
  }, [])
  const center = useCallback(
    (id: string) => {
      take({ kind: "target", id })
      if (box.current === null) return
      // told at once: what is below would count as seen until the event that says so
      const isNearEnd = gapOf(box.current) <= NEAR_BOTTOM
      place.current = { ...place.current, isNearEnd }
      tell(isNearEnd)
    },
    [take, tell],
  )
  const { target, jumpTo } = useJumpTarget(conversation, all, box, center)
  const isHidden = target !== undefined && target >= 0 && target < drawn.first
  if (isHidden && drawn === before) setDrawn(drawTo(drawn, target))

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
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => () => { clearTimeout(timer.current) }, []) // prettier-ignore
  /** Draws older ones where somebody nears the top: by itself, so that the frame that is being drawn is not kept waiting. */
  const drawOlderSoon = useCallback(() => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined
      const isNear = (box.current?.scrollTop ?? Infinity) < NEAR_TOP
      if (isNear && place.current.hold.kind !== "end") setDrawn(drawOlder)
    })
  }, [])

  const onScroll = (): void => {
    const [element, handle, before] = [box.current, list.current, place.current]
    if (element === null || handle === null) return
    // Where it is: what the virtualizer tells may be where it was before the scrolling here that its own drawing led to.
    const offset = element.scrollTop
    const gap = gapOf(element)
    const hold = holdAfter(before, offset, gap) ?? firstInView(shown.current, offset, handle) ?? before.hold
    const isNearEnd = gap <= NEAR_BOTTOM || hold.kind === "end"
    place.current = { offset, isNearEnd, hold }
    if (isNearEnd !== isAtBottom) tell(isNearEnd)
    setAtTop(offset < AT_TOP && drawn.first === 0)
    if (offset < NEAR_TOP && hold.kind !== "end") {
      if (drawn.first < RESERVE) askOlder()
      drawOlderSoon()
    }
  }

  // Rows that are measured for the first time move what is held; what is merely in view is kept by the virtualizer.
  const onResize = (): void => {
    if (place.current.hold.kind !== "seen") settle()
  }

  const generation = useRef(0)
  useLayoutEffect(() => {
    const { offset, isNearEnd, hold } = place.current
    const isNew = generation.current !== drawn.generation
    generation.current = drawn.generation
    // What is merely in view was kept by the virtualizer, from wherever it was scrolled to meanwhile.
    const isKept = drawn.isPrepended && hold.kind === "seen" && !isNearEnd
    // somebody scrolls: the event that says where to is on its way
    if (box.current?.scrollTop !== offset && !drawn.isPrepended && !isNew) return
    // a list that was made anew for a jump was at its end before
    if (isNearEnd && !(isNew && hold.kind === "target")) toBottom()
    else if (!isKept) settle()
    // whoever waits at the very top can't scroll to see what came
    if (drawn.first > 0) drawOlderSoon()
  }, [drawn, toBottom, settle, drawOlderSoon])

  // A list too short to scroll asks for older messages by itself.
  const isShort = all.length < FEW && !isComplete && all.length > 0
  useEffect(() => {
    if (!isShort) return
    loadOlder().catch(() => undefined) // as above
  }, [isShort, loadOlder, all.length])

  const keptPlace = target === undefined ? -1 : target - drawn.first
  const kept = useMemo(() => (keptPlace < 0 ? [] : [keptPlace]), [keptPlace])
  return { box, list, ...drawn, kept, unseen, isAtBottom, isAtTop, toBottom, jumpTo, onScroll, onResize }
}

/** How far it is to the end, pixels. */
function gapOf({ scrollHeight, clientHeight, scrollTop }: HTMLElement): number {
  return scrollHeight - clientHeight - scrollTop
}

/** What is still held after the list came to `offset`, `gap` pixels from its end; undefined: what is in view there. */
function holdAfter({ offset: before, hold }: Place, offset: number, gap: number): Hold | undefined {
  if (offset === before) return hold
  const isDown = offset > before
  if (gap <= 1 || (isDown && gap <= NEAR_BOTTOM)) return { kind: "end" }
  // rows that are measured above the end move the list down with it
  return isDown && hold.kind === "end" ? hold : undefined
}

function firstInView({ all, first: start }: Drawn, offset: number, handle: VirtualizerHandle): Hold | undefined {
  const first = handle.findItemIndex(offset)
  const id = all[start + first]?.id
  return id === undefined ? undefined : { kind: "seen", id, top: handle.getItemOffset(first) - offset }
}

/** The scrollTop at which what is held has its place; undefined where it is gone. */
function offsetFor(hold: Hold, { all, first }: Drawn, box: HTMLElement, handle: VirtualizerHandle): number | undefined {
  if (hold.kind === "end") return box.scrollHeight - box.clientHeight
  const near = handle.findItemIndex(handle.scrollOffset)
  const isNear = all[first + near]?.id === hold.id
  const index = isNear ? near : all.findIndex(({ id }) => id === hold.id) - first
  if (index < 0) return undefined
  const top = hold.kind === "seen" ? hold.top : (box.clientHeight - handle.getItemSize(index)) / 2
  return handle.getItemOffset(index) - top
}
