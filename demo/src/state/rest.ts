import type { Conversation } from "@weft/sdk"
import { useEffect } from "react"

/**
 * Lets go of older messages that were scrolled through, once the page is hidden at the newest ones: a page that stays open for
 * days holds no more than one that was opened just now.
 */
export function useRest(conversation: Conversation, isAtBottom: boolean): void {
  useEffect(() => {
    if (!isAtBottom) return
    const rest = (): void => {
      if (document.visibilityState !== "hidden") return
      conversation.releaseOlder().catch(() => undefined) // storage trouble shows in the status
    }
    document.addEventListener("visibilitychange", rest)
    return () => {
      document.removeEventListener("visibilitychange", rest)
    }
  }, [conversation, isAtBottom])
}
