import type { Conversation, Message, MessageId } from "@weft/sdk"
import { type RefObject, useCallback, useLayoutEffect, useMemo, useRef, useState } from "react"

export interface JumpTarget {
  /** Index of the message that was jumped to: -1 where it is not among the messages, undefined before any jump. */
  readonly target: number | undefined
  /** Brings a message into view, loading older ones as needed; resolves when it is, with false where this device does not have it. */
  readonly jumpTo: (id: MessageId, segment?: number) => Promise<boolean>
}

/** The message that was jumped to: once it is drawn it is brought into view by `center`, takes the focus, and flashes. */
export function useJumpTarget(
  conversation: Conversation,
  items: readonly Message[],
  box: RefObject<HTMLElement | null>,
  center: (id: string) => void,
): JumpTarget {
  /** A new object for every jump. */
  const [jump, setJump] = useState<{ readonly id: string; readonly end: () => void }>()
  const target = useMemo(
    () => (jump === undefined ? undefined : items.findIndex((message) => message.id === jump.id)),
    [items, jump],
  )
  const done = useRef<object>(undefined)
  const jumpTo = useCallback(
    async (id: MessageId, segment?: number): Promise<boolean> => {
      if (!(await conversation.loadTo(id, segment))) return false
      await new Promise<void>((end) => {
        setJump({ id, end })
      })
      return true
    },
    [conversation],
  )
  useLayoutEffect(() => {
    if (jump === undefined || done.current === jump) return
    // also of one that is not drawn: it may never be
    jump.end()
    if (target === undefined || target < 0) return
    const message = box.current?.querySelector<HTMLElement>(`[data-message="${CSS.escape(jump.id)}"]`)
    if (message === null || message === undefined) return
    center(jump.id)
    done.current = jump
    message.focus({ preventScroll: true })
    const ground = getComputedStyle(message).getPropertyValue("--chosen")
    message.animate([{ background: ground }, { background: ground, offset: 0.6 }, {}], { duration: 1_800 })
  }, [jump, target, box, center])
  return { target, jumpTo }
}
