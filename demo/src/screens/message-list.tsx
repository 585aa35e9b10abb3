import type { Conversation, Message } from "@weft/sdk"
import { useMessages } from "@weft/sdk/react"
import { Fragment, type ReactNode, useEffect, useMemo, useRef } from "react"
import { Icon } from "../parts/icon.js"
import { Skeleton } from "../parts/skeleton.js"
import { useNow } from "../state/clock.js"
import { useMessageScroll } from "../state/message-scroll.js"
import { count } from "../words/count.js"
import { arrangeRows } from "../words/rows.js"
import { showDay } from "../words/times.js"
import { MessageRow } from "./message-row.js"

interface MessageListProps {
  conversation: Conversation
  isGroup: boolean
  mayWrite: boolean
  /** Shown in place of a first message. */
  welcome: ReactNode
}

export function MessageList({ conversation, isGroup, mayWrite, welcome }: MessageListProps): ReactNode {
  const { state, items, complete, loadOlder, isLoadingOlder } = useMessages(conversation)
  const { box, shown, unseen, isAtBottom, toBottom, onScroll } = useMessageScroll(items, complete, loadOlder)
  const now = useNow(60_000)
  const rows = useMemo(() => arrangeRows(shown), [shown])
  useJumpToOwn(items, toBottom)
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
              <MessageRow
                message={message}
                conversation={conversation}
                startsGroup={startsGroup}
                startsDay={startsDay}
                endsGroup={endsGroup}
                isGroup={isGroup}
                mayWrite={mayWrite}
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
