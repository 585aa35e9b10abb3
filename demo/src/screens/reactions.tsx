import type { Message } from "@weft/sdk"
import type { ReactNode } from "react"
import { Icon } from "../parts/icon.js"
import type { MessageActs } from "../state/message-acts.js"
import { listNames } from "../words/names.js"
import { showNumber, t } from "../words/translate.js"

/** Who reacted is named up to here. */
const MOST_NAMES = 8

interface ReactionsProps {
  message: Message
  acts: MessageActs
  mayReact: boolean
}

/** Who reacts with what; a press adds or takes back one's own, and the last button says who. */
export function Reactions({ message, acts, mayReact }: ReactionsProps): ReactNode {
  return (
    <div className="reactions" role="group" aria-label={t("reactions")}>
      {message.reactions.map((reaction) => (
        <button
          key={reaction.emoji}
          type="button"
          className="reaction"
          aria-pressed={reaction.own}
          title={listNames(reaction.users, MOST_NAMES)}
          disabled={!mayReact}
          onClick={() => {
            acts.toggleReaction(message, reaction.emoji)
          }}
        >
          <span>{reaction.emoji}</span>
          <span>{showNumber(reaction.users.length)}</span>
          <span className="unseen">: {listNames(reaction.users, MOST_NAMES)}</span>
        </button>
      ))}
      <button
        type="button"
        className="reaction"
        aria-label={t("whoReacted")}
        title={t("whoReacted")}
        onClick={() => {
          acts.reactors(message)
        }}
      >
        <Icon name="people" size={16} />
      </button>
    </div>
  )
}
