import type { Conversation } from "@weft/sdk"
import { useTyping } from "@weft/sdk/react"
import type { ReactNode } from "react"
import { showTyping } from "../words/presence.js"

/** Who types now. Its line is always there, so that nothing moves when somebody begins. */
export function TypingLine({ conversation }: { conversation: Conversation }): ReactNode {
  const [users] = useTyping(conversation)
  return (
    <p className="typing-line" role="status">
      {users.length > 0 && (
        <>
          <span className="typing-dots" aria-hidden="true">
            <span />
            <span />
            <span />
          </span>
          <bdi>{showTyping(users)}</bdi>
        </>
      )}
    </p>
  )
}
