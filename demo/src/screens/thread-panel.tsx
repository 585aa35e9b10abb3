import type { MessageId } from "@weft/sdk"
import { type ConversationView, useMessages, useThread } from "@weft/sdk/react"
import { Fragment, type KeyboardEvent, type ReactNode, useCallback, useLayoutEffect, useMemo, useRef } from "react"
import { Icon } from "../parts/icon.js"
import { Skeleton } from "../parts/skeleton.js"
import { goBack } from "../state/address.js"
import { type Jump, useJumps } from "../state/jumps.js"
import { useMessageWork } from "../state/message-acts.js"
import { messageKeys } from "../state/message-keys.js"
import { useMessagePlace } from "../state/message-place.js"
import { useThreadReading } from "../state/reading.js"
import { useThreadScroll } from "../state/thread-scroll.js"
import { t } from "../words/translate.js"
import { rowOf } from "../words/rows.js"
import { Composer } from "./composer.js"
import { MessageQuestion } from "./message-question.js"
import { MessageRow } from "./message-row.js"

interface ThreadPanelProps {
  view: ConversationView
  root: MessageId
  mayWrite: boolean
}

/** A message and what was answered below it: beside the conversation, or over it where there is no room. */
export function ThreadPanel({ view, root, mayWrite }: ThreadPanelProps): ReactNode {
  const { conversation, members } = view
  const place = useMessagePlace(view, root)
  const work = useMessageWork(conversation, root)
  const { acts, question, endQuestion } = work
  const { state, items } = useThread(conversation, root)
  const first = useMessages(conversation).items.find(({ id }) => id === root)
  const messages = useMemo(() => (first === undefined ? items : [first, ...items]), [first, items])
  const { box, isAtBottom, onScroll, toBottom, jumpTo } = useThreadScroll(conversation, messages)
  // who led here loaded it; storage trouble shows in the status
  const go = useCallback(({ message }: Pick<Jump, "message">) => jumpTo(message), [jumpTo])
  const { isJumping, jump } = useJumps({ conversation: conversation.id, thread: root }, go)
  const reading = useThreadReading(conversation, root, items, isAtBottom && !isJumping)
  const panel = usePanelFocus(root)
  const show = (message: MessageId): void => {
    jump({ message })
  }
  const close = (): void => {
    goBack({ conversation: conversation.id })
  }
  const press = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && !event.defaultPrevented) close()
  }
  return (
    <>
      {/* Escape anywhere in it closes it; its button does the same */}
      <aside ref={panel} className="thread-panel" aria-label={t("thread")} tabIndex={-1} onKeyDown={press}>
        <header className="bar">
          <h2>{t("thread")}</h2>
          <button type="button" className="icon-button" aria-label={t("closeThread")} onClick={close}>
            <Icon name="close" />
          </button>
        </header>
        <div className="messages-frame">
          {/* what is new is told by the conversation's list, for threads too */}
          <div
            ref={box}
            className="messages"
            role="log"
            aria-label={t("threadMessages")}
            aria-live="off"
            tabIndex={0}
            onScroll={onScroll}
            onKeyDown={messageKeys({ items: messages, mayWrite, acts, show, toBottom })}
          >
            <div className="messages-content">
              {state === "loading" && items.length === 0 && <Skeleton kind="messages" />}
              {messages.map((message, index) => {
                const { startsGroup, endsGroup } = rowOf(messages, index)
                return (
                  <Fragment key={message.id}>
                    {message.id === reading.first && <p className="unread-line">{t("unread")}</p>}
                    <MessageRow
                      message={message}
                      place={place}
                      acts={acts}
                      startsGroup={startsGroup}
                      startsDay={false}
                      endsGroup={endsGroup}
                      isGroup={members.length > 2}
                      isLate={reading.late.has(message.id)}
                    />
                  </Fragment>
                )
              })}
            </div>
          </div>
        </div>
        {mayWrite && <Composer view={view} thread={root} work={work} />}
      </aside>
      {question !== undefined && (
        <MessageQuestion question={question} acts={acts} conversation={conversation} onClose={endQuestion} />
      )}
    </>
  )
}

/** Takes the focus, as the panel may cover what had it; gives it to the way into the thread when the panel that has it goes. */
function usePanelFocus(root: MessageId): (panel: HTMLElement | null) => void {
  const panel = useRef<HTMLElement>(null)
  useLayoutEffect(() => {
    panel.current?.focus({ preventScroll: true })
    return () => {
      if (panel.current?.contains(document.activeElement) !== true) return
      // what it covered takes no focus before it is gone; another thread's panel may have taken it by then
      queueMicrotask(() => {
        if (document.activeElement !== document.body) return
        const row = document.querySelector<HTMLElement>(`.pane > .messages-frame [data-message="${CSS.escape(root)}"]`)
        const link = row?.querySelector<HTMLElement>(".thread-link")
        ;(link ?? row)?.focus({ preventScroll: true })
      })
    }
  }, [root])
  return useCallback((element) => {
    panel.current = element
  }, [])
}
