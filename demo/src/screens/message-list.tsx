import type { Message, MessageId } from "@weft/sdk"
import { type ConversationView, useClient } from "@weft/sdk/react"
import { type ReactElement, type ReactNode, Fragment, useCallback, useEffect, useRef } from "react"
import { type CustomItemComponentProps, Virtualizer } from "virtua"
import { Icon } from "../parts/icon.js"
import { Skeleton } from "../parts/skeleton.js"
import { openThread, uncoverMessages } from "../state/address.js"
import { useNow } from "../state/clock.js"
import { useRoomBeside } from "../state/beside.js"
import { type Jump, jumpToMessage, useJumps } from "../state/jumps.js"
import { useLateNews } from "../state/late-news.js"
import { useMainMessages } from "../state/main-messages.js"
import { messageKeys } from "../state/message-keys.js"
import { useMessageNews } from "../state/message-news.js"
import type { MessageActs } from "../state/message-acts.js"
import { useMessagePlace } from "../state/message-place.js"
import { useMessageScroll } from "../state/message-scroll.js"
import { useReading } from "../state/reading.js"
import { useRest } from "../state/rest.js"
import { showToast } from "../state/toast.js"
import { t } from "../words/translate.js"
import { codeOf } from "../words/errors.js"
import { rowOf } from "../words/rows.js"
import { showDay } from "../words/times.js"
import { LateBar, UnreadBar } from "./message-bars.js"
import { MessageRow } from "./message-row.js"

interface MessageListProps {
  view: ConversationView
  acts: MessageActs
  isGroup: boolean
  /** The thread that is shown beside it. */
  thread: MessageId | undefined
  /** Shown in place of a first message. */
  welcome: ReactNode
}

/** The messages of a conversation: of however many there are, those in view and a few around them are in the page. */
export function MessageList({ view, acts, isGroup, thread, welcome }: MessageListProps): ReactNode {
  const { conversation } = view
  const place = useMessagePlace(view)
  const main = useMainMessages(conversation)
  const { state, items: loaded, everything, complete, loadOlder, isLoadingOlder, isOlderAway } = main
  const scroll = useMessageScroll(loaded, complete, loadOlder, conversation)
  const { box, list, all, first, rows, kept, unseen, isAtBottom, isAtTop, toBottom, jumpTo } = scroll
  const now = useNow(60_000)
  const isCovered = !useRoomBeside() && thread !== undefined
  const late = useLateNews(conversation, thread)
  const news = useMessageNews(state === "loading" ? undefined : everything)
  useJumpToWritten(all, toBottom)
  useRest(conversation, isAtBottom)
  // what is read ahead keeps nobody waiting
  const isWaiting = isLoadingOlder && first === 0
  const go = useCallback(
    async ({ message, segment }: Pick<Jump, "message" | "segment">): Promise<void> => {
      try {
        const isFound = await conversation.loadTo(message, segment)
        const root = isFound ? conversation.message(message)?.thread : undefined
        if (root !== undefined) {
          openThread(conversation.id, root)
          jumpToMessage({ conversation: conversation.id, message, thread: root })
          return
        }
        uncoverMessages(conversation.id)
        if (!isFound || !(await jumpTo(message))) showToast({ text: t("messageNotHere") })
      } catch (error) {
        showToast({ text: codeOf(error) === "SEGMENT_AWAY" ? t("messageAway") : t("messageNotHere") })
      }
    },
    [conversation, jumpTo],
  )
  const { isJumping, jump } = useJumps({ conversation: conversation.id }, go)
  const reading = useReading(conversation, all, isAtBottom && !isCovered && !isJumping)
  const show = (message: MessageId): void => {
    jump({ message })
  }
  const press = messageKeys({ items: all, mayWrite: view.mayWrite, acts, show, toBottom })
  const drawRow = (_: unknown, row: number): ReactElement => {
    const index = first + row
    const message = all[index]
    if (message === undefined) return <Fragment key={row} />
    const { startsDay, startsGroup, endsGroup } = rowOf(all, index)
    return (
      <Fragment key={message.id}>
        {startsDay && <h3 className="day">{showDay(message.sentAt, now)}</h3>}
        {message.id === reading.first && <p className="unread-line">{t("unread")}</p>}
        <MessageRow
          message={message}
          place={place}
          acts={acts}
          startsGroup={startsGroup}
          startsDay={startsDay}
          endsGroup={endsGroup}
          isGroup={isGroup}
          position={index + 1}
          isLast={index === all.length - 1}
          isLate={reading.late.has(message.id)}
        />
      </Fragment>
    )
  }
  return (
    <div className="messages-frame">
      {/* rows come and go as the list is scrolled: what is new is told below, not by the list */}
      <div
        ref={box}
        className="messages"
        role="log"
        aria-label={t("messages")}
        aria-live="off"
        aria-busy={state === "loading" || isWaiting}
        tabIndex={0}
        onKeyDown={press}
      >
        <div className="messages-top">
          {state === "loading" && all.length === 0 && <Skeleton kind="messages" />}
          {state === "ready" && all.length === 0 && complete && welcome}
        </div>
        <Virtualizer
          key={scroll.generation}
          ref={list}
          data={rows}
          scrollRef={box}
          shift={scroll.isPrepended}
          keepMounted={kept}
          bufferSize={200}
          item={RowPlace}
          onScroll={scroll.onScroll}
          onResize={scroll.onResize}
        >
          {drawRow}
        </Virtualizer>
      </div>
      <div className="message-bars">
        {isWaiting && <p className="bar-note">{t("loadingOlder")}</p>}
        {isOlderAway && isAtTop && !isWaiting && (
          <p className="bar-note" role="status">
            <Icon name="cloudOff" size={16} />
            <span>{t("olderAway")}</span>
          </p>
        )}
        {late.news.map(({ thread: root, messages }) => (
          <LateBar
            key={root ?? ""}
            conversation={conversation}
            late={messages}
            isInThread={root !== undefined}
            onClose={() => {
              late.dismiss(root)
            }}
            jump={jump}
          />
        ))}
        <UnreadBar reading={reading} all={all} start={first} box={box} list={list} jump={jump} />
      </div>
      <p className="unseen" role="status" aria-live="polite" data-news="">
        {news}
      </p>
      {!isAtBottom && (
        <button
          type="button"
          className="to-bottom"
          onClick={() => {
            toBottom()
            // the button goes, and with it the focus
            box.current?.focus({ preventScroll: true })
          }}
        >
          <Icon name="down" size={18} />
          <span className={unseen > 0 ? undefined : "unseen"}>
            {unseen > 0 ? t("newMessages", { count: unseen }) : t("newestMessages")}
          </span>
        </button>
      )}
    </div>
  )
}

/**
 * Where a row stands. The virtualizer would hide it until it is measured, which is before anything is painted: every
 * element in it would be styled twice.
 */
function RowPlace({ ref, style, children }: CustomItemComponentProps): ReactNode {
  return (
    <div ref={ref} className="message-place" style={{ top: style.top }}>
      {children}
    </div>
  )
}

/** What is written here is always brought into view; not what another device of this user wrote: who wrote it looks there. */
function useJumpToWritten(items: readonly Message[], toBottom: () => void): void {
  const newest = items.at(-1)
  const before = useRef(newest?.id)
  const isFromHere = newest?.device === useClient().device
  const id = newest?.id
  useEffect(() => {
    if (id !== before.current && isFromHere) toBottom()
    before.current = id
  }, [id, isFromHere, toBottom])
}
