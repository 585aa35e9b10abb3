import type { Conversation, GivenMention, MessageId } from "@weft/sdk"
import { useDraft } from "@weft/sdk/react"

/** A text that is being written, and who was named in it. */
export interface Composed {
  readonly text: string
  readonly mentions: readonly GivenMention[]
}

/** What was kept of one; undefined where it is none. */
export function readComposed(kept: unknown): Composed | undefined {
  if (typeof kept !== "object" || kept === null || !("text" in kept) || !("mentions" in kept)) return undefined
  const { text, mentions } = kept
  if (typeof text !== "string" || !Array.isArray(mentions)) return undefined
  return { text, mentions: mentions.filter((mention) => isMention(mention, text)) }
}

function isMention(value: unknown, text: string): value is GivenMention {
  if (typeof value !== "object" || value === null) return false
  if (!("start" in value) || !("length" in value) || !("user" in value)) return false
  const { start, length, user } = value
  const isRange = typeof start === "number" && typeof length === "number" && start >= 0 && start + length <= text.length
  return isRange && (user === null || typeof user === "string")
}

/**
 * The draft of a conversation or a thread, with those who are named in it, which all of the user's devices share.
 */
export function useComposed(
  conversation: Conversation,
  thread: MessageId | undefined,
): readonly [Composed, (next: Composed) => void] {
  const [text, setText, mentions] = useDraft(conversation, thread)
  const set = ({ text: next, mentions: named }: Composed): void => {
    setText(next, { mentions: named })
  }
  return [{ text, mentions }, set]
}

/** Of what belongs to a conversation, or to a thread in it, as one user of this tab sees it. */
export function placeKey(kind: string, user: string, { id }: Conversation, thread: MessageId | undefined): string {
  return [kind, user, id, ...(thread === undefined ? [] : [thread])].join("/")
}
