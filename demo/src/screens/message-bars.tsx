import type { Conversation, Message, MessageId } from "@weft/sdk"
import { type ReactNode, type RefObject, useEffect, useState } from "react"
import type { VirtualizerHandle } from "virtua"
import { Icon } from "../parts/icon.js"
import { useNow } from "../state/clock.js"
import type { Jump } from "../state/jumps.js"
import type { Reading } from "../state/reading.js"
import { t } from "../words/translate.js"
import { dayOf, showDay } from "../words/times.js"

type JumpHere = (jump: Omit<Jump, "conversation">) => void

interface LateBarProps {
  conversation: Conversation
  late: readonly MessageId[]
  onClose: () => void
  jump: JumpHere
}

/** Says that messages came in above what was read, where nobody would look for them, and leads to the first of them. */
export function LateBar({ conversation, late, onClose, jump }: LateBarProps): ReactNode {
  const now = useNow(60_000)
  const [first] = late
  if (first === undefined) return null
  const times = late.flatMap((id) => conversation.message(id)?.sentAt ?? [])
  const oldest = Math.min(...times)
  const count = late.length
  const sameDay = times.length > 0 && times.every((time) => dayOf(time) === dayOf(oldest))
  const day = times.length > 0 ? showDay(oldest, now) : undefined
  return (
    <div className="message-bar" role="status">
      <span>
        {day === undefined
          ? t("lateCount", { count })
          : sameDay
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

interface UnreadBarProps {
  reading: Reading
  items: readonly Message[]
  list: RefObject<VirtualizerHandle | null>
  jump: JumpHere
}

/** A way to the first unread message, where that stands above what is in view when the conversation is opened. */
export function UnreadBar({ reading, items, list, jump }: UnreadBarProps): ReactNode {
  const { first } = reading
  const [isDone, setDone] = useState<MessageId>()
  const index = first === undefined ? -1 : items.findIndex(({ id }) => id === first)
  const [isAbove, setAbove] = useState(false)
  useEffect(() => {
    // once the list has measured what is in view
    const frame = requestAnimationFrame(() => {
      const handle = list.current
      if (handle === null || first === undefined || items.length === 0) return
      setAbove(index < 0 || handle.getItemOffset(index) < handle.scrollOffset - 1)
    })
    return () => {
      cancelAnimationFrame(frame)
    }
  }, [first, index, items.length, list])
  if (first === undefined || first === isDone || !isAbove) return null
  return (
    <button
      type="button"
      className="message-bar bar-button"
      onClick={() => {
        setDone(first)
        jump({ message: first })
      }}
    >
      <Icon name="up" size={16} />
      <span>{t("toFirstUnread")}</span>
    </button>
  )
}
