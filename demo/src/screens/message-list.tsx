import type { Message } from "@weft/sdk"
import { type ConversationView, useMessages } from "@weft/sdk/react"
import { Fragment, type ReactNode, useCallback, useEffect, useMemo, useRef } from "react"
import { Icon } from "../parts/icon.js"
import { Skeleton } from "../parts/skeleton.js"
import { useNow } from "../state/clock.js"
import { useJumps } from "../state/jumps.js"
import type { MessageActs } from "../state/message-acts.js"
import { useMessagePlace } from "../state/message-place.js"
import { useMessageScroll } from "../state/message-scroll.js"
import { useReading } from "../state/reading.js"
import { showToast } from "../state/toast.js"
import { count } from "../words/count.js"
import { arrangeRows } from "../words/rows.js"
import { showDay } from "../words/times.js"
import { MessageRow } from "./message-row.js"

interface MessageListProps {
  view: ConversationView
  acts: MessageActs
  isGroup: boolean
  /** Shown in place of a first message. */
  welcome: ReactNode
}

export function MessageList({ view, acts, isGroup, welcome }: MessageListProps): ReactNode {
  const { conversation } = view
  const place = useMessagePlace(view)
  const { state, items, complete, loadOlder, isLoadingOlder } = useMessages(conversation)
  const scroll = useMessageScroll(items, complete, loadOlder, conversation)
  const { box, shown, unseen, isAtBottom, toBottom, jumpTo, onScroll } = scroll
  const now = useNow(60_000)
  const rows = useMemo(() => arrangeRows(shown), [shown])
  const firstUnread = useReading(conversation, isAtBottom)
  useJumpToOwn(items, toBottom)
  useJumps(
    useCallback(
      (id: string) => {
        const say = (found: boolean): void => {
          if (!found) showToast({ text: "That message is not on this device" })
        }
        jumpTo(id).then(say, () => {
          say(false)
        })
      },
      [jumpTo],
    ),
  )
  return (
    <div className="messages-frame">
      {/* additions only: a tick that changes is not read out; older messages that come in are not news */}
      <div
        ref={box}
        className="messages"
        role="log"
        aria-label="Messages"
        aria-relevant="additions"
        aria-busy={state === "loading" || isLoadingOlder}
        tabIndex={0}
        onScroll={onScroll}
      >
        <div className="messages-content">
          {state === "loading" && items.length === 0 && <Skeleton kind="messages" />}
          {state === "ready" && items.length === 0 && complete && welcome}
          {isLoadingOlder && <p className="older">Loading older messages</p>}
          {rows.map(({ message, startsDay, startsGroup, endsGroup }) => (
            <Fragment key={message.id}>
              {startsDay && <h3 className="day">{showDay(message.sentAt, now)}</h3>}
              {message.id === firstUnread && <p className="unread-line">Unread</p>}
              <MessageRow
                message={message}
                place={place}
                acts={acts}
                startsGroup={startsGroup}
                startsDay={startsDay}
                endsGroup={endsGroup}
                isGroup={isGroup}
              />
            </Fragment>
          ))}
        </div>
      </div>
      {!isAtBottom && (
        <button type="button" className="to-bottom" onClick={toBottom}>
          <Icon name="down" size={18} />
          <span className={unseen > 0 ? undefined : "unseen"}>
            {unseen > 0 ? count(unseen, "new message") : "Newest messages"}
          </span>
        </button>
      )}
    </div>
  )
}

/** What this user writes is always brought into view. */
function useJumpToOwn(items: readonly Message[], toBottom: () => void): void {
  const newest = items.at(-1)
  const before = useRef(newest?.id)
  const isOwn = newest?.own === true
  const id = newest?.id
  useEffect(() => {
    if (id !== before.current && isOwn) toBottom()
    before.current = id
  }, [id, isOwn, toBottom])
}
