import type { Conversation, Message, MessageId } from "@weft/sdk"
import { type ReactNode, type RefObject, useEffect, useState } from "react"
import type { VirtualizerHandle } from "virtua"
import { Icon } from "../parts/icon.js"
import { useNow } from "../state/clock.js"
import type { Jump } from "../state/jumps.js"
import type { Reading } from "../state/reading.js"
import { t } from "../words/translate.js"
import { dayOf, showDay } from "../words/times.js"

/** Of more messages than these nobody needs to know the day, and it would be looked up with each that comes. */
const MANY = 500

type JumpHere = (jump: Omit<Jump, "conversation">) => void

interface LateBarProps {
  conversation: Conversation
  late: readonly MessageId[]
  isInThread: boolean
  onClose: () => void
  jump: JumpHere
}

/** Says that messages came in above what was read, where nobody would look for them, and leads to the first of them. */
export function LateBar({ conversation, late, isInThread, onClose, jump }: LateBarProps): ReactNode {
  const now = useNow(60_000)
  const [first] = late
  if (first === undefined) return null
  const count = late.length
  const { oldest, newest } = spanOf(conversation, late.slice(0, MANY))
  const isSameDay = dayOf(oldest) === dayOf(newest)
  const day = oldest <= newest && count <= MANY ? showDay(oldest, now) : undefined
  return (
    <div className="message-bar" role="status">
      <span>
        {isInThread
          ? t("lateInThread", { count })
          : day === undefined
            ? t("lateCount", { count })
            : isSameDay
              ? t("lateOfDay", { count, day })
              : t("lateSince", { count, day })}
      </span>
      <button
        type="button"
        className="bar-button"
        onClick={() => {
          jump({ message: first })
          onClose()
        }}
      >
        {t("show")}
      </button>
      <button type="button" className="icon-button" aria-label={t("closeNote")} onClick={onClose}>
        <Icon name="close" size={16} />
      </button>
    </div>
  )
}

/** When the first and the last of these messages were sent, of those that are here: Infinity and 0 where none is. */
function spanOf(conversation: Conversation, ids: readonly MessageId[]): { oldest: number; newest: number } {
  let [oldest, newest] = [Infinity, 0]
  for (const id of ids) {
    const { sentAt } = conversation.message(id) ?? {}
    if (sentAt === undefined) continue
    oldest = Math.min(oldest, sentAt)
    newest = Math.max(newest, sentAt)
  }
  return { oldest, newest }
}

interface UnreadBarProps {
  reading: Reading
  all: readonly Message[]
  /** The first of them that the list draws. */
  start: number
  box: RefObject<HTMLElement | null>
  list: RefObject<VirtualizerHandle | null>
  jump: JumpHere
}

/** A way to the first unread message, where that stands above what is in view, until it was seen. */
export function UnreadBar({ reading, all, start, box, list, jump }: UnreadBarProps): ReactNode {
  const { first } = reading
  const [place, setPlace] = useState<{ message: MessageId | undefined; isSeen: boolean }>()
  const at = first === undefined ? -1 : all.findIndex(({ id }) => id === first)
  const index = at - start
  useEffect(() => {
    const element = box.current
    if (element === null || first === undefined) return
    const look = (): void => {
      const handle = list.current
      if (handle === null) return
      const middle = handle.getItemOffset(index) + handle.getItemSize(index) / 2
      const isAbove = index < 0 || middle < element.scrollTop
      setPlace((before) => {
        const isSeen = !isAbove || (before?.message === first && before.isSeen)
        return before?.message === first && before.isSeen === isSeen ? before : { message: first, isSeen }
      })
    }
    // at the very top the list has not come to its place yet, or there is nothing above
    if (element.scrollTop > 0) look()
    element.addEventListener("scroll", look, { passive: true })
    return () => {
      element.removeEventListener("scroll", look)
    }
  }, [first, index, box, list])
  if (first === undefined || place?.message !== first || place.isSeen) return null
  return (
    <button
      type="button"
      className="message-bar bar-button"
      onClick={() => {
        jump({ message: first })
      }}
    >
      <Icon name="up" size={16} />
      <span>{t("toFirstUnread")}</span>
    </button>
  )
}
