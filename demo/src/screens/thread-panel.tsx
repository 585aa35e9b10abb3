import type { MessageId } from "@weft/sdk"
import { type ConversationView, useMessages, useThread } from "@weft/sdk/react"
import { type KeyboardEvent, type ReactNode, useEffect, useMemo, useRef } from "react"
import { Icon } from "../parts/icon.js"
import { Skeleton } from "../parts/skeleton.js"
import { goBack } from "../state/address.js"
import type { MessageActs } from "../state/message-acts.js"
import { useMessagePlace } from "../state/message-place.js"
import { useThreadReading } from "../state/reading.js"
import { t } from "../words/translate.js"
import { rowOf } from "../words/rows.js"
import { DraftComposer } from "./composer.js"
import { MessageRow } from "./message-row.js"

interface ThreadPanelProps {
  view: ConversationView
  root: MessageId
  acts: MessageActs
}

/** A message and what was answered below it: beside the conversation, on a phone over it. */
export function ThreadPanel({ view, root, acts }: ThreadPanelProps): ReactNode {
  const { conversation, members, mayWrite } = view
  const place = useMessagePlace(view)
  const { state, items } = useThread(conversation, root)
  const first = useMessages(conversation).items.find(({ id }) => id === root)
  const messages = useMemo(() => (first === undefined ? items : [first, ...items]), [first, items])
  useThreadReading(conversation, root)
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    box.current?.scrollTo(0, box.current.scrollHeight)
  }, [messages.length])
  const close = (): void => {
    goBack({ conversation: conversation.id })
  }
  const press = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && !event.defaultPrevented) close()
  }
  return (
    // Escape anywhere in it closes it; its button does the same
    <aside className="thread-panel" aria-label={t("thread")} onKeyDown={press}>
      <header className="bar">
        <h2>{t("thread")}</h2>
        <button type="button" className="icon-button" aria-label={t("closeThread")} onClick={close}>
          <Icon name="close" />
        </button>
      </header>
      <div className="messages-frame">
        <div ref={box} className="messages" role="log" aria-label={t("threadMessages")} tabIndex={0}>
          <div className="messages-content">
            {state === "loading" && items.length === 0 && <Skeleton kind="messages" />}
            {messages.map((message, index) => {
              const { startsGroup, endsGroup } = rowOf(messages, index)
              return (
                <MessageRow
                  key={message.id}
                  message={message}
                  place={place}
                  acts={acts}
                  startsGroup={startsGroup}
                  startsDay={false}
                  endsGroup={endsGroup}
                  isGroup={members.length > 2}
                  isInThread
                />
              )
            })}
          </div>
        </div>
      </div>
      {mayWrite && <DraftComposer view={view} thread={root} end={() => undefined} />}
    </aside>
  )
}
