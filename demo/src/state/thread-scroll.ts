import type { Conversation, Message } from "@weft/sdk"
import { useClient } from "@weft/sdk/react"
import { type RefObject, useCallback, useLayoutEffect, useRef, useState } from "react"
import { type JumpTarget, useJumpTarget } from "./jump-target.js"

/** How near to the end counts as being there, pixels. */
const NEAR = 48

export interface ThreadScroll extends Pick<JumpTarget, "jumpTo"> {
  readonly box: RefObject<HTMLDivElement | null>
  readonly isAtBottom: boolean
  readonly toBottom: () => void
  readonly onScroll: () => void
}

/** Where a thread stands, which draws all it has: at its end it stays there, and what is written here is brought into view. */
export function useThreadScroll(conversation: Conversation, items: readonly Message[]): ThreadScroll {
  const box = useRef<HTMLDivElement>(null)
  const [isAtBottom, setAtBottom] = useState(true)
  const stays = useRef(true)
  const newest = items.at(-1)
  // not what another device of this user wrote: who wrote it looks there
  const isFromHere = newest?.device === useClient().device
  const toBottom = useCallback(() => {
    stays.current = true
    box.current?.scrollTo(0, box.current.scrollHeight)
  }, [])
  const before = useRef<string>(undefined)
  useLayoutEffect(() => {
    const isWritten = isFromHere && before.current !== undefined && before.current !== newest?.id
    before.current = newest?.id
    if (stays.current || isWritten) toBottom()
  }, [items, isFromHere, newest?.id, toBottom])
  const onScroll = useCallback(() => {
    const element = box.current
    if (element === null) return
    stays.current = element.scrollHeight - element.clientHeight - element.scrollTop <= NEAR
    setAtBottom(stays.current)
  }, [])
  const center = useCallback(
    (id: string) => {
      const element = box.current
      const row = element?.querySelector(`[data-message="${CSS.escape(id)}"]`)?.getBoundingClientRect()
      if (element === null || row === undefined) return
      element.scrollTop += row.top - element.getBoundingClientRect().top - (element.clientHeight - row.height) / 2
      // before the event says so: what is below would count as seen until then
      onScroll()
    },
    [onScroll],
  )
  const { jumpTo } = useJumpTarget(conversation, items, box, center)
  return { box, isAtBottom, toBottom, jumpTo, onScroll }
}
