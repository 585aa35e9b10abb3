import type { Conversation, GivenMention, MessageId } from "@weft/sdk"
import { useClient, useDraft } from "@weft/sdk/react"
import { carryMentions } from "../words/mentions.js"
import { useKeptState } from "./kept-state.js"

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

const empty: Composed = { text: "", mentions: [] }
const readOrEmpty = (kept: unknown): Composed => readComposed(kept) ?? empty

/**
 * The draft of a conversation or a thread, which all of the user's devices share, with the mentions that were picked in it
 * in this tab: they follow what is typed elsewhere. Undefined ends them; the draft ends by being sent.
 */
export function useComposed(
  conversation: Conversation,
  thread: MessageId | undefined,
): readonly [Composed, (next: Composed | undefined) => void] {
  const { user } = useClient()
  const [text, setText] = useDraft(conversation, thread)
  const [kept, setKept] = useKeptState(placeKey("mentions", user, conversation, thread), readOrEmpty)
  const set = (next: Composed | undefined): void => {
    if (next !== undefined) setText(next.text)
    setKept(next?.mentions.length === 0 ? undefined : next)
  }
  return [{ text, mentions: carryMentions(kept.mentions, kept.text, text) }, set]
}

/** Of what belongs to a conversation, or to a thread in it, as one user of this tab sees it. */
export function placeKey(kind: string, user: string, { id }: Conversation, thread: MessageId | undefined): string {
  return [kind, user, id, ...(thread === undefined ? [] : [thread])].join("/")
}
